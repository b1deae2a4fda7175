"""What a month came to, from what is stored of it: the query log, samples, and what was done meanwhile.

A month that is over is kept once, by whoever samples then, since the query log is kept for five weeks only. What was
not kept in time is made of what is still there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise

from pydantic import TypeAdapter, ValidationError

from traintui import clock
from traintui.data import health, index_facts, monthly, query_times, retention, samples
from traintui.data.engine import Database
from traintui.data.monthly import Retired, SlowStatement, Work
from traintui.data.query_records import QueryTimes
from traintui.data.sample_records import ServerAt, TableAt
from traintui.errors import TraintuiError
from traintui.observing import plans
from traintui.observing.index_findings import IndexFinding, findings

SLOWEST = 10
"""Statements that stand in a report one by one."""
TELLING_SECONDS = 5 * 86_400.0
"""Seconds of samples from which on a growth says something of the days to come."""
LONGEST_STATEMENT = 400
"""Characters of each that do."""


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
    """An index: its bytes at the end, how it was used on the days with samples, and what is wrong, where something is.
    `hit_rate` and `density` are 0 to 1, and None where they are not known."""

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
class ServerMonth:
    """The server: on how many days it was sampled, between which moments, and what it did then. Sizes in bytes."""

    days: int
    since: datetime
    until: datetime
    bytes_before: int
    database_bytes: int
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

    @property
    def growth_a_day(self) -> float | None:
        """Bytes a day between the samples; None where these are of too short a time to tell."""
        seconds = (self.until - self.since).total_seconds()
        if seconds < TELLING_SECONDS:
            return None
        return (self.database_bytes - self.bytes_before) / seconds * 86_400


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What a month came to. `until` is its end, or when it was looked at before that; `server` is None where no sample
    is of it. `due_weeks` waited for retention at that time."""

    month: Month
    until: datetime
    server: ServerMonth | None
    queries: tuple[LabelMonth, ...]
    slowest: tuple[SlowMonth, ...]
    indexes: tuple[IndexMonth, ...]
    index_findings: tuple[IndexFinding, ...]
    tables: tuple[TableMonth, ...]
    retired: tuple[Retired, ...]
    due_weeks: int
    work: Work

    @property
    def is_over(self) -> bool:
        """Whether it is of all of its month."""
        return self.until >= self.month.end


# What there is


async def months(db: Database) -> tuple[Month, ...]:
    """The months that there is a report of, the newest first: those that are kept, and those that samples are of."""
    now = month_of(clock.now())
    found = {month_of(first) for first in await monthly.kept(db)} | {now}
    since = await monthly.sampled_since(db)
    if since is not None:
        each = month_of(since.astimezone(UTC))
        while each < now:
            found.add(each)
            each = each.after
    return tuple(sorted(found, reverse=True))


async def figures_of(db: Database, month: Month) -> MonthFigures:
    """What a month came to: as it is kept, or else made of what is stored. Raises `TraintuiError` for one that has not
    begun, and when the database cannot be reached."""
    if month.begin > clock.now():
        raise TraintuiError("No report", f"{month} has not begun.", "Name a month that has.")
    stored = await monthly.read(db, month.first)
    return await made(db, month) if stored is None else from_json(stored)


async def before(db: Database, month: Month) -> MonthFigures | None:
    """What the month before one came to; None where nothing is stored of it."""
    stored = await monthly.read(db, month.before.first)
    if stored is not None:
        return from_json(stored)
    since = await monthly.sampled_since(db)
    if since is None or since >= month.begin:
        return None
    return await made(db, month.before)


async def keep_last(db: Database, holder: str) -> Month | None:
    """Keeps what the last month came to, where there are samples of it and it is not kept yet; that month. Only for
    the holder of the lease of the sampler. Raises as `figures_of` does."""
    last = month_of(clock.now()).before
    since = await monthly.sampled_since(db)
    if since is None or since >= last.end or last.first in await monthly.kept(db):
        return None
    return last if await monthly.note(db, holder, last.first, as_json(await made(db, last))) else None


def as_json(figures: MonthFigures) -> bytes:
    """It as JSON, to be kept."""
    return adapter().dump_json(figures)


def from_json(stored: bytes) -> MonthFigures:
    """It as it was kept. Raises `TraintuiError` for what a newer Traintui kept."""
    try:
        return adapter().validate_json(stored)
    except ValidationError as error:
        raise TraintuiError(
            "Report not read", "The figures of this month were kept by another version of Traintui.",
            "Upgrade Traintui to the version that the others here use.",
        ) from error  # fmt: skip


@cache
def adapter() -> TypeAdapter[MonthFigures]:
    """What reads and writes figures; it takes some milliseconds to be made."""
    return TypeAdapter(MonthFigures)


# Making it


async def made(db: Database, month: Month) -> MonthFigures:
    """What a month came to, of what is stored; indexes are as they stand now."""
    begin, end = month.begin, month.end
    until = min(end, clock.now())
    expected_rows = await health.expected_rows(db)
    used = await samples.uses(db, begin, end)
    facts, keys = await index_facts.indexes(db), await index_facts.foreign_keys(db)
    relied_on = await asyncio.to_thread(index_facts.relied_on)
    densities = {name: use.density for name, use in used.items() if use.density is not None}
    known_plans = {(each.label, each.statement_hash, each.plan_hash): each.plan for each in await query_times.plans(db)}
    slow = await monthly.slowest(db, begin, end, SLOWEST)
    return MonthFigures(
        month,
        until,
        server_month(await samples.server(db, begin, end)),
        tuple(label_month(each) for each in await query_times.by_label(db, begin, end)),
        tuple(
            slow_month(each, known_plans.get((each.label, each.statement_hash, each.plan_hash or "")), expected_rows)
            for each in slow
        ),
        tuple(
            IndexMonth(fact.name, fact.table, fact.index_bytes, use.days, use.scans, use.hit_rate, use.density)
            for fact in sorted(facts, key=lambda each: (-each.index_bytes, each.name))
            if (use := used.get(fact.name)) is not None
        ),
        findings(facts, keys, used, relied_on, densities),
        tuple(table_month(*each) for each in await monthly.table_ends(db, begin, end)),
        await monthly.retired(db, begin, end),
        len(await retention.due(db)),
        await monthly.work(db, begin, end),
    )


def label_month(times: QueryTimes) -> LabelMonth:
    """A label over a month."""
    p50, p95, p99 = (round(times.milliseconds(share), 3) for share in (0.50, 0.95, 0.99))
    return LabelMonth(
        times.label, times.calls, times.errors, times.slow, times.rows, times.total_us, p50, p95, p99,
        times.most_us / 1_000,
    )  # fmt: skip


def slow_month(slow: SlowStatement, plan: list[dict[str, object]] | None, rows: dict[str, float]) -> SlowMonth:
    """A statement that took long, with its plan where that is known."""
    drawn = () if plan is None else plans.drawn(plan)
    lines = tuple(
        f"{'  ' * line.depth}{' '.join(line.says.split())}{'   ← most of the cost' if line.costly else ''}"
        for line in drawn
    )
    return SlowMonth(
        slow.label, " ".join(slow.statement.split())[:LONGEST_STATEMENT], slow.times, slow.most_us / 1_000,
        slow.last_at, lines, () if plan is None else plans.findings(plan, rows),
    )  # fmt: skip


def table_month(first: TableAt, last: TableAt) -> TableMonth:
    """A table between its first and its last sample."""
    return TableMonth(
        last.table_name, last.live_rows, last.dead_rows, first.total_bytes, last.total_bytes,
        since_then(first.updated, last.updated), since_then(first.hot_updated, last.hot_updated), last.vacuumed_at,
        last.analyzed_at,
    )  # fmt: skip


def server_month(taken: Sequence[ServerAt]) -> ServerMonth | None:
    """The server over its samples; None where there is none."""
    if not taken:
        return None
    first, last = taken[0], taken[-1]
    hit, read = (counted(getattr(each, name) for each in taken) for name in ("blocks_hit", "blocks_read"))
    rolled_back = counted(each.rollbacks for each in taken)
    return ServerMonth(
        len({each.at.astimezone(UTC).date() for each in taken}), first.at, last.at, first.database_bytes,
        last.database_bytes, last.disk_free_bytes, counted(each.commits for each in taken) + rolled_back, rolled_back,
        hit / (hit + read) if hit + read else None, counted(each.temp_bytes for each in taken),
        counted(each.deadlocks for each in taken), counted(int(each.wal_bytes) for each in taken),
        max(each.connections for each in taken), last.max_connections,
        max(each.longest_transaction_seconds for each in taken),
        len({each.server_started_at for each in taken}) - 1,
    )  # fmt: skip


def counted(counter: Iterable[int]) -> int:
    """By how much a counter grew; where it fell it began anew."""
    return sum(since_then(earlier, later) for earlier, later in pairwise(counter))


def since_then(earlier: int, later: int) -> int:
    """By how much a counter grew between two looks; where it fell it began anew."""
    return later - earlier if later >= earlier else later
