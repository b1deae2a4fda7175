"""What a filter asks for as plain values, for the log and the manifest: its words may be read otherwise one day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from traintui.data.fields import EPOCH, Field, Kind
from traintui.data.filter_terms import Term, Within
from traintui.data.filters import Filter


def terms_of(wanted: Filter) -> list[dict[str, Any]]:
    """The terms of a filter: their words, and one object for each thing that may hold."""
    return [
        {"field": term.field, "negated": term.negated, "words": wanted.text[term.start : term.end], "asks": asks(term)}
        for term in wanted.written
    ]


def asks(term: Term) -> Sequence[dict[str, Any]]:
    """What a term asks for: names, or a range with both ends in it, times as ISO 8601 in UTC."""
    return [_within(part) if isinstance(part, Within) else _named(part) for part in term.parts]


def _within(part: Within) -> dict[str, Any]:
    return {"from": _read(part.field, part.low), "to": _read(part.field, part.high)}


def _read(field: Field, kept: int | float | None) -> Any:
    """A value as people write it, out of the unit in which it is kept."""
    if kept is not None and field.kind is Kind.TIME:
        return (EPOCH + timedelta(microseconds=int(kept))).isoformat()
    return kept / 10**field.places if kept is not None and field.places else kept


def _named(part: Any) -> dict[str, Any]:
    if not is_dataclass(part):
        return {}
    values = {each.name: getattr(part, each.name) for each in fields(part)}
    return {name: _plain(value) for name, value in values.items() if not isinstance(value, Field)}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
