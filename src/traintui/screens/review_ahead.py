"""What is on the screen is reserved, and what comes next is reserved and read before it is needed."""

from __future__ import annotations

from collections.abc import Sequence

from textual import getters

from traintui import clock, text
from traintui.screens.read_ahead import ReadAhead
from traintui.screens.review_reservation import AT_WORK, CANDIDATES, ReviewReservation
from traintui.screens.review_waiting import ReviewWaiting
from traintui.widgets.reading import Reading

AHEAD = 2
"""How many conversations are read before they are needed."""


class ReviewAhead(ReviewWaiting):
    """The current one and the next few: whose they are, and their text. A subclass shows them."""

    reading = getters.query_one(Reading)

    def __init__(self) -> None:
        super().__init__()
        self.reservation = ReviewReservation(self.app.window_id)
        self._once_more = False
        self._known = ReadAhead()

    def _show_current(self) -> None:
        """Another one is current, or it is free from now on."""

    def _say_place(self) -> None:
        """Who has it, or what waits, may be another."""

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
        """Goes on past what others have, and no further: what was not asked for yet is asked for, and that said."""
        self.queue.pass_over(lambda one: self.reservation.holder(one) is None)
        if self.queue.current is not None and self._is_free(self.queue.current):
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
        await self.reservation.keep(self.db, wanted, 1 + AHEAD, shown=kept, deciding=self.outbox.deciding)
        if self.reading.shown is not None or kept is not None:
            if before is not None or self.reservation.holder(current) is not None:
                self._say_place()
        elif self._is_free(current) or self.queue.pass_over(self.reservation.has):
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
