"""The tables as the catalog and the counters have them: sizes, rows, what vacuum did, and the parts of those that are
kept in parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.refusals import Refused

PATIENCE_MS = 200
"""Milliseconds that a size may wait for whoever took a table between two looks."""
TRIES = 3


@dataclass(frozen=True, slots=True)
class TableFact:
    """A table, or a part of one. Rows are what the server estimates. Sizes in bytes; None where `held`: somebody has it
    for themselves, and asking would wait for them. `begins` and `ends` are the range of a part, from and up to before.
    Of a table in parts, figures are of all parts that are not held, and `vacuumed_at` and so on the newest."""

    name: str
    parts: tuple[TableFact, ...]
    begins: str
    ends: str
    held: bool
    rows: int
    table_bytes: int | None
    toast_bytes: int | None
    index_bytes: int | None
    dead_rows: int
    inserted: int
    updated: int
    hot_updated: int
    deleted: int
    vacuumed_at: datetime | None
    auto_vacuumed_at: datetime | None
    analyzed_at: datetime | None
    auto_analyzed_at: datetime | None

    @property
    def total_bytes(self) -> int | None:
        """With all that belongs to it."""
        if self.table_bytes is None or self.toast_bytes is None or self.index_bytes is None:
            return None
        return self.table_bytes + self.toast_bytes + self.index_bytes

    @property
    def hot_share(self) -> float | None:
        """The share of updates that changed no index; None where nothing was updated."""
        return self.hot_updated / self.updated if self.updated else None

    @property
    def dead_share(self) -> float:
        """The share of its rows that are dead: no longer seen by anybody, and not yet free."""
        return self.dead_rows / max(1, self.dead_rows + self.rows)


# Sizes, and the range of a part, wait for who holds the table or one of its indexes for themselves, or waits to.
TABLES = text("""
    WITH held AS (
        SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ), part AS MATERIALIZED (
        SELECT c.oid, c.relname, c.relkind, c.reltuples, i.inhparent, c.relpartbound,
               EXISTS (SELECT FROM held WHERE relation IN (c.oid, c.reltoastrelid))
               OR EXISTS (SELECT FROM pg_index AS x JOIN held ON held.relation = x.indexrelid
                          WHERE x.indrelid = c.oid) AS held
        FROM pg_class AS c LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
    )
    SELECT p.relname AS name, (SELECT relname FROM pg_class WHERE oid = p.inhparent) AS parent, p.held,
           CASE WHEN NOT p.held THEN pg_get_expr(p.relpartbound, p.oid) END AS bounds,
           coalesce(nullif(s.n_live_tup, 0), greatest(p.reltuples, 0)::bigint, 0) AS rows,
           CASE WHEN NOT p.held THEN pg_relation_size(p.oid) END AS table_bytes,
           CASE WHEN NOT p.held THEN pg_table_size(p.oid) - pg_relation_size(p.oid) END AS toast_bytes,
           CASE WHEN NOT p.held THEN pg_indexes_size(p.oid) END AS index_bytes,
           coalesce(s.n_dead_tup, 0) AS dead_rows, coalesce(s.n_tup_ins, 0) AS inserted,
           coalesce(s.n_tup_upd, 0) AS updated, coalesce(s.n_tup_hot_upd, 0) AS hot_updated,
           coalesce(s.n_tup_del, 0) AS deleted, s.last_vacuum AS vacuumed_at, s.last_autovacuum AS auto_vacuumed_at,
           s.last_analyze AS analyzed_at, s.last_autoanalyze AS auto_analyzed_at
    FROM part AS p LEFT JOIN pg_stat_user_tables AS s ON s.relid = p.oid
    ORDER BY p.relname
""")
SUMS = (
    "rows", "table_bytes", "toast_bytes", "index_bytes", "dead_rows", "inserted", "updated", "hot_updated", "deleted",
)  # fmt: skip
MOMENTS = ("vacuumed_at", "auto_vacuumed_at", "analyzed_at", "auto_analyzed_at")


async def tables(db: Database) -> tuple[TableFact, ...]:
    """Every table, by name, with its parts by their ranges. Raises `TraintuiError` when the database is not reached."""
    for left in reversed(range(TRIES)):
        try:
            async with db.read() as connection:
                await connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE_MS} ms'"))
                found = [dict(row) for row in (await connection.execute(TABLES)).mappings()]
            break
        except Refused as refused:
            if refused.code != "55P03" or not left:  # taken after the look at who holds what: now it is seen
                raise
    of: dict[str, list[TableFact]] = {}
    for row in found:
        if row["parent"] is not None:
            begins, ends = bounds(row["bounds"] or "")
            of.setdefault(row["parent"], []).append(fact(row, begins=begins, ends=ends))
    return tuple(
        whole(row, sorted(of[row["name"]], key=lambda part: (part.begins, part.name)))
        if row["name"] in of
        else fact(row)
        for row in found
        if row["parent"] is None
    )


def fact(row: dict[str, Any], *, begins: str = "", ends: str = "") -> TableFact:
    """One table, or one part."""
    figures = {name: row[name] for name in (*SUMS, *MOMENTS)}
    return TableFact(row["name"], (), begins, ends, row["held"], **figures)


def whole(row: dict[str, Any], parts: list[TableFact]) -> TableFact:
    """A table out of its parts."""
    sums: dict[str, Any] = {name: sum(getattr(part, name) or 0 for part in parts) for name in SUMS}
    moments: dict[str, Any] = {
        name: max((at for part in parts if (at := getattr(part, name)) is not None), default=None) for name in MOMENTS
    }
    return TableFact(row["name"], tuple(parts), "", "", any(part.held for part in parts), **sums, **moments)


def bounds(said: str) -> tuple[str, str]:
    """The two ends of a range as PostgreSQL writes it; whole days as days, in UTC."""
    ends = [piece.split("'")[0] for piece in said.split("('")[1:3]]
    return (_day(ends[0]), _day(ends[1])) if len(ends) == 2 else ("", "")


def _day(said: str) -> str:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return said
    moment = moment.astimezone(UTC) if moment.tzinfo is not None else moment
    return f"{moment:%Y-%m-%d}" if moment.time() == datetime.min.time() else f"{moment:%Y-%m-%d %H:%M}"
