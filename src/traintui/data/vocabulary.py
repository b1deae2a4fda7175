"""The vocabulary: which values each dimension has, and how they are called."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from sqlalchemy import and_, func, literal, select, text, union_all, update
from sqlalchemy.dialects.postgresql import insert

from traintui.data.engine import Database
from traintui.data.models import DIMENSIONS
from traintui.data.models import Conversation as C
from traintui.data.models import VocabularyEntry as V
from traintui.data.records import VocabularyValue
from traintui.data.refusals import ANSWERS, Refused
from traintui.data.storable import storable

MERGED_AT_ONCE = 1_000
"""Conversations that a merge moves in one transaction: a decision waits for it a tenth of a second at most."""

COLUMNS = (V.dimension, V.value, V.label, V.description, V.colour, V.keywords, V.active, V.position, V.merged_into)


def value_of(row: Any) -> VocabularyValue:
    """A row of `COLUMNS` as a record."""
    return VocabularyValue(**{**row._mapping, "keywords": tuple(row.keywords)})


async def values(db: Database, *, active_only: bool = False) -> tuple[VocabularyValue, ...]:
    """Every value, by dimension and position."""
    statement = select(*COLUMNS).order_by(V.dimension, V.position, V.value)
    if active_only:
        statement = statement.where(V.active)
    async with db.read() as connection:
        return tuple(value_of(row) for row in await connection.execute(statement))


async def labels(db: Database) -> dict[tuple[str, str], VocabularyValue]:
    """Every value by (dimension, value)."""
    return {(value.dimension, value.value): value for value in await values(db)}


def by_dimension(labels: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The values of each dimension that has any, from pairs of both."""
    grouped: dict[str, tuple[str, ...]] = {}
    for dimension, value in labels:
        grouped[dimension] = (*grouped.get(dimension, ()), value)
    return grouped


def stored_form(value: VocabularyValue) -> dict[str, Any]:
    """A value as the columns that a person may write."""
    return {
        "dimension": value.dimension, "value": value.value, "label": storable(value.label),
        "description": storable(value.description), "colour": value.colour, "keywords": list(value.keywords),
        "active": value.active, "position": value.position,
    }  # fmt: skip


async def add(db: Database, new: Iterable[VocabularyValue]) -> int:
    """Adds values; one that is there already keeps its value and takes the new label, description and colour.

    Of a value that is given twice the last one counts; one that was merged stays inactive. Returns how many were given.
    Raises `Refused` when one may not, or when a value has another form than `lower_case_words`.
    """
    rows = [stored_form(value) for value in {(value.dimension, value.value): value for value in new}.values()]
    if not rows:
        return 0
    statement = insert(V).values(rows)
    given = statement.excluded
    changed: dict[str, Any] = {name: given[name] for name in ("label", "description", "colour", "keywords", "position")}
    changed["active"] = and_(given.active, V.merged_into.is_(None))
    async with db.write() as connection:
        await connection.execute(statement.on_conflict_do_update(index_elements=["dimension", "value"], set_=changed))
    return len(rows)


async def create(db: Database, new: VocabularyValue) -> VocabularyValue:
    """Adds one value behind the others of its dimension; its `position` does not count.

    Returns it as it stands. Raises `Refused` when it is there already, has another form, or one may not.
    """
    last = select(func.coalesce(func.max(V.position) + 1, 0)).where(V.dimension == new.dimension).scalar_subquery()
    async with db.write() as connection:
        statement = insert(V).values(stored_form(new) | {"position": last}).returning(*COLUMNS)
        return value_of((await connection.execute(statement)).one())


async def change(
    db: Database,
    dimension: str,
    value: str,
    *,
    label: str | None = None,
    description: str | None = None,
    colour: str | None = None,
    active: bool | None = None,
    position: int | None = None,
) -> VocabularyValue:
    """Changes what a value is called and how it is shown, never the value. What is None stays; a colour of "" goes.

    Returns it as it stands. Raises `Refused`: TT002 when there is no such value, TT003 for a label, description or
    colour that may not be, or to make a merged one active.
    """
    given: dict[str, Any] = {
        "label": storable(label), "description": storable(description), "active": active, "position": position,
    }  # fmt: skip
    changed = {name: what for name, what in given.items() if what is not None}
    if colour is not None:
        changed["colour"] = colour or None
    statement = update(V).where(V.dimension == dimension, V.value == value).returning(*COLUMNS)
    # Without any change it is still read, as it stands.
    statement = statement.values(changed or {"position": V.position})
    async with db.write() as connection:
        row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise Refused(
            ANSWERS["TT002"][0], f"There is no {dimension} {value}.", "Read the vocabulary again.", code="TT002"
        )
    return value_of(row)


async def remove(db: Database, dimension: str, value: str) -> NoReturn:
    """Values are never removed. Raises `Refused` with how many conversations have it, and what to do instead."""
    number = await uses_of(db, dimension, value)
    used = {0: "may be in exports and logs", 1: "is used by 1 conversation"}
    raise Refused(
        "Value kept",
        f"{dimension} {value} {used.get(number, f'is used by {number:,} conversations')}.",
        "Make it inactive, or merge it into another.",
        code="TT003",
        detail={"uses": number},
    )


async def uses_of(db: Database, dimension: str, value: str) -> int:
    """How many conversations have a value, those in the trash too."""
    async with db.read() as connection:
        return int(await connection.scalar(select(func.uses_of_value(dimension, value))) or 0)


async def uses(db: Database) -> dict[tuple[str, str], int]:
    """How many conversations have each value that any has, those in the trash too.

    Reads every conversation once for each dimension: most of a second at a million.
    """
    counted = union_all(
        *(
            select(literal(dimension).label("dimension"), column.label("value"), func.count().label("number"))
            .where(column.is_not(None))
            .group_by(column)
            for dimension, column in ((dimension, getattr(C, dimension)) for dimension in DIMENSIONS)
        )
    )
    async with db.read() as connection:
        return {(row.dimension, row.value): row.number for row in await connection.execute(counted)}


async def merge(
    db: Database,
    dimension: str,
    from_: str,
    into: str,
    *,
    progress: Callable[[int], None] = lambda moved: None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Gives every conversation with one value another, each with a log row of one bulk; decisions stand.

    The old value is inactive from the first step on and says what it became. `progress` gets how many have moved, after
    each transaction of `MERGED_AT_ONCE`; when `stop` says so, the rest keeps the old value until this is called again.
    Returns how many it moved. Raises `Refused`: TT003 for a tier or for the same value twice, TT009 for a value that is
    not there or that became another, TT004 when one may not, 55P03 while somebody stores conversations with it.
    """
    moved, after, bulk_id = 0, 0, uuid.uuid4().hex
    statement = text("SELECT moved, last_id FROM merge_values(:dimension, :from_, :into, :bulk_id, :limit, :after)")
    while not stop():
        async with db.write() as connection:
            row = (
                await connection.execute(
                    statement,
                    {
                        "dimension": dimension, "from_": from_, "into": into, "bulk_id": bulk_id,
                        "limit": MERGED_AT_ONCE, "after": after,
                    },
                )
            ).one()  # fmt: skip
        moved += row.moved
        progress(moved)
        if row.moved < MERGED_AT_ONCE:
            break
        after = row.last_id
    return moved
