"""What the values of single metadata keys have to be: the type of a registered key, a word of a promoted one's list."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from traintui.data.engine import Database
from traintui.data.metadata_models import MetadataKeyEntry as K
from traintui.data.metadata_values import GREATEST_INTEGER, TYPES, ValueType, as_value_type, day
from traintui.data.promotion_models import PromotedValue as V
from traintui.data.promotion_models import PromotionEntry as P
from traintui.errors import TraintuiError

LONGEST_VALUE = 60
"""Characters of a value that are quoted."""
NAMED = 12
"""Words of a list that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class KeyRule:
    """The type of a key, and in `words` its list where only what stands there is taken."""

    value_type: ValueType
    words: frozenset[str] | None = None

    def problem(self, value: Any) -> str | None:
        """Why a value is not taken, in a few words; None where it is."""
        if not fits(value, self.value_type):
            return f"{_quoted(value)} is not {TYPES[self.value_type][0]}"
        if self.words is not None and value not in self.words:
            more = f" and {len(self.words) - NAMED:,} more" if len(self.words) > NAMED else ""
            return f"{_quoted(value)} is not one of {', '.join(sorted(self.words)[:NAMED])}{more}"
        return None


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What the values of some keys have to be; any other key may hold anything."""

    keys: Mapping[str, KeyRule]

    def problem(self, values: Mapping[str, Any]) -> str | None:
        """What of metadata is not taken, with its path, in the order of the keys; None where all is."""
        said = [
            f"meta.{key}: {why}"
            for key in sorted(self.keys.keys() & values.keys())
            if (why := self.keys[key].problem(values[key])) is not None
        ]
        return "; ".join(said) or None


NO_KEYS = KeyRules({})


def fits(value: Any, value_type: ValueType) -> bool:
    """Whether a value that was read from JSON is of a type, as `metadata_fits` of the database has it."""
    match value_type:
        case "text":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _is_day(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return value_type == "number" or (abs(value) <= GREATEST_INTEGER and value % 1 == 0)


def _is_day(value: str) -> bool:
    try:
        return bool(day(value))
    except TraintuiError:
        return False


def _quoted(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= LONGEST_VALUE else written[: LONGEST_VALUE - 1] + "…"


async def key_rules(db: Database) -> KeyRules:
    """What registered keys have to hold now. A list counts from the moment in which its column is there."""
    words = select(func.array_agg(V.value)).where(V.key == P.key).correlate(P).scalar_subquery()
    listed = select(P.key, words.label("words")).where(P.state != "demoted", P.listed.is_not(None)).subquery()
    statement = select(K.key, K.value_type, listed.c.key.is_not(None).label("has_list"), listed.c.words).outerjoin(
        listed, listed.c.key == K.key
    )
    async with db.read() as connection:
        rows = (await connection.execute(statement)).all()
    return KeyRules(
        {
            row.key: KeyRule(as_value_type(row.value_type), frozenset(row.words or ()) if row.has_list else None)
            for row in rows
        }
    )
