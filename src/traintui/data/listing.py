"""Which conversations there are, in order: by rank, and the rank of one.

A listing stands for one version of the copy in memory: once that takes something over, a newer listing replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyroaring import BitMap
from sqlalchemy import ColumnElement, case

from traintui.data.bits import BitSliced, in_order, place_in
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
    """The order that was written down; the newest first where it names a field that is gone, or any text."""
    field = fields.get(text.removeprefix("-"))
    return NEWEST if field is None or field.kind is Kind.TEXT else Order(field, text.startswith("-"))


@dataclass(frozen=True, slots=True)
class Group:
    """Those that stand together: in the order of the numbers `by`, which each of them has, else of their ids alone."""

    ids: BitMap
    by: BitSliced | None = None
    descending: bool = False

    def window(self, start: int, count: int) -> Sequence[int]:
        """The ids at `start` and after, as far as there are any."""
        if self.by is None:
            return in_order(self.ids, start, count, descending=self.descending)
        return self.by.window(self.ids, start, count, descending=self.descending)

    def rank(self, id: int) -> int:
        """How many come before one, which is among them."""
        if self.by is None:
            return place_in(self.ids, id, descending=self.descending)
        return self.by.rank(self.ids, id, descending=self.descending)


class GroupedListing:
    """Those that match, group after group."""

    complete = True

    def __init__(self, matches: BitMap) -> None:
        self.matches = matches

    @property
    def groups(self) -> Sequence[Group]:
        """Who stands together, in order; each that matches is in one of them."""
        raise NotImplementedError

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.matches)

    def ids(self, start: int, count: int) -> Sequence[int]:
        """The ids at ranks `start` to `start + count - 1`, as far as there are any."""
        found: list[int] = []
        for group in self.groups:
            if len(found) >= count:
                break
            if start >= len(group.ids):
                start -= len(group.ids)
                continue
            found += group.window(start, count - len(found))
            start = 0
        return found

    def rank(self, id: int) -> int | None:
        """Where one is, from 0; None when it is not there."""
        if id not in self.matches:
            return None
        before = 0
        for group in self.groups:
            if id in group.ids:
                return before + group.rank(id)
            before += len(group.ids)
        return None


class MirrorListing(GroupedListing):
    """Those that match, in an order, of one version of the copy in memory."""

    def __init__(self, mirror: Mirror, matches: BitMap, order: Order = NEWEST, *, complete: bool = True) -> None:
        super().__init__(matches)
        self.complete = complete
        self._mirror = mirror
        self.order = order

    @cached_property
    def groups(self) -> Sequence[Group]:
        """Those that have the same value, group by group in order; a field of numbers has those without one last."""
        field, mirror, descending = self.order.field, self._mirror, self.order.descending
        if field is None or field.name not in (mirror.keys if field.kind is Kind.KEY else mirror.figures):
            # So is what is sorted by a key that lost its column a moment ago.
            planned = mirror.keys["status"].get("planned", BitMap())
            parts = [self.matches - planned, self.matches & planned]
            return [Group(part, descending=descending) for part in parts]
        if field.kind is not Kind.KEY:
            return numbered(self.matches, mirror.figures[field.name], descending=descending)
        values = mirror.keys[field.name]
        named = [value for value in values if value is not None]
        if field.values:
            named = [value for value in field.values if value in values]
        else:
            named.sort()
        if descending:
            named.reverse()
        in_turn = (*named, *((None,) if None in values else ()))
        return [Group(self.matches & values[value], descending=descending) for value in in_turn]


def numbered(matches: BitMap, by: BitSliced, *, descending: bool) -> list[Group]:
    """Those that have a number in the order of the numbers, then those without one."""
    return [
        Group(matches & by.present, by, descending=descending),
        Group(matches - by.present, descending=descending),
    ]


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


Listing = GroupedListing | FoundListing
