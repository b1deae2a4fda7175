"""Calls, and exports, in the log and in the archive, listed as one: by the filter of the log, newest first.

The database reads the filter over archived rows too: they are handed to it, some frames at once, in the place of the
log. So a word means the same in both, and nothing of the filter stands twice.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text

from traintui.audit import export_archive
from traintui.audit.archive import as_json
from traintui.data import log_lines, retention
from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.log_fields import EXPORTS, GENERATIONS, Log
from traintui.data.log_models import GenerationLog as L
from traintui.errors import TraintuiError

AT_ONCE = 10
"""Frames that are handed over together."""
FRAMES = text("""
    SELECT place, first_at, last_at FROM archive_frames WHERE log = 'generation_logs' AND week = :week
    ORDER BY last_at DESC, place DESC
""")
CONTENTS = text("""
    SELECT place, content FROM archive_frames
    WHERE log = 'generation_logs' AND week = :week AND place = ANY(CAST(:places AS integer[]))
""")
IN_PLACE = (
    text("SELECT * FROM jsonb_populate_recordset(NULL::public.generation_logs, CAST(:archived AS jsonb))")
    .columns()
    .cte("generation_logs")
)
"""Stands before the table of this name in a statement that has it."""
Columns = Sequence[Any]


async def rows_across(
    db: Database, columns: Columns, wanted: Filter, log: Log = GENERATIONS
) -> AsyncGenerator[Sequence[Any]]:
    """Columns of all calls, or exports, that match, in log and archive, newest first, some thousands at once. Raises
    `TraintuiError` where a frame cannot be read, and in the end where a week was removed meanwhile."""
    removed = await weeks_removed(db, log)
    there = _in_archive if log is GENERATIONS else _exports_in_archive
    until: datetime | None = None
    for week in reversed(removed):
        begins = datetime.combine(week, time(), UTC)
        async with aclosing(_in_log(db, log, columns, wanted, begins + timedelta(days=7), until)) as portions:
            async for rows in portions:
                yield rows
        async with aclosing(there(db, columns, wanted, week)) as portions:
            async for rows in portions:
                yield rows
        until = begins
    async with aclosing(_in_log(db, log, columns, wanted, None, until)) as portions:
        async for rows in portions:
            yield rows
    if await weeks_removed(db, log) != removed:
        raise TraintuiError(
            "The log moved on", "a week went to the archive while it was read, and may be missing.", "Do it again."
        )


async def weeks_removed(db: Database, log: Log = GENERATIONS) -> list[date]:
    """The weeks of a log that were removed, in their order."""
    name = "generation_logs" if log is GENERATIONS else "export_logs"
    return sorted(each.week for each in await retention.retirements(db) if each.log == name)


async def csv_lines(db: Database, wanted: Filter, log: Log = GENERATIONS) -> AsyncGenerator[Sequence[str]]:
    """The lines of all calls (or exports) that match, in the log and in the archive, as `log_lines.csv_lines` has those
    of the log."""
    async with aclosing(rows_across(db, [log_lines.line_of(log)], wanted, log)) as portions:
        async for rows in portions:
            yield [f"{row[0]}{log_lines.LINE_END}" for row in rows]


async def records(db: Database, wanted: Filter, limit: int, log: Log = GENERATIONS) -> Sequence[Mapping[str, Any]]:
    """The newest calls (or exports) that match, in the log and in the archive, as `log_lines.records` has those of the
    log."""
    columns = log_lines.plain_columns(log)
    found: list[Mapping[str, Any]] = []
    async with aclosing(rows_across(db, columns, wanted, log)) as portions:
        async for rows in portions:
            found += [dict(zip(log_lines.COLUMNS[log.name], row, strict=True)) for row in rows]
            if len(found) >= limit:
                break
    return found[:limit]


async def _in_log(
    db: Database, log: Log, columns: Columns, wanted: Filter, since: datetime | None, until: datetime | None
) -> AsyncGenerator[Sequence[Any]]:
    selected = log_lines.rows_of(log, columns, wanted)
    if since is not None:
        selected = selected.where(log.at >= since)
    if until is not None:
        selected = selected.where(log.at < until)
    async with aclosing(log_lines.streamed(db, selected)) as portions:
        async for rows in portions:
            yield rows


async def _in_archive(db: Database, columns: Columns, wanted: Filter, week: date) -> AsyncGenerator[Sequence[Any]]:
    keyed: list[Any] = [L.created_at, L.id, *columns]
    selected = log_lines.rows_of(GENERATIONS, keyed, wanted).add_cte(IN_PLACE)
    async with db.read() as connection:
        frames = (await connection.execute(FRAMES, {"week": week})).all()
    waiting: list[tuple[timedelta, int, Sequence[Any]]] = []
    for first in range(0, len(frames), AT_ONCE):
        places = [frame.place for frame in frames[first : first + AT_ONCE]]
        async with db.read() as connection:
            contents = (await connection.execute(CONTENTS, {"week": week, "places": places})).all()
            archived = await asyncio.to_thread(
                as_json, "generation_logs", [(week, each.place, bytes(each.content)) for each in contents]
            )
            for created_at, id, *row in await connection.execute(selected, {"archived": archived}):
                heapq.heappush(waiting, (_LATEST - created_at, -id, row))
        # What no frame behind these can come before.
        rest = frames[first + AT_ONCE : first + AT_ONCE + 1]
        bound = _LATEST - rest[0].last_at if rest else timedelta.max
        ready = []
        while waiting and waiting[0][0] < bound:
            ready.append(heapq.heappop(waiting)[2])
        if ready:
            yield ready


async def _exports_in_archive(
    db: Database, columns: Columns, wanted: Filter, week: date
) -> AsyncGenerator[Sequence[Any]]:
    yield await export_archive.in_week(db, week, log_lines.rows_of(EXPORTS, columns, wanted), wanted)


_LATEST = datetime.max.replace(tzinfo=UTC)
