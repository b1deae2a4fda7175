"""Which conversation is on the screen, which come next: the queue of one reviewer, as far as this screen knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

MARGIN = 60
"""Ids on either side of the current one below which the next part of a long queue is read."""


@dataclass(slots=True)
class ReviewQueue:
    """A part of the queue around the current one: ids in order, the first of them at rank `start` of the `waiting` that
    there are in all. A guest is on the screen without waiting: opened from a table, or decided elsewhere meanwhile."""

    ids: list[str] = field(default_factory=list)
    place: int = 0
    start: int = 0
    waiting: int = 0
    brought: str | None = None
    """What somebody went to themselves: it is on the screen whoever has it."""
    edited: str | None = None
    """What was edited while it was on the screen: it stays in its place there, whatever its rank is by then."""
    _waiting: set[str] = field(default_factory=set)
    _deciding: set[str] = field(default_factory=set)
    _recorded: set[str] = field(default_factory=set)

    @property
    def current(self) -> str | None:
        """What is on the screen; None when nothing is left."""
        return self.ids[self.place] if self.place < len(self.ids) else None

    @property
    def guest(self) -> bool:
        """Whether what is on the screen does not wait for a decision."""
        return self.current is not None and self.current not in self._waiting

    @property
    def unread(self) -> bool:
        """Whether there is more, and nothing of it is here."""
        return self.current is None and self.waiting > 0

    @property
    def runs_short(self) -> bool:
        """Whether the next part of the queue has to be read before one arrives there."""
        before, after = self.place, len(self.ids) - self.place
        return (self.start > 0 and before < MARGIN) or (not self._ends and after <= MARGIN)

    @property
    def _ends(self) -> bool:
        """Whether the last one that is here is the last one that there is."""
        return self.start + len(self._waiting) >= self.waiting

    @property
    def deciding(self) -> int:
        """How many are decided and not saved yet."""
        return len(self._deciding)

    @property
    def position(self) -> int:
        """The place of the current one among those that wait, from 1."""
        return self.start + 1 + sum(1 for one in self.ids[: self.place] if one in self._waiting)

    def ahead(self, number: int) -> list[str]:
        """The next ones, to be read before they are needed."""
        following = self.ids[self.place + 1 :] + self.ids[: self.place]
        return following[:number]

    def reading(self, unsent: Iterable[str] = ()) -> None:
        """What waits is about to be read: what is decided here, sent or not, and recorded from here on waits no more,
        whatever that will say."""
        self._recorded.clear()
        for one in unsent:
            self._deciding.add(one)
            self._away(one)

    def merge(self, fetched: Sequence[str], *, start: int = 0, total: int | None = None) -> None:
        """Takes what waits now: all of it, or the part from rank `start` on of `total`. What is on the screen stays
        there, whatever became of it."""
        current, rank = self.current, self.position - 1
        ids = [one for one in fetched if one not in self._deciding and one not in self._recorded]
        self.start = start
        self.waiting = (len(fetched) if total is None else total) - (len(fetched) - len(ids))
        waited = current in self._waiting
        self._waiting = set(ids)
        if current is not None and current == self.edited and waited and len(fetched) < self.waiting:
            self._waiting.add(current)  # it waits in another part of the queue by its rank
        if current is not None and (current == self.edited or current not in self._waiting):
            ids = [one for one in ids if one != current]
            ids.insert(min(max(0, rank - start), len(ids)), current)
        self.ids = ids
        self.place = ids.index(current) if current is not None else max(0, rank - start)
        self._wrap()

    def decided(self, one: str | None = None) -> str | None:
        """The current one is decided here and on its way to the database: it leaves, the next one is current. So is
        `one`, where that was the current one when it was asked about: then what is current stays."""
        current = self.current
        if one is not None and one != current:
            self._deciding.add(one)
            self._away(one)
        elif current is not None:
            del self.ids[self.place]
            self._waits(current, False)
            self._deciding.add(current)
            self.brought = None
            self._wrap()
        return current

    def recorded(self, one: str) -> None:
        """The database has the decision, here or from another screen: it waits no more."""
        self._deciding.discard(one)
        self._recorded.add(one)
        self._away(one)

    def refused(self, one: str) -> bool:
        """The decision was not taken: it comes next. Returns whether it is on the screen at once."""
        self._deciding.discard(one)
        self._waits(one, True)
        at_once = self.current is None
        if one not in self.ids:
            self.ids.insert(0 if at_once else self.place + 1, one)
        return at_once

    def bring(self, one: str, *, waits: bool) -> None:
        """Puts a conversation on the screen, whether it is in the queue or not."""
        self._leave()
        self.brought = one
        self._deciding.discard(one)
        self._recorded.discard(one)
        if one not in self.ids:
            self.ids.insert(self.place, one)
        self.place = self.ids.index(one)
        if waits:
            self._waits(one, True)

    def clear(self) -> None:
        """Another queue comes in its place; what is being decided stays known."""
        self.ids, self.place, self.start, self.brought = [], 0, 0, None
        self._waiting.clear()

    def drop(self, one: str) -> None:
        """It is not there any more."""
        if one in self.ids:
            index = self.ids.index(one)
            del self.ids[index]
            self.place -= index < self.place
        self._waits(one, False)
        self._deciding.discard(one)
        self._wrap()

    def step(self, steps: int) -> bool:
        """Goes on or back without a decision. Returns whether that went over the end.

        The beginning of a long queue may not be here then: nothing is current until it is read.
        """
        left = self._leave()
        if not self.ids:
            return False
        place = self.place + (steps - 1 if left and steps > 0 else steps)
        over = not 0 <= place < len(self.ids)
        if self.start == 0 and self._ends:
            self.place = place % len(self.ids)
        elif place > 0 and over and self._ends:
            self.clear()
        else:  # the next part is on its way
            self.place, over = min(max(place, 0), len(self.ids) - 1), False
        self.brought = self.current if steps < 0 else None
        return over

    def pass_over(self, free: Callable[[str], bool]) -> bool:
        """Goes on to the next one that is free, the current one included; stays where none is. Whether there is one."""
        for index in (*range(self.place, len(self.ids)), *range(self.place)):
            if free(self.ids[index]):
                self.place = index
                return True
        return False

    def _away(self, one: str) -> None:
        """It waits no more; what is on the screen stays there."""
        self._waits(one, False)
        if one in self.ids and one != self.current:
            index = self.ids.index(one)
            del self.ids[index]
            self.place -= index < self.place

    def _leave(self) -> bool:
        """A guest that is left does not come back."""
        current = self.current
        if current is None or not self.guest:
            return False
        del self.ids[self.place]
        return True

    def _waits(self, one: str, waits: bool) -> None:
        self.waiting += int(waits) - int(one in self._waiting)
        (self._waiting.add if waits else self._waiting.discard)(one)

    def _wrap(self) -> None:
        """From the end to the beginning, which may not be here; else what comes next is still to be read."""
        if self.place >= len(self.ids) and self._ends:
            self.place = 0
            if self.start:
                self.clear()
