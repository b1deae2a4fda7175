"""What a report is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from traintui.data.seals import Sealed

Name = Literal["activity", "reviewed", "exports-attributed", "approved-at-revision"]
Cells = tuple[str, ...]
"""A row as it is shown and written."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A report that there is: what it claims, whether that is of a period or of a moment, and the columns of its rows:
    of the exceptions, or of the reviewers."""

    name: Name
    title: str
    claim: str
    columns: Cells
    of_period: bool = False
    rows_are: str = "exceptions"


@dataclass(frozen=True, slots=True)
class Period:
    """What a report is about: what was so at `until`, or what was done from `since` until then. `is_now` says that
    `until` is the moment at which it is made."""

    until: datetime
    since: datetime | None = None
    is_now: bool = False

    @property
    def says(self) -> str:
        """It in words, in UTC."""
        return f"as of {utc(self.until)}" if self.since is None else f"{utc(self.since)} to {utc(self.until)}"


@dataclass(frozen=True, slots=True)
class Plot:
    """Numbers to be looked at: so many for each label."""

    title: str
    labels: tuple[str, ...]
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the figures say: whether the claim holds, that in a sentence, from what data, and what to know beside it."""

    passed: bool
    says: str
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its answer, the first of `number` rows, and the newest seal of the record when it was made.
    `csv_sha256` is that of all rows as CSV, in hexadecimal."""

    kind: Kind
    period: Period
    answer: Answer
    rows: Sequence[Cells]
    number: int
    csv_sha256: str
    made_at: datetime
    made_by: str
    database: str
    seal: Sealed | None

    @property
    def verdict(self) -> str:
        """Pass or fail."""
        return "PASS" if self.answer.passed else "FAIL"

    def as_json(self) -> dict[str, Any]:
        """It as plain values, with the first rows."""
        return {
            "report": self.kind.name, "claim": self.kind.claim, "passed": self.answer.passed, "says": self.answer.says,
            "since": None if self.period.since is None else utc(self.period.since), "until": utc(self.period.until),
            "facts": dict(self.answer.facts), "notes": list(self.answer.notes), "number": self.number,
            "rows": [dict(zip(self.kind.columns, row, strict=True)) for row in self.rows],
            "plots": [{"title": plot.title, "values": dict(zip(plot.labels, plot.values, strict=True))}
                      for plot in self.answer.plots],
            "made_at": utc(self.made_at), "made_by": self.made_by, "csv_sha256": self.csv_sha256,
            "seal": None if self.seal is None else self.seal.as_json(),
        }  # fmt: skip


def utc(moment: datetime) -> str:
    """A moment as reports write it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def percent(part: int, whole: int) -> str:
    """A share that is 100 % only where nothing is missing, and 0 % only where nothing is there."""
    if not whole:
        return "none"
    share = part / whole * 100
    shown = f"{share:.1f}"
    if part < whole and shown == "100.0":
        shown = f"{int(share * 10_000) / 10_000:.4f}"
    elif part and shown == "0.0":
        shown = f"{share:.4f}"
    return f"{shown} %"
