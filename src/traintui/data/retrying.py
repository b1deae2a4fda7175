"""One transaction that others may be in the way of: it is tried again where nothing of it was done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from traintui.data.engine import Database
from traintui.data.refusals import NO_ROOM, Refused

T = TypeVar("T")
BUSY = frozenset({"40P01", "40001", "55P03", NO_ROOM})
"""Refusals after which the same transaction is tried again: nothing of it was done."""
TRIES = 5
PAUSE = 0.05
"""Seconds before the second try; each later one waits that much longer."""


async def one_row(db: Database, statement: str, values: Mapping[str, Any]) -> Sequence[Any]:
    """The row that a statement returns in a transaction of its own. Raises `Refused`; when busy, at the last try."""

    async def called() -> Sequence[Any]:
        return (await db.call(statement, values)).one()

    return await tried_again(called)


async def tried_again(work: Callable[[], Awaitable[T]]) -> T:
    """What a transaction returns. Raises `Refused`; when busy, at the last try."""
    attempt = 1
    while True:
        try:
            return await work()
        except Refused as refused:
            if refused.code not in BUSY or attempt == TRIES:
                raise
        await asyncio.sleep(PAUSE * attempt)
        attempt += 1
