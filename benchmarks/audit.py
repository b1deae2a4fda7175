"""The proof of the record: how long a look at a million sealed rows takes, what sealing costs those who decide, and
what is found of what a superuser did; how small rows become in the archive, and what their removal costs others.

`--only verify`, `decide`, `tamper`, `listing` or `retire` measures a part. All but `listing` look through
`traintui.audit.verifying`, as the command does; that lists the logs as the screen does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psycopg

from benchmarks.audit_decide import measure_decisions
from benchmarks.audit_listing import measure_listing
from benchmarks.audit_retire import add_old_calls, add_old_export, measure_locks, measure_ratio
from benchmarks.audit_rows import add_rows, row_bytes
from benchmarks.audit_tamper import Tally, copy_of, judge, tamper
from benchmarks.report import Figure, most_memory_mb, publish, repository
from traintui.audit.findings import Verdict
from traintui.audit.retiring import retire_due
from traintui.audit.verifying import verify
from traintui.data import conversations, retention, reviews, seals, users
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import Database, make_engine
from traintui.data.reviews import Seen
from traintui.data.workspace import make_embedded_workspace, open_workspace, whoami
from traintui.demo.run import demo_settings, run_headless
from traintui.settings import Settings

PARTS = ("verify", "decide", "tamper", "listing", "retire")
COPY = "tampered"
SECONDS_GOAL = 60.0
GROWTH_GOAL = 30.0
"""MB by which a look may grow between its first twentieth and its end."""


async def seal_all(db: Database) -> float:
    """Seals everything that waits; the seconds."""
    began = time.perf_counter()
    while (found := await seals.seal(db, everything=True)) is not None and found.remaining:
        pass
    return time.perf_counter() - began


def looked(home: Path) -> None:
    """In a process of its own: one look, and what it took, as JSON."""

    async def work() -> None:
        async with open_workspace(Settings(home=home)) as db:
            early: list[float] = []

            def progress(done: int, total: int) -> None:
                if not early and done >= total / 20:
                    early.append(most_memory_mb())

            began, before = time.perf_counter(), time.process_time()
            verdict = await asyncio.to_thread(verify, db, progress=progress)
            told = {
                "seconds": time.perf_counter() - began, "cpu": time.process_time() - before,
                "children": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, "memory": most_memory_mb(),
                "early": early[0] if early else most_memory_mb(), "rows": verdict.sealed_rows,
                "findings": verdict.number,
            }  # fmt: skip
            print(json.dumps(told))

    asyncio.run(work())


def measure_verify(home: Path, rows: int, runs: int) -> dict[str, Figure]:
    """A look at so many sealed rows, the middle of some."""
    server = EmbeddedServer(home)
    server.start()
    try:
        make_embedded_workspace(server)
        with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
            (there,) = connection.execute("SELECT count(*) FROM review_logs").fetchone() or (0,)
        if there < rows * 0.5:
            add_rows(server.conninfo(SUPERUSER), rows)
            with psycopg.connect(server.conninfo(SUPERUSER), autocommit=True) as connection:
                connection.execute("VACUUM (ANALYZE)")

        async def sealed() -> float:
            async with open_workspace(Settings(home=home)) as db:
                return await seal_all(db)

        seconds = asyncio.run(sealed())
        each = [
            json.loads(subprocess.run(
                [sys.executable, "-m", "benchmarks.audit", "--look", str(home)],
                cwd=repository(), check=True, capture_output=True, text=True,
            ).stdout)
            for _ in range(runs)
        ]  # fmt: skip
        size = row_bytes(server.conninfo(SUPERUSER))
    finally:
        server.stop()
    middle = sorted(each, key=lambda told: told["seconds"])[len(each) // 2]
    million = 1_000_000 / middle["rows"]
    return {
        "verify_rows": Figure(middle["rows"], "rows"),
        "verify_row_bytes": Figure(size, "bytes"),
        "verify_seconds_per_million": Figure(round(middle["seconds"] * million, 1), "s", SECONDS_GOAL),
        "verify_cpu_us_per_row": Figure(round(middle["cpu"] * 1e6 / middle["rows"], 1), "us"),
        "verify_memory_mb": Figure(middle["memory"], "MB"),
        "verify_memory_growth_mb": Figure(round(middle["memory"] - middle["early"], 1), "MB", GROWTH_GOAL),
        "verify_findings": Figure(middle["findings"], "findings", 0),
        "seal_us_per_row": Figure(round(seconds * 1e6 / middle["rows"], 1), "us"),
    }


async def furnish_small(home: Path, server: EmbeddedServer) -> int:
    """A workspace in which some of everything was done, calls of long ago archived, sealed in two steps and then worked
    on; the last horizon."""
    settings = demo_settings(home, Settings(home=home))
    await run_headless(settings, home, out=home / "out.jsonl")
    add_old_calls(server.conninfo(SUPERUSER), 120, block=10)
    async with open_workspace(Settings(home=home)) as db:
        await add_old_export(db, server.conninfo(SUPERUSER))
        await seal_all(db)
        await retire_due(db, await retention.due(db))
        add_rows(server.conninfo(SUPERUSER), 300, block=10)
        await seal_all(db)
        async with db.read() as connection:
            horizon = await connection.exec_driver_sql("SELECT max(horizon::text::bigint) FROM audit_seals")
            found = int(horizon.scalar_one())
        # What is removed of these is known to others.
        for row in (await conversations.first_rows(db, "status:generated", limit=15)).rows:
            await reviews.decide(db, Seen.of(row), "reject", key=reviews.new_key())
        add_rows(server.conninfo(SUPERUSER), 100, first=1_000, block=5)
    return found


async def measure_tamper(home: Path, number: int, seed: int) -> tuple[dict[str, Figure], list[str]]:
    """So many tamperings, each in a copy."""
    luck = random.Random(seed)
    tally = Tally(Counter(), Counter(), Counter(), 0, 0, [])
    server = EmbeddedServer(home, durable=False)  # a thousand copies are made, and none is kept
    server.start()
    try:
        horizon = await furnish_small(home, server)
        copy_of(server, DATABASE, COPY)
        untouched = await one_look(server)
        began = time.perf_counter()
        for _ in range(number):
            with psycopg.connect(copy_of(server, DATABASE, COPY)) as connection:
                connection.execute("SET session_replication_role = replica")
                tampering = tamper(connection, luck, horizon)
            judge(tally, tampering, await one_look(server))
        seconds = time.perf_counter() - began
    finally:
        server.stop()
    done, found, named = (sum(each.values()) for each in (tally.done, tally.found, tally.named))
    figures = {
        "tamper_findings_untouched": Figure(untouched.number, "findings", 0),
        "tamper_seeable": Figure(done, "done"),
        "tamper_found_percent": Figure(round(100 * found / max(1, done), 2), "%", 100, at_least=True),
        "tamper_told_apart_percent": Figure(round(100 * named / max(1, done), 2), "%", 100, at_least=True),
        "tamper_unseeable": Figure(tally.unseeable, "done"),
        "tamper_ms_each": Figure(round(seconds * 1_000 / max(1, number), 1), "ms"),
    }
    notes = [f"{name}: {tally.named[name]} of {count} told apart" for name, count in sorted(tally.done.items())]
    notes += [f"MISSED {missed}" for missed in tally.missed[:20]]
    notes.append(
        "Unseeable: a row that no seal had yet was removed and nothing else names it, or was added in a transaction of"
        " its own with its hash, as any row is; both within the minute before a seal."
    )
    return figures, notes


async def one_look(server: EmbeddedServer) -> Verdict:
    """A look at the copy, as its administrator."""
    own = server.conninfo(users.own_login(), COPY)
    db = Database(make_engine(own, pooled=False), own, "benchmark", *await whoami(own))
    try:
        return await asyncio.to_thread(verify, db)
    finally:
        await db.close()


def place(directory: str, name: str) -> Path:
    """A home that a root user's server passes through to."""
    found = Path(directory) / name
    found.mkdir(mode=0o711)
    return found


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--tamperings", type=int, default=1_000)
    parser.add_argument("--deciding", type=int, default=8_000, help="conversations of those that eight decide on")
    parser.add_argument("--written", type=int, default=1_000, help="conversations whose calls are archived")
    parser.add_argument("--runs", type=int, default=3, help="looks at all of it; the middle counts")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="the parts that are measured")
    parser.add_argument("--home", type=Path, help="a workspace for the look that is kept; made where it is missing")
    parser.add_argument("--look", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    os.environ["TRAINTUI_CONFIG"] = os.devnull
    if chosen.look:
        looked(chosen.look)
        return
    figures: dict[str, Figure] = {}
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="tb-", dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        if "verify" in chosen.only:
            figures |= measure_verify(chosen.home or Path(directory) / "home", chosen.rows, chosen.runs)
        if "decide" in chosen.only:
            figures |= measure_decisions(Path(directory) / "deciding", chosen.deciding)
        if "tamper" in chosen.only:
            found, said = asyncio.run(measure_tamper(place(directory, "small"), chosen.tamperings, chosen.seed))
            figures |= found
            notes += said
        if "listing" in chosen.only:
            home = chosen.home if chosen.home and chosen.only == ["listing"] else Path(directory) / "listing"
            found, said = measure_listing(home, chosen.rows, chosen.runs)
            figures |= found
            notes += said
        if "retire" in chosen.only:
            figures |= asyncio.run(measure_ratio(place(directory, "written"), chosen.written))
            figures |= asyncio.run(measure_locks(place(directory, "old"), chosen.rows))
    publish("audit", chosen.rows, figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
