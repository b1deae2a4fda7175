"""Conversations read before they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyroaring import BitMap

from traintui import clock
from traintui.data.records import Conversation

if TYPE_CHECKING:
    from traintui.data.engine import Database

FRESH = 15.0
"""Seconds for which one that was read ahead is not read again when its turn comes."""


class ReadAhead:
    """The few conversations around the current one, each with the tick at which it was read."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Conversation, float]] = {}

    def get(self, one: str) -> tuple[Conversation | None, bool]:
        """A conversation, if it was read, and whether that was lately."""
        known, at = self._known.get(one, (None, 0.0))
        return known, known is not None and clock.ticks() - at < FRESH

    def keep(self, conversation: Conversation) -> None:
        """It was read elsewhere, this moment."""
        self._known[conversation.row.conversation_id] = conversation, clock.ticks()

    def forget(self, one: str) -> None:
        """It has changed: the next look reads it."""
        self._known.pop(one, None)

    def changed(self, ids: BitMap) -> None:
        """Conversations changed, by their internal ids: the next look reads them."""
        self._known = {one: known for one, known in self._known.items() if known[0].row.id not in ids}

    def expect(self, conversation: Conversation) -> None:
        """Something of it is known before the database says so."""
        one = conversation.row.conversation_id
        if one in self._known:
            self._known[one] = conversation, self._known[one][1]

    def missing(self, wanted: Iterable[str], *, current: str | None) -> list[str]:
        """Which of the wanted ones have to be read; all that is neither wanted nor current is forgotten."""
        wanted = list(wanted)
        self._known = {one: known for one, known in self._known.items() if one in wanted or one == current}
        return [one for one in wanted if one not in self._known]

    async def read(self, db: Database, one: str) -> Conversation:
        """Reads one. Raises `Refused` (TT002) when there is none."""
        from traintui.data import conversations

        conversation = await conversations.read(db, one)
        self._known[one] = conversation, clock.ticks()
        return conversation

    async def fill(self, db: Database, wanted: Iterable[str]) -> None:
        """Reads several, nearest first."""
        for one in wanted:
            await self.read(db, one)
