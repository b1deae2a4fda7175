"""Which conversation is on the screen, which come next: the queue of one reviewer, as far as this screen knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class ReviewQueue:
    """Ids in the order of the database. A guest is on the screen without waiting: opened from a table, or decided
    elsewhere meanwhile."""

    ids: list[str] = field(default_factory=list)
    place: int = 0
    brought: str | None = None
    """What somebody went to themselves: it is on the screen whoever has it."""
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
    def waiting(self) -> int:
        """How many wait, as far as is known."""
        return len(self._waiting)

    @property
    def deciding(self) -> int:
        """How many are decided and not saved yet."""
        return len(self._deciding)

    @property
    def position(self) -> int:
        """The place of the current one among those that wait, from 1."""
        return 1 + sum(1 for one in self.ids[: self.place] if one in self._waiting)

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

    def merge(self, fetched: Sequence[str]) -> None:
        """Takes what waits now. What is on the screen stays there, whatever became of it."""
        current = self.current
        ids = [one for one in fetched if one not in self._deciding and one not in self._recorded]
        self._waiting = set(ids)
        if current is not None and current not in self._waiting:
            ids.insert(min(self.place, len(ids)), current)
        self.ids = ids
        self.place = ids.index(current) if current is not None else 0

    def decided(self) -> str | None:
        """The current one is decided here and on its way to the database: it leaves, the next one is current."""
        current = self.current
        if current is not None:
            del self.ids[self.place]
            self._waiting.discard(current)
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
        self._waiting.add(one)
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
            self._waiting.add(one)

    def clear(self) -> None:
        """Another queue comes in its place; what is being decided stays known."""
        self.ids, self.place, self.brought = [], 0, None
        self._waiting.clear()

    def drop(self, one: str) -> None:
        """It is not there any more."""
        if one in self.ids:
            index = self.ids.index(one)
            del self.ids[index]
            self.place -= index < self.place
        self._waiting.discard(one)
        self._deciding.discard(one)
        self._wrap()

    def step(self, steps: int) -> bool:
        """Goes on or back without a decision. Returns whether that went over the end."""
        left = self._leave()
        if not self.ids:
            return False
        place = self.place + (steps - 1 if left and steps > 0 else steps)
        self.place = place % len(self.ids)
        self.brought = self.current if steps < 0 else None
        return place != self.place

    def pass_over(self, free: Callable[[str], bool]) -> bool:
        """Goes on to the next one that is free, the current one included; stays where none is. Whether there is one."""
        for index in (*range(self.place, len(self.ids)), *range(self.place)):
            if free(self.ids[index]):
                self.place = index
                return True
        return False

    def _away(self, one: str) -> None:
        """It waits no more; what is on the screen stays there."""
        self._waiting.discard(one)
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

    def _wrap(self) -> None:
        if self.place >= len(self.ids):
            self.place = 0
