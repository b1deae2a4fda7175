"""What is in a database, table by table: how many rows, and a digest of them. Two that agree hold the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

Far = Callable[[str, int, int], None]
"""How far something is: what is counted, how many there are by now, and how many there will be about; 0 where that is
not known."""
TABLES = """
    SELECT nspname, relname, (relpages + coalesce(t.pages, 0))::bigint
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
    LEFT JOIN LATERAL (SELECT relpages AS pages FROM pg_class WHERE oid = c.reltoastrelid) AS t ON true
    WHERE relkind = 'r' AND nspname = 'public'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
    ORDER BY relname
"""
"""Those of extensions are no part of a workspace."""
SEQUENCES = (
    "SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
)
DIGEST = """
    SELECT count(*), concat_ws(' ', sum(hashtextextended(whole, 0)), sum(hashtextextended(whole, 1)))
    FROM (SELECT "of all"::text AS whole FROM ONLY {} AS "of all" OFFSET 0) AS row
"""
"""Of the text of each row, in any order, so that none has to be sorted; a sum, so that two alike do not cancel out."""
ALIKE = {
    "timezone": "UTC", "datestyle": "ISO, YMD", "intervalstyle": "postgres", "bytea_output": "hex",
    "extra_float_digits": "1", "search_path": "pg_catalog", "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}  # fmt: skip
"""Settings under which the text of a row is the same on every server, and nobody ends the look."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Rows and digest of each table, partitions one by one, and how far each sequence has counted."""

    tables: Mapping[str, tuple[int, str]]
    sequences: Mapping[str, int]

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(rows for rows, _ in self.tables.values())


def settle(connection: psycopg.Connection[Any]) -> None:
    """Prepares the transaction of a connection for `read`. Raises `psycopg.Error`."""
    for name, value in ALIKE.items():
        connection.execute("SELECT set_config(%s, %s, true)", [name, value])
    if connection.info.server_version >= 170_000:
        connection.execute("SELECT set_config('transaction_timeout', '0', true)")


def read(connection: psycopg.Connection[Any], far: Far) -> Contents:
    """What the workspace of a connection holds, as its transaction sees it. Reads every row, some 200 MB a second.
    Raises `psycopg.Error`."""
    settle(connection)
    found = connection.execute(TABLES).fetchall()
    total, done = sum(pages for _, _, pages in found) * 8_192 // 1_000_000, 0
    tables: dict[str, tuple[int, str]] = {}
    for namespace, name, pages in found:
        far("MB compared", done * 8_192 // 1_000_000, total)
        counted = connection.execute(sql.SQL(DIGEST).format(sql.Identifier(namespace, name))).fetchone() or (0, "")
        tables[name] = (int(counted[0]), str(counted[1]))
        done += pages
    return Contents(tables, {str(name): int(value) for name, value in connection.execute(SEQUENCES)})


def read_of(conninfo: str, far: Far) -> Contents:
    """The same over a connection of its own, of one moment."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return read(connection, far)


def differences(wanted: Contents, found: Contents) -> list[str]:
    """What a database lacks of another, or has otherwise, in words. A sequence may have counted on meanwhile."""
    said = []
    for name, (rows, digest) in wanted.tables.items():
        there = found.tables.get(name)
        if there is None:
            said.append(f"table {name} is missing")
        elif there[0] != rows:
            said.append(f"table {name} has {there[0]:,} rows instead of {rows:,}")
        elif there[1] != digest:
            said.append(f"table {name} has other values in its {rows:,} rows")
    said += [f"table {name} is there and should not be" for name in found.tables.keys() - wanted.tables.keys()]
    for name, value in wanted.sequences.items():
        if found.sequences.get(name, 0) < value:
            said.append(f"sequence {name} has counted to {found.sequences.get(name, 0):,} instead of {value:,}")
    return said
