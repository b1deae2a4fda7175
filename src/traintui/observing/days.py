"""What the server did in the last day, and how long statements took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from traintui.data import query_times, samples
from traintui.data.engine import Database
from traintui.data.query_records import QueryTimes
from traintui.observing.throughput import Span, spans

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SPANS = 48


@dataclass(frozen=True, slots=True)
class Day:
    """The last day until a moment: its spans, the milliseconds that 95 of 100 statements of each were within (0 where
    there was none), the statements of its last hour, None without any, and the free and all bytes of the disk, where
    they are known. `sampled` says whether the server was sampled in it."""

    until: datetime
    spans: tuple[Span, ...]
    took_ms: tuple[float, ...]
    last_hour: QueryTimes | None
    disk_free_bytes: int | None
    disk_bytes: int | None
    sampled: bool


async def last_day(db: Database, now: datetime) -> Day:
    """The day before a moment. Raises `TraintuiError` when the database cannot be reached."""
    since = now - DAY
    taken = await samples.server(db, since, now)
    length = DAY // SPANS
    asked = await query_times.over_time(db, since, now, seconds=int(length.total_seconds()))
    took = [0.0] * SPANS
    for each in asked:
        took[min(SPANS - 1, int((each.begins_at - since) / length))] = each.milliseconds(0.95)
    hour = await query_times.over_time(db, now - HOUR, now, seconds=int(HOUR.total_seconds()))
    last = taken[-1] if taken else None
    return Day(
        now, spans(taken, since, now, SPANS), tuple(took), hour[-1] if hour else None,
        None if last is None else last.disk_free_bytes, None if last is None else last.disk_bytes, len(taken) > 1,
    )  # fmt: skip
