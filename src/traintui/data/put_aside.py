"""What the way back from a revision takes away is put aside in the database, and put back by the upgrade that makes its
place again: people get back what they entered, in the same transaction in which the revision is applied."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
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
    `where` holds. They come back where `when` holds, an SQL condition on what was `kept`, and for values on the row `t`
    as well. Triggers follow rows that come back where they are `heard`. `of` is the condition that they belong to a
    conversation that is `gone`, and `along` a statement that takes what else is left of it."""

    revision: str
    table: str
    columns: tuple[str, ...] = ()
    where: str = ""
    when: str = ""
    heard: bool = False
    of: str = ""
    along: str = ""

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
    and how many belong to what was removed or changed meanwhile (they go)."""

    kept: Kept
    count: int
    unfitting: int = 0
    moot: int = 0

    @property
    def words(self) -> str:
        """What became of it, for people."""
        said = f"{self.kept.words}: {self.count:,}"
        if self.unfitting:
            said += f"; {self.unfitting:,} do not fit what is there now, and stay in {self.kept.place}"
        if self.moot:
            said += f"; {self.moot:,} went, since what they belong to was removed or changed meanwhile"
        return said


def kept_by(revision: str) -> tuple[Kept, ...]:
    """What is put aside on the way back from a revision, parents first."""
    return _read(migrations_directory()).get(revision, ())


def every() -> tuple[Kept, ...]:
    """All that any way back takes away."""
    return tuple(kept for found in _read(migrations_directory()).values() for kept in found)


def tables_of(revision: str) -> tuple[str, ...]:
    """The tables of which something is put aside on the way back from a revision, and the one whose rows, once gone,
    take along what is aside of them."""
    kept = kept_by(revision)
    return tuple(dict.fromkeys([*(one.table for one in kept), *("conversations" for one in kept if one.of)]))


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
    """Puts aside what the way back from a revision takes away, in its transaction, which has locked the tables against
    writers (`revising.take_locks`): what one of them writes later would be lost. Raises `psycopg.Error`."""
    return tuple(moved for kept in kept_by(revision) if (moved := _one_aside(connection, kept)).count)


def rows_of(connection: psycopg.Connection[Any], kept: Kept) -> int:
    """How many rows there are now that a way back puts aside. Raises `psycopg.Error`."""
    return _count(connection, _name(kept.table), kept.where or "true")


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
    if not kept.columns:
        numbers = {column: number for column, _, number in _numbers(connection, kept.table)}
        connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(place, json.dumps(numbers)))
    _left(connection, kept)
    return Moved(kept, count)


def put_back(connection: psycopg.Connection[Any], revision: str) -> tuple[Moved, ...]:
    """Puts back what was put aside on the way back from a revision, as the last thing in the transaction that applies
    it again; nothing where nothing was. Triggers follow little of it: what they would note is put back too, or made
    again. Raises `psycopg.Error`."""
    found = [kept for kept in kept_by(revision) if exists(connection, kept.place)]
    if any(kept.of for kept in found):
        # A purge that is under way would not know of what comes back, and this not of the purge.
        connection.execute("LOCK TABLE conversations IN SHARE ROW EXCLUSIVE MODE")
    return tuple(_values_back(connection, kept) if kept.columns else _rows_back(connection, kept) for kept in found)


def _rows_back(connection: psycopg.Connection[Any], kept: Kept) -> Moved:
    place, table = _name(kept.place), _name(kept.table)
    aside, key = _columns(connection, kept.place), _key(connection, kept.table)
    names_of = [name for name in _columns(connection, kept.table) if name in aside]
    names = _names(names_of)
    total = _count(connection, place)
    given = {column: number for column, _, number in _numbers(connection, kept.table)}
    given |= json.loads(_comment(connection, kept.place) or "{}")
    moot = _let_go(connection, kept)
    with nullcontext() if kept.heard else _unheard(connection, kept.table):
        if not kept.where:  # the revision made it: what stands in it are its own first rows
            connection.execute(sql.SQL("DELETE FROM {}").format(table))
        staying = _waits_for_its_parent(connection, kept)
        insert = sql.SQL(
            "WITH back AS (INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM {place} AS kept"
            " WHERE NOT ({staying}){row} ON CONFLICT DO NOTHING RETURNING {key}) DELETE FROM {place} AS kept USING back"
            " WHERE {same}{row}"
        )
        parts = {
            "table": table, "names": names, "place": place, "staying": staying, "key": _names(key or names_of),
            "same": _same(key, "kept", "back") if key else sql.SQL("true"),
        }  # fmt: skip
        _all_or_one_by_one(connection, kept, lambda row: insert.format(**parts, row=row))
        for column, sequence, number in _numbers(connection, kept.table):
            highest = sql.SQL("SELECT setval(%s, greatest(max({}), %s)) FROM {}").format(sql.Identifier(column), table)
            connection.execute(highest, [sequence, max(number, given.get(column, 1))])
    left = _left(connection, kept)
    return Moved(kept, total - left - moot, left, moot)


def _values_back(connection: psycopg.Connection[Any], kept: Kept) -> Moved:
    place, table = _name(kept.place), _name(kept.table)
    same = _same(_key(connection, kept.table), "t", "kept")
    total, moot = _count(connection, place), _let_go(connection, kept, of=same)
    update = sql.SQL(
        "WITH back AS (UPDATE {table} AS t SET {given} FROM {place} AS kept WHERE {same}{row} RETURNING kept.ctid)"
        " DELETE FROM {place} AS kept USING back WHERE kept.ctid = back.ctid"
    )
    given = sql.SQL(", ").join(sql.SQL("{0} = kept.{0}").format(sql.Identifier(name)) for name in kept.columns)
    with _unheard(connection, kept.table):
        _all_or_one_by_one(
            connection, kept, lambda row: update.format(table=table, given=given, place=place, same=same, row=row)
        )
    left = _left(connection, kept)
    return Moved(kept, total - left - moot, left, moot)


def _let_go(connection: psycopg.Connection[Any], kept: Kept, *, of: sql.Composable | None = None) -> int:
    """Removes what belongs to what was removed or changed meanwhile; how many rows. `of` is how values find theirs."""
    place, still = _name(kept.place), sql.SQL(kept.when or "true")
    if of is not None:
        theirs = sql.SQL("DELETE FROM {} AS kept WHERE NOT EXISTS (SELECT FROM {} AS t WHERE {} AND ({}))")
        return connection.execute(theirs.format(place, _name(kept.table), of, still)).rowcount
    count = connection.execute(sql.SQL("DELETE FROM {} AS kept WHERE NOT ({})").format(place, still)).rowcount
    for parent, condition in _parents(connection, kept):
        gone = sql.SQL("DELETE FROM {} AS kept WHERE NOT coalesce({}, true)").format(place, condition)
        if not _aside_of(connection, parent):
            count += connection.execute(gone).rowcount
    return count


def _waits_for_its_parent(connection: psycopg.Connection[Any], kept: Kept) -> sql.Composable:
    """The condition that a row belongs to one that stays aside itself."""
    missing = [sql.SQL("NOT coalesce({}, true)").format(condition) for _, condition in _parents(connection, kept)]
    return sql.SQL(" OR ").join(missing) if missing else sql.SQL("false")


def _parents(connection: psycopg.Connection[Any], kept: Kept) -> list[tuple[str, sql.Composed]]:
    """The other tables that a foreign key of the table refers to, each with the condition that the row is there: null
    where the key is."""
    found = connection.execute(
        "SELECT p.relname, array_agg(a.attname ORDER BY k.place), array_agg(b.attname ORDER BY k.place)"
        " FROM pg_constraint AS c JOIN pg_class AS p ON p.oid = c.confrelid,"
        " unnest(c.conkey, c.confkey) WITH ORDINALITY AS k(own, theirs, place)"
        " JOIN pg_attribute AS a ON a.attnum = k.own JOIN pg_attribute AS b ON b.attnum = k.theirs"
        " WHERE c.contype = 'f' AND c.conrelid = to_regclass(%s) AND a.attrelid = c.conrelid"
        " AND b.attrelid = c.confrelid AND c.confrelid <> c.conrelid GROUP BY c.oid, p.relname",
        [f"public.{kept.table}"],
    ).fetchall()
    parents = []
    for parent, own, theirs in found:
        pairs = [
            sql.SQL("parent.{} = kept.{}").format(sql.Identifier(there), sql.Identifier(here))
            for here, there in zip(own, theirs, strict=True)
        ]
        given = sql.SQL(" AND ").join(sql.SQL("kept.{} IS NOT NULL").format(sql.Identifier(here)) for here in own)
        there = sql.SQL("CASE WHEN {} THEN EXISTS (SELECT FROM {} AS parent WHERE {}) END")
        parents.append((str(parent), there.format(given, _name(parent), sql.SQL(" AND ").join(pairs))))
    return parents


def _aside_of(connection: psycopg.Connection[Any], table: str) -> bool:
    """Whether rows of a table stay aside."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname ~ %s)",
        [f"^{PREFIX}[0-9]+_{table}$"],
    ).fetchone()
    return bool(row and row[0])


def _all_or_one_by_one(
    connection: psycopg.Connection[Any], kept: Kept, statement: Callable[[sql.Composable], sql.Composed]
) -> None:
    """Runs a statement for all rows of what was put aside; where one of them breaks a rule, for each by itself, and
    those that do stay where they are."""
    try:
        with connection.transaction():
            connection.execute(statement(sql.SQL("")))
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return
    except psycopg.errors.IntegrityError:
        rows = connection.execute(sql.SQL("SELECT ctid::text FROM {}").format(_name(kept.place))).fetchall()
    for (row,) in rows:
        with suppress(psycopg.errors.IntegrityError), connection.transaction():
            connection.execute(statement(sql.SQL(" AND kept.ctid = {}::tid").format(row)))
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


def places(connection: psycopg.Connection[Any]) -> frozenset[str]:
    """The tables that hold what is aside now, of whatever revision. Raises `psycopg.Error`."""
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        " AND starts_with(relname, %s)", [PREFIX],
    ).fetchall()  # fmt: skip
    return frozenset(str(name) for (name,) in found)


def forget_all(connection: psycopg.Connection[Any]) -> None:
    """Removes all that was put aside: of a database that was emptied nothing stays."""
    for name in places(connection):
        connection.execute(sql.SQL("DROP TABLE {}").format(_name(name)))


@contextmanager
def _unheard(connection: psycopg.Connection[Any], table: str) -> Iterator[None]:
    """No trigger of ours follows what is written to a table inside the block."""
    connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(_name(table)))
    yield
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(_name(table)))


def _numbers(connection: psycopg.Connection[Any], table: str) -> list[tuple[str, str, int]]:
    """The columns of a table that the server numbers: each with its sequence, and the last number that it gave."""
    found = connection.execute(
        "SELECT a.attname, s.seqrelid::regclass::text, coalesce(pg_sequence_last_value(s.seqrelid), 1)"
        " FROM pg_attribute AS a JOIN pg_depend AS d ON d.refobjid = a.attrelid AND d.refobjsubid = a.attnum"
        " JOIN pg_sequence AS s ON s.seqrelid = d.objid"
        " WHERE a.attrelid = to_regclass(%s) AND a.attidentity <> '' AND d.deptype = 'i'", [f"public.{table}"],
    ).fetchall()  # fmt: skip
    return [(str(column), str(sequence), int(number)) for column, sequence, number in found]


def _comment(connection: psycopg.Connection[Any], table: str) -> str | None:
    row = connection.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [f"public.{table}"]).fetchone()
    return row[0] if row else None


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


def exists(connection: psycopg.Connection[Any], table: str) -> bool:
    """Whether a table is there."""
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{table}"]).fetchone()
    return bool(row and row[0])


def _count(connection: psycopg.Connection[Any], table: sql.Identifier, where: str = "true") -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {} WHERE {}").format(table, sql.SQL(where))).fetchone()
    return int(row[0]) if row else 0


def _left(connection: psycopg.Connection[Any], kept: Kept) -> int:
    """How many rows are aside; where none are, their table goes."""
    if not (number := _count(connection, _name(kept.place))):
        connection.execute(sql.SQL("DROP TABLE {}").format(_name(kept.place)))
    return number


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
