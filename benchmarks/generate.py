"""How fast conversations are generated: stored, scored, redacted and logged by one worker, and at a provider's limits;
and what a person notices beside it: how soon keys are answered, and how soon a pause holds.

The rehearsal stands in for the provider, as a process of its own on the same machine. `--speed 10` lets its minute pass
in six seconds: its limits are ten times as large, and it writes ten times as fast.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from benchmarks.rehearsing import Rehearsal, rehearsing
from benchmarks.report import Figure, publish
from benchmarks.while_running import Pauses, keys, more_done
from traintui.data import batches
from traintui.data.engine import Database
from traintui.data.workspace import open_workspace
from traintui.demo.contents import furnish
from traintui.generation.plan import Plan
from traintui.generation.start import start_batch
from traintui.settings import Settings

MANY = 10_000
"""Planned conversations of which the storing is timed."""
REQUESTS, OUTPUT_TOKENS = 50, 40_000
"""What a starter tier allows a minute."""
TOKENS_PER_SECOND = 80
"""How fast a model writes."""
RATE = text("""
    SELECT count(*) AS stored, extract(epoch FROM max(item.finished_at) - min(log.created_at)) AS seconds
    FROM generation_items AS item JOIN generation_logs AS log ON log.item_id = item.id AND item.state = 'done'
    WHERE item.batch_id = :batch_id
""")


@dataclass
class Limited:
    """A run at limits: seconds, requests that were let through and refused, and tokens written."""

    seconds: float
    answered: int
    refused: int
    output_tokens: int

    def share(self, requests: int, output_tokens: int) -> float:
        """Of what the limits allowed in that time, a full bucket at its start included, what was used."""
        minutes = 1 + self.seconds / 60
        return max(self.answered / (requests * minutes), self.output_tokens / (output_tokens * minutes))


async def stored(db: Database) -> float:
    """Seconds that storing a large plan takes; the batch is cancelled again."""
    began = time.perf_counter()
    batch_id = await start_batch(db, Plan(name="Many", count=MANY), is_rehearsal=True)
    seconds = time.perf_counter() - began
    await batches.cancel(db, batch_id)
    return seconds


async def paced(home: Path, db: Database, rehearsal: Rehearsal, count: int, slots: int) -> float:
    """Conversations a second, from the first call to the last conversation."""
    batch_id = await start_batch(db, Plan(name="Fast", count=count, exchanges=(3, 4)), is_rehearsal=True)
    worker = work(home, rehearsal, slots, "--until-idle")
    await asyncio.to_thread(worker.wait)
    async with db.read() as connection:
        row = (await connection.execute(RATE, {"batch_id": batch_id})).one()
    if row.stored < count:
        raise SystemExit(f"Only {row.stored} of {count} conversations were written.")
    return float(row.stored / row.seconds)


async def limited(home: Path, db: Database, rehearsal: Rehearsal, seconds: float, slots: int) -> tuple[int, float]:
    """Runs so long at the limits; the batch, and seconds from its first call to its pause."""
    batch_id = await start_batch(db, Plan(name="Limited", count=5_000, exchanges=(5, 6)), is_rehearsal=True)
    first = text(
        "SELECT extract(epoch FROM clock_timestamp() - min(created_at)) FROM generation_logs WHERE run_id = :id"
    )
    worker = work(home, rehearsal, slots, "--until-idle")
    gone = 0.0
    while gone < seconds:
        await asyncio.sleep(0.05)
        if worker.poll() is not None:
            raise SystemExit("The worker has ended.")
        async with db.read() as connection:
            gone = float(await connection.scalar(first, {"id": batch_id}) or 0.0)
    await batches.pause(db, batch_id)
    worker.send_signal(signal.SIGTERM)
    await asyncio.to_thread(worker.wait)
    await batches.cancel(db, batch_id)
    return batch_id, gone


async def noticed(home: Path, db: Database, chosen: argparse.Namespace) -> dict[str, Figure]:
    """What a person notices while a batch runs without delay."""
    pauses = Pauses()
    with rehearsing("--every") as rehearsal:
        batch_id = await start_batch(
            db, Plan(name="Watched", count=chosen.running, exchanges=(3, 4)), is_rehearsal=True
        )
        worker = work(home, rehearsal, chosen.slots, "--attached")  # as the app starts it
        try:
            await more_done(db, batch_id)
            figures = await keys(db, Settings(home=home), chosen.keys)
            await pauses.make(db, batch_id, chosen.pauses)
            await batches.cancel(db, batch_id)
        finally:
            worker.send_signal(signal.SIGTERM)
            await asyncio.to_thread(worker.wait)
    return figures | pauses.figures(rehearsal.told)


def work(home: Path, rehearsal: Rehearsal, slots: int, *more: str) -> subprocess.Popen[bytes]:
    """A worker of the workspace."""
    command = [sys.executable, "-m", "traintui", "worker", "--slots", str(slots), *more]
    return subprocess.Popen(
        command,
        env={**rehearsal.environment, "TRAINTUI_HOME": str(home)},
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session="--attached" in more,
    )


async def measure(home: Path, chosen: argparse.Namespace) -> dict[str, Figure]:
    """All figures."""
    os.environ["TRAINTUI_CONFIG"] = os.devnull
    figures: dict[str, Figure] = {}
    async with open_workspace(Settings(home=home)) as db:
        await furnish(db)
        if chosen.rows >= 100:
            figures["plan_stored_s"] = Figure(round(await stored(db), 2), "s", 5)
        with rehearsing() as rehearsal:
            rate = await paced(home, db, rehearsal, chosen.rows, chosen.slots)
        figures["conversations_per_second"] = Figure(round(rate, 1), "1/s", 25, at_least=True)
        figures |= await noticed(home, db, chosen)
        requests, output_tokens = REQUESTS * chosen.speed, OUTPUT_TOKENS * chosen.speed
        asked = [
            "--requests", str(requests), "--output-tokens", str(output_tokens),
            "--pace", str(TOKENS_PER_SECOND * chosen.speed),
        ]  # fmt: skip
        with rehearsing(*asked) as rehearsal:
            _, seconds = await limited(home, db, rehearsal, chosen.seconds, chosen.limited_slots)
        told = rehearsal.told
        run = Limited(seconds, told["status"].get("200", 0), told["status"].get("429", 0), told["output_tokens"])
        figures |= {
            "share_of_limits": Figure(round(run.share(requests, output_tokens), 3), "of 1", 0.95, at_least=True),
            "refused_for_rate": Figure(run.refused, "429", 0),
            "limited_seconds": Figure(round(seconds, 1), "s"),
            "limited_per_minute": Figure(round(run.answered * 60 / seconds, 1), "1/min"),
            "peak_in_flight": Figure(told["peak_in_flight"], "calls"),
        }
    return figures


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000, help="conversations that are written as fast as it goes")
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--running", type=int, default=MANY, help="conversations of the batch that runs beside keys")
    parser.add_argument("--keys", type=int, default=300, help="keys that are pressed on each of two screens")
    parser.add_argument("--pauses", type=int, default=12)
    parser.add_argument("--limited-slots", type=int, default=64)
    parser.add_argument("--speed", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=30, help="how long it runs at the limits")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tb-", dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        figures = asyncio.run(measure(Path(directory), chosen))
    notes = [f"{chosen.slots} calls at once; at the limits {chosen.limited_slots}, {REQUESTS} requests and"
             f" {OUTPUT_TOKENS:,} output tokens a minute at {chosen.speed} times the speed"]  # fmt: skip
    publish("generate", chosen.rows, figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
