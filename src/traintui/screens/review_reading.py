"""The reading side of Review: what waits, what is on the screen, and what is read before it is needed."""

from __future__ import annotations

from functools import partial

from pyroaring import BitMap
from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import ScreenResume
from textual.timer import Timer
from textual.widgets import Static

from traintui import text
from traintui.data.records import Conversation
from traintui.errors import TraintuiError
from traintui.queue_choice import QueueChoice
from traintui.screens.base import SAID
from traintui.screens.review_ahead import KEPT, ReviewAhead
from traintui.screens.review_reservation import holder_said
from traintui.screens.review_waiting import POLL, nothing_waits
from traintui.screens.undoing import Undoing
from traintui.widgets import marks
from traintui.widgets.pace_line import WIDE, PaceLine
from traintui.widgets.place_line import PlaceLine
from traintui.widgets.reading import Reading


class ReviewReading(ReviewAhead):
    """The one that is on the screen, and those that come next."""

    position = getters.query_one("#position", PlaceLine)
    pace_line = getters.query_one(PaceLine)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._being_read: str | None = None
        self._notes: dict[str, str] = {}
        self._wrong: dict[str, int] = {}
        """The turns that are marked as wrong, from 0, until their conversation is decided."""
        self._undoing = Undoing()
        self._answer = Content("")
        """What is said below of what was done last."""
        self._unsay: Timer | None = None
        """When the line below is empty again."""
        self._own = BitMap()
        """Internal ids of what was decided here: their change is no news."""

    def compose_body(self) -> ComposeResult:
        """Where one is, what targets object to, the conversation, and what was done last."""
        with Horizontal(id="place"):
            yield PlaceLine(id="position")
            yield PaceLine()
        yield PlaceLine(id="preflight")
        yield Reading()
        yield Static(id="said")

    def on_mount(self) -> None:
        """Nothing is there before the workspace is."""
        self.set_interval(POLL, self._renew)
        self.watch(self.app, "labels", self.reading.describe, init=False)
        self.watch(self.app, "outage", self._outage_changed, init=False)
        self.app.changed.subscribe(self, self._changed, immediate=True)

    def _outage_changed(self, outage: TraintuiError | None) -> None:
        """What waits is read again when the database is back; while it is away one goes on with what is here."""
        if not self.ready or self.app.current_mode != "review":
            return
        if outage is None:
            self._answers_again()
            self._poll(always=True)
            self.look_at_pace()
        elif self.reading.shown is None:
            self._show_current()

    def on_progress(self, step: str) -> None:
        """Says how the opening goes."""
        self.reading.nothing("loading", step)

    def on_workspace_ready(self) -> None:
        """Reads what waits."""
        if self.queue.current is not None:
            self._show_current()
        self._poll(always=True)
        self.look_at_pace()

    def visit(self, conversation_id: str, queue: QueueChoice | None = None) -> None:
        """Puts one conversation on the screen, whether it waits or not; the queue goes on with what the table shows
        where it was opened."""
        self.queue.bring(conversation_id, waits=False)
        self._known.forget(conversation_id)
        if queue is not None:
            self.source.show(queue)
        if self.ready:
            self._show_current()
            self._poll(always=True)

    def _changed(self, ids: BitMap) -> None:
        """The copy in memory took something over: the numbers are those of now, and what others did is read at once."""
        if not self.ready:
            return
        if self.counted_anew():
            self._say_place()
        news = ids - self._own
        self._own -= ids
        self._known.changed(news)
        if news and self.app.current_mode == "review":
            self.read(partial(self._look, True), name="queue")
            shown = self.reading.shown
            if shown is not None and shown.row.id in news:
                self.read(partial(self._read_current, shown.row.conversation_id), name="conversation")

    @on(ScreenResume)
    def _looked_elsewhere(self) -> None:
        """What is on the screen may have been decided or edited meanwhile."""
        shown = self.reading.shown
        if self.ready and shown is not None and not self._away and not self._known.has(shown.row.conversation_id):
            self.read(partial(self._read_current, shown.row.conversation_id), name="conversation")

    def looked(self) -> None:
        """The queue was read."""
        if self.reading.shown is None:
            self._show_current()
        else:
            self._say_place()
            self._read_ahead()

    @property
    def current_id(self) -> int | None:
        """The internal id of the current one, where that is what is on the screen."""
        shown = self.reading.shown
        return shown.row.id if shown is not None and shown.row.conversation_id == self.queue.current else None

    def pace_read(self) -> None:
        """One's pace is known."""
        self._say_place()

    def _show_current(self) -> None:
        """Puts the current conversation on the screen, at once where it was read ahead."""
        wanted = self.queue.current
        self.read_on()
        if wanted is None and self.disputes:
            self.disputes = False
            self._say(("No disagreement waits for you: back to all that waits.", "$muted"))
            self._poll(always=True)
        if wanted is None:
            self.reading.nothing(*(("loading", "Reading") if self.queue.unread else nothing_waits(self.source.choice)))
            self._say_place()
            return
        conversation, fresh = self._known.get(wanted)
        if not self._is_free(wanted):
            self._await_free()
            return
        if conversation is not None:
            self._show(conversation)
        elif self.reading.shown is None or self.reading.shown.row.conversation_id != wanted:
            self.reading.nothing("loading", "Reading")
            self._say_place()
        if not fresh and not (self._away and conversation is not None):
            if wanted != self._being_read or not self.reading_now("conversation"):
                self._being_read = wanted
                self.read(partial(self._read_current, wanted), name="conversation")
        else:
            self.call_after_refresh(self._read_ahead)  # the text first

    def _show(self, conversation: Conversation) -> None:
        self.reading.show(conversation, self.app.labels)
        wrong = self._wrong.get(conversation.row.conversation_id)
        self.reading.transcript.wrong = wrong if wrong is not None and wrong < len(conversation.turns) else None
        self._say_place()

    async def _read_current(self, wanted: str) -> None:
        conversation = await self._known.read(self.db, wanted)
        if self.queue.current == wanted:
            self._show(conversation)
            self._read_ahead()

    def _say_place(self) -> None:
        """The line above: where one is in the queue, and what goes with the next decision."""
        kind, waiting = "disputed" if self.disputes else "waiting", self.queue.waiting
        chosen = Content("") if self.disputes else self.source.said
        self.pace_line.show(self.pace.known, waiting, self.app.settings.daily_target)
        shown = self.reading.shown
        unsent = self.app.unsent
        kept = Content.styled(f"not saved yet: {unsent.number:,}" if unsent is not None else "", "bold $warning")
        if shown is None:
            count = Content.styled(f"{waiting:,} waiting" if waiting else "", "$muted")
            self.position.say((count, chosen, kept), needed=3)
            return
        row = shown.row
        wrong = self.reading.transcript.wrong
        note = " / ".join(filter(None, self._notes.get(row.conversation_id, "").splitlines()))
        parts = [
            Content.styled(
                "Not waiting" if self.queue.guest else f"{self.queue.position:,} of {waiting:,} {kind}", "bold"
            ),
            kept,
            # What goes with the decision stands before what may be cut off on a narrow screen.
            Content.styled(f"✕ turn {wrong + 1}" if wrong is not None else "", "bold $error"),
            self.editing_marks(shown),
            text.shown(f"✎ {note}" if note else "", single_line=True, limit=40, style="bold $accent"),
            chosen,
            marks.status(row.status) if row.status != "generated" else Content(""),  # what waits is to review
            marks.tags(row),
            Content.styled(f"revision {row.revision}" if row.revision > 1 else "", "$muted"),
            Content("") if self.disputes or self.size.width < WIDE else self.source.usual,
            Content.styled("its document has changed: i shows what it said" if row.stale_at else "", "$warning"),
            text.shown(row.conversation_id, single_line=True, style="$muted"),
        ]
        needed = 5
        if (holder := self.reservation.holder(row.conversation_id)) is not None:
            parts.insert(0, holder_said(holder) + Content.styled(": o takes it over", "$warning"))
            needed += 1
        self.position.say(parts, needed)

    def unsent_changed(self) -> None:
        """More or less waits to be saved."""
        super().unsent_changed()
        self._say_place()

    def editing_marks(self, conversation: Conversation) -> Content:
        """What of a conversation is typed and not saved; the screen that edits knows."""
        return Content("")

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        """The line below: what was done last, for a while."""
        self._answer = Content.assemble(*parts)
        self._stands(self._answer)

    def _say_failed(self, error: BaseException) -> None:
        """What failed beside the reading, in the line below: behind what was done last, which stays."""
        answer = self.app.answer(error)
        said = Content.assemble(
            ("! ", "$error"), text.shown(f"{answer.title}. {answer.message}", single_line=True, limit=200)
        )
        self._stands(Content("   ").join((self._answer, said)) if self._answer else said)

    def _stands(self, said: Content) -> None:
        self.said.update(said)
        if self._unsay is not None:
            self._unsay.stop()
        self._unsay = self.set_timer(SAID, self._be_quiet)

    def _be_quiet(self) -> None:
        """What was done last is known by now; what is not saved yet is still said."""
        if self.app.outbox is not None and self.app.outbox.waiting:
            self._unsay = self.set_timer(SAID, self._be_quiet)
        else:
            self._answer = Content("")
            self.said.update("")

    def work_failed(self, name: str, error: BaseException) -> None:
        """Reading that fails is answered where the conversation would be; the rest beside the work."""
        answer = self.app.answer(error)
        if name == "ahead":
            self._no_answer(error)
        if name == "conversation" and getattr(error, "code", "") == "TT002" and self.queue.current is not None:
            self.queue.drop(self.queue.current)
            self.app.tell(answer)
            self._show_current()
        elif name in {"queue", "conversation", "ahead"} and self.reading.shown is None and not self._awaits:
            remedy = answer.remedy if self.app.unsent is None else KEPT
            self.reading.nothing("failed", answer.title, answer.message, f"{remedy} r reads again.")
        elif name in {"queue", "ahead", "pace"} or (name == "conversation" and self._away):
            if self.app.unsent is None:  # else the line under the header says why
                self._say_failed(error)
        else:
            self.app.tell(answer)
