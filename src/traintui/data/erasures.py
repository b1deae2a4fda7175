"""Erasing parts of calls, with a reason on record: the payloads go, their digests stay, and the record verifies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.retrying import one_row
from traintui.data.storable import as_json, storable

Part = Literal["request", "response", "error"]
PARTS: tuple[Part, ...] = ("request", "response", "error")
"""What can be erased of a call: what was sent, what came back, the text of its error."""
LONGEST_REASON = 500
ERASE = "SELECT id FROM erase_payload(:id, :created_at, :parts, :reason, CAST(:archived AS jsonb))"


@dataclass(frozen=True, slots=True)
class Erasure:
    """Parts of a call that were erased: by whom, when and why. `with_conversation` says that its conversation was
    purged, for which no reason is asked."""

    parts: tuple[Part, ...]
    erased_by: str
    erased_at: datetime
    reason: str
    with_conversation: bool = False


async def erase(
    db: Database,
    call: int,
    created_at: datetime,
    parts: Sequence[Part],
    reason: str,
    *,
    archived: Mapping[Part, bytes] | None = None,
) -> bool:
    """Erases parts of a finished call, as an administrator; whether anything was there to erase. The reason is stored
    as it stands: who asks takes secrets out of it. `archived` are the digests of the parts of a call that stands in the
    archive; its frame is rewritten by `audit.archive_erasing`. Raises `Refused` where one may not, there is no such
    call (TT002), it has not ended or there is no reason (TT003)."""
    digests = None if archived is None else as_json({part: digest.hex() for part, digest in archived.items()})
    values = {"id": call, "created_at": created_at, "parts": list(parts), "reason": storable(reason),
              "archived": digests}  # fmt: skip
    (id,) = await one_row(db, ERASE, values)
    return id is not None


OF_CALL = text("""
    SELECT request_sha256 IS NOT NULL AS request, response_sha256 IS NOT NULL AS response,
           error_sha256 IS NOT NULL AS error, erased_by, erased_at, reason
    FROM erasures WHERE row_id = :id AND row_created_at = :created_at ORDER BY id
""")
"""Served by `ix_erasures_row_id`."""
PURGE = text("""
    SELECT reviewer_id, timestamp FROM review_logs WHERE conversation_id = :conversation AND action = 'purge'
    ORDER BY id LIMIT 1
""")
"""Served by `ix_review_logs_conversation_id_id`."""


async def of_call(db: Database, call: int, created_at: datetime, conversation_id: str | None) -> tuple[Erasure, ...]:
    """What was erased of a call, the oldest first; with its conversation, where that was purged, at the end."""
    async with db.read() as connection:
        rows = await connection.execute(OF_CALL, {"id": call, "created_at": created_at})
        found = [
            Erasure(tuple(part for part in PARTS if getattr(row, part)), row.erased_by, row.erased_at, row.reason)
            for row in rows
        ]
        if conversation_id is not None:
            purge = (await connection.execute(PURGE, {"conversation": conversation_id})).one_or_none()
            if purge is not None:
                found.append(Erasure(("request", "response"), purge.reviewer_id, purge.timestamp, "", True))
    return tuple(found)


PENDING = text("""
    SELECT p.id, p.conversation_id, e.row_id, e.row_created_at, e.request_sha256 IS NOT NULL AS request,
           e.response_sha256 IS NOT NULL AS response, e.error_sha256 IS NOT NULL AS error
    FROM archive_erasures AS p LEFT JOIN erasures AS e ON e.id = p.erasure_id ORDER BY p.id LIMIT :limit
""")
FRAMES_OF = text("""
    SELECT DISTINCT f.week, f.place FROM archive_erasures AS p LEFT JOIN erasures AS e ON e.id = p.erasure_id
    JOIN archive_frames AS f ON f.log = 'generation_logs' AND (
        f.conversation_ids && ARRAY[p.conversation_id]
        OR f.week = date_trunc('week', e.row_created_at AT TIME ZONE 'UTC')::date
           AND e.row_created_at BETWEEN f.first_at AND f.last_at)
    WHERE p.id = ANY(CAST(:ids AS bigint[])) ORDER BY f.week, f.place
""")
"""Frames that may hold what is to be taken out. Served by `ix_archive_frames_conversation_ids` and
`pk_archive_frames`."""
DONE = "SELECT archive_is_erased(CAST(:ids AS bigint[]))"


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to be taken out of the archive: all calls of `conversations`, and parts of single calls, by their ids.
    `frames` are the weeks and places where that may stand."""

    ids: Sequence[int]
    conversations: frozenset[str]
    calls: Mapping[int, frozenset[Part]]
    frames: Sequence[tuple[Any, int]]


async def pending(db: Database, limit: int) -> Pending | None:
    """The oldest of what is still to be taken out of the archive; None where nothing is."""
    async with db.read() as connection:
        rows = (await connection.execute(PENDING, {"limit": limit})).all()
        if not rows:
            return None
        ids = [row.id for row in rows]
        frames = [(week, place) for week, place in await connection.execute(FRAMES_OF, {"ids": ids})]
    calls: dict[int, frozenset[Part]] = {}
    for row in rows:
        if row.row_id is not None:
            parts = frozenset(part for part in PARTS if getattr(row, part))
            calls[row.row_id] = calls.get(row.row_id, frozenset()) | parts
    return Pending(ids, frozenset(row.conversation_id for row in rows if row.conversation_id), calls, frames)


async def number_pending(db: Database) -> int:
    """How much is still to be taken out of the archive: erasures and purged conversations."""
    async with db.read() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM archive_erasures")) or 0)


async def archive_is_erased(db: Database, ids: Sequence[int]) -> None:
    """Says that this is out of the archive. Raises `Refused` for who is no administrator."""
    await db.call(DONE, {"ids": list(ids)})
