"""Who has which conversation open, as a table of them shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from traintui import clock
from traintui.data.records import ConversationRow

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.data.reservations import Reservation

LOOK = 0.9
"""Seconds between two looks: who begins to read is on the screen within a second."""


class Holders:
    """What other people have reserved, as far as this screen knows."""

    def __init__(self) -> None:
        self._held: dict[int, Reservation] = {}
        self._looked = 0.0

    async def look(self, db: Database) -> bool:
        """Reads who has what. Whether anybody has something else than before."""
        from traintui.data import reservations

        now = clock.ticks()
        held = {id: one for id, one in (await reservations.current(db)).items() if one.reviewer_id != db.login}
        before = {id: one.reviewer_id for id, one in self._held.items()}
        self._held, self._looked = held, now
        return before != {id: one.reviewer_id for id, one in held.items()}

    def of(self, row: ConversationRow) -> Reservation | None:
        """Who else has a row, and for how many seconds still; None when nobody does."""
        if (held := self._held.get(row.id)) is None:
            return None
        left = held.seconds_left - (clock.ticks() - self._looked)
        return replace(held, seconds_left=left) if left > 0 else None

    def name_of(self, row: ConversationRow) -> str | None:
        """The name of who else has a row."""
        return None if (held := self.of(row)) is None else held.reviewer_id
