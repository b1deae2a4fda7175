"""How long rows of the logs are kept, what is due, and removing it, through one function of the database for a log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import text

from traintui.data import workspace_settings
from traintui.data.archive_frames import RETIREMENTS, Retirement
from traintui.data.engine import Database

RetiredLog = Literal["generation_logs", "export_logs"]
SETTINGS: dict[RetiredLog, str] = {
    "generation_logs": "retention_generations_days", "export_logs": "retention_exports_days",
}  # fmt: skip
DEFAULTS: dict[RetiredLog, int] = {"generation_logs": 90, "export_logs": 365}
LEAST_DAYS, MOST_DAYS = 7, 36_500
"""For so many days rows are kept, where not for good."""
RETIRE: dict[RetiredLog, str] = {
    "generation_logs": "SELECT id FROM retire_generations(:week)",
    "export_logs": "SELECT id FROM retire_exports(:week)",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days rows are kept; None for good. Those of the review log always are."""

    generations_days: int | None = DEFAULTS["generation_logs"]
    exports_days: int | None = DEFAULTS["export_logs"]


@dataclass(frozen=True, slots=True)
class DueWeek:
    """A week of a log that is due, by its Monday (UTC). `unsealed` and `under_way` are rows that keep it here;
    `archived` are in the archive already; `noted` are conversations that were in its exports."""

    log: RetiredLog
    week: date
    rows: int
    bytes: int
    noted: int
    archived: int
    unsealed: int
    under_way: int

    def as_json(self) -> dict[str, Any]:
        """The week as plain values."""
        return {
            "log": self.log, "week": self.week.isoformat(), "rows": self.rows, "bytes": self.bytes,
            "conversations": self.noted, "archived": self.archived, "unsealed": self.unsealed,
            "under_way": self.under_way,
        }  # fmt: skip


async def read(db: Database) -> Retention:
    """What the workspace chose."""
    found = await workspace_settings.values(db, "retention_")
    return Retention(*(found.get(SETTINGS[log], DEFAULTS[log]) for log in SETTINGS))


async def change(db: Database, log: RetiredLog, days: int | None) -> None:
    """Keeps rows of a log for so many days from now on, 7 to 36,500; None for good. Raises `Refused` for who is no
    administrator, or for another number."""
    await workspace_settings.change(db, SETTINGS[log], days)


WEEKS = text("""
    WITH parts AS (
        SELECT inhrelid::regclass AS part,
               to_date(substring(relname FROM '\\d{4}w\\d{2}$'), 'IYYY"w"IW') AS week
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'generation_logs'::regclass
    )
    SELECT week, pg_total_relation_size(part) AS bytes FROM parts
    WHERE (week + 7)::timestamp AT TIME ZONE 'UTC'
          <= clock_timestamp() - make_interval(days => retention_days('generation_logs'))
    ORDER BY week
""")
"""The weeks of the generation log that are due."""
CALLS = text("""
    SELECT count(*) AS rows, count(*) FILTER (WHERE row_hash IS NULL) AS under_way,
           (SELECT coalesce(sum(row_count), 0) FROM audit_seal_parts
            WHERE log = 'generation_logs' AND week = :week) AS sealed,
           (SELECT coalesce(sum(row_count), 0) FROM archive_frames
            WHERE log = 'generation_logs' AND week = :week) AS archived
    FROM generation_logs
    WHERE created_at >= CAST(:week AS timestamp) AT TIME ZONE 'UTC'
      AND created_at < (CAST(:week AS timestamp) + interval '7 days') AT TIME ZONE 'UTC'
""")
EXPORTS = text("""
    WITH due AS (
        SELECT date_trunc('week', exported_at AT TIME ZONE 'UTC')::date AS week, export_id FROM export_logs
        WHERE state = 'started'
          AND exported_at < date_trunc(
              'week', (clock_timestamp() - make_interval(days => retention_days('export_logs'))) AT TIME ZONE 'UTC')
              AT TIME ZONE 'UTC'
    ), horizon AS (
        SELECT coalesce((SELECT horizon FROM audit_seals ORDER BY number DESC LIMIT 1), '0'::xid8) AS sealed_below
    )
    SELECT week, count(*) AS rows, sum(pg_column_size(log.*)) AS bytes,
           count(*) FILTER (WHERE log.xid8 >= sealed_below) AS unsealed,
           (SELECT count(*) FROM export_rows JOIN due AS mine USING (export_id) WHERE mine.week = due.week) AS noted,
           (SELECT count(*) FROM exports_under_way JOIN due AS mine USING (export_id)
            WHERE mine.week = due.week AND lease_until > clock_timestamp()) AS under_way,
           (SELECT coalesce(sum(row_count), 0) FROM archive_frames AS f
            WHERE f.log = 'export_logs' AND f.week = due.week) AS archived
    FROM due JOIN export_logs AS log USING (export_id) CROSS JOIN horizon GROUP BY week ORDER BY week
""")
"""The exports that are due, by the week in which they began."""


async def due(db: Database) -> list[DueWeek]:
    """What is due, the oldest first. Takes a while where there are millions of rows."""
    found: list[DueWeek] = []
    async with db.read() as connection:
        for week, size in (await connection.execute(WEEKS)).all():
            row = (await connection.execute(CALLS, {"week": week})).one()
            unsealed = max(0, row.rows - int(row.sealed))
            found.append(
                DueWeek("generation_logs", week, row.rows, size, 0, int(row.archived), unsealed, row.under_way)
            )
        found += [
            DueWeek("export_logs", each.week, each.rows, int(each.bytes), each.noted, int(each.archived), each.unsealed,
                    each.under_way)
            for each in await connection.execute(EXPORTS)
        ]  # fmt: skip
    return found


async def weeks_due(db: Database) -> int:
    """How many weeks of the generation log are due; at once, whatever they hold."""
    async with db.read() as connection:
        return len((await connection.execute(WEEKS)).all())


async def retire(db: Database, log: RetiredLog, week: date) -> Retirement:
    """Removes a week that is in the archive as it stands; what was removed, also where that was before. Raises
    `Refused` where it is not due, not sealed, not archived, or somebody reads the log all the time."""
    await db.call(RETIRE[log], {"week": week})
    return next(each for each in await retirements(db) if (each.log, each.week) == (log, week))


async def retirements(db: Database) -> list[Retirement]:
    """What was removed of the logs, by log and week."""
    async with db.read() as connection:
        return [Retirement(*tuple(row)) for row in await connection.exec_driver_sql(RETIREMENTS)]
