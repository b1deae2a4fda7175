"""What is on the screen is reserved, and what comes next is reserved and read before it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from textual import getters

from traintui import clock, text
from traintui.screens.read_ahead import MOST, NEXT, ReadAhead
from traintui.screens.review_reservation import AT_WORK, CANDIDATES, ReviewReservation
from traintui.screens.review_waiting import ReviewWaiting
from traintui.widgets.reading import Reading

KEPT = "What you pressed is kept. It is sent, and this goes on, by itself when the database is back."
NOTHING_MORE = ("The database is away", "Nothing more was read ahead.", f"{KEPT}\nu takes back what you decided last.")
"""What is said where one has decided all that is here."""


def is_away(error: BaseException | None) -> bool:
    """Whether an error says that there is no connection. Where the database answers, or the fault is ours, nobody is
    let into what may be another's."""
    from traintui.data.refusals import NotReached

    return isinstance(error, NotReached)


class ReviewAhead(ReviewWaiting):
    """The current one and the next few: whose they are, and their text. A subclass shows them."""

    reading = getters.query_one(Reading)

    def __init__(self) -> None:
        super().__init__()
        self.reservation = ReviewReservation(self.app.window_id)
        self._once_more = False
        self._known = ReadAhead()
        self._unanswered = False
        """Whether the database did not answer when it was asked last whose the next ones are."""

    def _show_current(self) -> None:
        """Another one is current, or it is free from now on."""

    def _say_place(self) -> None:
        """Who has it, or what waits, may be another."""

    @property
    def _reserves(self) -> bool:
        """Whether this person decides; others read without keeping anything from anybody."""
        return self.allowed("review", "decide")

    @property
    def _away(self) -> bool:
        """Whether the database does not answer: nothing can be reserved or read."""
        return self._unanswered or is_away(self.app.outage)

    @property
    def _awaits(self) -> bool:
        """Whether the database is away and nothing that was read is left."""
        return self._away and self.queue.current is not None and not self._is_free(self.queue.current)

    def _is_free(self, one: str) -> bool:
        """Whether it may be on the screen: what comes from the queue is reserved first. While the database is away that
        it was read is enough, unless somebody is known to have it: a decision names what was seen, and one that came
        too late is answered."""
        shown = self.reading.shown
        on_screen = shown is not None and shown.row.conversation_id == one
        if not self._reserves or on_screen or one == self.queue.brought or self.reservation.has(one):
            return True
        return self._away and self._known.has(one) and self.reservation.holder(one) is None

    def _await_free(self) -> None:
        """Goes on past what others have, and no further: what was not asked for yet is asked for, and that said."""
        self.queue.pass_over(self._is_free if self._away else lambda one: self.reservation.holder(one) is None)
        if self.queue.current is not None and self._is_free(self.queue.current):
            self._show_current()
            return
        if self._away:
            self.reading.nothing("failed", *NOTHING_MORE)
        else:
            self.reading.nothing("loading", "Reading")
            self._read_ahead()
        self._say_place()

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
            following = [one for one in ahead if self.reservation.has(one) or not self._reserves][:NEXT]
            others = [one for one in ahead if one not in following and self.reservation.holder(one) is None]
            wanted = [*following, *others][:MOST]
            self._known.forget_others(wanted, current=self.queue.current)
            await self._fill(following)
            await self._fill_further(wanted)
            self._unanswered = False

    async def _fill(self, following: Sequence[str]) -> None:
        """Reads what comes next."""
        for one in self._known.stale(following):
            await self._known.read(self.db, one)

    async def _fill_further(self, wanted: Sequence[str]) -> None:
        """Reads what one can go on with while the database is away, until something else is asked for."""
        from traintui.data.refusals import Refused

        for one in self._known.lacking(wanted):
            if self._once_more or self._known.is_full:
                return
            with suppress(Refused):  # it is gone, and leaves the queue
                await self._known.read(self.db, one)

    async def _reserve(self, current: str) -> None:
        wanted = [current, *self.queue.ahead(CANDIDATES - 1)]
        kept = current if self._is_free(current) else None
        before = self.reservation.holder(current)
        await self.reservation.keep(self.db, wanted, 1 + NEXT, shown=kept, deciding=self.outbox.deciding)
        self._unanswered = False
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

    def _answers_again(self) -> None:
        """The database answers: what is shown is reserved, and where nothing was left to read it goes on."""
        if self.reading.shown is None:
            self._show_current()
        self._read_ahead()

    def _no_answer(self, error: BaseException) -> None:
        """Where nobody says whose the next ones are, what was read is gone on with."""
        if is_away(error):
            self._unanswered = True
            if self.reading.shown is None:
                self._show_current()

    def _renew(self) -> None:
        """What is open stays reserved while somebody works here, with a dialog over it too."""
        at_work = clock.ticks() - self.app.touched < AT_WORK
        if self.ready and at_work and self.app.outage is None and self in self.app.screen_stack:
            self._read_ahead()
