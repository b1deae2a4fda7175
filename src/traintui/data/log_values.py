"""The values that the fields of a log have: what its filter offers while one types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.fields import Field, Kind
from traintui.data.filter_words import words
from traintui.data.filters import Filter
from traintui.data.log_fields import GENERATIONS, Log, S
from traintui.data.log_models import GenerationLog as L
from traintui.data.log_models import ReviewLog as R
from traintui.data.models import Conversation as C
from traintui.data.models import Template
from traintui.data.nearest import nearest

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


ALIKE = 4
"""Letters at the beginning of an id that one has in common with those that may have been meant."""
LOOKED_AT = 2_000
"""Conversations that are looked at for one that may have been meant."""


async def unknown(db: Database, log: Log, wanted: Filter) -> Sequence[str]:
    """A sentence on each value that a filter names and the log has nowhere: which one may have been meant. Of
    templates, people, models, reasons and the like, and of conversations that are not here."""
    said = []
    fields = await with_values(db, log)
    for word in words(wanted.text):
        if word.negated or word.field is None or word.operator not in {":", "="}:
            continue
        for value in word.listed:
            if value != "none" and (answer := await _unknown(db, log, fields, word.field, value)) is not None:
                said.append(answer)
    return said


async def _unknown(db: Database, log: Log, fields: Mapping[str, Field], field: str, value: str) -> str | None:
    if field == "conversation":
        async with db.read() as connection:
            if await connection.scalar(select(C.id).where(C.conversation_id == value)) is not None:
                return None
            alike = select(C.conversation_id).where(C.conversation_id.startswith(value[:ALIKE], autoescape=True))
            known = tuple(await connection.scalars(alike.limit(LOOKED_AT)))
    elif field == "template":
        known, value = fields[field].values, value.rpartition("@")[0] or value
        if value.isdigit():
            return None
    elif f"{log.name}.{field}" in INDEXED:
        known = fields[field].values
        if len(known) == MOST:  # there are more than were read
            return None
    else:
        return None
    if value in known:
        return None
    near = nearest(value, known)
    return f'There is no {field} "{value}" here.' + (f" Did you mean {near}?" if near else "")
