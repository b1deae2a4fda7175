"""The vocabulary: which values each dimension has, and how they are called."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from traintui.data.engine import Database
from traintui.data.models import VocabularyEntry as V
from traintui.data.records import VocabularyValue


async def values(db: Database, *, active_only: bool = False) -> tuple[VocabularyValue, ...]:
    """Every value, by dimension and position."""
    statement = select(
        V.dimension, V.value, V.label, V.description, V.colour, V.keywords, V.active, V.position
    ).order_by(V.dimension, V.position, V.value)
    if active_only:
        statement = statement.where(V.active)
    async with db.read() as connection:
        rows = (await connection.execute(statement)).all()
    return tuple(
        VocabularyValue(
            row.dimension,
            row.value,
            row.label,
            row.description,
            row.colour,
            tuple(row.keywords),
            row.active,
            row.position,
        )
        for row in rows
    )


async def labels(db: Database) -> dict[tuple[str, str], VocabularyValue]:
    """Every value by (dimension, value)."""
    return {(value.dimension, value.value): value for value in await values(db)}


async def add(db: Database, new: Iterable[VocabularyValue]) -> int:
    """Adds values; one that is there already keeps its value and takes the new label, description and colour.

    Of a value that is given twice the last one counts. Returns how many were given. Raises `Refused` when one may not,
    or when a value has another form than `lower_case_words`.
    """
    rows = [
        {
            "dimension": value.dimension, "value": value.value, "label": value.label, "description": value.description,
            "colour": value.colour, "keywords": list(value.keywords), "active": value.active,
            "position": value.position,
        }
        for value in {(value.dimension, value.value): value for value in new}.values()
    ]  # fmt: skip
    if not rows:
        return 0
    statement = insert(V).values(rows)
    changed = {
        name: statement.excluded[name] for name in ("label", "description", "colour", "keywords", "active", "position")
    }
    async with db.write() as connection:
        await connection.execute(statement.on_conflict_do_update(index_elements=["dimension", "value"], set_=changed))
    return len(rows)
