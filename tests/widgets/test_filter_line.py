"""The filter answers each key: what can follow, what was applied before, and what is wrong."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.widgets import Button

from traintui.data.records import VocabularyValue
from traintui.history import MOST, History, history_path
from traintui.widgets import themes
from traintui.widgets.filter_field import Offer
from traintui.widgets.filter_line import FilterLine

OFFER = Offer(
    facets={"persona": {"busy_parent": 1_204, "anxious_planner": 12}},
    labels={("persona", "busy_parent"): VocabularyValue("persona", "busy_parent", "Parents", "[b]No[/b] time.")},
)


class FilterApp(App[None]):
    def __init__(self, history: History | None = None) -> None:
        super().__init__()
        self.register_theme(themes.DARK)
        self.theme = themes.DARK.name
        self._history = history
        self.said: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        yield FilterLine("a filter", self._history)
        yield Button("below")

    def on_mount(self) -> None:
        self.line.learn(OFFER)
        self.line.field.focus()

    @property
    def line(self) -> FilterLine:
        return self.query_one(FilterLine)

    @property
    def list_lines(self) -> list[str]:
        offers = self.line.offers
        return [offers.render_line(y).text.strip("▌ ") for y in range(offers.size.height)] if offers.is_open else []

    @on(FilterLine.Changed)
    @on(FilterLine.Applied)
    @on(FilterLine.Left)
    def heard(self, event: FilterLine.Changed | FilterLine.Applied | FilterLine.Left) -> None:
        self.said.append((type(event).__name__, event.text))


async def test_every_edit_is_told_once_and_what_the_screen_sets_is_not() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "b", "backspace")
        assert app.said == [("Changed", "a"), ("Changed", "ab"), ("Changed", "a")]
        app.line.applied("status:failed")
        await pilot.pause()
        assert app.line.field.value == "status:failed" and len(app.said) == 3
        await pilot.press("x")
        assert app.said[3:] == [("Changed", "status:failedx")]


async def test_the_answer_to_enter_takes_back_nothing_that_was_typed_since() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", "enter", "b")
        app.line.applied("a")
        await pilot.pause()
        assert app.line.field.value == "ab" and app.said[-1] == ("Changed", "ab")
        await pilot.press("escape")
        assert app.line.field.value == "a"


async def test_tab_takes_the_first_and_the_list_goes_on_to_values_with_their_counts() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("p", "tab")
        await pilot.pause()
        assert app.line.field.value == "persona:"
        first = app.list_lines[0]
        assert first.startswith("busy_parent") and "Parents  [b]No[/b] time." in first and first.endswith("1,204")
        await pilot.press("tab")
        await pilot.pause()
        assert app.line.field.value == "persona:busy_parent" and not app.line.offers.is_open
        assert ("Changed", "persona:busy_parent") in app.said
        await pilot.press("enter")
        assert app.said[-1] == ("Applied", "persona:busy_parent")


async def test_enter_applies_what_is_typed_unless_a_candidate_is_highlighted() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"in")
        assert app.line.offers.is_open
        await pilot.press("enter")
        assert app.said[-1] == ("Applied", "in") and not app.line.offers.is_open
        app.line.field.value = ""
        await pilot.press(*"in", "down", "enter")
        assert app.line.field.value == "intent:"
        assert app.said[-1] == ("Changed", "intent:")


async def test_escape_closes_the_list_first_and_leaves_next_with_what_was_applied() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.line.applied("score>7")
        await pilot.press("space", "p")
        assert app.line.offers.is_open
        await pilot.press("escape")
        assert not app.line.offers.is_open and app.said[-1] == ("Changed", "score>7 p")
        await pilot.press("escape")
        assert app.said[-1] == ("Left", "score>7") and app.line.field.value == "score>7"


async def test_a_filter_of_the_history_is_no_name_that_is_half_typed() -> None:
    history = History()
    history.add("status:failed")
    app = FilterApp(history)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"sco")
        assert app.line.field.is_naming
        await pilot.press("up")
        assert app.line.field.value == "status:failed" and not app.line.field.is_naming


async def test_up_and_down_move_in_the_list_and_above_it_through_the_history() -> None:
    history = History()
    for text in ("status:failed", "score<4"):
        history.add(text)
    app = FilterApp(history)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"mo", "down")
        assert app.line.offers.highlighted == 0
        await pilot.press("up")
        assert app.line.offers.highlighted is None and app.line.field.value == "mo"
        await pilot.press("up", "up", "up")
        assert app.line.field.value == "status:failed" and not app.line.offers.is_open
        assert app.said[-1] == ("Changed", "status:failed")
        await pilot.press("down")
        assert app.line.field.value == "score<4"
        await pilot.press("down")
        assert app.line.field.value == "mo"


async def test_new_counts_reach_an_open_list_and_the_highlight_stays_on_its_value() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"persona:", "down", "down")
        assert app.list_lines[1].startswith("anxious_planner")
        app.line.learn(Offer(facets={"persona": {"busy_parent": 1, "anxious_planner": 9}}))
        await pilot.pause()
        assert app.list_lines[0].startswith("anxious_planner") and app.line.offers.highlighted == 0


async def test_a_list_that_is_longer_than_the_view_is_walked_to_its_end_and_clicked() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert app.list_lines[0].startswith("status:") and "more" in app.list_lines[-1]
        await pilot.press("up", *["down"] * 13)
        assert any(line.endswith("when it was planned or imported") for line in app.list_lines)
        await pilot.click(app.line.offers, offset=(2, 0))
        await pilot.pause()
        assert app.line.field.value and app.line.field.has_focus


async def test_tab_in_a_finished_filter_goes_on_to_the_next_widget() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"roth", "tab")
        assert app.query_one(Button).has_focus and not app.line.offers.is_open


async def test_a_mistake_at_the_end_is_said_calmly_until_enter_and_moves_nothing() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"score>x")
        below = app.query_one(Button).region.y
        app.line.fail('"x" is not a number.', "Write a number.", 0, 7, typing=True)
        await pilot.pause()
        said = str(app.line.mistake.content)
        assert said.splitlines()[0] == "   ^^^^^^^" and "·" in said and "!" not in said
        assert app.query_one(Button).region.y == below and app.line.mistake.display
        app.line.fail('"x" is not a number.', "Write a number.", 0, 7)
        await pilot.pause()
        assert "! " in str(app.line.mistake.content) and app.query_one(Button).region.y == below + 2
        app.line.understood()
        await pilot.pause()
        assert app.query_one(Button).region.y == below


async def test_the_place_of_a_mistake_is_found_after_wide_characters() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"日本 a:b")
        app.line.fail("there is no field.", "Use another.", 3, 6)
        assert str(app.line.mistake.content).splitlines()[0] == " " * (3 + 5) + "^^^"


async def test_a_mistake_further_back_is_one_at_once_and_an_open_list_stands_before_it() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"scor:9 per")
        app.line.fail("there is no field.", "Did you mean score?", 0, 6, typing=True)
        await pilot.pause()
        assert "! there is no field" in str(app.line.mistake.content)
        assert app.line.offers.is_open and not app.line.mistake.display
        await pilot.press("escape")
        await pilot.pause()
        assert app.line.mistake.display


# What was applied before --------------------------------------------------------------------------------------------


def test_the_history_is_kept_newest_first_each_once_and_a_hundred_at_most(tmp_path: Path) -> None:
    path = tmp_path / "new" / "filters.txt"
    history = History(path)
    for number in range(MOST + 20):
        history.add(f"score>{number}")
    history.add("score>50")
    history.add("  ")
    again = History(path)
    assert again.filters == history.filters and len(again.filters) == MOST
    assert again.filters[:2] == ("score>50", f"score>{MOST + 19}") and again.filters.count("score>50") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and [one.name for one in path.parent.iterdir()] == [path.name]


def test_two_apps_keep_each_others_filters(tmp_path: Path) -> None:
    one, other = History(tmp_path / "filters.txt"), History(tmp_path / "filters.txt")
    assert one.filters == other.filters == ()
    one.add("status:failed")
    other.add('"roth ira"\nis:mine \ud800')
    assert History(tmp_path / "filters.txt").filters == ('"roth ira" is:mine ?', "status:failed")


def test_a_file_that_cannot_be_read_or_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe\nscore>1\n")
    (tmp_path / "directory").mkdir()
    assert History(tmp_path / "file").filters[0] == "score>1"
    for path in (tmp_path / "file" / "filters.txt", tmp_path / "directory"):
        history = History(path)
        history.add("score>2")
        history.add("score>3")
        assert history.filters == ("score>3", "score>2")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["directory", "file"]


def test_the_history_stands_beside_the_settings_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRAINTUI_CONFIG", str(tmp_path / "mine.toml"))
    assert history_path() == tmp_path / "filters.txt"
    monkeypatch.setenv("TRAINTUI_CONFIG", os.devnull)
    assert history_path() is None
