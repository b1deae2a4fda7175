"""One action on many: what exactly it will do to how many, how far it is, and what became of it."""

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

Look = Callable[[Progress], Awaitable[tuple[int, Content, Content]]]
"""Counts beforehand, and says how many are looked at; returns how many it will change, what is left alone, and some,
one a line."""
Asks = Callable[[str, Callable[[], None]], None]
"""Asks something more about so many conversations, and calls what it is given once that is answered."""
State = Literal["looking", "asking", "running", "over"]

CLOSES = ("   enter closes, any other key goes on", "$faint")
READ = ("enter", "escape", "space", "y", "n", "q")
"""Keys with which one closes what was read: below they would do something else."""
BAR = 40
"""Cells of the bar."""
WORKS_IN: dict[str, frozenset[State]] = {
    "do": frozenset({"asking"}), "back": frozenset({"looking", "asking"}), "stop": frozenset({"running"}),
}  # fmt: skip
"""In which states a key works."""


class BulkDialog(BaseDialog[bool]):
    """Asks, does it, and answers; True when it was begun, so that what is shown is read again.

    `verb` names the action; `number` is how many it is about, of which `look` finds out how many it will change:
    nothing is done before that is said. `says` is the small print, `remains` what can be done after a failure, `asks`
    what is asked once the number is confirmed.
    """

    PLACES = ("bulk",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("bulk")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = ""

    panel = getters.query_one(".dialog", Vertical)
    answer = getters.query_one("#says", Static)
    left = getters.query_one("#left", Static)
    examples = getters.query_one("#examples", Static)
    progress = getters.query_one("#progress", Static)

    def __init__(
        self,
        verb: Content,
        number: int,
        work: BulkWork,
        *,
        look: Look | None = None,
        says: Content | None = None,
        remains: str = "u takes back what was done.",
        asks: Asks | None = None,
    ) -> None:
        super().__init__(classes="sheet")
        self.state: State = "asking" if look is None else "looking"
        self._verb = verb
        self._asked = self._number = number
        self._work = work
        self._look_ahead = look
        self._says = says or Content("")
        self._remains = remains
        self._asks = asks
        self._stop = asyncio.Event()
        self._done = 0
        self._total = number
        self._begun = False

    def compose(self) -> ComposeResult:
        """The question; below it how far it is."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(self._title, "?")
            yield Static(self._says, id="says")
            yield Static(id="left")
            yield Static(id="examples")
            yield Static(id="progress")
        yield KeyBar()

    def on_mount(self) -> None:
        """Looks at what it is about."""
        self.turned(self.state)
        if self._look_ahead is not None:
            self.left.update(Content.styled("Counting", "$muted"))
            self.read(self._look, name="look")

    @property
    def _title(self) -> Content:
        """The action with the exact number."""
        of_all = "" if self._number == self._asked else f"{self._number:,} of "
        return Content.assemble(self._verb, f": {of_all}{text.plural(self._asked, 'conversation')}")

    async def _look(self) -> None:
        assert self._look_ahead is not None  # noqa: S101 - begun only where there is something to look at
        self._number, left, examples = await self._look_ahead(self._looked)
        if not self.is_mounted or self.state != "looking":
            return
        self.left.update(left)
        self.left.display = bool(left)
        self.examples.update(examples)
        self._turn("asking" if self._number else "over")
        if not self._number:
            self.answer.update(Content.assemble("Nothing to do.", CLOSES))

    def _looked(self, done: int, total: int) -> None:
        self.left.update(Content.styled(f"Counting: {done:,} of {total:,}", "$muted"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now has a key."""
        return self.state in WORKS_IN.get(action, {self.state})

    def on_key(self, event: Key) -> None:
        """Any key closes what is over, and acts on the screen below; those that say that it was read only close."""
        if self.state == "over":
            event.stop()
            self.dismiss(self._begun)
            if event.key not in READ:
                self.app.press_again(event)

    def action_do(self) -> None:
        """Does it, after what is to be asked about it."""
        if self._asks is None:
            self._begin()
        else:
            self._asks(f"{text.plural(self._number, 'conversation')}", self._begin)

    def _begin(self) -> None:
        self._begun = True
        self._turn("running")
        self._progressed(0, self._number)
        self.write(self._run, name="bulk")

    def action_stop(self) -> None:
        """Lets what is under way end, and begins nothing more."""
        self._stop.set()
        self._progressed(self._done, self._total)

    async def _run(self) -> None:
        became = await self._work(self._progressed, self._stop)
        self._end(became)

    def _progressed(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        full, empty = text.bar(done, total, BAR)
        ending = ("   stopping", "$warning") if self._stop.is_set() else ""
        self.progress.update(Content.assemble((full, "$accent"), (empty, "$rule"), f"  {done:,} of {total:,}", ending))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers here: what was done before it failed is done, and can be taken back."""
        answer = self.app.answer(error)
        before = f" {self._done:,} of {self._total:,} were dealt with before; {self._remains}" if self._done else ""
        self.panel.add_class("-failed")
        self._end(Content.assemble(failure(answer, gap=" "), (before, "bold")))

    def _end(self, became: Content) -> None:
        if self.is_mounted:
            self.answer.update(Content.assemble(became, CLOSES))
            self._turn("over")

    def _turn(self, state: State) -> None:
        self.state = state
        self.panel.border_title = Content.assemble(self._title, "?" if state == "asking" else "")
        if self._begun:
            self.left.display = self.examples.display = False
        self.set_class(state == "running", "-running")
        self.turned(state)
        self.refresh_bindings()

    def turned(self, state: State) -> None:
        """Has another state now."""
