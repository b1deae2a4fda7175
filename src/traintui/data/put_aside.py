"""What the way back from a revision takes away is put aside in the database, and put back by the upgrade that makes its
place again: people get back what they entered, in the same transaction in which the revision is applied."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from traintui.data.schema import migrations_directory

PREFIX = "put_aside_"
"""How the tables begin that hold what was put aside. They are the owner's alone."""
EMPTY = "base"
"""The revision of a database that has nothing; nothing is kept on the way there."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a revision's way back takes away: rows of a table, or the values of `columns` there. Only rows of which
    `where` holds; values come back where `when` holds, an SQL condition on the row `t` and on what was `kept`. Triggers
    follow rows that come back where they are `heard`."""

    revision: str
    table: str
    columns: tuple[str, ...] = ()
    where: str = ""
    when: str = ""
    heard: bool = False

    @property
    def place(self) -> str:
        """The table where it is put aside."""
        return f"{PREFIX}{self.revision}_{self.table}{'_values' if self.columns else ''}"

    @property
    def words(self) -> str:
        """What it is, for people."""
        if self.columns:
            return f"{', '.join(self.columns)} of {self.table}"
        return f"rows of {self.table} where {self.where}" if self.where else f"rows of {self.table}"


@dataclass(frozen=True, slots=True)
class Moved:
    """What was put aside, or put back: how many rows, and with what was put back how many did not fit (they stay aside)
    and how many belong to what is gone meanwhile (they go)."""

    kept: Kept
    count: int
    unfitting: int = 0
    orphaned: int = 0

    @property
    def words(self) -> str:
        """What became of it, for people."""
        said = f"{self.kept.words}: {self.count:,}"
        if self.unfitting:
            said += f"; {self.unfitting:,} do not fit what is there now, and stay in {self.kept.place}"
        if self.orphaned:
            said += f"; {self.orphaned:,} went, since what they belong to was removed meanwhile"
        return said


def kept_by(revision: str) -> tuple[Kept, ...]:
    """What is put aside on the way back from a revision, parents first."""
    return _read(migrations_directory()).get(revision, ())


@cache
def _read(directory: Path) -> dict[str, tuple[Kept, ...]]:
    stands: dict[str, dict[str, Any]] = tomllib.loads((directory / "kept.toml").read_text(encoding="utf-8"))
    return {
        revision: tuple(
            Kept(revision, **{**one, "columns": tuple(one.get("columns", ()))}) for one in said.get("keeps", ())
        )
        for revision, said in stands.items()
    }


def put_aside(connection: psycopg.Connection[Any], revision: str) -> tuple[Moved, ...]:
    """Puts aside what the way back from a revision takes away, as the first thing in its transaction. It reads each
    table once, and locks out nobody. Raises `psycopg.Error`."""
    return tuple(moved for kept in kept_by(revision) if (moved := _one_aside(connection, kept)).count)


def _one_aside(connection: psycopg.Connection[Any], kept: Kept) -> Moved:
    key = _key(connection, kept.table)
    columns = (*key, *kept.columns) if kept.columns else _columns(connection, kept.table)
    names, place, table = _names(columns), _name(kept.place), _name(kept.table)
    chosen = sql.SQL(kept.where or "true")
    made = sql.SQL("CREATE TABLE IF NOT EXISTS {} AS SELECT {} FROM {} WITH NO DATA")
    connection.execute(made.format(place, names, table))
    # What an upgrade could not put back is there still; of the same row the newest counts.
    older = sql.SQL("DELETE FROM {} AS t USING {} AS newer WHERE {}")
    connection.execute(older.format(place, table, _same(key, "t", "newer")))
    copied = sql.SQL("INSERT INTO {} SELECT {} FROM {} WHERE {}")
    count = connection.execute(copied.format(place, names, table, chosen)).rowcount
    _drop_if_empty(connection, kept.place)
    return Moved(kept, count)


def put_back(connection: psycopg.Connection[Any], revision: str) -> tuple[Moved, ...]:
    """Puts back what was put aside on the way back from a revision, as the last thing in the transaction that applies
    it again; nothing where nothing was. Triggers follow little of it: what they would note is put back too, or made
    again. Raises `psycopg.Error`."""
    there = [kept for kept in kept_by(revision) if _exists(connection, kept.place)]
    return tuple(_values_back(connection, kept) if kept.columns else _rows_back(connection, kept) for kept in there)


def _rows_back(connection: psycopg.Connection[Any], kept: Kept) -> Moved:
    place, table = _name(kept.place), _name(kept.table)
    aside = _columns(connection, kept.place)
    names = _names([name for name in _columns(connection, kept.table) if name in aside])
    total = _count(connection, place)
    with nullcontext() if kept.heard else _unheard(connection, kept.table):
        if not kept.where:  # the revision made it: what stands in it are its own first rows
            connection.execute(sql.SQL("DELETE FROM {}").format(table))
        insert = sql.SQL("INSERT INTO {} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM {}")
        try:
            with connection.transaction():
                connection.execute(insert.format(table, place, names=names))
                connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                connection.execute(sql.SQL("DELETE FROM {}").format(place))
            orphaned = 0
        except psycopg.errors.IntegrityError:
            orphaned = _one_by_one(connection, kept, names)
        _count_on(connection, kept.table)
    left = _count(connection, place)
    _drop_if_empty(connection, kept.place)
    return Moved(kept, total - left - orphaned, left, orphaned)


def _one_by_one(connection: psycopg.Connection[Any], kept: Kept, names: sql.Composed) -> int:
    """Puts back what fits of rows of which some do not, and lets go what belongs to what is gone; how many those are.
    The others stay where they are."""
    orphaned = 0
    place, table = _name(kept.place), _name(kept.table)
    insert = sql.SQL("INSERT INTO {} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM {} WHERE ctid = %s")
    for (row,) in connection.execute(sql.SQL("SELECT ctid::text FROM {}").format(place)).fetchall():
        try:
            with connection.transaction():
                connection.execute(insert.format(table, place, names=names), [row])
        except psycopg.errors.ForeignKeyViolation:
            orphaned += 1
        except psycopg.errors.IntegrityError:
            continue
        connection.execute(sql.SQL("DELETE FROM {} WHERE ctid = %s").format(place), [row])
    return orphaned


def _values_back(connection: psycopg.Connection[Any], kept: Kept) -> Moved:
    place, table = _name(kept.place), _name(kept.table)
    given = sql.SQL(", ").join(sql.SQL("{0} = kept.{0}").format(sql.Identifier(name)) for name in kept.columns)
    update = sql.SQL("UPDATE {} AS t SET {} FROM {} AS kept WHERE {} AND ({})")
    same, still = _same(_key(connection, kept.table), "t", "kept"), sql.SQL(kept.when or "true")
    with _unheard(connection, kept.table):
        count = connection.execute(update.format(table, given, place, same, still)).rowcount
    connection.execute(sql.SQL("DROP TABLE {}").format(place))
    return Moved(kept, count)


def forget_all(connection: psycopg.Connection[Any]) -> None:
    """Removes all that was put aside: of a database that was emptied nothing stays."""
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND starts_with(relname, %s)", [PREFIX],
    ).fetchall()  # fmt: skip
    for (name,) in found:
        connection.execute(sql.SQL("DROP TABLE {}").format(_name(name)))


@contextmanager
def _unheard(connection: psycopg.Connection[Any], table: str) -> Iterator[None]:
    """No trigger of ours follows what is written to a table inside the block."""
    connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(_name(table)))
    yield
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(_name(table)))


def _count_on(connection: psycopg.Connection[Any], table: str) -> None:
    """Numbers go on behind those that came back."""
    found = connection.execute(
        "SELECT attname, pg_get_serial_sequence(attrelid::regclass::text, attname) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attidentity <> '' AND NOT attisdropped", [f"public.{table}"],
    ).fetchall()  # fmt: skip
    for column, sequence in found:
        connection.execute(
            sql.SQL("SELECT setval(%s, max({column})) FROM {} HAVING max({column}) > 0").format(
                _name(table), column=sql.Identifier(column)
            ),
            [sequence],
        )


def _columns(connection: psycopg.Connection[Any], table: str) -> tuple[str, ...]:
    """The columns of a table that can be written."""
    found = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attnum", [f"public.{table}"],
    ).fetchall()  # fmt: skip
    return tuple(str(name) for (name,) in found)


def _key(connection: psycopg.Connection[Any], table: str) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    found = connection.execute(
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey)"
        " WHERE indrelid = to_regclass(%s) AND indisprimary ORDER BY attnum", [f"public.{table}"],
    ).fetchall()  # fmt: skip
    return tuple(str(name) for (name,) in found)


def _exists(connection: psycopg.Connection[Any], table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{table}"]).fetchone()
    return bool(row and row[0])


def _count(connection: psycopg.Connection[Any], place: sql.Identifier) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(place)).fetchone()
    return int(row[0]) if row else 0


def _drop_if_empty(connection: psycopg.Connection[Any], name: str) -> None:
    if not _count(connection, _name(name)):
        connection.execute(sql.SQL("DROP TABLE {}").format(_name(name)))


def _same(key: tuple[str, ...], one: str, other: str) -> sql.Composed:
    """The condition that two rows are the same by their key; rows of a table that has none never are."""
    if not key:
        return sql.SQL("{}").format(False)
    pair = sql.SQL("{one}.{name} = {other}.{name}")
    return sql.SQL(" AND ").join(
        pair.format(one=sql.Identifier(one), other=sql.Identifier(other), name=sql.Identifier(name)) for name in key
    )


def _names(columns: tuple[str, ...] | list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _name(table: str) -> sql.Identifier:
    return sql.Identifier("public", table)
