"""Indexes that are being built: how far one is, and what builds left that did not end."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.maintaining import Maintenance, named
from traintui.data.query_labels import UNLOGGED

PROGRESS = text("""
    SELECT phase, CASE WHEN tuples_total > 0 THEN tuples_done WHEN blocks_total > 0 THEN blocks_done
                       ELSE lockers_done END AS done,
           CASE WHEN tuples_total > 0 THEN tuples_total WHEN blocks_total > 0 THEN blocks_total
                ELSE lockers_total END AS total
    FROM pg_stat_progress_create_index WHERE pid = :pid
""")

# REINDEX CONCURRENTLY gives what it builds, and what it is to drop, a name of its own. Whoever is at it holds the table
# against others; so does a vacuum, behind which the next look comes.
LEFT = """
    SELECT c.relname AS name, t.relname AS table, pg_get_indexdef(c.oid) AS definition, pg_relation_size(c.oid) AS bytes
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'i' AND NOT c.relispartition
      AND NOT (i.indisvalid AND i.indisready AND i.indislive) AND NOT EXISTS (
          SELECT FROM pg_locks AS l WHERE l.relation = i.indrelid AND l.granted AND l.pid <> pg_backend_pid()
            AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'AccessExclusiveLock'))
"""
# A build waits for all that began before it and may still read what it does not have, but for vacuums; a drop for those
# who have the table open.
OTHERS = """
    SELECT DISTINCT l.virtualtransaction FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.locktype = 'relation' AND l.pid <> pg_backend_pid() AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.relation = to_regclass(%(table)s)
           OR l.relation IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%(table)s))
           OR %(anywhere)s AND coalesce(a.backend_type, 'client backend') = 'client backend')
"""

OF_TABLE = f"""
    {LEFT} AND c.relname ~ '_cc(new|old)[0-9]*$' AND (t.relname = %s OR t.oid IN
        (SELECT inhrelid FROM pg_inherits JOIN pg_class AS p ON p.oid = inhparent WHERE p.relname = %s))
"""  # noqa: S608 - of constants
LEFTOVERS = text(f"{LEFT} ORDER BY c.relname")


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far a build is: the server's word for the phase, and how much of it is done, 0 of 0 where nothing is
    counted."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Leftover:
    """An index that a build left which did not end; nobody is at it. Its size is in bytes."""

    name: str
    table: str
    definition: str
    bytes: int


async def progress_of(db: Database, pid: int) -> BuildProgress | None:
    """How far the build of a session is; None where it builds nothing, or nobody may see it."""
    async with db.read(UNLOGGED) as connection:
        row = (await connection.execute(PROGRESS, {"pid": pid})).one_or_none()
    return None if row is None or row.phase is None else BuildProgress(row.phase, int(row.done), int(row.total))


async def leftovers(db: Database) -> tuple[Leftover, ...]:
    """All that builds left, by name."""
    async with db.read() as connection:
        return tuple(Leftover(*row) for row in await connection.execute(LEFTOVERS))


async def others(connection: Maintenance, table: str, *, anywhere: bool) -> set[str]:
    """The transactions of others that have a table open, or with `anywhere` anything in this database."""
    found = await connection.execute(OTHERS.encode(), {"table": f"public.{named(table)}", "anywhere": anywhere})
    return {str(row[0]) for row in await found.fetchall()}


async def drop_leftovers(connection: Maintenance, table: str) -> None:
    """Drops what rebuilds of the indexes of a table and of its parts left, one after the other. Raises
    `psycopg.errors.LockNotAvailable` where somebody keeps one for longer than a lock is waited for."""
    for name, *_ in await (await connection.execute(OF_TABLE.encode(), [table, table])).fetchall():
        await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS public.{named(str(name))}".encode())
