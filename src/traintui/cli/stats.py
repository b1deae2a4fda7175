"""`traintui db stats`: how the database stands, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui import clock
from traintui.cli.running import Json, harmless, run, workspace

if TYPE_CHECKING:
    from traintui.data.activity_records import Session
    from traintui.data.query_records import QueryTimes
    from traintui.observing.standing import Standing
    from traintui.observing.tables import TableState

SHOWN = 15
"""Lines of each part; `--json` has all."""
MOMENTS = ("vacuumed_at", "auto_vacuumed_at", "analyzed_at", "auto_analyzed_at")
SHARES = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}


def stats(
    hours: Annotated[float, typer.Option(min=0.1, max=840, help="The statements of how many hours.")] = 24,
    json_: Json = False,
) -> None:
    """Say how the database stands: its size, what statements take, and which indexes to mend."""

    async def look() -> Standing:
        from traintui.observing.standing import standing

        async with workspace() as db:
            end = clock.now()
            return await standing(db, end - timedelta(hours=hours), end)

    found = run(look())
    if json_:
        print(json.dumps(as_json(found, hours)))
        return
    for line in lines(found, hours):
        print(harmless(line))


def as_json(found: Standing, hours: float) -> dict[str, Any]:
    """All of it; times in milliseconds, sizes in bytes."""
    from traintui.observing.alerting import as_json as alert_json

    return {
        "server": {**asdict(found.server), "started_at": found.server.started_at.isoformat()},
        "hours": hours,
        "queries": [of_label(each, found.total_us) for each in found.queries],
        "indexes": [asdict(each) for each in found.findings],
        "alerts": [alert_json(each) for each in found.alerts],
        "tables": [
            {**asdict(each), **of_table(found.states[each.name])} for each in found.tables if each.name in found.states
        ],
        "held": [name for name, state in found.states.items() if state.fact.held],
        "live": of_sessions(found.sessions),
    }


def of_table(state: TableState) -> dict[str, Any]:
    """How a table grows, what vacuum left, and its parts; bytes, a share of 0 to 1."""
    fact, growth = state.fact, state.growth
    moments = {name: None if (at := getattr(fact, name)) is None else at.isoformat() for name in MOMENTS}
    return {
        "toast_bytes": fact.toast_bytes, "dead_rows": fact.dead_rows, "hot_share": fact.hot_share, **moments,
        "growth": growth.says, "bytes_per_day": growth.per_day, "bytes_in_30_days": growth.after(30),
        "parts": [
            {"name": part.name, "begins": part.begins, "ends": part.ends, "rows": part.rows,
             "total_bytes": part.total_bytes}
            for part in fact.parts
        ],
    }  # fmt: skip


def of_sessions(sessions: Sequence[Session]) -> dict[str, int]:
    """How many sessions do what."""
    return {
        "running": sum(each.runs and not each.waits_for for each in sessions),
        "waiting": sum(bool(each.waits_for) for each in sessions),
        "in_transaction": sum(each.holds_open for each in sessions),
        "idle": sum(each.idle for each in sessions),
        "hidden": sum(each.hidden for each in sessions),
    }


def of_label(times: QueryTimes, total_us: int) -> dict[str, Any]:
    """What the statements of a label took, and what they are for; `share` is of the time of all, 0 to 1."""
    from traintui.observing.label_words import about

    return {
        "label": times.label, "about": about(times.label), "calls": times.calls, "errors": times.errors,
        "slow": times.slow, "rows": times.rows,
        **{name: round(times.milliseconds(share), 3) for name, share in SHARES.items()},
        "most_ms": round(times.most_us / 1_000, 3), "share": round(times.total_us / total_us, 4) if total_us else 0.0,
    }  # fmt: skip


def lines(found: Standing, hours: float) -> Iterator[str]:
    """It for people: figure, meaning, what to do."""
    server = found.server
    hit = (
        "nothing was read yet"
        if server.cache_hit_ratio is None
        else f"{server.cache_hit_ratio:.1%} of blocks in memory"
    )
    yield (
        f"PostgreSQL {server.version}, schema {server.schema_revision}, {server.database_bytes / 1e6:,.0f} MB,"
        f" {server.connections} of {server.max_connections} connections, {hit}"
    )
    for alert in found.alerts:
        yield f"{'!' if alert.severity == 'urgent' else 'o'} {alert.says} (traintui db alerts says more)"
    yield ""
    yield f"Statements of the last {hours:g} hours, by the time that they took in all (ms)"
    if found.queries:
        calls, failed = sum(each.calls for each in found.queries), sum(each.errors for each in found.queries)
        yield f"  {calls:,} calls, {failed:,} failed; a label is the part of Traintui and what it does there"
    if not found.queries:
        yield "  none is on record: they are noted once a minute while Traintui runs"
    else:
        yield f"  {'what for':<38}{'calls':>10}{'failed':>8}{'slow':>6}{'p50':>9}{'p95':>9}{'p99':>9}{'share':>8}"
    for each in found.queries[:SHOWN]:
        told = of_label(each, found.total_us)
        yield (
            f"  {each.label:<38.38}{each.calls:>10,}{each.errors:>8,}{each.slow:>6,}"
            f"{told['p50_ms']:>9,.1f}{told['p95_ms']:>9,.1f}{told['p99_ms']:>9,.1f}{told['share']:>8.1%}"
        )
        if told["about"]:
            yield f"    {told['about']:.110}"
    if len(found.queries) > SHOWN:
        yield f"  and {len(found.queries) - SHOWN} more"
    yield ""
    yield "Indexes"
    if not found.findings:
        yield "  nothing to mend"
    for finding in found.findings:
        yield f"  {finding.says}: {finding.means}."
        if finding.statement is not None:
            yield f"    {finding.statement}  (risk: {finding.risk})"
    yield ""
    yield "Tables, largest first"
    for size in found.tables[:SHOWN]:
        about = "" if size.rows_exact else "about "
        state = found.states.get(size.name)
        grows = f"  {state.growth.says}" if state is not None and state.growth.per_day is not None else ""
        yield f"  {size.name:<38.38}{about + format(size.rows, ','):>18} rows{size.total_bytes / 1e6:>12,.1f} MB{grows}"
    held = [name for name, state in found.states.items() if state.fact.held]
    if held:
        yield f"  not measured, since somebody holds them for themselves (`traintui db live`): {', '.join(held)}"
