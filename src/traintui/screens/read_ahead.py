"""Conversations read before they are needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from pyroaring import BitMap

from traintui import clock
from traintui.data.records import Conversation

if TYPE_CHECKING:
    from traintui.data.engine import Database

FRESH = 15.0
"""Seconds for which one that was read ahead is not read again when its turn comes."""
NEXT = 2
"""How many are read as soon as another one is shown, and reserved: the next keys need them."""
LEAST, MOST = 24, 32
"""How many are here for when the database is away: fewer are made up to the most, a few at a time."""
LARGEST = 4_000_000
"""Characters of all those: very long ones are fewer."""


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

    def has(self, one: str) -> bool:
        """Whether it can be read here without the database."""
        return one in self._known

    def forget_others(self, wanted: Collection[str], *, current: str | None) -> None:
        """All that is neither wanted nor current is forgotten."""
        self._known = {one: known for one, known in self._known.items() if one in wanted or one == current}

    def stale(self, following: Iterable[str]) -> list[str]:
        """Which of those that come next have to be read, for the first time or again."""
        return [one for one in following if not self.get(one)[1]]

    def lacking(self, wanted: Sequence[str]) -> list[str]:
        """Which have to be read so that enough are here; none while there are."""
        lacking = [one for one in wanted if one not in self._known]
        return lacking if len(wanted) - len(lacking) < min(LEAST, len(wanted)) else []

    @property
    def is_full(self) -> bool:
        """Whether what is here is as large as it may be."""
        return sum(len(turn.content) for known, _ in self._known.values() for turn in known.turns) > LARGEST

    async def read(self, db: Database, one: str) -> Conversation:
        """Reads one. Raises `Refused` (TT002) when there is none."""
        from traintui.data import conversations

        conversation = await conversations.read(db, one)
        self._known[one] = conversation, clock.ticks()
        return conversation
