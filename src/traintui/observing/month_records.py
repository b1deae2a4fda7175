"""What a report of a month holds, and how a month is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from traintui.data.monthly import Retired, ServerSettings, Work
from traintui.errors import TraintuiError
from traintui.observing.index_findings import IndexFinding


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of UTC."""

    year: int
    month: int

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.after.begin

    @property
    def after(self) -> Month:
        """The month after it."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def before(self) -> Month:
        """The month before it."""
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def month_of(moment: date) -> Month:
    """The month of a day, or of a moment in UTC."""
    return Month(moment.year, moment.month)


def read_month(written: str) -> Month:
    """A month as people write it: `2026-11`. Raises `TraintuiError` for anything else."""
    try:
        return month_of(datetime.strptime(written.strip(), "%Y-%m").replace(tzinfo=UTC))
    except ValueError as error:
        raise TraintuiError("No such month", f"{written!r} is no month.", "Write year and month: 2026-11.") from error


@dataclass(frozen=True, slots=True)
class LabelMonth:
    """What the statements of a label took, in milliseconds and, all together, in microseconds."""

    label: str
    calls: int
    errors: int
    slow: int
    rows: int
    total_us: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    most_ms: float


@dataclass(frozen=True, slots=True)
class SlowMonth:
    """A statement that took long: how often, its longest time, its plan as it is drawn, and what that says in words."""

    label: str
    statement: str
    times: int
    most_ms: float
    last_at: datetime
    plan: tuple[str, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexMonth:
    """An index: its bytes at the last sample, and how it was used on the days with samples. `hit_rate` and `density`
    are 0 to 1, and None where they are not known."""

    name: str
    table: str
    index_bytes: int
    days: int
    scans: int
    hit_rate: float | None
    density: float | None


@dataclass(frozen=True, slots=True)
class TableMonth:
    """A table: rows as the server estimates them, bytes with all that belongs to it at the beginning and at the end,
    and what was written of it."""

    name: str
    rows: int
    dead_rows: int
    bytes_before: int
    total_bytes: int
    updated: int
    hot_updated: int
    vacuumed_at: datetime | None
    analyzed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertMonth:
    """An alert that was open in it: what it said when it was seen last, and until when it was so; None where that went
    on at the end."""

    title: str
    severity: str
    says: str
    opened_at: datetime
    acknowledged_by: str | None
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActionMonth:
    """What was done to an index: by whom, or by itself, what became of it, and its bytes and density before and after,
    where they are known."""

    kind: str
    index: str
    by: str
    by_itself: bool
    at: datetime
    state: str
    bytes_before: int | None
    bytes_after: int | None
    density_before: float | None
    density_after: float | None


@dataclass(frozen=True, slots=True)
class ServerMonth:
    """The server: on how many days it was sampled, between which moments, and what it did then. Sizes in bytes, the
    growth on a usual day; None where the days are too few to tell."""

    days: int
    since: datetime
    until: datetime
    database_bytes: int
    growth_a_day: float | None
    disk_free_bytes: int | None
    transactions: int
    rolled_back: int
    hit_rate: float | None
    temp_bytes: int
    deadlocks: int
    wal_bytes: int
    most_connections: int
    max_connections: int
    longest_transaction_seconds: float
    starts: int


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What a month came to. `until` is its end, or when it was looked at before that; `server` is None where no sample
    is of it. `settings`, the `slow_ms` milliseconds from which on a statement is slow, `index_findings`, and the
    `due_weeks` that waited for retention, are as they stood at `made_at`."""

    month: Month
    until: datetime
    made_at: datetime
    settings: ServerSettings
    slow_ms: int
    server: ServerMonth | None
    queries: tuple[LabelMonth, ...]
    slowest: tuple[SlowMonth, ...]
    indexes: tuple[IndexMonth, ...]
    index_findings: tuple[IndexFinding, ...]
    index_actions: tuple[ActionMonth, ...]
    tables: tuple[TableMonth, ...]
    alerts: tuple[AlertMonth, ...]
    retired: tuple[Retired, ...]
    due_weeks: int
    work: Work

    @property
    def is_over(self) -> bool:
        """Whether it is of all of its month."""
        return self.until >= self.month.end
