"""Erasing parts of calls, with a reason on record: the payloads go, their digests stay, and the record verifies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

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
    SELECT p.id, p.conversation_id, e.row_id, e.request_sha256 AS request, e.response_sha256 AS response,
           e.error_sha256 AS error
    FROM archive_erasures AS p LEFT JOIN erasures AS e ON e.id = p.erasure_id
    WHERE p.id > :after ORDER BY p.id LIMIT :limit
""")
FRAMES_OF = text("""
    SELECT f.week, f.place, array_agg(p.id ORDER BY p.id) AS ids
    FROM archive_erasures AS p LEFT JOIN erasures AS e ON e.id = p.erasure_id
    JOIN archive_frames AS f ON f.log = 'generation_logs' AND (
        f.conversation_ids && ARRAY[p.conversation_id]
        OR f.week = date_trunc('week', e.row_created_at AT TIME ZONE 'UTC')::date
           AND e.row_created_at BETWEEN f.first_at AND f.last_at)
    WHERE p.id = ANY(CAST(:ids AS bigint[])) GROUP BY f.week, f.place ORDER BY f.week, f.place
""")
"""Frames that may hold what is to be taken out. Served by `ix_archive_frames_conversation_ids` and
`pk_archive_frames`."""
ERRORS = text("""
    SELECT row_id, error_sha256 FROM erasures
    WHERE row_id = ANY(CAST(:calls AS bigint[])) AND error_sha256 IS NOT NULL ORDER BY id
""")
"""Served by `ix_erasures_row_id`."""
DONE = "SELECT archive_is_erased(CAST(:ids AS bigint[]))"
FAILED = "SELECT archive_erasing_failed(CAST(:ids AS bigint[]), :failure)"
FAILURES = text(
    "SELECT failure FROM archive_erasures WHERE failure IS NOT NULL GROUP BY 1 ORDER BY min(id) LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class ToErase:
    """Something that is to be taken out of the archive: all calls of a conversation, or of one `call` the parts that an
    erasure names with their digests."""

    id: int
    conversation_id: str | None
    call: int | None
    parts: Mapping[Part, bytes]


@dataclass(frozen=True, slots=True)
class FrameOf:
    """A frame by its week and place, and what may have to be taken out of it, by the ids."""

    week: date
    place: int
    ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to be taken out of the archive, the oldest first, and where that may stand."""

    wanted: Sequence[ToErase]
    frames: Sequence[FrameOf]

    @property
    def last(self) -> int:
        """The id of the newest."""
        return self.wanted[-1].id


async def pending(db: Database, limit: int, *, after: int = 0) -> Pending | None:
    """The oldest of what is still to be taken out of the archive, behind an id; None where nothing is."""
    async with db.read() as connection:
        rows = (await connection.execute(PENDING, {"limit": limit, "after": after})).all()
        if not rows:
            return None
        frames = await connection.execute(FRAMES_OF, {"ids": [row.id for row in rows]})
        found = [FrameOf(week, place, frozenset(ids)) for week, place, ids in frames]
    wanted = [
        ToErase(
            row.id, row.conversation_id, row.row_id,
            {part: bytes(digest) for part in PARTS if (digest := getattr(row, part)) is not None},
        )
        for row in rows
    ]  # fmt: skip
    return Pending(wanted, found)


async def erased_errors(db: Database, calls: Sequence[int]) -> Mapping[int, Sequence[bytes]]:
    """The digests of texts of errors that erasures name of some calls, by the ids of those."""
    found: dict[int, list[bytes]] = {}
    async with db.read() as connection:
        for call, digest in await connection.execute(ERRORS, {"calls": list(calls)}):
            found.setdefault(call, []).append(bytes(digest))
    return found


async def number_pending(db: Database) -> int:
    """How much is still to be taken out of the archive: erasures and purged conversations."""
    async with db.read() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM archive_erasures")) or 0)


async def failures(db: Database, *, limit: int = 10) -> tuple[str, ...]:
    """Why something could not be taken out of the archive when that was tried last, each once, the oldest first."""
    async with db.read() as connection:
        return tuple((await connection.scalars(FAILURES, {"limit": limit})).all())


async def archive_is_erased(db: Database, ids: Sequence[int]) -> None:
    """Says that this is out of the archive. Raises `Refused` for who is no administrator."""
    await db.call(DONE, {"ids": list(ids)})


async def archive_erasing_failed(db: Database, ids: Sequence[int], failure: str) -> None:
    """Says why this is not out of the archive. Raises `Refused` for who is no administrator."""
    await db.call(FAILED, {"ids": list(ids), "failure": failure})
