"""Reading the archive: calls that were removed under policy, newest first, as the log had them.

A frame is read only where its week, its times or its conversations may hold what is asked for.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.audit.archiving import EPOCH, moment
from traintui.audit.frames import COLUMNS, DamagedFrame, unpack
from traintui.data.engine import Database
from traintui.data.sealed_columns import HASHED, Log
from traintui.errors import TraintuiError

Values = Mapping[str, Any]
"""The columns of a call by their names, with the types that the log has."""
Predicate = Callable[[Values], bool]

LISTED = text("""
    SELECT f.log, f.week, f.place, f.row_count, f.first_at, f.last_at FROM archive_frames AS f
    WHERE f.log = 'generation_logs'
      AND EXISTS (SELECT FROM retirements AS r WHERE r.log = f.log AND r.week = f.week)
      AND (CAST(:since AS timestamptz) IS NULL OR f.last_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR f.first_at < :until)
      AND (CAST(:conversation AS text) IS NULL OR f.conversation_ids && ARRAY[CAST(:conversation AS text)])
    ORDER BY f.last_at DESC, f.place DESC
""")
"""Frames without their contents: a few words each. For a conversation served by
`ix_archive_frames_conversation_ids`."""
CONTENT = text("SELECT content FROM archive_frames WHERE log = :log AND week = :week AND place = :place")
_WHOLE = {
    "hash_version", "id", "run_id", "item_id", "fence", "attempt", "template_id", "template_version", "worker_id",
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "duration_ms", "http_status",
    "late_reply_to",
}  # fmt: skip
_TRUTHS = {"is_rehearsal", "cost_is_estimate"}
_PAYLOADS = {"request_payload", "response_payload"}
_FORMS = {log: {column.name: column.form for column in columns} for log, columns in HASHED.items()}


@dataclass(frozen=True, slots=True)
class ArchivedCall:
    """A call that was removed from the log, and where it stands in the archive."""

    values: Values
    week: date
    place: int

    @property
    def at(self) -> tuple[datetime, int]:
        """Where it stands in the order of the log."""
        return self.values["created_at"], self.values["id"]


async def archived_calls(
    db: Database,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    conversation: str | None = None,
    matching: Predicate = lambda _: True,
) -> AsyncIterator[ArchivedCall]:
    """Calls in the archive, by `created_at` and id, the newest first: those from `since` on and before `until`, of one
    conversation, that match. A frame is held at a time, more where calls took longer than others beside them. Raises
    `TraintuiError` where a frame cannot be read or the database cannot be reached.
    """
    values = {"since": since, "until": until, "conversation": conversation}
    async with db.read() as connection:
        listed = (await connection.execute(LISTED, values)).all()
    waiting: list[tuple[float, int, int, ArchivedCall]] = []
    for number, frame in enumerate(listed):
        async with db.read() as connection:
            content = await connection.scalar(CONTENT, {"log": frame.log, "week": frame.week, "place": frame.place})
        for call in await asyncio.to_thread(calls_of, frame.week, frame.place, bytes(content)):
            created_at, id = call.at
            if (since is None or created_at >= since) and (until is None or created_at < until) and (
                conversation is None or call.values["conversation_id"] == conversation
            ) and matching(call.values):  # fmt: skip
                heapq.heappush(waiting, (-micros(created_at), -id, number, call))
        # What no frame behind this one can come before.
        bound = -micros(listed[number + 1].last_at) if number + 1 < len(listed) else float("inf")
        while waiting and waiting[0][0] < bound:
            yield heapq.heappop(waiting)[3]


def micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def calls_of(week: date, place: int, content: bytes) -> list[ArchivedCall]:
    """The calls of a frame. Raises `TraintuiError` where it cannot be read."""
    try:
        names, rows = unpack(content)
        return [ArchivedCall(typed(dict(zip(names, row, strict=True))), week, place) for row in rows]
    except (DamagedFrame, ValueError, ArithmeticError) as error:
        raise damaged(week, place, error) from error


def damaged(week: date, place: int, error: Exception) -> TraintuiError:
    """A frame cannot be read."""
    return TraintuiError(
        "Archive damaged", f"frame {place} of the week of {week} cannot be read: {error}.",
        "See what else is: traintui audit verify. Take the frame from a backup.",
    )  # fmt: skip


def typed(fields: Mapping[str, bytes | None]) -> dict[str, Any]:
    """The columns of a call with the types that the log has; those that the frame does not know are None."""
    return {name: value_of(name, fields.get(name)) for name in COLUMNS["generation_logs"]}


def value_of(name: str, field: bytes | None) -> Any:
    """A column out of its text."""
    if field is None:
        return None
    form = _FORMS["generation_logs"].get(name)
    if form == "time":
        return EPOCH + timedelta(microseconds=int(field))
    if form == "hex" or name == "row_hash":
        return bytes.fromhex(field.decode())
    if form == "json" or name in _PAYLOADS:
        return orjson.loads(field)
    if name in _WHOLE:
        return int(field)
    if name in _TRUTHS:
        return field == b"true"
    return Decimal(field.decode()) if name == "cost_usd" else field.decode()


EXPORTS = text("""
    SELECT week, place, content FROM archive_frames AS f
    WHERE f.log = 'export_logs' AND EXISTS (SELECT FROM retirements AS r WHERE r.log = f.log AND r.week = f.week)
    ORDER BY week, place
""")


async def archived_exports(connection: AsyncConnection) -> str:
    """Rows of the export log that are in the archive, as JSON that the database reads as such. Raises `TraintuiError`
    where a frame cannot be read."""
    frames = (await connection.execute(EXPORTS)).all()
    return await asyncio.to_thread(
        as_json, "export_logs", [(each.week, each.place, bytes(each.content)) for each in frames]
    )


def as_json(log: Log, frames: Iterable[tuple[date, int, bytes]]) -> str:
    """The rows of frames, each by week, place and content, as JSON that the database reads as rows of the log; without
    payloads. Raises `TraintuiError` where a frame cannot be read."""
    found: list[dict[str, Any]] = []
    for week, place, content in frames:
        try:
            names, rows = unpack(content)
            found += [{name: said(log, name, field) for name, field in zip(names, row, strict=True)} for row in rows]
        except (DamagedFrame, ValueError) as error:
            raise damaged(week, place, error) from error
    return orjson.dumps(found).decode()


def said(log: Log, name: str, field: bytes | None) -> Any:
    """A column as the database reads it out of JSON."""
    if field is None or name in _PAYLOADS:
        return None
    form = "hex" if name == "row_hash" else _FORMS[log].get(name)
    if form == "time":
        return moment(int(field))
    if form == "json":
        return orjson.Fragment(field)
    return f"\\x{field.decode()}" if form == "hex" else field.decode()
