"""What this window has reserved of the conversations that wait, and who has others of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from textual.content import Content

from traintui import clock, text

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.data.records import ReviewEntry
    from traintui.data.reservations import Reservation

CANDIDATES = 48
"""How many of those that come next are asked for: the first that nobody has are taken, and eight people have 24."""
AT_WORK = 600.0
"""Seconds without a key after which nobody is reading any more: the lease is not renewed."""
MOST_LEFT = 100
"""How many can be let go of at once; the lease of others ends by itself."""


def holder_said(reservation: Reservation) -> Content:
    """Who has a conversation and for how long: `@ rita has it, 40 s left`."""
    name = text.shown(reservation.reviewer_id, single_line=True, limit=24)
    return Content.assemble(
        ("@ ", "bold $warning"), name.stylize("bold $warning"),
        (f" has it, {max(1, round(reservation.seconds_left))} s left", "$warning"),
    )  # fmt: skip


class ReviewReservation:
    """The reservations of one window, as far as the database has told of them.

    Another window of the same person has its own part of the queue, until there is nothing else: nobody waits for
    themselves.
    """

    def __init__(self, window_id: UUID) -> None:
        self._window_id = window_id
        self._mine: set[str] = set()
        self._perhaps: set[str] = set()
        """What was asked for, and may be ours even if the answer was lost."""
        self._others: dict[str, tuple[Reservation, float]] = {}
        self._until = 0.0

    def has(self, one: str) -> bool:
        """Whether this window had it when the database answered last."""
        return one in self._mine

    def forget(self) -> None:
        """Another queue comes: nothing of the one before is gone on with, and all of it is let go of with the next
        question."""
        self._mine.clear()

    @property
    def lapsed(self) -> bool:
        """Whether the lease has ended: somebody may have taken it meanwhile."""
        return bool(self._mine) and clock.ticks() > self._until

    def holder(self, one: str) -> Reservation | None:
        """Which other person has it, with the seconds that are left; None when nobody does, as far as is known."""
        from dataclasses import replace

        reservation, until = self._others.get(one, (None, 0.0))
        left = until - clock.ticks()
        return replace(reservation, seconds_left=left) if reservation is not None and left > 0 else None

    async def keep(
        self, db: Database, wanted: Sequence[str], number: int, *, shown: str | None, deciding: Collection[str] = ()
    ) -> None:
        """Reserves the first `number` of the wanted ones that nobody else has, and lets go of all others, but for
        those whose decision is on its way: until it is saved they would seem to wait."""
        from traintui.data import reservations

        free = [one for one in wanted if self.holder(one) is None]
        on_their_way = self._perhaps.intersection(deciding)
        leave = sorted(self._perhaps.difference(free[:number], on_their_way))[:MOST_LEFT]
        self._perhaps.update(wanted)
        asked = clock.ticks()
        found = await reservations.reserve(db, self._window_id, wanted, number, shown=shown, leave=leave)
        mine = {one for one, reservation in found.items() if reservation.is_mine}
        self._perhaps = mine | on_their_way
        own = {one for one, reservation in found.items() if reservation.reviewer_id == db.login}
        self._mine = mine or own
        self._others = {
            one: (reservation, asked + reservation.seconds_left)
            for one, reservation in found.items() if one not in own
        }  # fmt: skip
        self._until = asked + min((found[one].seconds_left for one in self._mine), default=0.0)

    async def take_over(self, db: Database, one: str) -> ReviewEntry | None:
        """Reserves one, whoever has it; the row of the log, None where nobody else had it."""
        from traintui.data import reservations, reviews

        entry = await reservations.take_over(db, self._window_id, one, key=reviews.new_key())
        self._others.pop(one, None)
        self._mine.add(one)
        self._perhaps.add(one)
        self._until = max(self._until, clock.ticks() + 1.0)
        return entry
