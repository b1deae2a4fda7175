"""Which conversations there are, in order: by rank, and the rank of one.

A listing stands for one version of the copy in memory: once that takes something over, a newer listing replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyroaring import BitMap
from sqlalchemy import ColumnElement, case

from traintui.data.bits import in_order, place_in
from traintui.data.fields import Field, Kind
from traintui.data.mirror import Mirror
from traintui.data.models import Conversation as C


@dataclass(frozen=True, slots=True)
class Order:
    """What rows are sorted by: a field, with the id as tie-break in the same direction; who has no value comes last.

    Without a field: the newest first, and those that are only planned after all that can be read.
    """

    field: Field | None = None
    descending: bool = True

    @property
    def text(self) -> str:
        """How it is written down: `score`, `-score`, or nothing."""
        return "" if self.field is None else f"{'-' if self.descending else ''}{self.field.name}"

    @property
    def sql(self) -> Sequence[ColumnElement[object]]:
        """The same order in SQL."""
        if self.field is None:
            return [case((C.status == "planned", 1), else_=0), C.id.desc()]
        keys = [self.field.sql_order, C.id]
        return [self.field.column.is_(None), *(key.desc() if self.descending else key.asc() for key in keys)]


NEWEST = Order()


def order_of(text: str, fields: Mapping[str, Field]) -> Order:
    """The order that was written down; the newest first where it names a field that is gone."""
    field = fields.get(text.removeprefix("-"))
    return NEWEST if field is None else Order(field, text.startswith("-"))


class MirrorListing:
    """Those that match, in an order, of one version of the copy in memory."""

    def __init__(self, mirror: Mirror, matches: BitMap, order: Order = NEWEST, *, complete: bool = True) -> None:
        self.complete = complete
        self._mirror = mirror
        self.matches = matches
        self.order = order

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.matches)

    @cached_property
    def _groups(self) -> list[BitMap]:
        """Those that have the same value, group by group in order; a field of numbers has those without one last."""
        field, mirror = self.order.field, self._mirror
        if field is None:
            planned = mirror.keys["status"].get("planned", BitMap())
            return [self.matches - planned, self.matches & planned]
        if field.kind is not Kind.KEY:
            present = mirror.figures[field.name].present
            return [self.matches & present, self.matches - present]
        values = mirror.keys[field.name]
        named = [value for value in values if value is not None]
        if field.values:
            named = [value for value in field.values if value in values]
        else:
            named.sort()
        if self.order.descending:
            named.reverse()
        return [self.matches & values[value] for value in (*named, *((None,) if None in values else ()))]

    def ids(self, start: int, count: int) -> Sequence[int]:
        """The ids at ranks `start` to `start + count - 1`, as far as there are any."""
        found: list[int] = []
        for place, group in enumerate(self._groups):
            if len(found) >= count:
                break
            if start >= len(group):
                start -= len(group)
                continue
            found += self._of_group(place, group, start, count - len(found))
            start = 0
        return found

    def _of_group(self, place: int, group: BitMap, start: int, count: int) -> list[int]:
        field, descending = self.order.field, self.order.descending
        if place == 0 and field is not None and field.kind is not Kind.KEY:
            return self._mirror.figures[field.name].window(group, start, count, descending=descending)
        return in_order(group, start, count, descending=descending)

    def rank(self, id: int) -> int | None:
        """Where one is, from 0; None when it is not there."""
        if id not in self.matches:
            return None
        field, descending, before = self.order.field, self.order.descending, 0
        for place, group in enumerate(self._groups):
            if id in group:
                if place == 0 and field is not None and field.kind is not Kind.KEY:
                    return before + self._mirror.figures[field.name].rank(group, id, descending=descending)
                return before + place_in(group, id, descending=descending)
            before += len(group)
        return None


class FoundListing:
    """Those that were found so far, in order, while more are looked for."""

    def __init__(self, found: Sequence[int], *, complete: bool = False) -> None:
        self._found = found
        self._ranks = {one: rank for rank, one in enumerate(found)}
        self.complete = complete
        self.matches = BitMap(found)

    @property
    def total(self) -> int:
        """How many were found."""
        return len(self._found)

    def ids(self, start: int, count: int) -> Sequence[int]:
        """The ids at ranks `start` to `start + count - 1`, as far as there are any."""
        return self._found[start : start + count]

    def rank(self, id: int) -> int | None:
        """Where one is, from 0; None when it is not there."""
        return self._ranks.get(id)


Listing = MirrorListing | FoundListing
