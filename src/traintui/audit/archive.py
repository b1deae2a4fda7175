"""Reading the archive: rows that were removed under policy, as the database reads rows of the log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.audit.archiving import moment
from traintui.audit.frames import DamagedFrame, unpack
from traintui.data.sealed_columns import HASHED, Log
from traintui.errors import TraintuiError

_PAYLOADS = {"request_payload", "response_payload"}
_FORMS = {log: {column.name: column.form for column in columns} for log, columns in HASHED.items()}


def damaged(week: date, place: int, error: Exception) -> TraintuiError:
    """A frame cannot be read."""
    return TraintuiError(
        "Archive damaged", f"frame {place} of the week of {week} cannot be read: {error}.",
        "See what else is: traintui audit verify. Take the frame from a backup.",
    )  # fmt: skip


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
