"""Totals and facets by SQL: until the copy in memory is there, and as what it is tried against."""

from __future__ import annotations

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.fields import Fields
from traintui.data.filters import Filter
from traintui.data.mirror import Facets
from traintui.data.models import Conversation as C


async def total(connection: AsyncConnection, wanted: Filter) -> int:
    """How many match."""
    return await connection.scalar(select(func.count()).select_from(C).where(wanted.where)) or 0


async def facets(connection: AsyncConnection, wanted: Filter, fields: Fields) -> Facets:
    """How many match per value of each facet field, where each field ignores what the filter chose of it."""
    counted: dict[str, dict[str | None, int]] = {}
    asked = []
    for field in fields.keys_of_few:
        if field.is_facet:
            counted[field.name] = {}
            condition = wanted.without(field.name).where
            value = field.column.label("value")
            asked.append(
                select(literal(field.name).label("name"), value, func.count().label("number"))
                .where(condition)
                .group_by(field.column)
            )
    for name, value, number in await connection.execute(union_all(*asked)):
        counted[name][value] = number
    return counted
