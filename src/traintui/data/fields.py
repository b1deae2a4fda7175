"""The fields of a conversation: one description for the filter, the table, the facets, sorting and the copy in memory.

A field that is added here, or a metadata key that the workspace registers, shows up in all of them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Numeric,
    Text,
    case,
    cast,
    column,
    exists,
    func,
    literal,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP

from traintui.data.models import DIMENSIONS, STATUSES, TIERS, Chunk
from traintui.data.models import Conversation as C
from traintui.data.promotion_records import Column as Promoted

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAST, MOST = -(2**63), 2**63 - 1
"""What fits into 64 bits; a bound beyond is as good as none."""
SIGN = 1 << 63
EVERY_BIT = (1 << 64) - 1


class Kind(Enum):
    """What a field holds, and so how it is asked for, sorted and counted."""

    KEY = "one of a few values"
    NUMBER = "number"
    TIME = "time"
    TEXT = "any text"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: `column` is its SQL expression on `conversations`.

    A number is kept as a whole number of its smallest unit, `places` digits after the point (`score` 2, `cost` 6, in
    USD); with `places` None as a double. A time is microseconds since 1970, UTC. `values` are all that there can be, in
    their order; empty where the vocabulary or the data says. A day (`is_day`) is the same everywhere: its time is
    midnight UTC, wherever one lives. A column that `is_whole` holds whole numbers of the smallest unit itself.
    `unit` is what a number counts, where its name does not say so. A promoted metadata key names its `own` column.
    Any text is neither sorted nor counted, nor kept in memory: the server finds it.
    """

    name: str
    label: str
    kind: Kind
    about: str
    column: Any
    values: tuple[str, ...] = ()
    places: int | None = 0
    is_facet: bool = False
    is_day: bool = False
    is_whole: bool = False
    unit: str = ""
    own: str | None = None

    @property
    def is_dimension(self) -> bool:
        """Whether the vocabulary says its values."""
        return self.name in DIMENSIONS

    @property
    def is_double(self) -> bool:
        """Whether it is kept as a double."""
        return self.kind is Kind.NUMBER and self.places is None

    @property
    def stored(self) -> ColumnElement[Any]:
        """The SQL expression of what is kept for a number or a time: a bigint, or a double."""
        if self.kind is Kind.TIME:
            return cast(func.round(func.extract("epoch", self.column) * 1_000_000), BigInteger)
        if self.is_double:
            return cast(self.column, Double)
        return cast(self.column * 10 ** (0 if self.is_whole else self.places or 0), BigInteger)

    def parameter(self, bound: int | float) -> ColumnElement[Any]:
        """A bound in what is kept, as a parameter of the column's own type."""
        if self.kind is Kind.TIME:
            return literal(EPOCH + timedelta(microseconds=bound), TIMESTAMP(timezone=True))
        if self.is_double:
            return literal(float(bound), Double())
        if self.is_whole or not self.places:
            return literal(int(bound), BigInteger())
        return literal(Decimal(bound).scaleb(-self.places), Numeric())

    @property
    def sql_order(self) -> ColumnElement[Any]:
        """What rows are sorted by in SQL. Text goes by code point, as it does in memory."""
        if self.values:
            return case({value: place for place, value in enumerate(self.values)}, value=self.column)
        ordered: ColumnElement[Any] = self.column.collate("C") if self.kind is Kind.KEY else self.column
        return ordered


def code_of(value: int | float) -> int:
    """64 bits without a sign that are in the order of the numbers. Whole numbers and doubles are never mixed."""
    if isinstance(value, int):
        return value + SIGN
    (bits,) = struct.unpack(">Q", struct.pack(">d", value))
    return int(bits ^ EVERY_BIT if bits & SIGN else bits | SIGN)


def micros(moment: datetime) -> int:
    """A time as it is kept."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def next_double(value: float, toward: float) -> float:
    """The double beside one, for a bound that is left out."""
    return math.nextafter(value, toward)


def key(name: str, about: str, *, values: tuple[str, ...] = (), column: Any = None) -> Field:
    return Field(
        name, name.capitalize(), Kind.KEY, about, getattr(C, name) if column is None else column, values, is_facet=True
    )


STATIC: tuple[Field, ...] = (
    key("status", "where it is on its way", values=STATUSES),
    key("persona", "who asks"),
    key("emotion", "how they feel"),
    key("topic", "what it is about"),
    key("intent", "what they want"),
    key("tone", "how they speak"),
    key("tier", "how hard it is", values=TIERS),
    key("model", "what wrote it"),
    Field("score", "Score", Kind.NUMBER, "quality, 0 to 10", C.quality_score, places=2),
    Field("judge", "Judge", Kind.NUMBER, "what a judge says of it, 0 to 10", C.judge_score, places=2),
    Field("turns", "Turns", Kind.NUMBER, "how many turns", C.turn_count),
    Field("cost", "Cost", Kind.NUMBER, "what its calls cost, in USD", C.cost_usd, places=6),
    Field("created", "Created", Kind.TIME, "when it was planned or imported", C.created_at),
    Field("updated", "Updated", Kind.TIME, "when it was changed last", C.updated_at),
    Field("reviewed", "Reviewed", Kind.TIME, "when it was approved or rejected last", C.reviewed_at),
)
"""What a conversation has in columns of its own."""

MARKS: Mapping[str, ColumnElement[bool]] = {
    "flagged": C.flagged.is_(True),
    "seed": C.is_seed.is_(True),
    "rehearsal": C.is_rehearsal.is_(True),
    "stale": exists().where(Chunk.id == C.chunk_id, Chunk.retired_at.is_not(None)),
    "deleted": C.deleted_at.is_not(None),
}
"""What `is:` asks for and a row knows, by itself or by its chunk."""
MARKS_OFFERED = (*MARKS, "mine", "disputed")
"""All that `is:` asks for: the last two are known beside the row."""

META = "meta."
"""How the name of a metadata field begins."""


class Fields(Mapping[str, Field]):
    """The fields of a workspace by name: those of every conversation, and its registered metadata keys."""

    def __init__(self, registered: Iterable[Field] = ()) -> None:
        registered = tuple(registered)
        self.registered = tuple(
            (field.name, field.kind, field.label, field.is_double, field.own, field.values) for field in registered
        )
        """What tells these fields from those with other registered keys."""
        self._by_name = {field.name: field for field in (*STATIC, *registered)}
        # A promoted key is also asked for without `meta.`, where nothing else is called so.
        self._short = {field.name.removeprefix(META): field for field in registered if field.own is not None}

    def __getitem__(self, name: str) -> Field:
        return self._by_name[name] if name in self._by_name else self._short[name]

    def __iter__(self) -> Any:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def keys_of_few(self) -> tuple[Field, ...]:
        """Those with one of a few values."""
        return tuple(field for field in self._by_name.values() if field.kind is Kind.KEY)

    @property
    def figures(self) -> tuple[Field, ...]:
        """Numbers and times."""
        return tuple(field for field in self._by_name.values() if field.kind in {Kind.NUMBER, Kind.TIME})


def own_columns(fields: Mapping[str, Field]) -> dict[str, str]:
    """The columns of promoted metadata keys, by their short names."""
    owned = ((field.name.removeprefix(META), field.own) for field in fields.values())
    return {name: own for name, own in owned if own is not None}


FIELDS = Fields()
"""The fields without any registered key."""


def metadata_field(name: str, value_type: str, about: str = "", label: str | None = None) -> Field | None:
    """A registered metadata key as a field: numbers, dates and booleans are kept in memory; None for text, which the
    server finds by equality. `value_type` is text, integer, number, boolean or date."""
    held = C.metadata_[name]
    is_type = func.jsonb_typeof(held)
    full, shown = META + name, label or name
    if value_type in {"integer", "number"}:
        # CASE alone fixes the order: a cast of what is no number would end the query.
        column = case((is_type == "number", cast(held.astext, Double)))
        return Field(full, shown, Kind.NUMBER, about, column, places=None)
    if value_type == "date":
        day = cast(cast(held.astext, Date), DateTime())
        column = case((held.astext.regexp_match(DAY), func.timezone("UTC", day)))
        return Field(full, shown, Kind.TIME, about, column, is_day=True)
    if value_type == "boolean":
        return Field(
            full, shown, Kind.KEY, about, case((is_type == "boolean", held.astext)), ("false", "true"), is_facet=True
        )
    return None


def promoted_field(name: str, about: str, label: str, promoted: Promoted) -> Field:
    """A metadata key that has a column of its own: like a registered one, and text too. A null is no value."""
    held: ColumnElement[Any] = column(promoted.name, COLUMN_TYPES[promoted.value_type], _selectable=C.__table__)
    full = META + name
    match promoted.value_type:
        case "integer":
            return Field(full, label, Kind.NUMBER, about, held, is_whole=True, own=promoted.name)
        case "number":
            return Field(full, label, Kind.NUMBER, about, held, places=None, own=promoted.name)
        case "date":
            day = func.timezone("UTC", cast(held, DateTime()))
            return Field(full, label, Kind.TIME, about, day, is_day=True, own=promoted.name)
        case "boolean":
            said = cast(held, Text())
            return Field(full, label, Kind.KEY, about, said, ("false", "true"), is_facet=True, own=promoted.name)
        case "text" if promoted.values is not None:
            return Field(full, label, Kind.KEY, about, held, promoted.values, is_facet=True, own=promoted.name)
    return Field(full, label, Kind.TEXT, about, held, own=promoted.name)


COLUMN_TYPES: Mapping[str, Any] = {
    "text": Text(), "integer": BigInteger(), "number": Double(), "boolean": Boolean(), "date": Date(),
}  # fmt: skip
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
"""How a date is written in metadata."""
