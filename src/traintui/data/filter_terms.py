"""What the words of a filter ask for, each with its meaning as SQL. Every value is a parameter.

A term that a row answers by itself (`Among`, `Within`, `Marked`) is also answered by the copy in memory; what stands
beside the row, in its turns, its metadata or the logs, is answered by the server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import (
    and_,
    false,
    func,
    or_,
)

from traintui.data import search
from traintui.data.conditions import Condition, in_or_absent
from traintui.data.fields import MARKS, Field
from traintui.data.filter_beside import (
    AssignedTo,
    CalledBy,
    Compared,
    DecidedBy,
    Disputed,
    Equals,
    FailedBy,
    Filled,
    From,
    HasKey,
    Holds,
    Named,
    Signs,
    StoodAs,
    Text,
)


@dataclass(frozen=True, slots=True)
class Among:
    """A key field that has one of the values; `absent` where it may have none."""

    field: Field
    values: tuple[str, ...]
    absent: bool = False

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        column = self.field.column
        return in_or_absent(column.in_(self.values) if self.values else None, column.is_(None) if self.absent else None)


@dataclass(frozen=True, slots=True)
class Within:
    """A number or a time from `low` to `high`, both among them, in the units in which the field is kept."""

    field: Field
    low: int | float | None = None
    high: int | float | None = None

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        if self.low is not None and self.high is not None and self.low > self.high:
            return false()
        column, ends = self.field.column, []
        if self.low is not None:
            ends.append(column >= self.field.parameter(self.low))
        if self.high is not None:
            ends.append(column <= self.field.parameter(self.high))
        return and_(*ends)


@dataclass(frozen=True, slots=True)
class Marked:
    """A row that bears one of the marks."""

    marks: tuple[str, ...]

    @property
    def where(self) -> Condition:
        """Its meaning as SQL."""
        return or_(*(MARKS[mark] for mark in self.marks))


@dataclass(frozen=True, slots=True, eq=False)
class Meant:
    """What a row of a log, or what stands beside it, says: a term that is nothing but its meaning as SQL. `of_row` is
    the same asked of a row at hand, where `where` begins at an index."""

    where: Condition
    of_row: Condition | None = None


Local = Among | Within | Marked
"""Terms that a row answers by itself."""
Searched = Holds | HasKey | Text
"""Terms that the search tables answer."""
LookedThrough = Compared | Signs
"""Terms that no index serves."""
Beside = (
    Named
    | From
    | DecidedBy
    | AssignedTo
    | Disputed
    | StoodAs
    | CalledBy
    | FailedBy
    | Equals
    | Filled
    | Searched
    | LookedThrough
    | Meant
)
"""Terms that the server answers."""
Asked = Local | Beside


def where(asked: Asked) -> Condition:
    """The meaning of a term as SQL, exact, for a question about the whole table."""
    return search.condition(asked.sought) if isinstance(asked, Searched) else asked.where


def probe(asked: Asked) -> Condition:
    """The same for a few rows that are named by their ids: nothing else is read."""
    if isinstance(asked, Meant) and asked.of_row is not None:
        return asked.of_row
    if isinstance(asked, StoodAs):
        return asked.probe
    return search.probe(asked.sought) if isinstance(asked, Searched) else asked.where


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several terms of different kinds, as in `is:flagged,mine`."""

    parts: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """What one word of a filter asks for, and whether it must hold or must not."""

    field: str | None
    asked: Asked | AnyOf
    negated: bool
    start: int
    end: int

    @property
    def parts(self) -> tuple[Asked, ...]:
        """What it is made of; one of them must hold."""
        return self.asked.parts if isinstance(self.asked, AnyOf) else (self.asked,)

    @property
    def is_of_then(self) -> bool:
        """Whether it asks how something stood at a moment."""
        return any(isinstance(part, StoodAs) for part in self.parts)

    @property
    def where(self) -> Condition:
        """Its meaning as SQL, for a question about the whole table."""
        return self._holds(where)

    @property
    def probe(self) -> Condition:
        """The same for a few rows that are named by their ids."""
        return self._holds(probe)

    def _holds(self, meaning: Callable[[Asked], Condition]) -> Condition:
        holds = or_(*(meaning(part) for part in self.parts)) if len(self.parts) > 1 else meaning(self.parts[0])
        # A null is no match, so its opposite is one.
        return ~func.coalesce(holds, false()) if self.negated else holds
