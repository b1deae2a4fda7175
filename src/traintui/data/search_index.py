"""The search index, kept up to date after the writing: what waits, and the work of bringing it up to date."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.keeping_up import MOST, Failed, beside, keep_up, raise_fault
from traintui.data.lock_shares import EACH, Work, take_turn
from traintui.data.refusals import Refused

BUSY = "55P03"
"""The code with which the database gives way to somebody who works on the same conversation."""
AT_ONCE = EACH // 2
"""Conversations in one transaction, which holds a lock for each: of so many the text, and of as many the metadata."""
COUNTED = 100_000
"""Rows of the queue that are counted; what is behind them is estimated from how close together their ids are."""

INDEX = text("SELECT index_search(:limit)")
READ_COMMITTED = text("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
WAITING = text("""
    WITH counted AS MATERIALIZED (
        SELECT id, conversation_id FROM search_pending WHERE of_turns = :of_turns ORDER BY id LIMIT :limit
    )
    SELECT count(DISTINCT conversation_id), count(*), coalesce(max(id) - min(id) + 1, 0),
           coalesce((SELECT max(id) FROM search_pending WHERE of_turns = :of_turns) - min(id) + 1, 0)
    FROM counted
""")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many conversations the index does not hold as they are, and whether that is counted or estimated."""

    conversations: int
    is_exact: bool


async def waiting(connection: AsyncConnection, *, of_turns: bool = True) -> Waiting:
    """How many conversations wait for their text, or for their metadata, to be looked up as it is."""
    values = {"of_turns": of_turns, "limit": COUNTED}
    found, rows, span, whole = (await connection.execute(WAITING, values)).one()
    if rows < COUNTED:
        return Waiting(found, True)
    return Waiting(found * whole // span, False)


async def pending_count(db: Database, *, of_turns: bool = True) -> Waiting:
    """As `waiting`, on a connection of its own."""
    async with db.read() as connection:
        return await waiting(connection, of_turns=of_turns)


async def index_some(db: Database, limit: int = 200) -> int:
    """Brings the index up to date for up to `limit` queued conversations; how many were done.

    0 when nothing waits, or others are at it. Raises `TraintuiError` when the database cannot be reached.
    """
    try:
        async with db.write() as connection:
            await connection.execute(READ_COMMITTED)
            await take_turn(connection, Work.INDEXING)
            return int(await connection.scalar(INDEX, {"limit": min(limit, AT_ONCE)}) or 0)
    except Refused as refused:
        if refused.code == BUSY:
            return 0
        raise


async def keep_indexed(db: Database, stop: asyncio.Event) -> None:
    """Brings the index up to date until `stop` is set."""
    await keep_up(partial(index_some, db), stop)


async def catch_up(db: Database, *, lanes: int = 2) -> int:
    """Brings the index up to date for all that waits, some statements at a time and without resting, for who waits for
    it; how many conversations were done. Raises as `index_some` does."""

    async def lane() -> int:
        done = 0
        while some := await index_some(db, MOST):
            done += some
        return done

    return sum(await asyncio.gather(*(lane() for _ in range(lanes))))


def indexing(db: Database, *, failed: Failed = raise_fault) -> AbstractAsyncContextManager[None]:
    """Keeps the index up to date beside the block."""
    return beside(partial(keep_indexed, db), name="index", failed=failed)
