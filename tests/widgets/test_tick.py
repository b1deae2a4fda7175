"""A box that is not ticked is blank, alone and in a list."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets.selection_list import Selection

from traintui.widgets import themes
from traintui.widgets.tick import Tick, Ticks


class TickApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.register_theme(themes.DARK)
        self.theme = themes.DARK.name

    def compose(self) -> ComposeResult:
        yield Tick("off", False, compact=True, id="off")
        yield Tick("on", True, compact=True, id="on")
        yield Ticks[str](Selection("one", "one", True), Selection("two", "two"), compact=True)


async def test_a_box_has_a_sign_only_when_it_is_ticked() -> None:
    app = TickApp()
    async with app.run_test(size=(40, 10)) as pilot:
        off, on, ticks = app.query_one("#off", Tick), app.query_one("#on", Tick), app.query_one(Ticks)
        await pilot.pause()
        assert ("✓" in off.render_line(0).text, "✓" in on.render_line(0).text) == (False, True)
        assert ["✓" in ticks.render_line(y).text for y in (0, 1)] == [True, False]
        assert "X" not in ticks.render_line(1).text
        off.toggle()
        ticks.toggle("two")
        await pilot.pause()
        assert "✓" in off.render_line(0).text and "✓" in ticks.render_line(1).text
