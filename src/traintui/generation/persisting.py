"""Writes that must not be lost because the database was away for a moment, or somebody was quicker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from traintui.data import batches
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.schema_moves import SchemaMoved
from traintui.errors import TraintuiError

T = TypeVar("T")
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between two tries of what must not be lost."""


async def insist(write: Callable[[], Awaitable[T]]) -> T:
    """What a write of something that is paid for gives, tried again for half a minute while the database is away or
    its disk is full.

    A commit whose answer was lost may have been done: the second try then finds the item gone, and its call ended as it
    says.
    """
    for seconds in PAUSES:
        try:
            return await write()
        except TraintuiError as away:
            if isinstance(away, Refused) and not away.passing:
                raise
            await asyncio.sleep(seconds)
    return await write()


class Outages:
    """What keeps a worker from its database: said once and not at each try."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said = ""

    def met(self, away: TraintuiError) -> None:
        """Says it, unless it was said last. Raises a refusal that no waiting ends, and a schema of another Traintui."""
        if isinstance(away, SchemaMoved) or (isinstance(away, Refused) and not away.passing):
            raise away
        if away.title != self._said:
            self._said = away.title
            remedy = f" {away.remedy}" if isinstance(away, Refused) else ""
            self._say(f"{away.title}: {away.message}{remedy} Trying again until it works.")

    def over(self) -> None:
        """The database answers again."""
        self._said = ""


async def pause_quietly(db: Database, batch_id: int, reason: str) -> None:
    """Pauses a batch; one that somebody stopped meanwhile stays as it is."""
    try:
        await batches.hold(db, batch_id, reason)
    except Refused as refused:
        if refused.code != "TT003":
            raise
