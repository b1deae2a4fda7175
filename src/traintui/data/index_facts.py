"""The indexes as the catalog has them, with what they serve beside being scanned."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from traintui.data.engine import Database
from traintui.data.held import NOT_LONG, unheld
from traintui.data.models import Base


@dataclass(frozen=True, slots=True)
class IndexFact:
    """An index; of a partitioned table that of the whole, with the bytes of all parts. `keys` are its columns or
    expressions in their order, each with what sorts it; `carries` the columns that it only carries (INCLUDE), `only`
    the condition of a partial one. `is_key` says that a constraint stands on it, `is_building` that it is being
    made, `is_partitioned` that it is that of a partitioned table, which nothing can change CONCURRENTLY."""

    name: str
    table: str
    definition: str
    method: str
    keys: tuple[str, ...]
    carries: tuple[str, ...]
    only: str | None
    is_unique: bool
    is_key: bool
    is_valid: bool
    is_building: bool
    is_partitioned: bool
    index_bytes: int
    table_rows: int


@dataclass(frozen=True, slots=True)
class ForeignKeyFact:
    """A foreign key: its name, its table and columns, and the table that they name."""

    name: str
    table: str
    columns: tuple[str, ...]
    referred: str
    table_rows: int


# What stands under a partitioned index is counted with it. Sizes of what somebody holds for themselves are left out:
# they would be waited for.
INDEXES = text("""
    WITH held AS (
        SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    ), part AS (
        SELECT coalesce((SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid), c.oid) AS root, c.oid,
               greatest(c.reltuples, 0) AS rows
        FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'i', 'I')
    )
    SELECT c.relname AS name, t.relname AS table, pg_get_indexdef(c.oid) AS definition, am.amname AS method,
           (SELECT array_agg(concat_ws(' ', pg_get_indexdef(c.oid, k, false), i.indclass[k - 1], i.indcollation[k - 1],
                                       i.indoption[k - 1]) ORDER BY k)
            FROM generate_series(1, i.indnkeyatts) AS k) AS keys,
           (SELECT coalesce(array_agg(pg_get_indexdef(c.oid, k, false) ORDER BY k), '{}')
            FROM generate_series(i.indnkeyatts + 1, i.indnatts) AS k) AS carries,
           pg_get_expr(i.indpred, i.indrelid) AS only, i.indisunique AS is_unique,
           EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid) AS is_key,
           i.indisvalid AND i.indisready AS is_valid,
           EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = c.oid) AS is_building,
           c.relkind = 'I' AS is_partitioned,
           (SELECT coalesce(sum(pg_relation_size(part.oid)), 0) FROM part
            WHERE part.root = c.oid AND part.oid NOT IN (SELECT relation FROM held)) AS index_bytes,
           (SELECT coalesce(sum(part.rows), 0) FROM part WHERE part.root = t.oid)::bigint AS table_rows
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
         JOIN pg_am AS am ON am.oid = c.relam
    WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND t.relname <> 'alembic_version'
    ORDER BY c.relname
""")

FOREIGN_KEYS = text("""
    SELECT k.conname AS name, t.relname AS table,
           (SELECT array_agg(a.attname::text ORDER BY place)
            FROM unnest(k.conkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = key.number) AS columns,
           r.relname AS referred, greatest(t.reltuples, 0)::bigint AS table_rows
    FROM pg_constraint AS k JOIN pg_class AS t ON t.oid = k.conrelid JOIN pg_class AS r ON r.oid = k.confrelid
    WHERE k.contype = 'f' AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition
    ORDER BY k.conname
""")


async def indexes(db: Database) -> tuple[IndexFact, ...]:
    """All indexes of the workspace, by name, whoever asks. Raises `Refused` where somebody waits to have a table for
    themselves: one would wait behind them."""
    return await unheld(partial(_indexes, db))


async def _indexes(db: Database) -> tuple[IndexFact, ...]:
    async with db.read("index_facts.indexes") as connection:
        await connection.execute(NOT_LONG)
        return tuple(
            IndexFact(
                row.name, row.table, row.definition, row.method, tuple(row.keys), tuple(row.carries), row.only,
                row.is_unique, row.is_key, row.is_valid, row.is_building,
                row.is_partitioned, int(row.index_bytes), row.table_rows,
            )
            for row in await connection.execute(INDEXES)
        )  # fmt: skip


async def foreign_keys(db: Database) -> tuple[ForeignKeyFact, ...]:
    """All foreign keys of the workspace, by name."""
    async with db.read() as connection:
        return tuple(
            ForeignKeyFact(row.name, row.table, tuple(row.columns), row.referred, row.table_rows)
            for row in await connection.execute(FOREIGN_KEYS)
        )


def relied_on() -> dict[str, str]:
    """The indexes that Traintui relies on, each with the statement that makes it. Blocks while it loads the models."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], "traintui.data."):
        if module.name.endswith("_models"):
            importlib.import_module(module.name)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return {
        str(index.name): f"{' '.join(str(CreateIndex(index).compile(dialect=dialect)).split())};"
        for table in Base.metadata.tables.values()
        for index in table.indexes
    }
