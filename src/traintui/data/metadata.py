"""Metadata: what is known about conversations beside their columns, one by one and in bulk.

An edit is a row of the review log; it leaves revision, status and decision as they are. Keys that the workspace
registers have a type, which the database holds.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Text, cast, func, select, text, true

from traintui.data import metadata_schema, promotions
from traintui.data.engine import Database
from traintui.data.fields import Field, metadata_field, promoted_field
from traintui.data.filters import Filter
from traintui.data.metadata_models import MetadataKeyEntry as K
from traintui.data.metadata_records import Change, Held, KnownKey, KnownKeys, MetadataKey, Undone
from traintui.data.metadata_rules import Rules
from traintui.data.metadata_values import as_value_type, checked, checked_key
from traintui.data.models import Conversation as C
from traintui.data.refusals import ANSWERS, Refused
from traintui.data.retrying import one_row, tried_again
from traintui.data.storable import as_json, storable
from traintui.data.targets import Progress, Target, ids_of, portions

Operation = Literal["set", "merge", "remove"]
SAMPLE = 5_000
"""Conversations, the newest, in which keys are looked for."""


# Reading ----------------------------------------------------------------------------------------------------------


async def read(db: Database, conversation_id: str) -> Held:
    """The metadata of a conversation, for an edit. Raises `Refused` (TT002) when there is none."""
    statement = select(C.id, C.metadata_, cast(C.metadata_, Text).label("seen")).where(
        C.conversation_id == conversation_id
    )
    async with db.read() as connection:
        row = (await connection.execute(statement)).one_or_none()
    if row is None:
        title, remedy = ANSWERS["TT002"]
        raise Refused(title, f"There is no conversation {conversation_id}.", remedy, code="TT002")
    return Held(row.id, conversation_id, row.metadata, row.seen)


async def get(db: Database, conversation_id: str) -> Mapping[str, Any]:
    """The metadata of a conversation. Raises `Refused` (TT002) when there is none."""
    return (await read(db, conversation_id)).values


async def each(db: Database, target: Target) -> AsyncIterator[Held]:
    """The metadata of many, in order of the id; those that are gone meanwhile are left out."""
    for ids in portions(await ids_of(db, target)):
        statement = (
            select(C.id, C.conversation_id, C.metadata_, cast(C.metadata_, Text).label("seen"))
            .where(C.id.in_(ids))
            .order_by(C.id)
        )
        async with db.read() as connection:
            rows = (await connection.execute(statement)).all()
        for row in rows:
            yield Held(row.id, row.conversation_id, row.metadata, row.seen)


# Editing ----------------------------------------------------------------------------------------------------------


async def set_(
    db: Database, target: Target, values: Mapping[str, Any], *, key: str | None = None, bulk: str | None = None,
    filter_text: str | None = None, progress: Progress | None = None, stop: asyncio.Event | None = None,
) -> Change:  # fmt: skip
    """Makes `values` the whole metadata. For the rest see `change`."""
    return await change(
        db, target, "set", values=values, key=key, bulk=bulk, filter_text=filter_text, progress=progress, stop=stop
    )


async def merge(
    db: Database, target: Target, values: Mapping[str, Any], *, key: str | None = None, bulk: str | None = None,
    filter_text: str | None = None, progress: Progress | None = None, stop: asyncio.Event | None = None,
) -> Change:  # fmt: skip
    """Sets the keys of `values` and leaves the others. For the rest see `change`."""
    return await change(
        db, target, "merge", values=values, key=key, bulk=bulk, filter_text=filter_text, progress=progress, stop=stop
    )


async def remove(
    db: Database, target: Target, keys: Iterable[str], *, key: str | None = None, bulk: str | None = None,
    filter_text: str | None = None, progress: Progress | None = None, stop: asyncio.Event | None = None,
) -> Change:  # fmt: skip
    """Takes keys out. For the rest see `change`."""
    return await change(
        db, target, "remove", keys=keys, key=key, bulk=bulk, filter_text=filter_text, progress=progress, stop=stop
    )


async def change(
    db: Database, target: Target, operation: Operation, *, values: Mapping[str, Any] | None = None,
    keys: Iterable[str] = (), seen: str | None = None, key: str | None = None, bulk: str | None = None,
    filter_text: str | None = None, progress: Progress | None = None, stop: asyncio.Event | None = None,
) -> Change:  # fmt: skip
    """Edits metadata, up to 1,000 conversations a transaction; `progress` is told after each, `stop` is heeded between.

    `merge` takes out `keys`, then sets `values`. `seen` is what `read` returned: an edit of anything newer is refused.
    The same `key` again changes nothing more. `bulk` names a bulk edit (default: a new name when there is more than
    one conversation); `filter_text` is noted in the log (default: the text of a filter that is the target).

    Raises `Refused`: TT014 for a value that a registered key does not take, metadata that would not fit the schema or
    be too long, TT001 when it is not as it was seen. What earlier transactions changed stays, and `undo_bulk` takes it
    back.
    """
    rules = await metadata_schema.rules(db)
    ids = await ids_of(db, target)
    bulk = bulk or (uuid.uuid4().hex if len(ids) > 1 else None)
    key = key or uuid.uuid4().hex
    given = {
        "operation": operation, "value": as_json(checked(values or {})), "keys": [storable(name) for name in keys],
        "bulk": bulk, "before": seen,
        "filter": target.text if filter_text is None and isinstance(target, Filter) else filter_text,
    }  # fmt: skip
    changed = unchanged = skipped = 0
    for place, some in enumerate(portions(ids)):
        if stop is not None and stop.is_set():
            break
        portion = {"ids": list(some), "key": key if place == 0 else f"{key}.{place}"}
        row = await _changed(db, rules, some, given | portion)
        changed, unchanged, skipped = changed + row[0], unchanged + row[1], skipped + row[2]
        if progress is not None:
            progress(changed + unchanged + skipped, len(ids))
    return Change(changed, unchanged, skipped, len(ids), bulk)


CHANGE = (
    "SELECT changed, unchanged, skipped FROM change_metadata(:ids, :operation, CAST(:value AS jsonb), :keys, :bulk,"
    " :key, :filter, CAST(:before AS jsonb))"
)


async def _changed(db: Database, rules: Rules, ids: Sequence[int], values: Mapping[str, Any]) -> Sequence[Any]:
    """One portion: in one round trip where there is no schema, else what it came to is looked at before it counts."""
    if not rules:
        return await one_row(db, CHANGE, values)

    async def changed() -> Sequence[Any]:
        async with db.write("metadata.change") as connection:
            await connection.execute(metadata_schema.LOOKED_AT_BY, {"version": rules.version})
            row = (await connection.execute(text(CHANGE), values)).one()
            await metadata_schema.refuse_misfits(connection, rules, ids=ids)
        return row

    return await tried_again(changed)


UNDONE_AT_ONCE = 1_000
"""Conversations whose edit is taken back in one transaction."""
EDITED = text(
    "SELECT id FROM review_logs WHERE bulk_id = :bulk AND action = 'metadata' AND id > :after AND id <= :last"
)
"""The rows of a bulk edit that a portion looked at. Served by `ix_review_logs_bulk_id_id`."""


async def undo_bulk(
    db: Database, bulk: str, *, progress: Progress | None = None, stop: asyncio.Event | None = None
) -> Undone:
    """Takes back one's own bulk edit, 1,000 conversations a transaction. What somebody changed meanwhile stays.

    Raises `Refused` (TT014) where what was there before does not fit the schema as it is now.
    """
    rules = await metadata_schema.rules(db)
    undone = kept = 0
    after: int | None = 0
    statement = text("SELECT undone, kept, last FROM undo_metadata_bulk(:bulk, :size, :after)")
    waiting = text(
        "SELECT count(*) FROM review_logs AS log"
        " WHERE bulk_id = :bulk AND action = 'metadata' AND reviewer_id = session_user"
        " AND NOT EXISTS (SELECT FROM review_logs WHERE undoes = log.id)"
    )
    async with db.read() as connection:
        total = int(await connection.scalar(waiting, {"bulk": bulk}) or 0)
    while after is not None and not (stop is not None and stop.is_set()):
        async with db.write() as connection:
            await connection.execute(metadata_schema.LOOKED_AT_BY, {"version": rules.version})
            row = (await connection.execute(statement, {"bulk": bulk, "size": UNDONE_AT_ONCE, "after": after})).one()
            if rules and row.last is not None:
                edited = {"bulk": bulk, "after": after, "last": row.last}
                log_ids = (await connection.scalars(EDITED, edited)).all()
                await metadata_schema.refuse_misfits(connection, rules, log_ids=log_ids)
        undone, kept, after = undone + row.undone, kept + row.kept, row.last
        if progress is not None and after is not None:
            progress(undone + kept, total)
    return Undone(undone, kept)


# Keys -------------------------------------------------------------------------------------------------------------


async def keys(db: Database) -> tuple[MetadataKey, ...]:
    """The registered keys, in their order."""
    statement = select(K.key, K.value_type, K.label, K.about, K.position).order_by(K.position, K.key)
    async with db.read() as connection:
        rows = (await connection.execute(statement)).all()
    return tuple(
        MetadataKey(row.key, as_value_type(row.value_type), row.label, row.about, row.position) for row in rows
    )


async def registered_fields(db: Database) -> tuple[Field, ...]:
    """The registered keys as fields of a conversation; those of type text are none, since the server finds them, unless
    they have a column of their own."""
    promoted = await promotions.columns(db)
    made = (
        promoted_field(key.key, key.about or "a key of metadata", key.label, promoted[key.key])
        if key.key in promoted
        else metadata_field(key.key, key.value_type, key.about, key.label)
        for key in await keys(db)
    )
    return tuple(field for field in made if field is not None)


async def known_keys(db: Database, limit: int = 200) -> KnownKeys:
    """Keys that occur in the newest conversations, the most frequent first; an older one may be missing."""
    newest = select(C.metadata_.label("held")).order_by(C.id.desc()).limit(SAMPLE).subquery()
    pair = func.jsonb_each(newest.c.held).table_valued("key", "value").render_derived()
    found = func.count()
    statement = (
        select(pair.c.key, found, func.array_agg(func.jsonb_typeof(pair.c.value).distinct()))
        .select_from(newest.join(pair, true()))
        .group_by(pair.c.key)
        .order_by(found.desc(), pair.c.key)
        .limit(limit)
    )
    rows_of_all = text("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'conversations'::regclass")
    async with db.read() as connection:
        rows = (await connection.execute(statement)).all()
        sampled = int(await connection.scalar(select(func.count()).select_from(newest)) or 0)
        whole = max(sampled, int(await connection.scalar(rows_of_all) or 0)) if sampled == SAMPLE else sampled
    found_keys = tuple(
        KnownKey(str(name), round(number * whole / max(sampled, 1)), tuple(types)) for name, number, types in rows
    )
    return KnownKeys(found_keys, is_whole=sampled < SAMPLE and len(rows) < limit)


async def register(
    db: Database, key: str, value_type: str, *, label: str | None = None, about: str | None = None,
    position: int | None = None,
) -> MetadataKey:  # fmt: skip
    """Registers a key, or changes its type, label or purpose; None leaves what it has.

    Raises `Refused` (TT014) when values that are there are not of the type: `detail` has how many (`misfits`) and up to
    five `examples` with `conversation_id` and `value`.
    """
    statement = text(
        "SELECT key, value_type, label, about, position"
        " FROM register_metadata_key(:key, :type, :label, :about, :position)"
    )
    given = {
        "key": checked_key(key), "type": as_value_type(value_type), "label": storable(label), "about": storable(about),
        "position": position,
    }  # fmt: skip
    async with db.write() as connection:
        return MetadataKey(*(await connection.execute(statement, given)).one())


async def unregister(db: Database, key: str) -> None:
    """Takes the type of a key away; the values stay. Raises `Refused` (TT002) when it is not registered."""
    async with db.write() as connection:
        await connection.execute(text("SELECT unregister_metadata_key(:key)"), {"key": key})
