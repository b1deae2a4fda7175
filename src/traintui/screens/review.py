"""Review: one conversation fills the screen, one key decides, the next one is there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import ScreenResume
from textual.widgets import Static

from traintui import clock, commands, text
from traintui.data.records import Conversation, ReviewEntry
from traintui.errors import TraintuiError
from traintui.screens.base import BaseScreen
from traintui.screens.note import NoteDialog
from traintui.screens.reasons import ReasonsDialog, Rejection
from traintui.screens.review_queue import ReviewQueue
from traintui.widgets import marks
from traintui.widgets.facts import FactsPanel, facts
from traintui.widgets.notice import Notice
from traintui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from traintui.data.reviews import Action

AHEAD = 2
"""How many conversations are read before they are needed."""
FRESH = 15.0
"""Seconds for which one that was read ahead is not read again when its turn comes."""
POLL = 2.0
"""Seconds between two looks at what waits."""


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """A conversation as it was `at` a tick of the clock."""

    conversation: Conversation
    at: float


@dataclass(frozen=True, slots=True)
class Decision:
    """One press: everything that goes along, with the key that makes it one decision however often it is sent."""

    conversation: Conversation
    action: Action
    key: str
    reason: str | None
    note: str | None
    turn: int | None
    milliseconds: int


class ReviewScreen(BaseScreen):
    """What waits for a decision, lowest score first."""

    PLACES = ("review", "transcript")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("review")
    CSS_PATH = "review.tcss"

    transcript = getters.query_one(Transcript)
    panel = getters.query_one(FactsPanel)
    notice = getters.query_one(Notice)

    def __init__(self) -> None:
        super().__init__()
        self.queue = ReviewQueue()
        self.shown: Conversation | None = None
        self._painted_at: float | None = None
        self._cache: dict[str, ReadAhead] = {}
        self._note = ""
        self._counts: dict[str, int] = {}
        self._order = asyncio.Lock()

    def compose_body(self) -> ComposeResult:
        """Position, transcript with what is known beside it, and what was done last."""
        yield Static(id="position")
        with Horizontal(id="reading"):
            yield Transcript()
            yield FactsPanel()
        yield Notice("loading", "Opening the workspace")
        yield Static(id="done")

    def on_mount(self) -> None:
        """Nothing is there before the workspace is."""
        self._say_nothing("loading", "Opening the workspace")
        self.set_interval(POLL, self._poll)
        self.watch(self.app, "labels", self._describe, init=False)

    def on_workspace_ready(self) -> None:
        """Reads what waits."""
        self._poll(always=True)

    @on(ScreenResume)
    def _resumed(self) -> None:
        if self.app.workspace is not None:
            self._poll(always=True)

    def visit(self, conversation_id: str) -> None:
        """Puts one conversation on the screen, whether it waits or not."""
        self.queue.bring(conversation_id, waits=False)
        self._cache.pop(conversation_id, None)
        if self.app.workspace is not None:
            self._show_current()

    # What waits

    def _poll(self, *, always: bool = False) -> None:
        if self.app.workspace is not None and self.app.screen is self:
            self.read(partial(self._look, always), name="queue")

    async def _look(self, always: bool) -> None:
        from traintui.data import conversations, reviews

        counts = await conversations.status_counts(self.db)
        if counts == self._counts and not always:
            return
        # Never between a decision and its record: what was just decided would wait again.
        async with self._order:
            waiting = await reviews.queue(self.db)
        self._counts = counts
        before = self.queue.current
        self.queue.merge(waiting)
        if self.shown is None or before != self.queue.current:
            self._show_current()
        else:
            self._place()
            self._read_ahead()

    def _show_current(self) -> None:
        """Puts the current conversation on the screen, at once where it was read ahead."""
        wanted = self.queue.current
        if wanted is None:
            self._cache.clear()
            self._say_nothing(
                "done",
                "Nothing waits for review",
                "Every conversation that was generated has its decision.",
                "3 generates more, 1 shows all of them, ctrl+e writes a training file. New ones appear here by themselves.",
            )
            return
        known = self._cache.get(wanted)
        if known is None:
            if self.shown is None or self.shown.row.conversation_id != wanted:
                self._say_nothing("loading", "Reading")
            self.read(partial(self._read_current, wanted), name="conversation")
            return
        self._show(known.conversation)
        if clock.ticks() - known.at > FRESH:
            self.read(partial(self._read_current, wanted), name="conversation")
        else:
            self._read_ahead()

    async def _read_current(self, wanted: str) -> None:
        from traintui.data import conversations

        conversation = await conversations.read(self.db, wanted)
        self._cache[wanted] = ReadAhead(conversation, clock.ticks())
        if self.queue.current == wanted:
            self._show(conversation)
            self._read_ahead()

    def _read_ahead(self) -> None:
        wanted = [one for one in self.queue.ahead(AHEAD) if one not in self._cache]
        keep = {self.queue.current, *self.queue.ahead(AHEAD)}
        self._cache = {one: known for one, known in self._cache.items() if one in keep}
        if wanted:
            self.read(partial(self._read_next, wanted), name="ahead")

    async def _read_next(self, wanted: list[str]) -> None:
        from traintui.data import conversations

        for one in wanted:
            self._cache[one] = ReadAhead(await conversations.read(self.db, one), clock.ticks())

    # Showing

    def _say_nothing(self, kind: str, title: str, message: str = "", hint: str = "") -> None:
        self.shown, self._painted_at = None, None
        self.set_class(True, "-nothing")
        self.notice.say(kind, title, message, hint)  # type: ignore[arg-type]
        self._place()

    def _show(self, conversation: Conversation) -> None:
        before = self.shown
        if before is not None and before == conversation:
            self._place()
            return
        same = before is not None and before.row.conversation_id == conversation.row.conversation_id
        read_on = same and before is not None and before.turns == conversation.turns
        if not same:
            self._note = ""
        self.shown, self._painted_at = conversation, None
        self.set_class(False, "-nothing")
        self.transcript.show(
            conversation.turns, conversation.system_prompt, key=self._seen(conversation), keep=read_on
        )
        self._describe()
        self._place()
        if not self.transcript.has_focus:
            self.transcript.focus()

    def _seen(self, conversation: Conversation) -> object:
        row = conversation.row
        return row.conversation_id, row.revision, row.decision_id

    @on(Transcript.Painted)
    def _painted(self, event: Transcript.Painted) -> None:
        """From here on it may be decided: it is before the reviewer's eyes."""
        if self.shown is not None and event.key == self._seen(self.shown) and self._painted_at is None:
            self._painted_at = clock.ticks()

    def _describe(self) -> None:
        if self.shown is not None:
            self.panel.show(facts(self.shown, self.app.labels))

    def _place(self) -> None:
        """The line above: where one is in the queue, and what goes with the next decision."""
        line = self.query_one("#position", Static)
        waiting = max(self.queue.waiting, self._counts.get("generated", 0))
        if self.shown is None:
            line.update(Content.styled(f"{waiting:,} waiting" if waiting else "", "$muted"))
            return
        row = self.shown.row
        place = "not waiting" if self.queue.guest else f"{self.queue.position:,} of {waiting:,} waiting"
        wrong = self.transcript.wrong
        parts = [
            Content.styled(place, "bold"),
            marks.status(row.status),
            text.shown(row.conversation_id, single_line=True, style="$muted"),
            marks.tags(row),
            Content.styled(f"revision {row.revision}" if row.revision > 1 else "", "$muted"),
            Content.styled(f"✕ turn {wrong + 1}" if wrong is not None else "", "bold $error"),
            text.shown(f"✎ {self._note}" if self._note else "", single_line=True, limit=40, style="bold $accent"),
        ]
        line.update(Content("   ").join(part for part in parts if part))

    def _say(self, said: Content) -> None:
        self.query_one("#done", Static).update(said)
