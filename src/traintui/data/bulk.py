"""Bulk actions: one action on many conversations, each with its row in the log, and one undo for all of them.

A bulk is made in transactions of 1,000 and can be stopped between two of them; what is done until then stays, and is
taken back as one like all of it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, literal, select, text
from sqlalchemy.orm import aliased

from traintui.data import reviews
from traintui.data.bulk_models import BulkAction as B
from traintui.data.engine import Database
from traintui.data.log_models import ExportLog, ExportRow
from traintui.data.log_models import ReviewLog as L
from traintui.data.retrying import one_row
from traintui.data.reviews import Action
from traintui.data.storable import storable

SIZE = 1_000
"""Conversations in one transaction."""

Progress = Callable[[int, int], None]
"""Is told how many conversations are dealt with, and of how many."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of a bulk: how many were `done`, and why others were not.

    `skipped` has `trash`, `no text` (not generated yet), `already` (is so already), `edge case` (nobody approves one
    unread), `reserved` (somebody else has it open), `second review` (gets several decisions), `changed` (after the set
    was looked at), `batch` (still to be written by a batch), `kept` (not in the trash, so not purged) and `gone`
    (purged), each where there is one; `left` are those that a stop left alone.
    """

    bulk_id: str
    done: int
    skipped: Mapping[str, int]
    left: int = 0


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What became of the undo of a bulk: rows `undone`, rows `kept` because somebody acted on them since, and rows
    `remaining` after a stop. Of those that are kept, `purged` are gone for good."""

    bulk_id: str
    undone: int
    kept: int
    remaining: int
    purged: int = 0


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk of one's own that can be taken back: `rows` of it can be, `exported` of those are in a file since."""

    bulk_id: str
    action: str
    rows: int
    exported: int
    started_at: datetime


def new_bulk_id() -> str:
    """An id for one bulk."""
    return f"b_{uuid.uuid4().hex}"


async def snapshot(db: Database) -> str:
    """The snapshot of this moment, for `decide`. What a person looks at is read in it, or after it was taken."""
    async with db.read() as connection:
        return str(await connection.scalar(text("SELECT pg_current_snapshot()::text")))


async def decide(
    db: Database,
    ids: Sequence[int],
    action: Action,
    *,
    seen: str,
    reason: str | None = None,
    notes: str | None = None,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    bulk_id: str | None = None,
) -> BulkResult:
    """Decides conversations by their internal ids; those that changed since the snapshot `seen` are left alone.

    With the `bulk_id` of a call whose answer was lost nothing is done twice. Raises `Refused` when one may not.
    """
    return await in_batches(
        db,
        "SELECT done, skipped FROM decide_many(:ids, :action, CAST(:seen AS pg_snapshot), :bulk_id, :reason, :notes)",
        {"action": action, "reason": storable(reason), "notes": storable(notes), "seen": seen},
        ids, progress, stop, bulk_id,
    )  # fmt: skip


async def flag(
    db: Database,
    ids: Sequence[int],
    flagged: bool,
    *,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    bulk_id: str | None = None,
) -> BulkResult:
    """Flags conversations, or unflags them. Raises `Refused` when one may not."""
    statement = "SELECT done, skipped FROM flag_many(:ids, :flagged, :bulk_id)"
    return await in_batches(db, statement, {"flagged": flagged}, ids, progress, stop, bulk_id)


async def trash(
    db: Database,
    ids: Sequence[int],
    deleted: bool,
    *,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    bulk_id: str | None = None,
) -> BulkResult:
    """Moves conversations to the trash, or back. An author may. Raises `Refused`."""
    statement = "SELECT done, skipped FROM trash_many(:ids, :deleted, :bulk_id)"
    return await in_batches(db, statement, {"deleted": deleted}, ids, progress, stop, bulk_id)


async def undo(
    db: Database, bulk_id: str, *, progress: Progress | None = None, stop: asyncio.Event | None = None
) -> UndoResult:
    """Takes back a bulk of one's own; what somebody acted on since is kept as it is. Goes on with one that was stopped.

    Raises `Refused` when it is not one's own, or there is none (TT007).
    """
    undone = kept = 0
    while True:
        now, left_alone, remaining = await one_row(db, UNDO, {"bulk_id": bulk_id, "size": SIZE})
        undone, kept = undone + now, kept + left_alone
        if progress is not None:
            progress(undone + kept, undone + kept + remaining)
        if not remaining or (stop is not None and stop.is_set()):
            return UndoResult(bulk_id, undone, kept, remaining, await _purged(db, bulk_id) if kept else 0)


UNDO = (
    "SELECT undone, kept, remaining FROM metadata_put_back() AS back,"
    " LATERAL undo_bulk(CASE WHEN back THEN :bulk_id END, :size)"
)
"""An import that is undone puts back the metadata that was there before, which no schema is asked about: see
data/metadata_schema.py."""


async def _purged(db: Database, bulk_id: str) -> int:
    """How many of a bulk were purged since. Served by `ix_review_logs_bulk_id_id` and
    `ix_review_logs_conversation_id_id`."""
    purge = aliased(L)
    since = select(literal(1)).where(
        purge.conversation_id == L.conversation_id, purge.action == "purge", purge.id > L.id
    )  # fmt: skip
    async with db.read() as connection:
        return await connection.scalar(select(func.count()).where(L.bulk_id == bulk_id, exists(since))) or 0


async def last_bulk(db: Database) -> Bulk | None:
    """One's own newest bulk, unless it is taken back or one did something to a single conversation after it.

    Served by `ix_bulk_actions_user_id_newest_log` and `ix_review_logs_bulk_id_id`.
    """
    single = await reviews.last_undoable(db)
    newest = (
        select(B.bulk_id, B.action, B.done - B.undone - B.kept, B.started_at, B.undone_to)
        .where(
            B.user_id == db.login,
            B.undone_to < B.newest_log,
            B.newest_log > (single.id if single else 0),
            B.bulk_id.not_like("%:approve"),  # it came with an import, and is taken back with it
        )
        .order_by(B.newest_log.desc())
        .limit(1)
    )
    async with db.read() as connection:
        found = (await connection.execute(newest)).one_or_none()
        if found is None:
            return None
        bulk_id, action, rows, started_at, undone_to = found
        files = (
            select(literal(1))
            .select_from(ExportRow)
            .join(ExportLog, (ExportLog.export_id == ExportRow.export_id) & (ExportLog.state == "succeeded"))
            .where(ExportRow.conversation_id == L.conversation_id, ExportLog.exported_at > L.timestamp)
        )
        exported = select(func.count()).where(L.bulk_id == bulk_id, L.id > undone_to, exists(files))
        since = select(literal(1)).where(ExportLog.state == "succeeded", ExportLog.exported_at > started_at)
        number = await connection.scalar(exported) if await connection.scalar(select(exists(since))) else 0
    return Bulk(bulk_id, action, rows, number or 0, started_at)


async def in_batches(
    db: Database,
    statement: str,
    values: Mapping[str, Any],
    ids: Sequence[int],
    progress: Progress | None,
    stop: asyncio.Event | None,
    bulk_id: str | None,
    *,
    size: int | None = None,
) -> BulkResult:
    """Runs a function of the database on ids, `size` of them in a transaction."""
    bulk_id, size = bulk_id or new_bulk_id(), size or SIZE
    ordered = sorted(set(ids))
    done, passed = 0, 0
    skipped: Counter[str] = Counter()
    while passed < len(ordered) and not (stop is not None and stop.is_set()):
        batch = ordered[passed : passed + size]
        now, why = await one_row(db, statement, {**values, "ids": batch, "bulk_id": bulk_id})
        done += now
        skipped.update(why)
        passed += len(batch)
        if progress is not None:
            progress(passed, len(ordered))
    return BulkResult(bulk_id, done, dict(skipped), len(ordered) - passed)
