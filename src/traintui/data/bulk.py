"""Actions on many conversations at once: one log row each, all of them one undo."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.reviews import Action
from traintui.data.storable import storable

AT_ONCE = 1_000
"""Conversations of one transaction; the database takes no more."""
UNDO_DEPTH = 100_000
"""Actions of one's own among which the last to take back is looked for."""

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]

SKIPPED: dict[str, str] = {
    "already": "were so already",
    "changed": "changed meanwhile",
    "in_trash": "are in the trash",
    "no_text": "have no text yet",
    "under_way": "are still to be written",
    "acted_since": "somebody acted on since",
    "missing": "are gone",
}
"""Why a conversation was left alone, in words."""


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What a bulk did: how many conversations it changed, and how many it left alone, by reason (`SKIPPED`)."""

    bulk_id: str
    done: int
    skipped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk of one's own that can be taken back: its action, how many conversations of it can be, and how many of
    these were exported since."""

    bulk_id: str
    action: str
    count: int
    exported: int
    timestamp: datetime


def quiet(done: int, total: int) -> None:
    """Progress that nobody looks at."""


def never() -> bool:
    """A bulk that nobody stops."""
    return False


async def snapshot(db: Database) -> str:
    """The snapshot of this moment, for `decide`: take it before, or in the transaction of, what a person looks at."""
    async with db.read() as connection:
        return str(await connection.scalar(text("SELECT pg_current_snapshot()::text")))


async def run(
    db: Database, statement: str, ids: Iterable[int], progress: Progress, stop: Stop, **values: Any
) -> BulkResult:
    """Runs a function of the database over ids in transactions of `AT_ONCE`, in the order in which it locks them."""
    wanted = sorted(set(ids))
    bulk_id, done, skipped = uuid.uuid4().hex, 0, Counter[str]()
    for start in range(0, len(wanted), AT_ONCE):
        if stop():
            break
        part = wanted[start : start + AT_ONCE]
        async with db.write() as connection:
            row = (await connection.execute(text(statement), {**values, "ids": part, "bulk_id": bulk_id})).one()
        done += row.done
        skipped.update(row.skipped)
        progress(start + len(part), len(wanted))
    return BulkResult(bulk_id, done, dict(skipped))


async def decide(
    db: Database,
    ids: Iterable[int],
    action: Action,
    *,
    seen: str,
    reason: str | None = None,
    notes: str | None = None,
    progress: Progress = quiet,
    stop: Stop = never,
) -> BulkResult:
    """Decides conversations by their internal ids, as the person logged in.

    `seen` is the `snapshot` that the set was read with: what changed since is left alone. `progress` gets how many were
    looked at and how many there are, after each transaction; between two of them `stop` is asked, and what was decided
    until then stays. Raises `Refused` when one may not, or a reason or note is too long.
    """
    return await run(
        db,
        "SELECT done, skipped FROM decide_many(CAST(:ids AS bigint[]), :action, CAST(:seen AS pg_snapshot), :bulk_id,"
        " :reason, :notes)",
        ids, progress, stop, action=action, seen=seen, reason=storable(reason), notes=storable(notes),
    )  # fmt: skip


async def flag(
    db: Database, ids: Iterable[int], flagged: bool, *, progress: Progress = quiet, stop: Stop = never
) -> BulkResult:
    """Flags or unflags conversations; `progress` and `stop` as for `decide`. Raises `Refused` when one may not."""
    statement = "SELECT done, skipped FROM flag_many(CAST(:ids AS bigint[]), :flagged, :bulk_id)"
    return await run(db, statement, ids, progress, stop, flagged=flagged)


async def trash(
    db: Database, ids: Iterable[int], deleted: bool = True, *, progress: Progress = quiet, stop: Stop = never
) -> BulkResult:
    """Moves conversations to the trash, or back with `deleted` false; `progress` and `stop` as for `decide`.

    Raises `Refused` unless one is an author or an administrator.
    """
    statement = "SELECT done, skipped FROM trash_many(CAST(:ids AS bigint[]), :deleted, :bulk_id)"
    return await run(db, statement, ids, progress, stop, deleted=deleted)


async def undo(
    db: Database, bulk_id: str, *, total: int = 0, progress: Progress = quiet, stop: Stop = never
) -> BulkResult:
    """Takes back a bulk of one's own; what somebody acted on since stays and is counted as `acted_since`.

    `total` is only passed on to `progress`. One that was stopped goes on when it is called again. Raises `Refused`
    (TT010) for the bulk of somebody else.
    """
    done, looked_at, after, skipped = 0, 0, 0, Counter[str]()
    statement = text("SELECT done, skipped, last_id FROM undo_bulk(:bulk_id, :limit, :after)")
    while not stop():
        async with db.write() as connection:
            values = {"bulk_id": bulk_id, "limit": AT_ONCE, "after": after}
            row = (await connection.execute(statement, values)).one()
        if row.last_id is None:
            break
        after = row.last_id
        done += row.done
        skipped.update(row.skipped)
        looked_at += row.done + sum(row.skipped.values())
        progress(looked_at, max(total, looked_at))
    return BulkResult(bulk_id, done, dict(skipped))


LAST = """
    WITH last AS (
        SELECT log.id, log.bulk_id FROM (
            SELECT * FROM review_logs
            WHERE reviewer_id = :login
              AND action IN ('approve', 'reject', 'reopen', 'edit', 'flag', 'unflag', 'delete', 'restore')
            ORDER BY id DESC LIMIT :depth
        ) AS log
        -- An edit is never of a bulk; undo() has the last word on it.
        WHERE still_undoable(log)
           OR (log.action = 'edit' AND NOT EXISTS (SELECT FROM review_logs WHERE undoes = log.id))
        ORDER BY log.id DESC LIMIT 1
    )
    SELECT log.bulk_id, min(log.action) AS action, count(*) AS number, max(log.timestamp) AS timestamp,
           count(*) FILTER (WHERE EXISTS (
               SELECT FROM export_rows AS row JOIN export_logs AS export USING (export_id)
               WHERE row.conversation_id = log.conversation_id AND export.state = 'succeeded'
                 AND export.exported_at > log.timestamp)) AS exported
    FROM review_logs AS log JOIN last ON last.bulk_id = log.bulk_id
    WHERE still_undoable(log)
    GROUP BY log.bulk_id
"""


async def last_bulk(db: Database) -> Bulk | None:
    """The bulk that one's own newest action belongs to, of those that can be taken back; None when that is a single
    one, or when there is none. Served by `ix_review_logs_reviewer_id_id` and `ix_review_logs_bulk_id`."""
    async with db.read() as connection:
        row = (await connection.execute(text(LAST), {"login": db.login, "depth": UNDO_DEPTH})).one_or_none()
    return Bulk(row.bulk_id, row.action, row.number, row.exported, row.timestamp) if row is not None else None
