"""Rows of a log in another order than the newest first: by what calls cost, used or took, by who decided, by anything
where few match.

The first rows come by the index that has the order; all others in one statement that sorts them, of keys alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, LargeBinary, Select, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from traintui.data.engine import Database
from traintui.data.fields import Field, Kind
from traintui.data.filters import Filter
from traintui.data.listing import NEWEST, Order
from traintui.data.log_fields import Log, LogName
from traintui.data.log_listing import (
    FIRST,
    Found,
    Keys,
    LogListing,
    as_planned,
    aside,
    find,
    given_up,
    unpacked,
)

SERVED: Mapping[LogName, frozenset[str]] = {
    # By ix_generation_logs_listed, by_cost, by_tokens and by_duration; a merge over the weeks.
    "generations": frozenset({"created", "cost", "tokens", "took"}),
    # By ix_review_logs_timestamp_id and ix_review_logs_reviewer.
    "reviews": frozenset({"created", "reviewer"}),
    # By ix_export_logs_started_at.
    "exports": frozenset({"created"}),
}
"""Fields whose order an index has, however many rows there are."""
MOST_SORTED = 50_000
"""Rows up to which they are sorted by any other field: all of them are read for that."""
PATIENCE = 0.1
"""Seconds that the index is given before all rows are sorted beside it, which would make it slower."""
SOON = 5_000
"""Keys that come by the index before all of them are sorted."""


class SortedListing(LogListing):
    """Rows in another order than the newest first."""

    def rank(self, id: int) -> int | None:
        """Where an id is; None when it is not in it."""
        try:
            return self.keys.ids.index(id)
        except ValueError:
            return None


def is_served(log: Log, order: Order) -> bool:
    """Whether an index has the order."""
    return order.field is None or order.field.name in SERVED[log.name]


def is_newest(log: Log, order: Order) -> bool:
    """Whether it is the usual order, the newest first."""
    return order.field is None or (order.descending and order.field.column is log.at)


def value_of(log: Log, field: Field) -> ColumnElement[Any]:
    """What rows are sorted by: as the index has it, where there is one."""
    value: ColumnElement[Any] = field.column if field.name in SERVED[log.name] else field.sql_order
    return value


def directions(order: Order) -> tuple[bool, bool]:
    """Whether the values descend, and whether the times do among those that have the same one.

    Numbers turn around whole: the largest and the newest first, or the least and the oldest. Names begin at A with the
    newest of each first.
    """
    is_name = order.field is not None and order.field.kind is Kind.KEY
    return order.descending, order.descending != is_name


def in_order(order: Order, value: Any, at: Any, id: Any) -> Sequence[ColumnElement[Any]]:
    """The order in SQL; who has no value comes last."""
    values, times = directions(order)
    keys = [value.desc() if values else value.asc(), *(key.desc() if times else key.asc() for key in (at, id))]
    return [keys[0].nulls_last(), *keys[1:]]


def keys_in_order(
    log: Log, wanted: Filter, order: Order, limit: int | None, *, at_most: int | None = None
) -> Select[Any]:
    """The keys of the rows that match, packed in their order; with a limit the first that have a value, by the index.
    With `at_most` only so many are looked at, whichever they are."""
    assert order.field is not None  # noqa: S101 - the newest first is listed elsewhere
    value = value_of(log, order.field)
    sorted_keys = log.frame(select(value.label("value"), log.at.label("at"), log.id.label("id"))).where(wanted.where)
    if at_most is not None:
        sorted_keys = sorted_keys.limit(at_most)
    if limit is not None:
        values, times = directions(order)
        by_index = [
            value.desc() if values else value.asc(),
            *(k.desc() if times else k.asc() for k in (log.at, log.id)),
        ]
        sorted_keys = sorted_keys.where(value.is_not(None)).order_by(*by_index).limit(limit)
    k = sorted_keys.subquery("k")
    at = cast(func.extract("epoch", k.c.at) * 1_000_000, BigInteger)
    one = func.int8send(at, type_=LargeBinary).op("||")(func.int8send(k.c.id, type_=LargeBinary))
    ordered = in_order(order, k.c.value, k.c.at, k.c.id)
    return select(func.string_agg(one, aggregate_order_by(literal_column("''::bytea"), *ordered)))


async def read_in_order(
    db: Database, log: Log, wanted: Filter, order: Order, limit: int | None, *, at_most: int | None = None
) -> Keys:
    """So many keys from the beginning of an order, or all of them; `at_most` is how many are looked at."""
    async with db.read() as connection:
        await as_planned(connection)
        return unpacked(await connection.scalar(keys_in_order(log, wanted, order, limit, at_most=at_most)))


async def few_in_order(db: Database, log: Log, wanted: Filter, order: Order) -> Keys | None:
    """All keys in an order that no index has, where they are few enough to be sorted; None where there are more."""
    keys = await read_in_order(db, log, wanted, order, None, at_most=MOST_SORTED + 1)
    return keys if len(keys) <= MOST_SORTED else None


async def find_in_order(db: Database, log: Log, wanted: Filter, order: Order) -> AsyncGenerator[Found]:
    """What matches, in an order: the first rows as soon as there are any, then all of them.

    Where no index has the order and too many match, they come newest first: `Found.order` says in which order they are.
    """
    if not is_served(log, order):
        few = await aside(few_in_order(db, log, wanted, order))
        if few is not None:
            yield Found(SortedListing(few, complete=True), order=order)
            return
    if is_newest(log, order) or not is_served(log, order):
        async with aclosing(find(db, log, wanted)) as steps:
            async for found in steps:
                yield found
        return
    async with aclosing(_sorted(db, log, wanted, order)) as sorted_steps:
        async for keys, complete in sorted_steps:
            yield Found(SortedListing(keys, complete=complete), order=order)


async def _sorted(db: Database, log: Log, wanted: Filter, order: Order) -> AsyncGenerator[tuple[Keys, bool]]:
    """The first keys by the plan of the database; where that takes long, all of them are sorted beside it."""
    first = asyncio.create_task(read_in_order(db, log, wanted, order, FIRST), name="first rows")
    everything: asyncio.Task[Keys] | None = None
    try:
        quick, _ = await asyncio.wait({first}, timeout=PATIENCE)
        if not quick:
            everything = asyncio.create_task(read_in_order(db, log, wanted, order, None), name="all rows")
            await asyncio.wait({first, everything}, return_when=asyncio.FIRST_COMPLETED)
        if first.done():
            yield first.result(), False
        if quick and len(first.result()) == FIRST:
            yield await aside(read_in_order(db, log, wanted, order, SOON)), False
        everything = everything or asyncio.create_task(read_in_order(db, log, wanted, order, None), name="all rows")
        await asyncio.wait({everything})
        yield everything.result(), True
    finally:
        await given_up(first)
        if everything is not None:
            await given_up(everything)


def order_written(written: str, log: Log) -> Order:
    """The order that was written down; the newest first where it names a field that is gone."""
    field = log.fields.get(written.removeprefix("-"))
    found = NEWEST if field is None else Order(field, written.startswith("-"))
    return NEWEST if is_newest(log, found) else found
