"""`traintui db stats`: how the database stands, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui import clock
from traintui.cli.running import Json, harmless, run, workspace

if TYPE_CHECKING:
    from traintui.data.query_records import QueryTimes
    from traintui.observing.standing import Standing

SHOWN = 15
"""Lines of each part; `--json` has all."""
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
        print(line)


def as_json(found: Standing, hours: float) -> dict[str, Any]:
    """All of it; times in milliseconds, sizes in bytes."""
    from traintui.observing.alerting import as_json as alert_json

    return {
        "server": {**asdict(found.server), "started_at": found.server.started_at.isoformat()},
        "hours": hours,
        "queries": [of_label(each, found.total_us) for each in found.queries],
        "indexes": [asdict(each) for each in found.findings],
        "tables": [asdict(each) for each in found.tables],
        "alerts": [alert_json(each) for each in found.alerts],
    }


def of_label(times: QueryTimes, total_us: int) -> dict[str, Any]:
    """What the statements of a label took; `share` is of the time of all, 0 to 1."""
    return {
        "label": times.label, "calls": times.calls, "errors": times.errors, "slow": times.slow, "rows": times.rows,
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
        yield harmless(f"{'!' if alert.severity == 'urgent' else 'o'} {alert.says} (traintui db alerts says more)")
    yield ""
    yield f"Statements of the last {hours:g} hours, by the time that they took in all (ms)"
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
        yield f"  {size.name:<38.38}{about + format(size.rows, ','):>18} rows{size.total_bytes / 1e6:>12,.1f} MB"
