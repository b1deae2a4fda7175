"""All that a workspace holds, to be compared."""

from __future__ import annotations

import psycopg
from psycopg import sql


def data(conninfo: str) -> dict[str, object]:
    """All rows of all tables, as a digest of each table, in whatever order its columns are. What an upgrade itself
    notes, and what a downgrade put aside, is left out."""
    with psycopg.connect(conninfo) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition AND relname NOT IN ('alembic_version', 'schema_history')"
            " AND NOT starts_with(relname, 'put_aside_')"
        ).fetchall()
        digests = sql.SQL(
            "SELECT md5(string_agg(row, '|' ORDER BY row)) FROM (SELECT to_jsonb(t)::text AS row FROM {} AS t) AS t"
        )
        return {
            name: connection.execute(digests.format(sql.Identifier(name))).fetchone() for (name,) in tables
        }  # fmt: skip
