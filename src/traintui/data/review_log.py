"""Reading the review log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.log_models import ReviewLog as L
from traintui.data.records import ReviewEntry

ENTRY_COLUMNS = (
    L.id, L.conversation_id, L.action, L.reviewer_id, L.reviewer_notes, L.timestamp, L.revision, L.reason,
    L.turn_number, L.undoes, L.status_before, L.status_after, L.decision_before,
)  # fmt: skip
_OF_ONE = select(*ENTRY_COLUMNS).where(L.conversation_id == bindparam("wanted")).order_by(L.id.desc()).limit(200)


def entry_of(values: Any) -> ReviewEntry:
    """A record from a mapping that has the columns of the log."""
    return ReviewEntry(**{name: values[name] for name in ReviewEntry.__slots__})


async def fetch(connection: AsyncConnection, statement: Select[*tuple[Any, ...]]) -> tuple[ReviewEntry, ...]:
    return tuple(entry_of(row._mapping) for row in await connection.execute(statement))


async def entries_of(connection: AsyncConnection, conversation_id: str) -> tuple[ReviewEntry, ...]:
    """What was done to a conversation, newest first. Served by `ix_review_logs_conversation_id_id`."""
    rows = await connection.execute(_OF_ONE, {"wanted": conversation_id})
    return tuple(entry_of(row._mapping) for row in rows)


async def rows(db: Database, ids: Sequence[int]) -> Mapping[int, ReviewEntry]:
    """Rows of the log by their ids. Served by its primary key."""
    async with db.read() as connection:
        found = await fetch(connection, select(*ENTRY_COLUMNS).where(L.id.in_(ids)))
    return {entry.id: entry for entry in found}
