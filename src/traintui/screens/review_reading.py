"""The reading side of Review: what waits, what is on the screen, and what is read before it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pyroaring import BitMap
from textual import getters, on
from textual.app import ComposeResult
from textual.content import Content
from textual.events import ScreenResume
from textual.widgets import Static

from traintui import clock, text
from traintui.data.records import Conversation
from traintui.screens.base import BaseScreen
from traintui.screens.read_ahead import ReadAhead
from traintui.screens.review_queue import ReviewQueue
from traintui.screens.review_reservation import AT_WORK, CANDIDATES, ReviewReservation, holder_said
from traintui.screens.undoing import Undoing
from traintui.widgets import marks
from traintui.widgets.reading import Reading

AHEAD = 2
"""How many conversations are read before they are needed."""
POLL = 2.0
"""Seconds between two looks at how many wait."""
KEPT = "What you pressed is kept. It is sent, and this goes on, by itself when the database is back."
EVERY = 10
"""Looks after which the queue is read even where the numbers have not changed."""


class ReviewReading(BaseScreen):
    """What waits for a decision, lowest score first, and the one that is on the screen."""

    reading = getters.query_one(Reading)
    position = getters.query_one("#position", Static)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self.queue = ReviewQueue()
        self.disputes = False
        """Whether the queue is what others disagree on."""
        self.reservation = ReviewReservation(self.app.window_id)
        self._once_more = False
        self._known = ReadAhead()
        self._notes: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._merged: dict[str, int] = {}
        """The counts when the queue was read last: others mean that it has to be read again."""
        self._looks = 0
        self._undoing = Undoing()
        self._own = BitMap()
        """Internal ids of what was decided here: their change is no news."""

    def compose_body(self) -> ComposeResult:
        """Where one is, the conversation, and what was done last."""
        yield Static(id="position")
        yield Reading()
        yield Static(id="said")

    def on_mount(self) -> None:
        """Nothing is there before the workspace is."""
        self.set_interval(POLL, self._poll)
        self.set_interval(POLL, self._renew)
        self.watch(self.app, "labels", self.reading.describe, init=False)
        self.app.changed.subscribe(self, self._changed, immediate=True)

    def on_progress(self, step: str) -> None:
        """Says how the opening goes."""
        self.reading.nothing("loading", step)

    def on_workspace_ready(self) -> None:
        """Reads what waits."""
        if self.queue.current is not None:
            self._show_current()
        self._poll(always=True)

    @on(ScreenResume)
    def _resumed(self) -> None:
        self._poll(always=True)

    def visit(self, conversation_id: str) -> None:
        """Puts one conversation on the screen, whether it waits or not."""
        self.queue.bring(conversation_id, waits=False)
        self._known.forget(conversation_id)
        if self.ready:
            self._show_current()

    # What waits

    def _poll(self, *, always: bool = False) -> None:
        if self.ready and self.app.screen is self:
            self._looks += 1
            if self.reading_now("queue") and not always:
                return
            self.read(partial(self._look, always or self._looks % EVERY == 0), name="queue")

    def _changed(self, ids: BitMap) -> None:
        """The copy in memory took something over: the numbers are those of now, and what others did is read at once."""
        if not self.ready:
            return
        if (counts := self._counts_of_copy()) is not None and counts != self._counts:
            self._counts = counts
            self._say_place()
        news = ids - self._own
        self._own -= ids
        self._known.changed(news)
        if news and self.app.current_mode == "review":
            self.read(partial(self._look, True), name="queue")
            shown = self.reading.shown
            if shown is not None and shown.row.id in news:
                self.read(partial(self._read_current, shown.row.conversation_id), name="conversation")

    def _counts_of_copy(self) -> dict[str, int] | None:
        """How many have each status by the copy in memory; None where it is not there or cannot keep up."""
        live = self.app.live
        return None if live is None or self.app.outage is not None else live.status_counts()

    async def _look(self, always: bool) -> None:
        from traintui.data import conversations, reviews, second_review

        counts = self._counts_of_copy()
        if counts is None:
            counts = await conversations.status_counts(self.db)
        if counts == self._merged and not always:
            return
        self.queue.reading(self.outbox.deciding)
        waiting = await (second_review.disputes if self.disputes else reviews.queue)(self.db)
        self._counts = self._counts_of_copy() or counts
        self._merged = counts
        self.queue.merge(waiting)
        if self.reading.shown is None:
            self._show_current()
        else:
            self._say_place()
            self._read_ahead()

    def _show_current(self) -> None:
        """Puts the current conversation on the screen, at once where it was read ahead."""
        wanted = self.queue.current
        if wanted is None and self.disputes:
            self.disputes = False
            self._say(("No disagreement waits for you: back to all that waits.", "$muted"))
            self._poll(always=True)
        if wanted is None:
            self.reading.nothing(
                "done",
                "Nothing waits for review",
                "Every conversation that was generated has its decision. New ones appear here by themselves.",
                "3 generates more\n1 shows all conversations\nctrl+e writes a training file",
            )
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
        if not fresh:
            self.read(partial(self._read_current, wanted), name="conversation")
        else:
            self._read_ahead()

    def _show(self, conversation: Conversation) -> None:
        self.reading.show(conversation, self.app.labels)
        self._say_place()

    async def _read_current(self, wanted: str) -> None:
        conversation = await self._known.read(self.db, wanted)
        if self.queue.current == wanted:
            self._show(conversation)
            self._read_ahead()

    # What is reserved, and read before it is needed

    @property
    def _reserves(self) -> bool:
        """Whether this person decides; others read without keeping anything from anybody."""
        return self.allowed("review", "decide")

    def _is_free(self, one: str) -> bool:
        """Whether it may be on the screen: what comes from the queue is reserved first."""
        shown = self.reading.shown
        on_screen = shown is not None and shown.row.conversation_id == one
        return not self._reserves or on_screen or one == self.queue.brought or self.reservation.has(one)

    def _await_free(self) -> None:
        """Goes on to what is reserved; where nothing is, asks for it, and says so."""
        if self.queue.pass_over(self.reservation.has):
            self._show_current()
            return
        self.reading.nothing("loading", "Reading")
        self._say_place()
        self._read_ahead()

    def _read_ahead(self) -> None:
        """Reserves what is on the screen and the next ones, and reads those; one round after the other."""
        self._once_more = True
        if not self.reading_now("ahead"):
            self.read(self._prepare, name="ahead")

    async def _prepare(self) -> None:
        while self._once_more:
            self._once_more = False
            if self._reserves and self.queue.current is not None:
                await self._reserve(self.queue.current)
            ahead = self.queue.ahead(CANDIDATES)
            following = [one for one in ahead if self.reservation.has(one) or not self._reserves][:AHEAD]
            await self._fill(following)

    async def _fill(self, following: Sequence[str]) -> None:
        """Reads what comes next."""
        await self._known.fill(self.db, self._known.missing(following, current=self.queue.current))

    async def _reserve(self, current: str) -> None:
        wanted = [current, *self.queue.ahead(CANDIDATES - 1)]
        kept = current if self._is_free(current) else None
        before = self.reservation.holder(current)
        await self.reservation.keep(self.db, wanted, 1 + AHEAD, shown=kept)
        if self.reading.shown is not None or kept is not None:
            if before is not None or self.reservation.holder(current) is not None:
                self._say_place()
        elif self.queue.pass_over(self.reservation.has):
            self._show_current()
        elif holders := sorted({holder.reviewer_id for one in wanted if (holder := self.reservation.holder(one))}):
            names = ", ".join(text.visible(name, single_line=True, limit=24) for name in holders)
            self.reading.nothing(
                "loading", "Everything that waits is open elsewhere", f"{names} has it.",
                "What they leave comes here by itself.",
            )  # fmt: skip

    def _renew(self) -> None:
        """What is open stays reserved while somebody works here, with a dialog over it too."""
        at_work = clock.ticks() - self.app.touched < AT_WORK
        if self.ready and at_work and self.app.outage is None and self in self.app.screen_stack:
            self._read_ahead()

    def _say_place(self) -> None:
        """The line above: where one is in the queue, and what goes with the next decision."""
        kind = "disputed" if self.disputes else "waiting"
        waiting = (
            self.queue.waiting
            if self.disputes
            else max(self.queue.waiting, self._counts.get("generated", 0) - self.queue.deciding)
        )
        shown = self.reading.shown
        unsent = self.app.unsent
        kept = Content.styled(f"not saved yet: {unsent.number:,}" if unsent is not None else "", "bold $warning")
        if shown is None:
            count = Content.styled(f"{waiting:,} waiting" if waiting else "", "$muted")
            self.position.update(Content("   ").join(part for part in (count, kept) if part))
            return
        row = shown.row
        wrong = self.reading.transcript.wrong
        note = self._notes.get(row.conversation_id, "")
        parts = [
            Content.styled(
                "Not waiting" if self.queue.guest else f"{self.queue.position:,} of {waiting:,} {kind}", "bold"
            ),
            kept,
            marks.status(row.status),
            self.editing_marks(shown),
            text.shown(row.conversation_id, single_line=True, style="$muted"),
            marks.tags(row),
            Content.styled("its document has changed: i shows what it said" if row.stale_at else "", "$warning"),
            Content.styled(f"revision {row.revision}" if row.revision > 1 else "", "$muted"),
            Content.styled(f"✕ turn {wrong + 1}" if wrong is not None else "", "bold $error"),
            text.shown(f"✎ {note}" if note else "", single_line=True, limit=40, style="bold $accent"),
        ]
        if (holder := self.reservation.holder(row.conversation_id)) is not None:
            parts.insert(0, holder_said(holder) + Content.styled(": o takes it over", "$warning"))
        self.position.update(Content("   ").join(part for part in parts if part))

    def unsent_changed(self) -> None:
        """More or less waits to be saved."""
        super().unsent_changed()
        self._say_place()

    def editing_marks(self, conversation: Conversation) -> Content:
        """What of a conversation is typed and not saved; the screen that edits knows."""
        return Content("")

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        """The line below: what was done last."""
        self.said.update(Content.assemble(*parts))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Reading that fails is answered where the conversation would be; the rest beside the work."""
        answer = self.app.answer(error)
        if name == "conversation" and getattr(error, "code", "") == "TT002" and self.queue.current is not None:
            self.queue.drop(self.queue.current)
            self.app.tell(answer)
            self._show_current()
        elif name in {"queue", "conversation"} and self.reading.shown is None:
            remedy = answer.remedy if self.app.unsent is None else KEPT
            self.reading.nothing("failed", answer.title, answer.message, f"{remedy} r reads again.")
        elif name in {"queue", "ahead"}:
            if self.app.unsent is None:  # else the line under the header says why
                self._say(
                    ("! ", "$error"), text.shown(f"{answer.title}. {answer.message}", single_line=True, limit=200)
                )
        else:
            self.app.tell(answer)
