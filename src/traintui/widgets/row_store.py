"""Rows by id, as many as a table needs at hand, and which of them must be read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from typing import Generic, Protocol, TypeVar

RowT = TypeVar("RowT")

Fetch = Callable[[Sequence[int]], Awaitable[Mapping[int, RowT]]]
"""Reads rows by id. An id that is gone is missing in the answer."""

LIMIT = 2_000
"""Rows that are kept; those that were asked for longest ago go first."""


class Listing(Protocol):
    """Which rows there are, in order: a snapshot that never changes. All of it answers at once, without waiting."""

    @property
    def total(self) -> int:
        """How many rows are known to be in it."""

    @property
    def complete(self) -> bool:
        """False while more are still being found: a later snapshot may hold more."""

    def ids(self, start: int, count: int) -> Sequence[int]:
        """The ids of `count` ranks from `start`; fewer at the end."""

    def rank(self, id: int) -> int | None:
        """Where an id is; None when it is not in it."""


class Nothing:
    """The listing before there is one."""

    total = 0
    complete = False

    def ids(self, start: int, count: int) -> Sequence[int]:
        """None."""
        return ()

    def rank(self, id: int) -> int | None:
        """Nowhere."""
        return None


class RowStore(Generic[RowT]):
    """Rows by id. One that changed stays until it was read anew; one that is gone is not asked for again."""

    def __init__(self) -> None:
        self._rows: OrderedDict[int, RowT] = OrderedDict()
        self._asked: set[int] = set()
        self._changed: set[int] = set()
        self._gone: set[int] = set()

    @property
    def ids(self) -> set[int]:
        """The rows that are here or on their way."""
        return self._rows.keys() | self._asked

    def get(self, id: int | None) -> RowT | None:
        """A row, if it is here."""
        if id is None or id not in self._rows:
            return None
        self._rows.move_to_end(id)
        return self._rows[id]

    def settled(self, id: int) -> bool:
        """Whether a row can be drawn, or is known to be gone."""
        return id in self._rows or id in self._gone

    def gone(self, id: int | None) -> bool:
        """Whether a row was asked for and is not there any more."""
        return id in self._gone

    def wanted(self, ids: Iterable[int]) -> list[int]:
        """Those of `ids` that must be read."""
        return [one for one in ids if one in self._changed or not self.settled(one)]

    def ask(self, ids: Iterable[int]) -> None:
        """These are being read from now on: what changes from here on must be read once more."""
        self._asked = set(ids)
        self._changed -= self._asked

    def take(self, found: Mapping[int, RowT], keep: Set[int]) -> set[int]:
        """Takes the answer for the ids that `keep` names, and says which ids that were; the others are as before."""
        taken = self._asked & keep
        self._changed |= (self._asked - keep) & self._rows.keys()
        for one in taken:
            if one in found:
                self._rows[one] = found[one]
                self._rows.move_to_end(one)
                self._gone.discard(one)
            else:
                self._rows.pop(one, None)
                self._gone.add(one)
        self._asked = set()
        while len(self._rows) > max(LIMIT, 2 * len(taken)):
            self._changed.discard(self._rows.popitem(last=False)[0])
        return taken

    def fail(self) -> None:
        """There was no answer: everything is as it was."""
        self._changed |= self._asked & self._rows.keys()
        self._asked = set()

    def forget(self, ids: Set[int], drawn: Set[int]) -> None:
        """These changed. What is drawn stays until it is read anew, the others go."""
        self._gone -= ids
        self._changed |= self._asked & ids
        for one in [one for one in self._rows if one in ids]:
            if one in drawn:
                self._changed.add(one)
            else:
                del self._rows[one]
                self._changed.discard(one)

    def look_again(self) -> None:
        """Ids that were gone may be there again."""
        self._gone.clear()
