"""The vocabulary can be read by everybody and changed by authors; a merge says the number first and can be stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from screens.waiting import until
from support import add_vocabulary, imported
from traintui.app import TraintuiApp
from traintui.data import vocabulary
from traintui.data.engine import Database
from traintui.data.records import COLOURS
from traintui.screens.value_form import ValueForm, word_of
from traintui.screens.value_merge import MergeDialog
from traintui.screens.vocabulary import VocabularyDialog
from traintui.settings import Settings
from traintui.widgets import swatch


@pytest.fixture
async def words(db: Database) -> AsyncIterator[Database]:
    """A workspace with a vocabulary, three conversations of a busy parent."""
    await add_vocabulary(db)
    await imported(db, 3, persona="busy_parent")
    yield db


async def opened(pilot: Pilot[None], app: TraintuiApp) -> VocabularyDialog:
    await until(pilot, lambda: app.workspace is not None and app.labels)
    await pilot.press("V")
    await until(pilot, lambda: isinstance(app.screen, VocabularyDialog) and app.screen.table.has_focus)
    dialog = app.screen
    assert isinstance(dialog, VocabularyDialog)
    await until(pilot, lambda: dialog._uses is not None and (dialog.table.rows or dialog.notice.display))
    return dialog


def listed(dialog: VocabularyDialog) -> dict[str, int | None]:
    return {row.value.value: row.uses for row in dialog.table.rows}


async def merging(pilot: Pilot[None], app: TraintuiApp) -> MergeDialog:
    await pilot.press("j", "m")
    await until(pilot, lambda: isinstance(app.screen, MergeDialog) and app.screen.table.rows)
    dialog = app.screen
    assert isinstance(dialog, MergeDialog)
    await pilot.press("enter")
    await until(pilot, lambda: "3 conversations" in str(dialog.asked.content))
    return dialog


async def test_each_dimension_shows_its_values_and_how_many_have_them(app: TraintuiApp, words: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        assert listed(dialog) == {"anxious_planner": 0, "busy_parent": 3}
        assert [row.name for row in dialog.dimensions.rows] == [
            "persona", "emotion", "topic", "intent", "tone", "tier",
        ]  # fmt: skip
        await pilot.press("right")
        await until(pilot, lambda: listed(dialog) == {"worried": 0, "calm": 0})
        await pilot.press("left", "j")
        await until(pilot, lambda: "busy_parent" in str(dialog.about.content))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not dialog)


async def test_an_empty_vocabulary_says_what_to_do(app: TraintuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        assert dialog.notice.display and "No persona yet" in str(dialog.notice.content)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ValueForm))


async def test_a_label_and_a_colour_are_changed_and_shown_everywhere(app: TraintuiApp, words: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ValueForm))
        form = app.screen
        form.query_one("#label-text", Input).value = "Plans ahead"
        form.query_one("#colour-text", Input).value = "pink"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "no such colour" in str(form.query_one("#colour .answer", Static).content))
        form.query_one("#colour-text", Input).value = "teal"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is dialog)
        await until(pilot, lambda: app.labels["persona", "anxious_planner"].label == "Plans ahead")
        await until(pilot, lambda: dialog.table.rows[0].value.colour == "teal")


async def test_a_new_value_takes_its_word_from_the_label_and_is_under_the_cursor(
    app: TraintuiApp, words: Database
) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, ValueForm))
        form = app.screen
        word = form.query_one("#value-text", Input)
        form.query_one("#label-text", Input).value = "Busy parent"
        await until(pilot, lambda: word.value == "busy_parent")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "there already" in str(form.query_one("#value .answer", Static).content))
        form.query_one("#label-text", Input).value = "Works by night!"
        await until(pilot, lambda: word.value == "works_by_night")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: dialog.current is not None and dialog.current.value == "works_by_night")
        assert (await vocabulary.labels(words))["persona", "works_by_night"].label == "Works by night!"


async def test_a_value_goes_out_of_use_and_comes_back(app: TraintuiApp, words: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("t")
        await until(pilot, lambda: not dialog.table.rows[0].value.active)
        assert "new plans leave it out" in str(dialog.said.content)
        await pilot.press("t")
        await until(pilot, lambda: dialog.table.rows[0].value.active)


async def test_removing_says_what_has_the_value_and_what_to_do(app: TraintuiApp, words: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("j", "d")
        await until(pilot, lambda: "is used by 3 conversations" in str(dialog.said.content))
        assert "merge it into another" in str(dialog.said.content)


async def test_a_merge_says_the_number_moves_them_and_says_so(app: TraintuiApp, words: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        question = await merging(pilot, app)
        assert "busy_parent" not in str(question.table.rows)
        await pilot.press("y")
        await until(pilot, lambda: app.screen is dialog and "3 conversations moved" in str(dialog.said.content))
        await until(pilot, lambda: listed(dialog) == {"anxious_planner": 3, "busy_parent": 0})
        await until(pilot, lambda: dialog.table.rows[1].value.merged_into == "anxious_planner")


async def test_escape_before_the_key_that_merges_changes_nothing(app: TraintuiApp, words: Database) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        await merging(pilot, app)
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is dialog)
    assert await vocabulary.uses(words) == {("persona", "busy_parent"): 3}
    assert (await vocabulary.labels(words))["persona", "busy_parent"].active


async def test_a_stopped_merge_says_what_is_left_and_goes_on(
    app: TraintuiApp, words: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MERGED_AT_ONCE", 2)
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        question = await merging(pilot, app)
        moved = question._progressed

        def stop_at_once(number: int) -> None:
            moved(number)
            if number:
                question.action_back()

        monkeypatch.setattr(question, "_progressed", stop_at_once)
        await pilot.press("y")
        await until(pilot, lambda: "2 moved" in str(dialog.said.content) and "1 not yet" in str(dialog.said.content))
        assert app.screen is dialog
        await until(pilot, lambda: listed(dialog) == {"anxious_planner": 2, "busy_parent": 1})
        await until(pilot, lambda: dialog.current is not None and dialog.current.merged_into == "anxious_planner")
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, MergeDialog) and app.screen._number == 1)
        await pilot.press("y")
        await until(pilot, lambda: app.screen is dialog and listed(dialog)["anxious_planner"] == 3)


async def test_a_reviewer_reads_it_and_is_told_who_changes_it(
    words: Database, reviewer_db: Database, tmp_path: Path
) -> None:
    app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        assert "your role is reviewer" in str(dialog.said.content)
        await pilot.press("t", "e", "n", "m", "enter")
        assert app.screen is dialog
    assert (await vocabulary.labels(words))["persona", "anxious_planner"].active


async def test_a_label_that_looks_like_markup_is_only_text(app: TraintuiApp, words: Database) -> None:
    await vocabulary.change(words, "persona", "busy_parent", label="[/red] \x1b[31m", description="[@click=app.quit]x")
    async with app.run_test(size=(120, 30)) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("j")
        await until(pilot, lambda: "[/red]" in str(dialog.about.content))
        assert "\x1b" not in str(dialog.about.content) and "[@click=app.quit]x" in str(dialog.about.content)


@pytest.mark.parametrize(
    ("label", "word"), [("Busy parent", "busy_parent"), ("  É, 2nd! ", "2nd"), ("---", ""), ("x" * 99, "x" * 63)]
)
def test_a_word_is_made_of_a_label(label: str, word: str) -> None:
    assert word_of(label) == word


def test_both_themes_have_every_colour() -> None:
    assert set(swatch.DARK) == set(swatch.LIGHT) == {f"value-{name}" for name in COLOURS}
