"""Metadata keys that became columns of `conversations`: which there are, how far each is, and what a key holds now.

Metadata keeps the values: a trigger keeps both in step for as long as there is the column, so that who writes one never
needs to know of the other, and the way back loses nothing.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from sqlalchemy import Row, func, select, text

from traintui.data.engine import Database
from traintui.data.metadata_values import as_value_type, checked_key
from traintui.data.promotion_models import PromotedValue as V
from traintui.data.promotion_models import PromotionEntry as P
from traintui.data.promotion_records import Column, Look, Promotion
from traintui.errors import TraintuiError

PREFIX = "key_"
"""How the columns of promoted keys begin; no other column of `conversations` does."""
MOST_VALUES = 200
"""Of a vocabulary: more are no list that somebody chooses from."""
LONGEST_VALUE = 100
"""Characters of a value of a vocabulary."""
SHOWN = 20
"""Conversations that are named of those whose value does not fit."""


def is_promoted(name: str) -> bool:
    """Whether a column or an index of `conversations` is that of a promoted key."""
    return name.startswith((PREFIX, f"ix_conversations_{PREFIX}"))


def column_of(key: str) -> str:
    """The column of a key: its name in small letters, and where that says less than the key, a few signs of its hash.

    Raises `TraintuiError` for a key that cannot be written down in a migration.
    """
    if "$" in checked_key(key):
        raise TraintuiError(
            "Key not promoted", f'"{key}" has a $ in it, which ends a function\'s text in SQL.',
            "Nothing was changed. Give the values another key first.",
        )  # fmt: skip
    plain = re.sub(r"[^a-z0-9_]", "_", key.lower())[:30]
    return PREFIX + plain + ("" if plain == key else f"_{hashlib.sha256(key.encode()).hexdigest()[:8]}")


_COLUMNS = (
    P.revision, P.key, P.column_name, P.value_type, P.listed, P.leaves_unfitting, P.was_registered, P.state,
    P.done_up_to, P.filled, P.unfitting, P.promoted_by, P.started_at, P.ended_at, P.demoted_in, P.demoted_by,
    P.demoted_at,
)  # fmt: skip


async def every(db: Database) -> tuple[Promotion, ...]:
    """All that there ever were, in the order in which they were made."""
    async with db.read() as connection:
        rows = (await connection.execute(select(*_COLUMNS).order_by(P.revision))).all()
    return tuple(promotion_of(row) for row in rows)


def promotion_of(row: Row[*tuple[Any, ...]]) -> Promotion:
    """A row of `_COLUMNS` as a record."""
    values = dict(row._mapping)
    listed = values.pop("listed")
    return Promotion(
        column=values.pop("column_name"), value_type=as_value_type(values.pop("value_type")),
        listed=None if listed is None else tuple(listed), **values,
    )  # fmt: skip


async def columns(db: Database) -> dict[str, Column]:
    """The columns that can be asked, by their keys: those that have all values, of which none is on its way back."""
    values = select(func.array_agg(V.value)).where(V.key == P.key).correlate(P).scalar_subquery()
    statement = select(P.key, P.column_name, P.value_type, P.listed, values.label("held")).where(P.state == "promoted")
    async with db.read() as connection:
        rows = (await connection.execute(statement)).all()
    return {
        row.key: Column(
            row.column_name, as_value_type(row.value_type),
            None if row.listed is None else tuple(sorted(row.held or ())),
        )
        for row in rows
    }  # fmt: skip


async def add_value(db: Database, key: str, value: str) -> tuple[str, ...]:
    """Adds a value to the vocabulary of a promoted key; harmless where it is there. Returns all that it has then.
    Raises `Refused`, and `TraintuiError` for a key without a vocabulary and a value that cannot be one."""
    column = (await columns(db)).get(key)
    if column is None or column.values is None:
        raise TraintuiError(
            "No vocabulary", f"{key} is no promoted key with a vocabulary, so it takes any value of its type.",
            "Nothing was added. `traintui db promote` lists the keys that have one.",
        )  # fmt: skip
    if not value.strip() or len(value) > LONGEST_VALUE:
        raise TraintuiError(
            "Not a value", f"a value of a vocabulary has 1 to {LONGEST_VALUE} characters, and not only blanks.",
            "Nothing was added. Write a shorter one, or any.",
        )  # fmt: skip
    async with db.write() as connection:
        await connection.execute(text("SELECT add_promoted_value(:key, :value)"), {"key": key, "value": value})
    return tuple(sorted({*column.values, value}))


LOOK = text("""
    WITH held AS MATERIALIZED (
        SELECT id, conversation_id, metadata -> :key AS value, metadata_fits(metadata -> :key, :type) AS fits
        FROM conversations WHERE metadata ? :key
    ), few AS (
        SELECT DISTINCT value #>> '{}' AS value FROM held WHERE fits AND :type = 'text' LIMIT :most
    )
    SELECT (SELECT count(*) FROM conversations) AS conversations, (SELECT count(*) FROM held) AS held,
           (SELECT count(*) FROM held WHERE NOT fits) AS unfitting,
           (SELECT jsonb_object_agg(kind, number)
            FROM (SELECT jsonb_typeof(value) AS kind, count(*) AS number FROM held GROUP BY 1) AS counted) AS types,
           (SELECT jsonb_agg(jsonb_build_array(conversation_id, left(value::text, 200)) ORDER BY id)
            FROM (SELECT * FROM held WHERE NOT fits ORDER BY id LIMIT :shown) AS first_ones) AS examples,
           (SELECT array_agg(value) FROM few) AS values,
           (SELECT max(char_length(value #>> '{}')) FROM held WHERE jsonb_typeof(value) = 'string') AS longest
""")
"""Reads the whole table once: some seconds at a million."""


async def look(db: Database, key: str, value_type: str) -> Look:
    """What a key holds, read whole: some seconds for a million conversations."""
    given = {
        "key": checked_key(key), "type": as_value_type(value_type), "most": MOST_VALUES + 1, "shown": SHOWN,
    }  # fmt: skip
    async with db.read() as connection:
        row = (await connection.execute(LOOK, given)).one()
    found = tuple(sorted(row.values or ()))
    return Look(
        row.conversations, row.held, row.types or {}, row.unfitting,
        tuple((one, value) for one, value in row.examples or ()),
        found if len(found) <= MOST_VALUES else None, row.longest or 0,
    )  # fmt: skip
