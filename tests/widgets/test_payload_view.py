"""A payload is folded line by line, and what is looked for in it is found where it is folded away too."""

from __future__ import annotations

from textual import on
from textual.app import App, ComposeResult
from textual.content import Content

from traintui.widgets.json_lines import json_lines, ready
from traintui.widgets.payload_view import PayloadView
from traintui.widgets.sought import typed

PAYLOAD = {
    "system": "Be kind.\nBe brief.",
    "messages": [{"role": "user", "content": f"Question {number} about fees"} for number in range(30)],
    "usage": {"input": 3, "cached": {"read": 1, "written": 0}},
}


class Payloads(App[None]):
    """A view with a payload, and what it said of a search."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[int, int]] = []

    def compose(self) -> ComposeResult:
        """The view alone."""
        yield PayloadView()

    def on_mount(self) -> None:
        """Two levels are shown."""
        lines = [*ready([Content("Model  m")]), *json_lines(PAYLOAD)]
        self.query_one(PayloadView).show_parts(lines, depth=2, key=1)
        self.query_one(PayloadView).focus()

    @on(PayloadView.Searched)
    def _searched(self, event: PayloadView.Searched) -> None:
        self.said.append((event.place, event.total))


async def test_a_line_folds_what_begins_there_or_what_it_is_in() -> None:
    app = Payloads()
    async with app.run_test(size=(60, 20)) as pilot:
        view = app.query_one(PayloadView)
        assert '"messages": [' in view.plain and "{ 2 keys }," in view.plain and "Question" not in view.plain
        await pilot.press("j", "j", "space")
        assert '"system": "Be kind.\\n … 1 more line' in view.plain and "Be brief" not in view.plain
        await pilot.press("enter", "j")
        assert "Be brief" in view.plain
        await pilot.press("space")  # a line of the text folds all of it
        assert "Be brief" not in view.plain
        await pilot.press("j", "space")
        assert '"messages": [ 30 items ],' in view.plain
        await pilot.press("z")
        assert view.plain.count("about fees") == 30 and "Be brief" in view.plain
        await pilot.press("z")
        assert len(view.plain.splitlines()) == 6
        view.fold_to(2)
        assert '"cached": { 2 keys }' in view.plain


async def test_what_is_looked_for_is_counted_and_unfolded_where_one_goes() -> None:
    app = Payloads()
    async with app.run_test(size=(60, 20)) as pilot:
        view = app.query_one(PayloadView)
        view.seek(typed("ABOUT   fees"))
        await pilot.pause()
        assert app.said[-1] == (1, 30) and "Question 0 about fees" in view.plain and "Question 1 " not in view.plain
        await pilot.press("n")
        assert app.said[-1] == (2, 30) and "Question 1 " in view.plain
        await pilot.press("N", "N")
        assert app.said[-1] == (30, 30)
        assert "Question 29 about fees" in "\n".join(view.render_line(line).text for line in range(view.size.height))
        view.seek(typed("nowhere"))
        await pilot.pause()
        assert app.said[-1] == (0, 0)
        await pilot.press("n")
        view.seek(None)
        await pilot.pause()
        assert app.said[-1] == (0, 0)


async def test_another_width_keeps_the_line_under_the_cursor() -> None:
    app = Payloads()
    async with app.run_test(size=(120, 20)) as pilot:
        view = app.query_one(PayloadView)
        await pilot.press("z", "G")
        wide = view.virtual_size.height
        await pilot.resize_terminal(24, 20)
        await pilot.pause()
        assert view.virtual_size.height > wide
        assert all(len(view.render_line(line).text) == view.size.width for line in range(view.size.height))
