"""What a month came to, from what is stored of it: the query log, samples, and what was done meanwhile.

A month that is over is kept once, by whoever samples then, since the query log is kept for five weeks only. What was
not kept in time is made of what is still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise

from pydantic import TypeAdapter, ValidationError

from traintui import clock
from traintui.data import alerts, health, index_actions, monthly, query_times, retention, samples
from traintui.data.alert_records import Alert
from traintui.data.engine import Database
from traintui.data.index_actions import LoggedAction
from traintui.data.monthly import SlowStatement
from traintui.data.query_records import QueryTimes
from traintui.data.sample_records import IndexAt, ServerAt, SizeAt, TableAt, Use
from traintui.errors import TraintuiError
from traintui.observing import plans
from traintui.observing.alert_kinds import KINDS
from traintui.observing.growth import growth
from traintui.observing.month_records import (
    ActionMonth,
    AlertMonth,
    IndexMonth,
    LabelMonth,
    Month,
    MonthFigures,
    ServerMonth,
    SlowMonth,
    TableMonth,
    month_of,
)
from traintui.observing.standing import index_states
from traintui.observing.throughput import since_then

SLOWEST = 10
"""Statements that stand in a report one by one."""
LONGEST_STATEMENT = 400
"""Characters of each that do."""


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


async def keep_last(db: Database) -> Month | None:
    """The last month, once what it came to is kept; it is now, where there are samples of it and nobody did. None where
    it is not. Only for administrators. Raises as `figures_of` does."""
    last = month_of(clock.now()).before
    if last.first in await monthly.kept(db):
        return last
    since = await monthly.sampled_since(db)
    if since is None or since >= last.end:
        return None
    await monthly.note(db, last.first, as_json(await made(db, last)))
    return last


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
    """What a month came to, of what is stored. What is wrong with indexes, and what waits for retention, is as it
    stands now."""
    begin, end = month.begin, month.end
    until = min(end, clock.now())
    expected_rows = await health.expected_rows(db)
    used = await samples.uses(db, begin, end)
    # What is wrong is told as the screen tells it, so from a longer time than the month: February has no thirty days.
    states = await index_states(db, until)
    slow = await monthly.slowest(db, begin, end, SLOWEST)
    known_plans = {
        (plan.label, plan.statement_hash, plan.plan_hash): plan.plan
        for label in {each.label for each in slow}
        for plan in await query_times.plans(db, label=label)
    }
    return MonthFigures(
        month,
        until,
        clock.now(),
        await monthly.settings(db),
        await query_times.slow_ms(db),
        server_month(await samples.server(db, begin, end)),
        tuple(label_month(each) for each in await query_times.by_label(db, begin, end)),
        tuple(
            slow_month(each, known_plans.get((each.label, each.statement_hash, each.plan_hash or "")), expected_rows)
            for each in slow
        ),
        tuple(
            index_month(each, use)
            for each in await monthly.last_indexes(db, begin, end)
            if (use := used.get(each.index_name)) is not None  # one that was sampled since stands in the next report
        ),
        tuple(state.finding for state in states if state.finding is not None),
        tuple(action_month(each) for each in await index_actions.between(db, begin, end)),
        tuple(table_month(*each) for each in await monthly.table_ends(db, begin, end)),
        tuple(alert_month(each, until) for each in await alerts.between(db, begin, end)),
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


def alert_month(alert: Alert, until: datetime) -> AlertMonth:
    """An alert as it stood at the end of a month."""
    over = alert.cleared_at if alert.cleared_at is not None and alert.cleared_at < until else None
    kind = KINDS.get(alert.kind)  # one that a newer Traintui raised is known by its name
    return AlertMonth(
        alert.kind if kind is None else kind.title, alert.severity, alert.says, alert.opened_at, alert.acknowledged_by,
        over,
    )  # fmt: skip


def action_month(action: LoggedAction) -> ActionMonth:
    """What was done to an index in a month."""
    return ActionMonth(
        action.kind, action.index_name, action.acted_by, action.by_itself, action.started_at, action.state,
        action.bytes_before, action.bytes_after, action.density_before, action.density_after,
    )  # fmt: skip


def index_month(last: IndexAt, use: Use) -> IndexMonth:
    """An index at its last sample, and how it was used."""
    return IndexMonth(
        last.index_name, last.table_name, last.index_bytes, use.days, use.scans, use.hit_rate, use.density
    )


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
    days: dict[date, SizeAt] = {}
    for each in taken:
        days.setdefault(each.at.astimezone(UTC).date(), SizeAt(each.at, each.database_bytes))
    sizes = [*days.values(), SizeAt(last.at, last.database_bytes)]
    rolled_back = counted(each.rollbacks for each in taken)
    return ServerMonth(
        len(days), first.at, last.at, last.database_bytes, growth(sizes).per_day, last.disk_free_bytes,
        counted(each.commits for each in taken) + rolled_back, rolled_back,
        hit / (hit + read) if hit + read else None, counted(each.temp_bytes for each in taken),
        counted(each.deadlocks for each in taken), counted(int(each.wal_bytes) for each in taken),
        max(each.connections for each in taken), last.max_connections,
        max(each.longest_transaction_seconds for each in taken),
        len({each.server_started_at for each in taken}) - 1,
    )  # fmt: skip


def counted(counter: Iterable[int]) -> int:
    """By how much a counter grew; where it fell it began anew."""
    return sum(since_then(earlier, later) for earlier, later in pairwise(counter))
