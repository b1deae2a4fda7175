"""What falls due, how much of it, and when: by the weeks that the logs have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.retention import RetiredLog

WEEKS = text("""
    WITH parts AS (
        SELECT to_date(substring(relname FROM '\\d{4}w\\d{2}$'), 'IYYY"w"IW') AS week,
               pg_total_relation_size(inhrelid) AS bytes
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'generation_logs'::regclass
    ), calls AS (
        SELECT date_trunc('week', created_at AT TIME ZONE 'UTC')::date AS week, count(*) AS rows
        FROM generation_logs GROUP BY 1
    )
    SELECT 'generation_logs' AS log, week, rows, bytes FROM calls JOIN parts USING (week)
    UNION ALL
    SELECT 'export_logs', date_trunc('week', begun.exported_at AT TIME ZONE 'UTC')::date, count(*),
           sum(pg_column_size(log.*))
    FROM export_logs AS begun JOIN export_logs AS log USING (export_id) WHERE begun.state = 'started' GROUP BY 2
    ORDER BY 2, 1
""")
"""Calls are counted by ix_generation_logs_listed alone."""


@dataclass(frozen=True, slots=True)
class KeptWeek:
    """A week that a log has, by its Monday (UTC), with its rows and bytes."""

    log: RetiredLog
    week: date
    rows: int
    bytes: int

    def falls_due(self, days: int) -> datetime:
        """When it does where rows are kept for so many days."""
        return datetime.combine(self.week, time(), UTC) + timedelta(days=7 + days)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What of a log is due by now, in weeks, rows and bytes, and the first week that falls due later, with when."""

    weeks: int = 0
    rows: int = 0
    bytes: int = 0
    following: KeptWeek | None = None
    following_at: datetime | None = None


async def kept_weeks(db: Database) -> Sequence[KeptWeek]:
    """The weeks that the logs have, the oldest first. Takes a second where there are millions of rows."""
    async with db.read() as connection:
        return [KeptWeek(log, week, rows, int(size)) for log, week, rows, size in await connection.execute(WEEKS)]


def outlook(kept: Sequence[KeptWeek], log: RetiredLog, days: int | None, now: datetime) -> Outlook:
    """What is due of a log whose rows are kept for so many days, None for good, and what falls due next."""
    if days is None:
        return Outlook()
    mine = [week for week in kept if week.log == log]
    due = [week for week in mine if week.falls_due(days) <= now]
    later = min((week for week in mine if week.falls_due(days) > now), key=lambda week: week.week, default=None)
    return Outlook(
        len(due), sum(week.rows for week in due), sum(week.bytes for week in due), later,
        None if later is None else later.falls_due(days),
    )  # fmt: skip
