"""From the database to the copy in memory: whole stretches of ids at a start, single rows as they change.

The server packs a column of a stretch into a few strings of bytes, so that a million rows cross in seconds and none of
them becomes a Python object.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from pyroaring import BitMap
from sqlalchemy import (
    BigInteger,
    Double,
    FromClause,
    Integer,
    Row,
    Select,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.bits import CONTAINER, ids_of, members, sliced
from traintui.data.engine import Database
from traintui.data.feed import Mark, here
from traintui.data.fields import MARKS, Field, Fields
from traintui.data.mirror import Mirror, Part
from traintui.data.models import Conversation as C

MANY = 2_000
"""Changed rows of one container above which the container is read whole."""

Progress = Callable[[int, int], None]
"""Told how many containers were read, of how many."""


def packed(value: Any) -> Any:
    """The values of all rows of a stretch as one string of bytes, in the order of their ids."""
    return func.string_agg(value, literal_column("''::bytea"))


def flag(condition: Any) -> Any:
    """A byte that says whether a condition holds."""
    return case((condition, literal_column(r"'\x01'::bytea")), else_=literal_column(r"'\x00'::bytea"))


def number(field: Field) -> Any:
    """The eight bytes of a number, zero where there is none."""
    value = func.coalesce(field.stored, cast(literal(0), Double if field.is_double else BigInteger))
    return func.float8send(value) if field.is_double else func.int8send(value)


def figures_of(slots: FromClause, fields: Fields) -> Select[Any]:
    """One row: for the ids of `slots`, in order, which are there, their marks, and their numbers."""
    rows = (
        select(
            C.id.is_not(None).label("there"),
            *(
                case((C.id.is_not(None), condition), else_=False).label(f"m_{name}")
                for name, condition in MARKS.items()
            ),
            *(field.stored.is_not(None).label(f"p{place}") for place, field in enumerate(fields.figures)),
            *(number(field).label(f"n{place}") for place, field in enumerate(fields.figures)),
        )
        .select_from(slots.outerjoin(C, C.id == slots.c.id))
        .order_by(slots.c.id)
        .subquery()
    )
    return select(
        packed(flag(rows.c.there)).label("there"),
        *(packed(flag(rows.c[f"m_{name}"])).label(f"m_{name}") for name in MARKS),
        *(packed(flag(rows.c[f"p{place}"])).label(f"p{place}") for place in range(len(fields.figures))),
        *(packed(rows.c[f"n{place}"]).label(f"n{place}") for place in range(len(fields.figures))),
    )


def keys_of(condition: Any, fields: Fields) -> Select[Any]:
    """For each value of each key field the ids that have it; `of` says which field a row is about."""
    keys = fields.keys_of_few
    rows = select(C.id, *(field.column.label(f"k{place}") for place, field in enumerate(keys))).where(condition)
    source = rows.subquery()
    columns = [source.c[f"k{place}"] for place in range(len(keys))]
    # grouping() has a bit for each column that is not in the set, the last one lowest.
    return select(
        func.grouping(*columns).label("of"), *columns, packed(func.int4send(cast(source.c.id, Integer))).label("ids")
    ).group_by(func.grouping_sets(*(tuple_(each) for each in columns)))


def part_of(ids: Sequence[int], figures: Row[Any], keys: Sequence[Row[Any]], fields: Fields) -> Part:
    """What the server sent, as a part that the copy can take over."""
    part = Part(BitMap(ids))
    values = figures._mapping
    part.every = members(ids, values["there"], 0)
    part.marks = {name: members(ids, values[f"m_{name}"], 0) for name in MARKS}
    part.figures = {
        field.name: sliced(ids, values[f"p{place}"], values[f"n{place}"], doubles=field.is_double)
        for place, field in enumerate(fields.figures)
    }
    names = [field.name for field in fields.keys_of_few]
    every_set = (1 << len(names)) - 1
    place_of = {every_set ^ (1 << (len(names) - 1 - place)): place for place in range(len(names))}
    for row in keys:
        place = place_of[row.of]
        part.keys.setdefault(names[place], {})[row[1 + place]] = ids_of(row.ids)
    return part


async def read_part(connection: AsyncConnection, ids: Sequence[int], fields: Fields) -> Part:
    """The conversations with these ids, ascending, as they are in this transaction; a `range` is read as a stretch."""
    if isinstance(ids, range):
        series = func.generate_series(literal(ids.start, BigInteger()), literal(ids.stop - 1, BigInteger()))
        among = and_(C.id >= ids.start, C.id < ids.stop)
    else:
        series = func.unnest(literal(list(ids), ARRAY(BigInteger())))
        among = C.id == func.any(literal(list(ids), ARRAY(BigInteger())))
    slots = series.table_valued(column("id", BigInteger)).render_derived(name="slots")
    figures = (await connection.execute(figures_of(slots, fields))).one()
    keys = (await connection.execute(keys_of(among, fields))).all()
    return await asyncio.to_thread(part_of, ids, figures, keys, fields)


async def load(db: Database, fields: Fields, progress: Progress = lambda _done, _all: None) -> tuple[Mirror, Mark]:
    """The whole copy, and the place in the feed from which it goes on. Two to eight seconds for a million."""
    mirror = Mirror(fields)
    async with db.read() as connection:
        mark = await here(connection)
        last = await connection.scalar(select(func.max(C.id))) or 0
        stretches = last // CONTAINER + 1
        for place in range(stretches):
            progress(place, stretches)
            # The last one ends with the last conversation: 65,536 places for a few dozen of them take 0.3 s.
            stretch = range(place * CONTAINER, min((place + 1) * CONTAINER, last + 1))
            mirror.take(await read_part(connection, stretch, fields))
    mirror.compact()
    progress(stretches, stretches)
    return mirror, mark


def stretches_of(changed: Sequence[int]) -> list[Sequence[int]]:
    """How changed rows are read: one by one, or where many of a container changed, as a stretch."""
    by_container: dict[int, list[int]] = {}
    for one in sorted(changed):
        by_container.setdefault(one // CONTAINER, []).append(one)
    few = [one for ids in by_container.values() if len(ids) <= MANY for one in ids]
    many = [range(at * CONTAINER, (at + 1) * CONTAINER) for at, ids in by_container.items() if len(ids) > MANY]
    return [*many, *(few[start : start + MANY] for start in range(0, len(few), MANY))]
