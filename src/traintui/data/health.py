"""What the database says about itself, with the rights that every login has."""

from __future__ import annotations

from sqlalchemy import text

from traintui.data.engine import Database
from traintui.data.records import ServerFacts, TableSize

EXACT_BELOW = 200_000
"""Rows that the planner expects, up to which counting them is quick enough (10 ms)."""

# Partitions add up under the table that they belong to. What somebody holds for themselves is left out: its size would
# wait for them.
SIZES = text("""
    WITH held AS (
        SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ), part AS MATERIALIZED (
        SELECT coalesce((SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid), c.oid) AS root, c.oid,
               greatest(c.reltuples, 0)::bigint AS rows,
               EXISTS (SELECT FROM held WHERE relation IN (c.oid, c.reltoastrelid))
               OR EXISTS (SELECT FROM pg_index AS i JOIN held ON held.relation = i.indexrelid
                          WHERE i.indrelid = c.oid) AS held
        FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    )
    SELECT root::regclass::text AS name,
           sum(rows) FILTER (WHERE oid <> root OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = root)) AS rows,
           sum(CASE WHEN NOT held THEN pg_table_size(oid) END) AS table_bytes,
           sum(CASE WHEN NOT held THEN pg_indexes_size(oid) END) AS index_bytes,
           sum(CASE WHEN NOT held THEN pg_total_relation_size(oid) END) AS total_bytes, bool_or(held) AS held
    FROM part WHERE root::regclass::text <> 'alembic_version'
    GROUP BY root HAVING NOT bool_and(held) ORDER BY total_bytes DESC, name
""")

FACTS = text("""
    SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS database_bytes,
           (SELECT sum(numbackends) FROM pg_stat_database)::int AS connections, -- of all, whoever asks
           current_setting('max_connections')::int AS max_connections, pg_postmaster_start_time() AS started_at,
           (SELECT blks_hit::float / nullif(blks_hit + blks_read, 0) FROM pg_stat_database
            WHERE datname = current_database()) AS cache_hit_ratio,
           (SELECT version_num FROM alembic_version) AS schema_revision
""")


async def table_sizes(db: Database) -> tuple[TableSize, ...]:
    """Every table with its rows and sizes in bytes, largest first. Large ones are not counted but estimated."""
    async with db.read() as connection:
        found = (await connection.execute(SIZES)).all()
        sizes = []
        for name, estimate, table_bytes, index_bytes, total_bytes, held in found:
            exact = estimate < EXACT_BELOW and not held
            rows = estimate
            if exact:
                rows = await connection.scalar(text(f"SELECT count(*) FROM {name}"))  # noqa: S608 - quoted by regclass
            sizes.append(TableSize(name, int(rows), exact, int(table_bytes), int(index_bytes), int(total_bytes)))
    return tuple(sizes)


async def server_facts(db: Database) -> ServerFacts:
    """The server behind the workspace."""
    async with db.read() as connection:
        return ServerFacts(**(await connection.execute(FACTS)).mappings().one())


async def expected_rows(db: Database) -> dict[str, float]:
    """The rows that the planner expects of each table, of parts of a partitioned one too, by name."""
    statement = text("""
        SELECT relname, greatest(reltuples, 0) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    """)
    async with db.read() as connection:
        return {name: float(rows) for name, rows in await connection.execute(statement)}
