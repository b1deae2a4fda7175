"""What is wrong at a moment: pure functions from what was read to sightings. When one becomes an alert, and when that
is over, is `alert_watch.py`'s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from traintui.data.alert_records import AlertFacts, CallWindow, DiskAt
from traintui.data.query_records import QueryPlan
from traintui.data.query_shapes import nodes
from traintui.observing.latency import FEWEST_CALLS, IN_A_ROW, TIMES, UNFELT_MS, WINDOW, Judge, Judged, Window
from traintui.observing.plans import MANY_ROWS

LONG_SECONDS = 15 * 60.0
"""Seconds from which on a transaction is long."""
WAIT_SECONDS = 10.0
"""Seconds that somebody waits for a lock before it is worth a word."""
FULL_SHARE, FULL_KEPT = 0.80, 0.70
"""Shares of the connections that open the alert, and below which it is over."""
DISK_DAYS, DISK_KEPT_DAYS = 14.0, 21.0
"""Days until the disk is full that open the alert, and above which it is over."""
LEAST_FREE = 0.03
"""Share of the disk that is too little whatever the pace."""
DOUBLING_DAYS, DOUBLING_KEPT_DAYS = 30.0, 45.0
LARGE = 2_000_000_000
"""Bytes from which on growth is worth a word where nobody knows the disk."""
FORECAST = timedelta(days=7)
"""How far back a forecast looks."""
LEAST_SEEN = timedelta(days=1)
"""How long sizes must be known for a forecast."""
UNVACUUMED = timedelta(hours=1)
FREEZE_TIMES = 1.5
"""How many times the age at which autovacuum freezes is too old."""
DUE = timedelta(days=2)
UNSEALED = timedelta(hours=1)
FAILED_SHARE, FAILED_KEPT = 0.05, 0.01
"""Shares of failures that open the alert, and below which it is over."""
FAILED = 3
"""Failures up to which a share says nothing."""
ASKED_WITHIN = timedelta(hours=6)
"""How old the last window of a label may be: what nobody does any more is no concern."""
NEW_PLAN = timedelta(days=1)
"""How long a plan is new, and one that was not seen again is no concern."""
ALONE = timedelta(hours=2)
"""How long the plan before must not have been seen, where it was seen beside the new one."""
IN_AN_HOUR = 4
"""Windows that plans are compared by."""
BEST_OF_BEFORE = 0.95
"""Share of the windows before a plan changed that those since must be above: hours differ by themselves."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something wrong: its kind, what it is about, its figures. `opens` is False for what is between both bounds: it
    keeps an alert open and opens none."""

    kind: str
    subject: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    opens: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """What one alert is open for at a time."""
        return self.kind, self.subject


# The server now


def of_server(facts: AlertFacts) -> Iterator[Sighting]:
    """What is wrong with the server at a moment."""
    yield from transactions(facts)
    yield from chains(facts)
    share = facts.connections / max(1, facts.most_connections)
    if share >= FULL_KEPT:
        figures = {"connections": facts.connections, "most": facts.most_connections, "share": round(share, 3)}
        yield Sighting("connections", "", figures, share >= FULL_SHARE)
    for table in facts.dead:
        since = table.vacuumed_at
        if since is None or facts.at - since >= UNVACUUMED:
            times = table.dead / max(table.due, 1.0)
            yield Sighting("vacuum_behind", table.name, {"dead": table.dead, "live": table.live, "times": times})
    if facts.xid_age > FREEZE_TIMES * facts.freeze_age:
        yield Sighting("xid_age", "", {"age": facts.xid_age, "freeze": facts.freeze_age})
    if facts.partitions_missing:
        yield Sighting("partitions", "generation_logs", {"names": " and ".join(facts.partitions_missing)})
    due_at = facts.retention_due_at or facts.sampled_since
    if due_at is not None and not facts.retention_under_way and facts.at - due_at > DUE:
        yield Sighting("retention", "", {"days": (facts.at - due_at) / timedelta(days=1)})
    if facts.unsealed_since is not None and facts.at - facts.unsealed_since > UNSEALED:
        yield Sighting("unsealed", "", {"minutes": (facts.at - facts.unsealed_since) / timedelta(minutes=1)})


def transactions(facts: AlertFacts) -> Iterator[Sighting]:
    """Transactions that are open for long."""
    for each in facts.transactions:
        if each.seconds >= LONG_SECONDS:
            number = each.waiting
            figures = {
                "pid": each.pid, "login": each.login, "application": each.application,
                "state": each.state or "active", "seconds": each.seconds, "number": number,
                "waits": f", {number:,} {'waits' if number == 1 else 'wait'} for it" if number else "",
            }  # fmt: skip
            yield Sighting("long_transaction", who(each.pid, each.login, each.application), figures)


def chains(facts: AlertFacts) -> Iterator[Sighting]:
    """Who keeps others waiting."""
    for each in facts.chains:
        figures = {
            "pid": each.pid, "login": each.login, "application": each.application, "state": each.state,
            "number": each.number, "seconds": each.seconds,
            "relation": f", for {each.relation}" if each.relation else "",
        }  # fmt: skip
        yield Sighting(
            "blocking", who(each.pid, each.login, each.application), figures, each.seconds >= WAIT_SECONDS
        )  # fmt: skip


def who(pid: int, login: str, application: str) -> str:
    """A session, in words; without a process it is a prepared transaction, of which a chain says no more."""
    if not pid:
        return f"{login}, {application}" if login else "a prepared transaction"
    named = f"{login or 'somebody'}, process {pid}"
    return f"{named} ({application})" if application else named


# Sizes


def of_disk(sizes: Sequence[DiskAt]) -> Iterator[Sighting]:
    """What sizes of the last days say about the next ones: when the disk is full where its free space is known, else
    when the database has doubled. Its pace is that between the middles of the first and the last quarter."""
    if not sizes:
        return
    last = sizes[-1]
    recent = [each for each in sizes if last.at - each.at <= FORECAST]
    known = [each for each in recent if each.free_bytes is not None]
    if last.free_bytes is not None and last.disk_bytes:
        figures = {"free": size(last.free_bytes), "disk": size(last.disk_bytes), "free_bytes": last.free_bytes}
        pace = -per_day([(each.at, each.free_bytes or 0) for each in known])
        days = last.free_bytes / pace if pace > 0 else float("inf")
        if days <= DISK_KEPT_DAYS or last.free_bytes < LEAST_FREE * last.disk_bytes:
            scarce = last.free_bytes < LEAST_FREE * last.disk_bytes
            shown = min(days, 9_999.0)
            yield Sighting("disk_full", "", figures | {"days": shown, "pace": pace}, scarce or days <= DISK_DAYS)
        return
    pace = per_day([(each.at, each.database_bytes) for each in recent])
    days = last.database_bytes / pace if pace > 0 else float("inf")
    if last.database_bytes >= LARGE and days <= DOUBLING_KEPT_DAYS:
        figures = {"size": size(last.database_bytes), "days": days, "pace": pace}
        yield Sighting("growth", "", figures, days <= DOUBLING_DAYS)


def per_day(sizes: Sequence[tuple[datetime, int]]) -> float:
    """Bytes a day, robust against what comes and goes; 0 where a day of sizes is not known."""
    if len(sizes) < 8 or sizes[-1][0] - sizes[0][0] < LEAST_SEEN:
        return 0.0
    part = max(2, len(sizes) // 4)
    first, final = sizes[:part], sizes[-part:]
    grown = median(number for _, number in final) - median(number for _, number in first)
    return grown / max((final[part // 2][0] - first[part // 2][0]) / timedelta(days=1), 0.01)


def size(number: float) -> str:
    """Bytes, for people."""
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.0f} MB"


# What statements take


class LabelWatch:
    """A label, window by window: whether it is slow, and whether its statements fail."""

    def __init__(self, most_ms: float) -> None:
        self.judge = Judge(most_ms)
        self.last: Judged | None = None
        self.newest: CallWindow | None = None
        self._failing = 0

    def add(self, window: CallWindow) -> None:
        """The next window."""
        judged = self.judge.step(Window(window.begins_at, window.calls, window.p95_ms))
        if judged is None:
            return
        self.last, self.newest = judged, window
        fails = window.errors > FAILED and window.errors >= FAILED_SHARE * window.calls
        self._failing = self._failing + 1 if fails else 0

    def sightings(self, label: str, now: datetime) -> Iterator[Sighting]:
        """What is wrong with it now."""
        last, newest = self.last, self.newest
        if last is None or newest is None or now - newest.begins_at > ASKED_WITHIN:
            return
        if newest.errors > FAILED_KEPT * newest.calls:
            yield Sighting(
                "failing", label, {"errors": newest.errors, "calls": newest.calls}, self._failing >= IN_A_ROW
            )  # fmt: skip
        if last.open:
            # One label has one alert: against its own normal where that is known, else against the bound for all.
            own = last.odd and last.normal_ms is not None
            usual = last.normal_ms or last.window.p95_ms
            p95 = last.window.p95_ms
            figures = {"p95_ms": p95, "calls": last.window.calls, "most_ms": last.most_ms}
            yield Sighting(
                "slower", label, figures | {"normal_ms": usual, "times": p95 / max(usual, 0.001)}, own
            )  # fmt: skip
            yield Sighting("too_long", label, figures, last.too_long and not own)


# Plans


def of_plans(
    plans: Sequence[QueryPlan],
    rows: Mapping[str, float],
    windows: Mapping[str, Sequence[CallWindow]],
    now: datetime,
) -> Iterator[Sighting]:
    """Statements that the server answers in a worse way than before: `plans` has all plans of each, that which was seen
    last first; `rows` the rows of each table, `windows` the last days of each label."""
    by_statement: dict[tuple[str, str], list[QueryPlan]] = {}
    for plan in plans:
        by_statement.setdefault((plan.label, plan.statement_hash), []).append(plan)
    for (label, statement), seen in by_statement.items():
        newest = seen[0]
        earlier = [each for each in seen[1:] if each.first_seen_at < newest.first_seen_at]
        if not earlier or now - newest.last_seen_at > NEW_PLAN:
            continue
        before = max(earlier, key=lambda each: each.last_seen_at)
        # One that is used for some values only comes and goes: that is no change.
        only = before.last_seen_at <= newest.first_seen_at or newest.last_seen_at - before.last_seen_at >= ALONE
        whole = sorted(read_whole(newest, rows) & by_index(before) - read_whole(before, {}, least=0))
        subject = f"{label} {statement}"
        figures: dict[str, Any] = {"label": label, "plan": newest.plan_hash, "before": before.plan_hash}
        if whole:
            table = whole[0]
            why = f"reads all {rows.get(table, 0):,.0f} rows of {table}, where it used an index"
            yield Sighting("plan_changed", subject, figures | {"why": why, "tables": whole}, only)
        elif (slower := took(windows.get(label, ()), newest.first_seen_at)) is not None:
            then, since = slower
            why = f"another plan, and 95 of 100 take up to {since:,.0f} ms instead of {then:,.0f} ms"
            yield Sighting("plan_changed", subject, figures | {"why": why, "p95_ms": since, "before_ms": then}, only)


def read_whole(plan: QueryPlan, rows: Mapping[str, float], least: float = MANY_ROWS) -> set[str]:
    """The tables of so many rows at least that a plan reads from end to end."""
    return {
        str(node["Relation Name"])
        for node in nodes(plan.plan[0]["Plan"])
        if node["Node Type"] == "Seq Scan" and rows.get(str(node.get("Relation Name")), 0.0) >= least
    }


def by_index(plan: QueryPlan) -> set[str]:
    """The tables of which a plan reads what an index leads to."""
    scans = ("Index Scan", "Index Only Scan", "Bitmap Heap Scan")
    return {
        str(node["Relation Name"])
        for node in nodes(plan.plan[0]["Plan"])
        if node["Node Type"] in scans and node.get("Relation Name")
    }


def took(windows: Sequence[CallWindow], at: datetime) -> tuple[float, float] | None:
    """The milliseconds that 95 of 100 were within in the day before a moment and since then, where it is clearly more
    now: by the bound that labels have, and more than what hours differ by. None where it is not, or an hour does not
    say so yet."""
    told = [each for each in windows if each.calls >= FEWEST_CALLS]
    before = sorted(each.p95_ms for each in told if WINDOW < at - each.begins_at <= timedelta(days=1))
    since = [each.p95_ms for each in told if each.begins_at >= at][-IN_AN_HOUR:]
    if len(before) < IN_AN_HOUR or len(since) < IN_AN_HOUR:
        return None
    then, now = median(before), median(since)
    bound = max(TIMES * then, before[int(BEST_OF_BEFORE * (len(before) - 1))], UNFELT_MS)
    return (then, now) if sum(each > bound for each in since) >= IN_AN_HOUR - 1 else None
