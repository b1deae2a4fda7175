"""The values that the fields of a log have: what its filter offers while one types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.fields import Field, Kind
from traintui.data.log_fields import GENERATIONS, Log, S
from traintui.data.log_models import GenerationLog as L
from traintui.data.log_models import ReviewLog as R
from traintui.data.models import Template

MOST = 100
"""Values of a field that are offered."""
INDEXED: Mapping[str, Any] = {
    "generations.model": L.model, "generations.user": L.requested_by, "generations.error": L.error_type,
    "reviews.reviewer": R.reviewer_id, "reviews.reason": R.reason, "exports.user": S.user_id,
    "exports.format": S.format,
}  # fmt: skip
"""Fields whose values are asked for: by hopping along their index, or where there are few rows."""


async def distinct(connection: AsyncConnection, column: Any) -> Sequence[str]:
    """The values of a column, each found by the index behind the one before: as many looks as there are values."""
    first = select(column.label("value")).where(column.is_not(None)).order_by(column).limit(1)
    hops = first.subquery("hop")
    walked = select(hops.c.value, literal(1).label("number")).cte("walked", recursive=True)
    following = (
        select(column).where(column > walked.c.value).order_by(column).limit(1).correlate(walked).scalar_subquery()
    )
    walked = walked.union_all(
        select(following, walked.c.number + 1).where(walked.c.value.is_not(None), walked.c.number < MOST)
    )
    found = await connection.scalars(select(walked.c.value).where(walked.c.value.is_not(None)))
    return tuple(str(value) for value in found)


async def with_values(db: Database, log: Log) -> Mapping[str, Field]:
    """The fields of a log with the values that there are, for what is offered: a filter may name others."""
    fields = dict(log.fields)
    async with db.read() as connection:
        for name, field in log.fields.items():
            column = INDEXED.get(f"{log.name}.{name}")
            if column is not None:
                fields[name] = replace(field, values=tuple(await distinct(connection, column)))
        if log is GENERATIONS:
            names = tuple(await connection.scalars(select(Template.name).distinct().order_by(Template.name)))
            about = log.language.words["template"].about
            fields["template"] = Field("template", "Template", Kind.KEY, about, L.template_id, names)
    return fields
