"""What it costs that the database is watched.

    python -m benchmarks.observe --rows 20000 [--conversations 40000] [--json]

`--rows` are the statements that are sent. The query log is measured as the app pays for it: the processor time of this
process for the same statement through the same verb, with the log and without, in short turns, so that what else the
machine does meets both. `--conversations` are those of a second workspace, on which eight people decide while an
index is rebuilt by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from sqlalchemy import event

from benchmarks.observe_rebuild import measure_rebuilds
from benchmarks.report import Figure, median, publish
from traintui.data import samples
from traintui.data.engine import Database
from traintui.data.query_labels import UNLOGGED
from traintui.data.workspace import open_workspace
from traintui.observing.alerting import Alerting
from traintui.observing.recording import note_times
from traintui.settings import Settings

GOAL_US = 20
"""Microseconds of one statement."""
BLOCK = 50
LABELS = 60
"""Labels that an hour of work has."""
ASKED = "SELECT CAST(:number AS bigint)"


async def block(db: Database, label: str | None) -> float:
    """Microseconds of processor for one statement, over a block of them."""
    began = time.process_time()
    for number in range(BLOCK):
        await db.call(ASKED, {"number": number}, label)
    return (time.process_time() - began) / BLOCK * 1e6


async def overhead(db: Database, rows: int) -> tuple[float, float]:
    """Microseconds that the log takes of a statement, and those of the statement with it: the middle of all turns."""
    engine, log = db.engine.sync_engine, db.queries
    heard = (("before_cursor_execute", log.began), ("after_cursor_execute", log.ended), ("handle_error", log.failed))
    differences, wholes = [], []
    await block(db, None)
    for turn in range(max(10, rows // (2 * BLOCK))):
        taken: dict[bool, float] = {}
        for logged in (True, False) if turn % 2 else (False, True):
            if logged:
                taken[logged] = await block(db, None)
                continue
            for name, listener in heard:
                event.remove(engine, name, listener)
            taken[logged] = await block(db, UNLOGGED)
            for name, listener in heard:
                event.listen(engine, name, listener)
        differences.append(taken[True] - taken[False])
        wholes.append(taken[True])
    return median(differences), median(wholes)


async def noting(db: Database) -> float:
    """Milliseconds to add up a minute of many labels on the server, the middle of five."""
    spans = []
    for _ in range(5):
        for number in range(LABELS):
            for us in range(100, 20_000, 500):
                db.queries.count(f"label.{number}", us, 1)
        began = time.perf_counter()
        await note_times(db)
        spans.append((time.perf_counter() - began) * 1_000)
    return median(spans)


async def looking(db: Database) -> float:
    """Milliseconds for one look at what is wrong, which comes with each sample, the middle of nine."""
    alerting, spans = Alerting(db), []
    await samples.hold(db, "benchmark", 600)
    for _ in range(9):
        began = time.perf_counter()
        await alerting.look("benchmark")
        spans.append((time.perf_counter() - began) * 1_000)
    await samples.release(db, "benchmark")
    return median(spans)


async def measured(home: Path, rows: int) -> dict[str, Figure]:
    """All figures."""
    async with open_workspace(Settings(home=home)) as db:
        log_us, whole_us = await overhead(db, rows)
        return {
            "query_log_us": Figure(log_us, "us", GOAL_US),
            "statement_us": Figure(whole_us, "us"),
            "add_up_minute_ms": Figure(await noting(db), "ms"),
            "look_for_alerts_ms": Figure(await looking(db), "ms"),
        }


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--conversations", type=int, default=40_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="traintui-observe-") as scratch:
        Path(scratch).chmod(0o711)  # the server of root has an account of its own
        figures = asyncio.run(measured(Path(scratch) / "workspace", chosen.rows))
        figures |= measure_rebuilds(Path(scratch) / "furnished", chosen.conversations)
    notes = [
        "query log: processor time of this process; with the log and without in turns of 50 statements",
        f"rebuilds: the policy's own, beside eight processes that decide on {chosen.conversations:,} conversations;"
        " leaves a third full",
    ]
    publish("observe", chosen.rows, figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
