"""What the server itself counted of statements, of every program: pg_stat_statements, where it exists."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from traintui.data.engine import Database
from traintui.data.query_shapes import statement_without_values
from traintui.data.retention_rounds import EMBEDDED

EXTENSION = text("""
    SELECT quote_ident(n.nspname) FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements'
""")
COUNTED = """
    SELECT s.query, pg_get_userbyid(s.userid) AS login, s.calls, s.total_exec_time, s.mean_exec_time, s.max_exec_time,
           s.rows, s.shared_blks_hit, s.shared_blks_read, s.temp_blks_written
    FROM {schema}.pg_stat_statements AS s
    WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.toplevel
    ORDER BY s.total_exec_time DESC, s.queryid LIMIT :limit
"""
HIDDEN = "<insufficient privilege>"
NOT_LOADED = "55000"
"""What the server answers where the extension was made, but its library is not loaded."""
GRANT = "GRANT pg_read_all_stats TO traintui_admin;"
LOAD = "shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, then start the server anew"
CREATE = "CREATE EXTENSION pg_stat_statements;"


@dataclass(frozen=True, slots=True)
class ServerStatement:
    """A statement as the server counted it, without its values; None where another login's is hidden. Times in
    milliseconds, since the counters began."""

    statement: str | None
    login: str
    calls: int
    total_ms: float
    mean_ms: float
    most_ms: float
    rows: int
    blocks_hit: int
    blocks_read: int
    temp_blocks: int

    @property
    def hit_rate(self) -> float | None:
        """The share of blocks that was in memory; None where none was asked for."""
        asked = self.blocks_hit + self.blocks_read
        return self.blocks_hit / asked if asked else None


@dataclass(frozen=True, slots=True)
class ServerStatements:
    """What the server counted. Where it counts nothing, `missing` says why, and `remedy` what would change that; where
    only some is seen, `missing` is empty and `remedy` is the grant."""

    found: tuple[ServerStatement, ...] = ()
    missing: str = ""
    remedy: str = ""


async def read(db: Database, *, limit: int = 50) -> ServerStatements:
    """The statements that took most time in all. Raises `TraintuiError` when the database cannot be reached."""
    async with db.read() as connection:
        schema = await connection.scalar(EXTENSION)
        if schema is None and db.label == EMBEDDED:
            return ServerStatements(
                missing="Not on the embedded server: it comes without pg_stat_statements.",
                remedy="The queries behind this are what Traintui counts itself, and nobody else asks this server.",
            )
        if schema is None:
            return ServerStatements(
                missing="The extension pg_stat_statements is not in this database.",
                remedy=f"A superuser: {LOAD}; {CREATE}",
            )
        try:
            rows = (await connection.execute(text(COUNTED.format(schema=schema)), {"limit": limit})).all()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != NOT_LOADED:
                raise
            return ServerStatements(
                missing="The server does not load pg_stat_statements.", remedy=f"A superuser: {LOAD}"
            )
    # The server leaves the values out of queries alone: what changes roles, say, is counted with its passwords.
    found = tuple(
        ServerStatement(None if row[0] == HIDDEN else statement_without_values(row[0]), *row[1:]) for row in rows
    )
    return ServerStatements(found, remedy=GRANT if any(each.statement is None for each in found) else "")
