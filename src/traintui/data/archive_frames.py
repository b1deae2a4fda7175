"""Frames of the archive as the database keeps them, and what was removed of the logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

FRAMES_AT_ONCE = 8
_COLUMNS = """log, week, place, row_count, payload_count, first_xid8::text::bigint, first_id, last_xid8::text::bigint,
    last_id, first_at, last_at, conversation_ids, raw_bytes, content, sha256, erased_sha256"""
FRAMES = f"SELECT {_COLUMNS} FROM archive_frames WHERE log = %(log)s AND week = %(week)s ORDER BY place"  # noqa: S608
"""Served by `pk_archive_frames`."""
LAST_FRAME = f"{FRAMES} DESC LIMIT 1"
ADD = """
    SELECT add_archive_frame(%s::text, %s::date, %s::integer, %s::integer, %s::integer, %s::text::xid8, %s::bigint,
                             %s::text::xid8, %s::bigint, %s::timestamptz, %s::timestamptz, %s::text[], %s::integer, %s)
"""
RETIREMENTS = """
    SELECT log, week, retired_at, retired_by, keep_days, row_count, noted_count, row_bytes, root, frame_count,
           archive_bytes, archive_sha256, id, xid8::text::bigint, noted_sha256, sums_sha256
    FROM retirements ORDER BY log, week
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """Some rows of a week, compressed. `first` and `last` are their keys, `first_at` and `last_at` the earliest and the
    latest of their times; `sha256` is of the content as it was archived, `erased_sha256` of what stands there where
    payloads were erased from it since."""

    log: str
    week: date
    place: int
    row_count: int
    payload_count: int
    first: tuple[int, int]
    last: tuple[int, int]
    first_at: datetime | None
    last_at: datetime | None
    conversation_ids: Sequence[str]
    raw_bytes: int
    content: bytes
    sha256: bytes = b""
    erased_sha256: bytes | None = None

    @property
    def values(self) -> tuple[Any, ...]:
        """What `ADD` takes."""
        return (
            self.log, self.week, self.place, self.row_count, self.payload_count, self.first[0], self.first[1],
            self.last[0], self.last[1], self.first_at, self.last_at, list(self.conversation_ids), self.raw_bytes,
            self.content,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Retirement:
    """A week of a log that was removed: what it held, when and by whom it went, and what is left of it. `noted_count`
    are conversations that were in its exports, `noted_sha256` is their digest, and `sums_sha256` that of what is kept
    of what its calls came to; both None for what was removed before they were kept. Sizes are in bytes."""

    log: str
    week: date
    retired_at: datetime
    retired_by: str
    keep_days: int
    row_count: int
    noted_count: int
    row_bytes: int
    root: bytes
    frame_count: int
    archive_bytes: int
    archive_sha256: bytes
    id: int = 0
    xid8: int = 0
    noted_sha256: bytes | None = None
    sums_sha256: bytes | None = None

    def as_json(self) -> dict[str, Any]:
        """The retirement as plain values."""
        return {
            "log": self.log, "week": self.week.isoformat(), "retired_at": f"{self.retired_at:%Y-%m-%dT%H:%M:%SZ}",
            "retired_by": self.retired_by, "keep_days": self.keep_days, "rows": self.row_count,
            "conversations": self.noted_count, "row_bytes": self.row_bytes, "archive_bytes": self.archive_bytes,
            "frames": self.frame_count, "root": self.root.hex(), "archive_sha256": self.archive_sha256.hex(),
        }  # fmt: skip


def frame_of(row: tuple[Any, ...]) -> Frame:
    """A frame out of a row of `FRAMES`."""
    log, week, place, row_count, payloads, first_xid8, first_id, last_xid8, last_id, *rest = row
    first_at, last_at, conversations, raw_bytes, content, sha256, erased = rest
    return Frame(
        log, week, place, row_count, payloads, (first_xid8, first_id), (last_xid8, last_id), first_at, last_at,
        conversations, raw_bytes, bytes(content), bytes(sha256), None if erased is None else bytes(erased),
    )  # fmt: skip


def retirements_of(connection: psycopg.Connection[Any]) -> list[Retirement]:
    """What was removed of the logs, by log and week."""
    found = connection.execute(RETIREMENTS).fetchall()
    return [Retirement(*row) for row in found]
