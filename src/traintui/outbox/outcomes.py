"""What becomes of a press, and how those stand that wait."""

from __future__ import annotations

from dataclasses import dataclass

from traintui.data.records import ReviewEntry
from traintui.outbox.presses import Press


@dataclass(frozen=True, slots=True)
class Saved:
    """The database has it: with the row of the log. `before` says that an earlier run of the app was told to."""

    press: Press
    entry: ReviewEntry
    before: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """The database does not take it: with the answer. Nothing was changed. `awaited` says that whoever pressed it waits
    for the answer, and gives it."""

    press: Press
    error: Exception
    before: bool = False
    awaited: bool = False

    @property
    def stale(self) -> bool:
        """Whether what was decided has moved on since it was seen."""
        return self.code == "TT001"

    @property
    def code(self) -> str:
        """The code of the refusal; empty for a fault."""
        return str(getattr(self.error, "code", ""))


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """It was taken back before it was sent."""

    press: Press


Outcome = Saved | Refusal | Withdrawn


@dataclass(frozen=True, slots=True)
class Standing:
    """How many presses the database does not have yet, and why; `unkept` says why they are not on file either."""

    number: int
    why: str
    unkept: str = ""
