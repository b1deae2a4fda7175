"""What is wrong with indexes: figure, meaning, and the statement that would mend it. Nothing is done here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from traintui.data.index_facts import ForeignKeyFact, IndexFact
from traintui.data.maintaining import named
from traintui.data.sample_records import Use

Kind = Literal["missing", "invalid", "redundant", "unused", "sparse", "foreign_key", "slow_plan"]

BROKEN: frozenset[Kind] = frozenset({"missing", "invalid"})
"""What keeps Traintui from an index that it should have: it is gone, or was never finished."""
UNUSED_DAYS = 30
"""Days with samples after which an index that nothing scanned counts as unused."""
LOOKED_BACK = timedelta(days=90)
"""How far back samples are looked at: a team that rests at weekends, or for weeks, has its days with samples too. After
35 days one sample a day is kept, so that most of it costs little."""
FEW_SCANS = 0
SMALL = 1_000_000
"""Bytes up to which an unused index is not worth a word."""
SPARSE = 0.5
"""Share of the leaves below which an index is rebuilt; random keys live at 0.7."""
GROWN = 2.0
"""Times of what the entries of an index took when it was built, from which on it is rebuilt."""
LARGE = 8_000_000
"""Bytes from which on that is worth it."""
MANY_ROWS = 10_000
"""Rows from which on a foreign key without an index is felt."""
PLAIN_COLUMN = re.compile(r'^"?(\w+)"?( .*)?$')


@dataclass(frozen=True, slots=True)
class IndexFinding:
    """Something that is wrong: `says` the figure, `means` what it is to people, `statement` what mends it in SQL, and
    `risk` what that may cost. `statement` is None where nothing is to be done by hand."""

    kind: Kind
    index: str
    table: str
    says: str
    means: str
    statement: str | None
    risk: str


def findings(
    indexes: Sequence[IndexFact],
    keys: Sequence[ForeignKeyFact],
    used: Mapping[str, Use],
    expected: Mapping[str, str],
    densities: Mapping[str, float],
    growths: Mapping[str, float] | None = None,
) -> tuple[IndexFinding, ...]:
    """All that is wrong, what costs most first; of what Traintui relies on nothing is unused. `expected` has the
    statement that makes each of these indexes, `densities` the share of its leaves that an index fills, where it is
    known; where it is not, `growths` how many times the bytes for each entry it takes that it took when it was built.
    """
    there = {index.name for index in indexes}
    parted = {index.table for index in indexes if index.is_partitioned}
    found = [missing(name, statement, parted) for name, statement in expected.items() if name not in there]
    for index in indexes:
        if not index.is_valid:
            if not index.is_building:
                found.append(invalid(index))
            continue
        if (other := covered_by(index, indexes)) is not None:
            found.append(redundant(index, other))
        elif index.name not in expected and is_unused(index, used.get(index.name), keys):
            found.append(unused(index, used[index.name]))
        if index.index_bytes > LARGE and is_sparse(index.name, densities, growths or {}):
            found.append(sparse(index, densities.get(index.name), (growths or {}).get(index.name, 1.0)))
    found += [unindexed(key) for key in keys if key.table_rows >= MANY_ROWS and not serving(key, indexes)]
    order: tuple[Kind, ...] = ("missing", "invalid", "foreign_key", "sparse", "redundant", "unused", "slow_plan")
    sizes = {index.name: index.index_bytes for index in indexes}
    return tuple(sorted(found, key=lambda each: (order.index(each.kind), -sizes.get(each.index, 0), each.index)))


# What each says


def missing(name: str, statement: str, parted: Collection[str]) -> IndexFinding:
    """An index that the program relies on, and that is gone; `parted` are the tables of many parts."""
    found = re.search(r" ON (?:ONLY )?(\w+)", statement)
    table = found[1] if found else ""
    if table not in parted:
        statement = statement.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)
    risk = "writers of the table wait while it is made" if table in parted else "nobody waits; it takes a while"
    return IndexFinding(
        "missing", name, table, f"{name} is not there, and Traintui relies on it",
        "what it serves reads whole tables, and becomes slower with every row", statement, risk,
    )  # fmt: skip


def dropping(index: IndexFact) -> str:
    """The statement that drops it, without anybody waiting where that can be."""
    return f"DROP INDEX {'' if index.is_partitioned else 'CONCURRENTLY '}{named(index.name)};"


def invalid(index: IndexFact) -> IndexFinding:
    """What a build left that did not end."""
    return IndexFinding(
        "invalid", index.name, index.table, f"{index.name} was never finished ({megabytes(index)})",
        "it serves nothing, and every write still keeps it", dropping(index),
        "none: nothing reads it",
    )  # fmt: skip


def redundant(index: IndexFact, other: IndexFact) -> IndexFinding:
    """An index that begins as another does."""
    return IndexFinding(
        "redundant", index.name, index.table, f"{other.name} serves all that {index.name} does ({megabytes(index)})",
        "every write keeps both", dropping(index),
        "it is smaller than the other: scans of it alone become a little slower",
    )  # fmt: skip


def unused(index: IndexFact, use: Use) -> IndexFinding:
    """An index that nothing scanned for long."""
    return IndexFinding(
        "unused", index.name, index.table, f"{index.name} was not scanned on {use.days} days ({megabytes(index)})",
        "every write keeps it for nothing", dropping(index),
        "what is done once a year may need it: its definition is kept, and it can be made again",
    )  # fmt: skip


def sparse(index: IndexFact, density: float | None, growth: float) -> IndexFinding:
    """An index whose leaves are half empty, or that takes twice of what it took for as many entries."""
    says = f"{index.name} fills {density:.0%} of its leaves" if density is not None else (
        f"{index.name} takes {growth:.1f} times the room for each entry that it took when it was built"
    )  # fmt: skip
    return IndexFinding(
        "sparse", index.name, index.table, f"{says} ({megabytes(index)})",
        "it takes twice the memory that it needs", f"REINDEX INDEX CONCURRENTLY {named(index.name)};",
        "as much disk again while it is rebuilt; nobody waits",
    )  # fmt: skip


def unindexed(key: ForeignKeyFact) -> IndexFinding:
    """A foreign key that no index of its table begins with."""
    columns = ", ".join(key.columns)
    name = f"ix_{key.table}_{'_'.join(key.columns)}"
    return IndexFinding(
        "foreign_key", name, key.table, f"no index of {key.table} begins with {columns}, which names {key.referred}",
        f"removing a row of {key.referred} reads all of {key.table}",
        f"CREATE INDEX CONCURRENTLY {named(name)} ON {named(key.table)} ({', '.join(map(named, key.columns))});",
        "one more index that every write keeps",
    )  # fmt: skip


def megabytes(index: IndexFact) -> str:
    """Its size, for people."""
    return f"{index.index_bytes / 1e6:,.1f} MB"


# What is so


def covered_by(index: IndexFact, indexes: Iterable[IndexFact]) -> IndexFact | None:
    """Another index that serves all that this one does: one whose columns begin with its own, in the same order and
    with the same sorting, and that carries what it carries. None for what a constraint stands on, or keeps unique."""
    if index.is_unique or index.is_key or index.method != "btree":
        return None
    for other in indexes:
        begins = other.keys[: len(index.keys)] == index.keys and other.only == index.only
        same = other.keys == index.keys and set(other.carries) == set(index.carries)
        # Of two that are the same the later name goes.
        if (
            other.name != index.name and other.table == index.table and other.method == "btree" and other.is_valid
            and begins and set(index.carries) <= {*other.carries, *columns_of(other)}
            and (not same or other.is_unique or other.name < index.name)
        ):  # fmt: skip
            return other
    return None


def is_unused(index: IndexFact, use: Use | None, keys: Iterable[ForeignKeyFact]) -> bool:
    """Whether nothing scanned it for long, and nothing else needs it: a constraint, or a foreign key."""
    if use is None or use.days < UNUSED_DAYS or use.scans > FEW_SCANS or index.index_bytes <= SMALL:
        return False
    if index.is_unique or index.is_key:
        return False
    return not any(key.table == index.table and begins_with(index, key.columns) for key in keys)


def is_sparse(
    name: str, densities: Mapping[str, float], growths: Mapping[str, float], *, least: float = SPARSE
) -> bool:
    """Whether an index fills less than `least` of its leaves; where nobody knows that, whether it grew to twice of what
    its entries take."""
    density = densities.get(name)
    return density < least if density is not None else growths.get(name, 1.0) >= GROWN


def serving(key: ForeignKeyFact, indexes: Iterable[IndexFact]) -> bool:
    """Whether an index of its table begins with the columns of a foreign key."""
    return any(
        index.table == key.table and index.is_valid and index.only in {None, not_null(key.columns[0])}
        and begins_with(index, key.columns)
        for index in indexes
    )  # fmt: skip


def not_null(column: str) -> str:
    """The condition of a partial index that still serves a foreign key: null refers to nothing."""
    return f"({column} IS NOT NULL)"


def begins_with(index: IndexFact, columns: Sequence[str]) -> bool:
    """Whether its first columns are these, in any order."""
    return set(columns_of(index)[: len(columns)]) == set(columns)


def columns_of(index: IndexFact) -> list[str]:
    """The names of its columns; of an expression what it is made of."""
    return [found[1] if (found := PLAIN_COLUMN.match(key)) else key for key in index.keys]


def since(now: datetime) -> datetime:
    """From when on samples are looked at."""
    return now - LOOKED_BACK
