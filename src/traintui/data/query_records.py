"""What the query log holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from traintui.data.histograms import Histogram, percentile


@dataclass(frozen=True, slots=True)
class QueryTimes:
    """The statements of a label in a span of time. Times are in microseconds; `errors` are failures, not refusals."""

    label: str
    begins_at: datetime
    seconds: int
    calls: int
    errors: int
    slow: int
    rows: int
    total_us: int
    most_us: int
    histogram: Histogram = field(default_factory=dict)

    def milliseconds(self, share: float) -> float:
        """The time in milliseconds that `share` (0 to 1) of them were within, and never more than the longest."""
        return min(percentile(self.histogram, share) or 0.0, float(self.most_us)) / 1_000


@dataclass(frozen=True, slots=True)
class Slow:
    """A statement that took long, as it was sent: its parameters are people's texts, and stay in this process."""

    at: datetime
    label: str
    duration_us: int
    rows: int | None
    error: str | None
    statement: str
    parameters: Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement with parameters as it is asked with now: what its plan is looked at by."""

    label: str
    statement: str
    parameters: Any


@dataclass(frozen=True, slots=True)
class SlowQuery:
    """A statement that took long, as it is kept: with redacted parameters."""

    id: int
    at: datetime
    label: str
    login: str
    duration_us: int
    rows: int | None
    error: str | None
    statement: str
    parameters: dict[str, Any]
    plan_hash: str | None


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A plan of a statement as EXPLAIN (FORMAT JSON) returned it, and from when to when it was seen."""

    label: str
    statement_hash: str
    plan_hash: str
    statement: str
    plan: list[dict[str, Any]]
    first_seen_at: datetime
    last_seen_at: datetime
