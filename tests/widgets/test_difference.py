"""The difference between two texts shows what is gone and what has come, with line numbers and without what is far."""

from __future__ import annotations

from textual.app import App, ComposeResult

from screens.waiting import until
from traintui.widgets.difference import DifferenceView, Pair, Side, compared

OLD = "\n".join(["Write as a member.", *(f"Rule {n}." for n in range(1, 21)), "Answer in French."])
NEW = OLD.replace("in French", "in plain English") + "\nNo emoji."


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield DifferenceView()

    def show(self) -> DifferenceView:
        view = self.query_one(DifferenceView)
        view.compare(("version 1", "version 2"), [("System", compared(OLD, NEW)), ("User", compared("a", "a"))], key=1)
        return view


def test_equal_texts_have_no_difference() -> None:
    assert compared(OLD, OLD) == ()


def test_a_changed_line_is_marked_word_by_word_and_what_is_far_is_left_out() -> None:
    skipped, *same, changed, added = compared(OLD, NEW)
    assert skipped.old is not None and skipped.old.kind == "skipped"
    assert [pair.old.line for pair in same if pair.old] == ["Rule 18.", "Rule 19.", "Rule 20."]
    assert changed.old is not None and changed.new is not None
    assert [changed.old.line[a:b] for a, b in changed.old.marked] == ["French"]
    assert "".join(changed.new.line[a:b] for a, b in changed.new.marked) == "plain English"
    assert added == Pair(None, Side("added", 23, "No emoji."))


def test_lines_that_have_little_in_common_are_marked_whole() -> None:
    (pair,) = compared("Be brief and kind.", "Ω")
    assert pair == Pair(Side("removed", 1, "Be brief and kind."), Side("added", 1, "Ω"))


async def test_versions_stand_side_by_side_where_there_is_room() -> None:
    app = Shown()
    async with app.run_test(size=(140, 30)) as pilot:
        view = app.show()
        await until(pilot, lambda: "version 1" in view.plain)
        line = next(line for line in view.plain.splitlines() if "French" in line)
        assert "- Answer in French." in line and "│" in line and "+ Answer in plain English." in line
        assert "the same" in view.plain


async def test_versions_stand_below_each_other_where_there_is_little() -> None:
    app = Shown()
    async with app.run_test(size=(60, 30)) as pilot:
        view = app.show()
        await until(pilot, lambda: "version 1" in view.plain)
        old, new, more = (
            next(n for n, line in enumerate(view.plain.splitlines()) if words in line)
            for words in ("- Answer in French.", "+ Answer in plain English.", "+ No emoji.")
        )
        assert old + 1 == new and new + 1 == more
        assert all(len(line) <= 60 for line in view.plain.splitlines())


async def test_markup_in_a_text_is_only_text() -> None:
    app = Shown()
    async with app.run_test(size=(60, 30)) as pilot:
        view = app.query_one(DifferenceView)
        view.compare(("a", "b"), [("System", compared("", "[red]x[/red] \x1b[31m"))], key=2)
        await until(pilot, lambda: "[red]x[/red]" in view.plain)
        assert "\x1b" not in view.plain
