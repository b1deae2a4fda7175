"""One action on many: what exactly will be done to how many, how far it is, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar, Literal

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure

Progress = Callable[[int, int], None]
BulkWork = Callable[[Progress, asyncio.Event], Awaitable[Content]]
"""Does it, says how many of how many are dealt with, ends early once the event is set; returns what became of it."""

BAR = 40
"""Cells of the bar."""
WORKS_IN: dict[str, str] = {"do": "asking", "back": "asking", "stop": "running"}
"""In which state a key works."""


class BulkDialog(BaseDialog[bool]):
    """Asks, does it, and answers; True when it was begun, so that what is shown is read again.

    `title` names the action with the exact number, `says` is the small print, `number` how many there are; `remains`
    says what can be done with what was done before a failure.
    """

    PLACES = ("bulk",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("bulk")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = ""

    panel = getters.query_one(".dialog", Vertical)
    answer = getters.query_one("#says", Static)
    progress = getters.query_one("#progress", Static)

    def __init__(
        self,
        title: Content,
        number: int,
        work: BulkWork,
        *,
        says: Content | None = None,
        remains: str = "u takes back what was done.",
    ) -> None:
        super().__init__(classes="sheet")
        self.state: Literal["asking", "running", "over"] = "asking"
        self._title = title
        self._number = number
        self._work = work
        self._says = says or Content("")
        self._remains = remains
        self._stop = asyncio.Event()
        self._done = 0

    def compose(self) -> ComposeResult:
        """The question; below it how far it is."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(self._title, "?")
            yield Static(self._says, id="says")
            yield Static(id="progress")
        yield KeyBar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now has a key."""
        return WORKS_IN.get(action, self.state) == self.state

    def on_key(self, event: Key) -> None:
        """Any key closes what is over; none of them reaches the screen below but the one that takes it all back."""
        if self.state == "over":
            event.stop()
            below = self.app.screen_stack[-2]
            pressed = below.active_bindings.get(event.key)
            self.dismiss(True)
            if pressed is not None and pressed.binding.action == "undo":
                below.call_after_refresh(below.run_action, "undo")

    def action_do(self) -> None:
        """Does it."""
        self._turn("running")
        self._progressed(0, self._number)
        self.write(self._run, name="bulk")

    def action_stop(self) -> None:
        """Lets what is under way end, and begins nothing more."""
        self._stop.set()
        self._progressed(self._done, self._number)

    async def _run(self) -> None:
        became = await self._work(self._progressed, self._stop)
        self._end(became)

    def _progressed(self, done: int, total: int) -> None:
        self._done, self._number = done, total
        full, empty = text.bar(done, total, BAR)
        ending = ("   stopping", "$warning") if self._stop.is_set() else ""
        self.progress.update(Content.assemble((full, "$accent"), (empty, "$rule"), f"  {done:,} of {total:,}", ending))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers here: what was done before it failed is done, and can be taken back."""
        answer = self.app.answer(error)
        before = f" {self._done:,} of {self._number:,} were dealt with before; {self._remains}" if self._done else ""
        self.panel.add_class("-failed")
        self._end(Content.assemble(failure(answer, gap=" "), (before, "bold")))

    def _end(self, became: Content) -> None:
        if self.is_mounted:
            self.answer.update(Content.assemble(became, ("   any key closes", "$faint")))
            self._turn("over")

    def _turn(self, state: Literal["asking", "running", "over"]) -> None:
        self.state = state
        self.panel.border_title = self._title
        self.set_class(state == "running", "-running")
        self.refresh_bindings()
