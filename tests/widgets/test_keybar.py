"""The line of keys shows whole keys, help at its end, and a click presses one."""

from __future__ import annotations

import pytest
from textual import getters
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from traintui.widgets.keybar import KeyBar


class Asking(Screen[None]):
    """A screen with some keys, of which one rests."""

    BINDINGS = [  # noqa: RUF012
        Binding("a", "approve", "Approve", id="some.approve"),
        Binding("x", "reject", "Reject", id="some.reject"),
        Binding("m", "metadata", "Metadata", id="some.metadata"),
        Binding("h", "hidden", "Hidden", show=False),
    ]
    bar = getters.query_one(KeyBar)

    def __init__(self) -> None:
        super().__init__()
        self.pressed: list[str] = []

    def compose(self) -> ComposeResult:
        yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "reject" else True

    def action_approve(self) -> None:
        self.pressed.append("approve")

    def action_reject(self) -> None:
        self.pressed.append("reject")


class Shown(App[None]):
    """An app whose help has a key too."""

    BINDINGS = [Binding("question_mark", "help", "Help", id="app.help", key_display="?")]  # noqa: RUF012

    def on_mount(self) -> None:
        self.push_screen(Asking())


def line(app: Shown) -> str:
    assert isinstance(app.screen, Asking)
    return app.screen.bar.render().plain


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (60, f"{'a Approve  x Reject  m Metadata':<52}? Help"),
        (30, "a Approve  x Reject   ? Help"),
        (12, "    ? Help"),
    ],
)
async def test_whole_keys_stand_in_order_and_help_at_the_end(columns: int, shown: str) -> None:
    app = Shown()
    async with app.run_test(size=(columns, 10)) as pilot:
        await pilot.pause()
        assert line(app).rstrip() == shown


async def test_a_click_presses_the_key_and_not_one_that_rests() -> None:
    app = Shown()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, Asking)
        await pilot.click(KeyBar, offset=(3, 0))
        await pilot.click(KeyBar, offset=(14, 0))
        await pilot.click(KeyBar, offset=(40, 0))
        await pilot.pause()
        assert screen.pressed == ["approve"]
        await pilot.hover(KeyBar, offset=(3, 0))
        styles = [span.style for span in screen.bar.render().spans]
        assert any("hover" in str(style) for style in styles)
