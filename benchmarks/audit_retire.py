"""Retention and archive for `benchmarks.audit`: how small rows become that the rehearsal brought about, how long people
wait while a million of them go, and how long all of it takes."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
from pydantic import SecretStr

from benchmarks.audit_rows import BLOCK, OLD_CALLS
from benchmarks.rehearsing import rehearsing
from benchmarks.report import Figure, most_memory_mb
from traintui.audit.retiring import Outcome, retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import conversations, exports, retention
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.workspace import make_embedded_workspace, open_workspace
from traintui.demo.contents import furnish
from traintui.generation.plan import Plan
from traintui.generation.start import start_batch
from traintui.settings import Settings

SMALLER_GOAL = 8.0
LOCKS_GOAL = 2.0
"""Seconds that people wait in all while 1,000,000 rows go."""
WEEKS = 4
DAYS_AGO = 200
NOTICED = 0.02
"""Seconds from which on a question that takes a millisecond has waited."""
AGE = """
    UPDATE generation_logs SET created_at = %(moment)s::timestamptz + id * interval '1 second',
                               finished_at = %(moment)s::timestamptz + id * interval '1 second'
"""
AGAIN = "UPDATE generation_logs SET row_hash = generation_log_digest(generation_logs) WHERE state <> 'sending'"
SIZES = """
    SELECT (SELECT sum(pg_table_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'generation_logs'::regclass)::float,
           (SELECT sum(length(log::text)) FROM generation_logs AS log)::float
"""
"""Bytes of the log on the disk, without indexes, and of its rows as text."""


def monday(days_ago: int) -> date:
    """The Monday of the week so many days ago (UTC)."""
    day = datetime.now(UTC).date() - timedelta(days=days_ago)
    return day - timedelta(days=day.weekday())


def age_calls(conninfo: str) -> None:
    """Puts calls into a week that is due, as if they had been made then. They are not sealed yet."""
    moment = f"{monday(DAYS_AGO)} 00:00+00"
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT make_generation_partitions(0, %s::timestamptz)", [moment])
        connection.execute("SET session_replication_role = replica")
        connection.execute(AGE, {"moment": moment})
        connection.execute(AGAIN)


def add_old_calls(conninfo: str, rows: int, *, block: int = BLOCK) -> None:
    """Adds calls of a kilobyte to weeks that are due, through the triggers that stamp them."""
    share = rows // WEEKS
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for week in range(WEEKS):
            moment = f"{monday(DAYS_AGO - 7 * week)} 00:00+00"
            connection.execute("SELECT make_generation_partitions(0, %s::timestamptz)", [moment])
            for first in range(0, share, block):
                bounds = {"first": first, "last": min(first + block, share) - 1, "moment": moment}
                connection.execute(OLD_CALLS, bounds)
        connection.execute("VACUUM (ANALYZE) generation_logs")


async def add_old_export(db: Database, conninfo: str) -> None:
    """Adds an export of some conversations, as if it had been made in a year that is due. It is not sealed yet."""
    held = [each for each in (await conversations.first_rows(db, "", limit=20)).rows if each.turn_count]
    for state in ("started", "succeeded"):
        await exports.record(db, "old", state, count=len(held), filter_state={}, format="trl", metadata={})
        if state == "started":
            await exports.record_rows(db, "old", held)
    moment = f"{monday(DAYS_AGO + 365)} 00:00+00"
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE export_logs SET exported_at = %s::timestamptz WHERE export_id = 'old'", [moment])
        connection.execute("UPDATE export_logs SET row_hash = export_log_digest(export_logs) WHERE export_id = 'old'")


async def written(home: Path, number: int) -> None:
    """Has the rehearsal write conversations, as a batch does."""
    from traintui.generation.provider import provider_of
    from traintui.generation.serve import run_worker

    with rehearsing() as rehearsal:
        settings = Settings(home=home, api_base_url=rehearsal.url, anthropic_api_key=SecretStr("rehearsal"))
        async with open_workspace(settings) as db:
            await furnish(db)
            await start_batch(db, Plan(name="Many", count=number, exchanges=(3, 5)), is_rehearsal=True)
            await run_worker(db, await provider_of(settings), slots=6)


async def measure_ratio(home: Path, number: int) -> dict[str, Figure]:
    """How much smaller calls become for so many conversations."""
    server = EmbeddedServer(home)
    server.start()
    try:
        await written(home, number)
        age_calls(server.conninfo(SUPERUSER))
        with psycopg.connect(server.conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute("VACUUM (FULL, ANALYZE) generation_logs")
            on_disk, as_text = connection.execute(SIZES).fetchone() or (0.0, 0.0)
        async with open_workspace(Settings(home=home)) as db:
            await seal_and_anchor(db, everything=True)
            outcome = await retire_due(db, await retention.due(db))
            verdict = await asyncio.to_thread(verify, db)
    finally:
        server.stop()
    (gone,) = outcome.retired
    return {
        "archive_rows": Figure(gone.row_count, "rows"),
        "archive_row_bytes": Figure(round(as_text / gone.row_count), "bytes"),
        "archive_times_smaller": Figure(round(as_text / gone.archive_bytes, 1), "x", SMALLER_GOAL, at_least=True),
        "archive_times_smaller_than_table": Figure(round(on_disk / gone.archive_bytes, 1), "x"),
        "archive_findings": Figure(verdict.number, "findings", 0),
    }


class Asking:
    """Somebody who reads the log and somebody who writes to it, all the time, each to be answered in a millisecond."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self.waits: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(statement,)) for statement in (
            "SELECT count(*) FROM generation_logs WHERE id = -1",
            "INSERT INTO generation_logs (kind, state, requested_by, endpoint, is_rehearsal, model, parameters,"
            " request_payload) VALUES ('probe', 'sending', 'ada', '', true, '', '{}', '{}')",
        )]  # fmt: skip

    def _ask(self, statement: str) -> None:
        with psycopg.connect(self.conninfo) as connection:
            while not self._stop.is_set():
                began = time.perf_counter()
                connection.execute(statement.encode())
                connection.rollback()
                self.waits.append((began, time.perf_counter() - began))
                time.sleep(0.002)

    def __enter__(self) -> Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def waited(self, since: float, until: float) -> list[float]:
        """What took longer than it should, in that time, in seconds."""
        return [took for began, took in self.waits if began + took >= since and began <= until and took > NOTICED]


async def measure_locks(home: Path, rows: int) -> dict[str, Figure]:
    """Retires so many rows of a kilobyte while people read and write."""
    server = EmbeddedServer(home)
    server.start()
    try:
        make_embedded_workspace(server)
        add_old_calls(server.conninfo(SUPERUSER), rows)
        async with open_workspace(Settings(home=home)) as db:
            await seal_and_anchor(db, everything=True)
            with Asking(server.conninfo(SUPERUSER)) as asking:
                outcome, seconds, removing = await timed(db)
            verdict = await asyncio.to_thread(verify, db)
    finally:
        server.stop()
    waits = [took for since, until in removing for took in asking.waited(since, until)]
    gone = sum(each.row_count for each in outcome.retired)
    return {
        "retired_rows": Figure(gone, "rows"),
        "retire_seconds_per_million": Figure(round(seconds * 1e6 / max(1, gone), 1), "s"),
        "retire_removing_seconds": Figure(round(sum(until - since for since, until in removing), 2), "s"),
        "retire_waits_seconds": Figure(round(sum(waits) / 2, 2), "s", LOCKS_GOAL),
        "retire_longest_wait_ms": Figure(round(1_000 * max(waits, default=0.0), 1), "ms"),
        "retire_memory_mb": Figure(most_memory_mb(), "MB"),
        "retire_findings": Figure(verdict.number, "findings", 0),
    }


async def timed(db: Database) -> tuple[Outcome, float, list[tuple[float, float]]]:
    """Retires what is due; the seconds in all, and when weeks were removed."""
    spans: list[tuple[float, float]] = []
    real = retention.retire

    async def noted(*given: object) -> object:
        began = time.perf_counter()
        try:
            return await real(*given)  # type: ignore[arg-type]
        finally:
            spans.append((began, time.perf_counter()))

    retention.retire = noted  # type: ignore[assignment]
    began = time.perf_counter()
    try:
        outcome = await retire_due(db, await retention.due(db))
    finally:
        retention.retire = real
    return outcome, time.perf_counter() - began, spans
