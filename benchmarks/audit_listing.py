"""How soon the first rows of a filter are there, in each of the logs, for `benchmarks.audit`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import psycopg

from benchmarks.report import Figure, most_memory_mb
from traintui.audit.csv_export import save_csv
from traintui.data import attempts, export_history, review_log
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.log_fields import LOGS, LogName
from traintui.data.log_sorting import find_in_order, order_written
from traintui.data.workspace import make_embedded_workspace, open_workspace
from traintui.settings import Settings

GOAL = 100.0
"""Milliseconds until the first rows are there."""
GROWTH_GOAL = 20.0
"""MB by which saving a CSV file may grow between its first twentieth and its end."""
IN_VIEW = 40
WEEKS = 26
SHARES: Mapping[LogName, float] = {"generations": 0.6, "reviews": 0.39, "exports": 0.01}
BLOCK = 20_000
STREAMS = 2

# Rows as years of work leave them: most are alike, some are rare. Written past the triggers that stamp them, since they
# are of half a year; what they hold is sized as calls, decisions and exports are.
CALLS = """
    INSERT INTO generation_logs (created_at, conversation_id, run_id, template_id, template_version, kind, state,
        requested_by, sent_by, endpoint, is_rehearsal, model, parameters, request_payload, response_payload, cost_usd,
        input_tokens, output_tokens, duration_ms, http_status, request_id, stop_reason, error_type, error_message,
        request_sha256, row_hash, xid8, finished_at)
    SELECT now() - interval '26 weeks' * (1 - n / %(all)s::float8) + h % 60000 * interval '1 ms',
        'c-' || h % (%(all)s / 3), 1 + n / (1 + %(all)s / 400), 1 + h % 40, 1 + h % 3,
        CASE WHEN h % 23 = 0 THEN 'judge' WHEN h % 5003 = 0 THEN 'probe' ELSE 'generate' END,
        CASE WHEN NOT failed THEN 'ok' WHEN h % 3 = 0 THEN 'unknown' ELSE 'error' END,
        (ARRAY['ada', 'arthur', 'berta', 'carl'])[1 + h % 4], 'worker', 'https://api.example.com', false,
        CASE WHEN h % 50021 = 0 THEN 'claude-opus-5-5' WHEN h % 2 = 0 THEN 'claude-haiku-5-5'
            ELSE 'claude-sonnet-5-5' END,
        '{"max_tokens": 900}', jsonb_build_object('messages', repeat(md5(n::text), 20)),
        CASE WHEN NOT failed THEN jsonb_build_object('content', repeat(md5((n + 1)::text), 14)) END,
        CASE WHEN h % 40009 = 0 THEN 2.5 ELSE h % 900 * 0.0001 END, h % 4000, h % 900,
        CASE WHEN h % 30011 = 0 THEN 900000 ELSE h % 30000 END, CASE WHEN failed THEN 529 ELSE 200 END, 'req_' || n,
        CASE WHEN NOT failed THEN 'end_turn' END, CASE WHEN failed THEN 'overloaded_error' END,
        CASE WHEN failed AND h % 1009 = 0 THEN 'The certificate has expired' WHEN failed
            THEN 'Overloaded, try again' END,
        sha256('x'), sha256(n::text::bytea), pg_current_xact_id(), now()
    FROM (SELECT n, abs(hashint8(n)) AS h, abs(hashint8(n)) % 31 = 0 AS failed
          FROM generate_series(%(first)s::bigint, %(last)s) AS n) AS numbered
"""
REVIEWS = """
    INSERT INTO review_logs ("timestamp", conversation_id, action, reviewer_id, reviewer_role, revision, reviewer_notes,
        reason, turn_number, decision_key, duration_ms, status_before, status_after, row_hash, xid8, details)
    SELECT now() - interval '26 weeks' * (1 - n / %(all)s::float8) + h % 60000 * interval '1 ms',
        'c-' || h % (%(all)s / 2),
        CASE WHEN h % 10007 = 0 THEN 'takeover' WHEN h % 5 < 3 THEN 'approve' WHEN h % 5 = 3 THEN 'reject'
            ELSE 'edit' END,
        CASE WHEN h % 20011 = 0 THEN 'guest' ELSE 'reviewer_' || h % 9 END, 'reviewer',
        CASE WHEN h % 7001 = 0 THEN 9 ELSE 1 + h % 2 END,
        CASE WHEN h % 3011 = 0 THEN 'See the leaflet on overdrafts' WHEN h % 6 = 0 THEN 'A word too many here' END,
        CASE WHEN h % 5 = 3 THEN (ARRAY['Unnatural', 'Wrong fact', 'Too long'])[1 + h % 3] END,
        CASE WHEN h % 5 = 3 THEN 1 + h % 9 END, n || '-' || h, CASE WHEN h % 9001 = 0 THEN 5 ELSE 2000 + h % 60000 END,
        'generated', 'approved', sha256(n::text::bytea), pg_current_xact_id(), '{}'
    FROM (SELECT n, abs(hashint8(n)) AS h FROM generate_series(%(first)s::bigint, %(last)s) AS n) AS numbered
"""
EXPORTS = """
    INSERT INTO export_logs (exported_at, export_id, user_id, conversation_count, filter_state, format, metadata, state,
                             file_sha256, row_hash, xid8)
    SELECT now() - interval '26 weeks' * (1 - n / %(all)s::float8) + (e - 1) * interval '9 s', 'e-' || n,
        CASE WHEN h % 3001 = 0 THEN 'berta' ELSE 'ada' END, CASE WHEN h % 2003 = 0 THEN 90000 ELSE h % 5000 END,
        jsonb_build_object('filter', 'tier:edge_case score>=' || h % 10),
        CASE WHEN h % 997 = 0 THEN 'kto' ELSE 'trl' END,
        CASE WHEN e = 1 THEN '{}' ELSE jsonb_build_object('file', 'out-' || n || '.jsonl', 'files', jsonb_build_array(
            jsonb_build_object('name', 'out.jsonl', 'bytes', 40000,
                               'sha256', encode(sha256(n::text::bytea), 'hex')))) END,
        CASE WHEN e = 1 THEN 'started' WHEN h % 50 = 0 THEN 'failed' ELSE 'succeeded' END,
        CASE WHEN e = 2 THEN sha256(n::text::bytea) END, sha256(n::text::bytea), pg_current_xact_id()
    FROM (SELECT n, abs(hashint8(n)) AS h, e FROM generate_series(%(first)s::bigint, %(last)s) AS n,
          generate_series(1, 2) AS e) AS numbered
"""
HELD = """
    INSERT INTO export_rows SELECT export_id, 'c-' || k, 1 FROM export_logs, generate_series(1, 40) AS k
    WHERE state = 'succeeded' AND id %% 10 = 0
"""
STATEMENTS: Mapping[LogName, str] = {"generations": CALLS, "reviews": REVIEWS, "exports": EXPORTS}

FILTERS: Mapping[LogName, tuple[str, ...]] = {
    "generations": (
        "", "state:ok", "state:error", "is:failed", "state:sending", "model:claude-haiku-5-5", "model:claude-opus-5-5",
        "model:none", "user:ada", "user:nobody", "kind:judge", "kind:probe", "error:overloaded_error", "http:529",
        "http:418", "cost>1", "cost<0.01", "tokens>4890", "tokens<100", "took>600", "took<1", "version:3", "template:7",
        "template:7 state:error", "batch:200", "conversation:c-77", "request:req_12345", "call:500000", "overloaded",
        "certificate", '"certificate has expired"', "nonsense", "created>=-1d", "created>=-7d", "created<-120d",
        "created:-100d..-90d", "created<-120d state:error", "created<-120d cost>1", "is:rehearsal", "is:estimated",
        "-user:ada -model:claude-haiku-5-5", "model:claude-opus-5-5 user:ada", "state:error kind:judge user:carl",
    ),
    "reviews": (
        "", "action:approve", "action:reject", "action:takeover", "action:purge", "reviewer:reviewer_3",
        "reviewer:guest",
        "reviewer:nobody", 'reason:"Wrong fact"', "reason:nothing", "revision:9", "revision>1", "turn:9", "took<1",
        "took>61",
        "leaflet", "word", "nonsense", "conversation:c-77", "row:300000", "created>=-1d", "created<-120d",
        "created<-120d action:reject", "reviewer:reviewer_3 action:reject leaflet", "-action:approve", "is:undo",
        "is:bulk",
    ),
    "exports": (
        "", "user:berta", "user:nobody", "format:kto", "count>50000", "state:failed", "state:open", "created<-120d",
        "hash:9f86d081", "conversation:c-7", "conversation:c-77", "out-77.jsonl", "nonsense",
    ),
}  # fmt: skip

ORDERS: Mapping[LogName, tuple[tuple[str, str], ...]] = {
    "generations": (
        ("-cost", ""), ("cost", ""), ("-took", ""), ("-tokens", ""), ("created", ""), ("-cost", "user:ada"),
        ("-cost", "state:error"), ("-took", "created>=-7d"), ("-tokens", "model:claude-opus-5-5"),
    ),
    "reviews": (("reviewer", ""), ("-reviewer", ""), ("created", ""), ("reviewer", "action:reject")),
    "exports": (("-count", ""), ("created", ""), ("user", "")),
}  # fmt: skip
"""Orders that the rows of a filter are asked for in."""


def furnish(conninfo: str, rows: int) -> None:
    """So many rows of the three logs, over half a year."""
    work = []
    for log, share in SHARES.items():
        number = max(100, round(rows * share) // (2 if log == "exports" else 1))
        work += [
            (STATEMENTS[log], {"first": first, "last": min(first + BLOCK, number + 1) - 1, "all": number})
            for first in range(1, number + 1, BLOCK)
        ]

    def write(stream: int) -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("SET synchronous_commit = off")
            for statement, bounds in work[stream::STREAMS]:
                for name, value in bounds.items():
                    statement = statement.replace(f"%({name})s", str(value))
                connection.execute(statement.encode())

    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SELECT make_generation_partitions(31, now() - interval '27 weeks')")
    with ThreadPoolExecutor(STREAMS) as pool:
        list(pool.map(write, range(STREAMS)))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(HELD.replace("%%", "%").encode())
        connection.execute("VACUUM (ANALYZE)")


async def first_rows(db: Database, name: LogName, filter_text: str, order: str = "") -> tuple[float, float, int]:
    """The milliseconds until the first rows are here, those until all keys are, and how many there are."""
    log = LOGS[name]
    began, first, total = time.perf_counter(), 0.0, 0
    async with aclosing(find_in_order(db, log, log.read(filter_text), order_written(order, log))) as steps:
        async for found in steps:
            listing = found.listing
            if not first and (listing.total or listing.complete):
                ids = listing.ids(0, IN_VIEW)
                if name == "generations":
                    await attempts.rows(db, ids, listing.span(ids))
                elif name == "reviews":
                    await review_log.rows(db, ids)
                else:
                    await export_history.rows(db, ids)
                first = (time.perf_counter() - began) * 1_000
            total = listing.total
    return first, (time.perf_counter() - began) * 1_000, total


def memory_mb() -> float:
    """What this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def save_all(db: Database, home: Path) -> tuple[float, float, float]:
    """All calls as CSV: the seconds for a million, by how many MB memory grew after the first twentieth, and the
    longest time that nothing else had a turn, in milliseconds."""
    log = LOGS["generations"]
    early, longest, at = 0.0, 0.0, time.perf_counter()

    def progress(rows: int) -> None:
        nonlocal early
        if not early and rows >= total / 20:
            early = memory_mb()

    async def turns() -> None:
        nonlocal longest, at
        while True:
            at = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, (time.perf_counter() - at) * 1_000)

    total = (await first_rows(db, "generations", ""))[2]
    beside = asyncio.ensure_future(turns())
    began = time.perf_counter()
    saved = await save_csv(db, log, log.read(""), home / "calls.csv", replace=True, progress=progress)
    seconds = time.perf_counter() - began
    beside.cancel()
    saved.path.unlink()
    return seconds * 1e6 / max(1, saved.rows), memory_mb() - early, longest


def measure_listing(home: Path, rows: int, runs: int) -> tuple[dict[str, Figure], list[str]]:
    """The first rows of every filter, several times; the slowest filters by name."""
    server = EmbeddedServer(home)
    server.start()
    try:
        make_embedded_workspace(server)
        with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
            (there,) = connection.execute("SELECT count(*) FROM review_logs").fetchone() or (0,)
        if there < rows * SHARES["reviews"] * 0.5:
            furnish(server.conninfo(SUPERUSER), rows)

        async def measured() -> dict[tuple[LogName, str], list[tuple[float, float, int]]]:
            found: dict[tuple[LogName, str], list[tuple[float, float, int]]] = {}
            async with open_workspace(Settings(home=home)) as db:
                for _ in range(runs):
                    for name, filters in FILTERS.items():
                        for filter_text in filters:
                            found.setdefault((name, filter_text), []).append(await first_rows(db, name, filter_text))
                    for name, orders in ORDERS.items():
                        for order, filter_text in orders:
                            ordered.setdefault((name, f"{filter_text or '(all)'} by {order}"), []).append(
                                await first_rows(db, name, filter_text, order)
                            )
                listed = most_memory_mb()
                saved.extend((*await save_all(db, home), listed))
            return found

        saved: list[float] = []
        ordered: dict[tuple[LogName, str], list[tuple[float, float, int]]] = {}
        found = asyncio.run(measured())
    finally:
        server.stop()
    middle = {what: sorted(first for first, _, _ in times)[len(times) // 2] for what, times in found.items()}
    every = sorted(first for times in found.values() for first, _, _ in times)
    slowest = sorted(middle, key=lambda what: -middle[what])
    sorts = {what: sorted(first for first, _, _ in times)[len(times) // 2] for what, times in ordered.items()}
    figures = {
        "listing_filters": Figure(len(middle), "filters"),
        "listing_first_rows_median_ms": Figure(round(every[len(every) // 2], 1), "ms", GOAL),
        "listing_first_rows_p95_ms": Figure(round(every[int(len(every) * 0.95)], 1), "ms", GOAL),
        "listing_first_rows_slowest_ms": Figure(round(middle[slowest[0]], 1), "ms", GOAL),
        "listing_sorted_first_rows_median_ms": Figure(round(sorted(sorts.values())[len(sorts) // 2], 1), "ms", GOAL),
        "listing_sorted_first_rows_slowest_ms": Figure(round(max(sorts.values()), 1), "ms", GOAL),
        "listing_sorted_all_keys_ms": Figure(
            round(min(each[1] for each in ordered["generations", "(all) by -cost"]), 1), "ms"
        ),
        "listing_all_keys_ms": Figure(round(min(each[1] for each in found["generations", ""]), 1), "ms"),
        "listing_memory_mb": Figure(saved[3], "MB"),
        "csv_seconds_per_million": Figure(round(saved[0], 1), "s"),
        "csv_memory_growth_mb": Figure(round(saved[1], 1), "MB", GROWTH_GOAL),
        "csv_longest_turn_ms": Figure(round(saved[2], 1), "ms"),
    }
    notes = [
        f"{name} {filter_text or '(all)'}: first rows {middle[name, filter_text]:.0f} ms,"
        f" {found[name, filter_text][0][2]:,} in {found[name, filter_text][0][1]:,.0f} ms"
        for name, filter_text in slowest[:12]
    ] + [
        f"{log} {asked}: first rows {sorts[log, asked]:.0f} ms, {times[0][2]:,} in {times[0][1]:,.0f} ms"
        for (log, asked), times in sorted(ordered.items(), key=lambda each: -sorts[each[0]])
    ]
    return figures, notes
