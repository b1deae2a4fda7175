"""What waits for this reviewer: how many, which ones come next, and when that is read again."""

from __future__ import annotations

from functools import partial

from textual import on
from textual.events import ScreenResume

from traintui.queue_choice import QueueChoice
from traintui.screens.base import BaseScreen
from traintui.screens.review_pace import LOOK, ReviewPace
from traintui.screens.review_queue import ReviewQueue
from traintui.screens.review_source import ReviewSource
from traintui.widgets.notice import Kind

POLL = 2.0
"""Seconds between two looks at how many wait."""
EVERY = 10
"""Looks after which the queue is read even where the number has not changed."""


def nothing_waits(choice: QueueChoice) -> tuple[Kind, str, str, str]:
    """What is said where the queue is empty."""
    if choice.filter_text:
        hint = "s chooses another queue\n1 shows all conversations"
        return "done", "Nothing of this queue waits", choice.filter_text, hint
    return (
        "done", "Nothing waits for review",
        "Every conversation that was generated has its decision. New ones appear here by themselves.",
        "3 generates more\n1 shows all conversations\nctrl+e writes a training file",
    )  # fmt: skip


class ReviewWaiting(BaseScreen):
    """The queue. A subclass shows what is current: `looked` tells it that the queue was read."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = ReviewQueue()
        self.source = ReviewSource(self.app)
        self.pace = ReviewPace()
        self.disputes = False
        """Whether the queue is what others disagree on."""
        self._merged: int | None = None
        """How many waited when the queue was read last: another number means that it has to be read again."""
        self._looks = 0

    def on_mount(self) -> None:
        """Looks again and again."""
        self.set_interval(POLL, self._poll)
        self.set_interval(LOOK, self.look_at_pace)

    @on(ScreenResume)
    def _resumed(self) -> None:
        self._poll(always=True)
        self.look_at_pace()

    def _poll(self, *, always: bool = False) -> None:
        if self.ready and self.app.screen is self:
            self._looks += 1
            if self.reading_now("queue") and not always:
                return
            always = always or self.queue.unread or self._looks % EVERY == 0
            self.read(partial(self._look, always), name="queue")

    def read_on(self) -> None:
        """Reads the next part of the queue before one arrives at the end of what is here."""
        if (self.queue.unread or self.queue.runs_short) and not self.reading_now("queue"):
            self._poll(always=True)

    def counted_anew(self) -> bool:
        """Whether another number waits, by the copy in memory, than a moment ago."""
        if self.disputes or self.queue.deciding:
            return False
        total = self.source.total()
        if total is None or total == self.queue.waiting:
            return False
        self.queue.waiting = total
        return True

    async def _look(self, always: bool) -> None:
        from traintui.data import second_review

        total = self.source.total()
        if total is not None and total == self._merged and not always:
            return
        if self.disputes:
            self.queue.reading(self.outbox.deciding)
            self.queue.merge(await second_review.disputes(self.db))
        else:
            await self.source.prepare(self.db)
            self.queue.reading(self.outbox.deciding)
            found = await self.source.window(self.db, near=self._near, rank=self.queue.position - 1)
            self.queue.merge(found.ids, start=found.start, total=found.total)
        self._merged = self.source.total()
        self.looked()

    @property
    def _near(self) -> int | None:
        """Around which one the queue is read: one that was edited stays where it was."""
        return None if self.queue.current == self.queue.edited else self.current_id

    @property
    def current_id(self) -> int | None:
        """The internal id of the current one, where it is known."""
        return None

    def looked(self) -> None:
        """The queue was read."""

    def choose(self, choice: QueueChoice) -> None:
        """Another queue begins at its first one."""
        self.source.choose(choice)
        self.disputes = False
        self.queue.clear()
        self.queue.waiting = 0
        self._poll(always=True)

    # Pace

    def look_at_pace(self) -> None:
        """Reads how fast one is, and how far."""
        if self.ready and self.app.screen is self and self.app.outage is None:
            self.read(self._read_pace, name="pace")

    async def _read_pace(self) -> None:
        await self.pace.read(self.db)
        self.pace_read()

    def pace_read(self) -> None:
        """One's pace is known."""
