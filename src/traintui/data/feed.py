"""The change feed: which conversations changed since a snapshot, whatever order their transactions end in.

`conversation_changes` holds the transaction of each change. What a snapshot did not see is new, so neither a long
import nor eight writers out of order hide anything; a watermark on time or id would (`updated_at` missed a fifth).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.errors import TraintuiError

STALE = 20 * 3600.0
"""Seconds after which a reader begins anew: changes are kept for a day."""


class FeedLost(TraintuiError):
    """The feed does not reach back to the reader's snapshot: it must read everything anew."""

    def __init__(self) -> None:
        super().__init__(
            "Read anew", "The database was restored or replaced meanwhile.", "The table is read again by itself."
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the feed: the snapshot that was seen, and in which database."""

    snapshot: str
    database: int


HERE = text(
    "SELECT pg_current_snapshot()::text, (SELECT oid::bigint FROM pg_database WHERE datname = current_database())"
)
# Served by ix_conversation_changes_xid8: what is older than the oldest transaction of the snapshot is not read.
CHANGED = text(
    "SELECT DISTINCT conversation_id FROM conversation_changes"
    " WHERE xid8 >= pg_snapshot_xmin(CAST(:seen AS pg_snapshot))"
    " AND NOT pg_visible_in_snapshot(xid8, CAST(:seen AS pg_snapshot))"
)


async def here(connection: AsyncConnection) -> Mark:
    """The place of this transaction's snapshot, which must be REPEATABLE READ."""
    return Mark(*(await connection.execute(HERE)).one())


async def changed_since(connection: AsyncConnection, seen: Mark) -> tuple[Mark, list[int]]:
    """The internal ids of what changed since a mark, and the mark to ask with next.

    Raises `FeedLost` when the mark is of another database, or of a later time than this one.
    """
    now = await here(connection)
    if now.database != seen.database or _end(now) < _end(seen):
        raise FeedLost
    if now.snapshot == seen.snapshot:
        return now, []
    return now, list(await connection.scalars(CHANGED, {"seen": seen.snapshot}))


def _end(mark: Mark) -> int:
    """The first transaction that a snapshot certainly does not see."""
    return int(mark.snapshot.split(":")[1])


async def prune(db: Database) -> int:
    """Takes out what is older than a day. Returns how many rows went."""
    async with db.write() as connection:
        return await connection.scalar(select(func.prune_changes())) or 0
