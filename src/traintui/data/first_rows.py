"""The first rows of a filter before the copy in memory is there, in steps along an index.

A step takes so many ids from the index and looks which of them match: no filter reads a million rows before it shows
one, however rare it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select, true, tuple_
from sqlalchemy.sql.elements import SQLCoreOperations

from traintui.data.conditions import Condition
from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.listing import FoundListing, Listing, Order
from traintui.data.live import among
from traintui.data.models import Conversation as C

FIRST_ROWS = 120
"""Rows that are looked for at first: two pages of a large terminal."""
FIRST_TRY = 500
LARGEST_TRY = 16_000
"""Candidates of a try; each is four times as large as the one before."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known by now; `more` says that more is on the way.

    `looked` is the share of rows that were looked at, 0 to 1, where no index serves the filter, else None.
    """

    listing: Listing
    more: bool
    looked: float | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows that stand together in an order: those of `condition` by `key`, which one index has; of them only those
    that are `absent`, have no value, where that is said."""

    condition: Condition
    key: Sequence[SQLCoreOperations[Any]]
    absent: Condition | None = None


def is_served(order: Order) -> bool:
    """Whether the first rows come in this order before the copy is there; else they come newest first."""
    return order.field is None or bool(stretches_of(order))


def stretches_of(order: Order) -> list[Stretch]:
    """An order as stretches of indexes, none where no index serves it.

    Served by `ix_conversations_quality_score_id`, `ix_conversations_created_at_id`, `ix_conversations_status_id` and
    the primary key.
    """
    field = order.field
    if field is None or field.name not in {"score", "created", "status"}:
        return []
    if field.values:
        values = reversed(field.values) if order.descending else field.values
        return [Stretch(field.column == value, [C.id]) for value in values]
    has_none: Condition = field.column.is_(None)
    return [Stretch(field.column.is_not(None), [field.column, C.id]), Stretch(true(), [C.id], has_none)]


async def first_by_sql(db: Database, wanted: Filter, order: Order) -> AsyncIterator[Finding]:
    """The first rows in an order that an index serves, else newest first."""
    if is_served(order) and order.field is not None:
        async for finding in first_in_order(db, wanted, order):
            yield finding
    else:
        async for finding in newest_first(db, wanted):
            yield finding


async def first_in_order(db: Database, wanted: Filter, order: Order) -> AsyncIterator[Finding]:
    """The first rows along stretches of indexes: keys from the index, then those rows by the primary key."""
    descending, found, step = order.descending, list[int](), FIRST_TRY
    # What the filter says of the field that is sorted by is where to begin and to end.
    own = [
        term.where
        for term in wanted.terms
        if order.field is not None and term.field == order.field.name and not term.negated and len(term.parts) == 1
    ]
    for stretch in stretches_of(order):
        if own and stretch.absent is not None:
            continue  # who has no value matches no comparison
        absent = true() if stretch.absent is None else stretch.absent
        matches = and_(absent, *(term.probe for term in wanted.terms))
        key = tuple_(*stretch.key)
        statement = select(*stretch.key).where(stretch.condition, *own)
        statement = statement.order_by(*(part.desc() if descending else part.asc() for part in stretch.key))
        passed: Sequence[Any] = ()
        while len(found) < FIRST_ROWS:
            later = () if not passed else (key < tuple_(*passed) if descending else key > tuple_(*passed),)
            async with db.read() as connection:
                candidates = (await connection.execute(statement.where(*later).limit(step))).all()
                matching = await among(connection, matches, [row[-1] for row in candidates])
            found += [row[-1] for row in candidates if row[-1] in matching]
            if matching:
                yield Finding(FoundListing(found[:]), more=True)
            if len(candidates) < step:
                break
            passed, step = candidates[-1], min(LARGEST_TRY, step * 4)
    whole = len(found) < FIRST_ROWS
    yield Finding(FoundListing(found, complete=whole), more=not whole)


async def newest_first(db: Database, wanted: Filter) -> AsyncIterator[Finding]:
    """The first rows, newest first and those that are only planned last, in steps that each read a stretch of ids.

    Served by the primary key.
    """
    async with db.read() as connection:
        high = await connection.scalar(select(func.max(C.id))) or 0
    readable: list[int] = []
    planned: list[int] = []
    step = FIRST_TRY
    # What was at a moment is asked of the rows of a stretch: for all of them the log would be read in every step.
    matches = and_(true(), *(term.probe if term.is_of_then else term.where for term in wanted.terms))
    while high > 0 and len(readable) < FIRST_ROWS:
        low = high - step
        statement = (
            select(C.id, C.status).where(C.id > low, C.id <= high, matches).order_by(C.id.desc()).limit(FIRST_ROWS)
        )
        async with db.read() as connection:
            rows = (await connection.execute(statement)).all()
        for row in rows:
            (planned if row.status == "planned" else readable).append(row.id)
        # A step that was cut short goes on where it ended.
        high = rows[-1].id - 1 if len(rows) == FIRST_ROWS else low
        step = min(LARGEST_TRY, step * 4)
        if rows:
            yield Finding(FoundListing(readable + planned[:FIRST_ROWS]), more=True)
    yield Finding(FoundListing(readable + planned[:FIRST_ROWS], complete=high <= 0), more=high > 0)
