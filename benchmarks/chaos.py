"""Workers that are killed at random moments, and a provider that fails in every way: is each planned conversation there
exactly once, is every request on record, and is nothing paid for twice unnoticed?

Two workers work on one batch; one after the other is ended by SIGKILL and replaced. In the end the ledger is compared
with what the rehearsal server says that it was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import TextClause, text

from benchmarks.generate import work
from benchmarks.pooling import pooled
from benchmarks.rehearsing import Rehearsal, rehearsing
from benchmarks.report import Figure, median, p95, publish
from traintui.data import batches
from traintui.data import work as work_queue
from traintui.data.engine import Database
from traintui.data.workspace import open_workspace
from traintui.demo.contents import furnish
from traintui.generation.plan import Plan
from traintui.generation.pricing import Usage, cost_usd
from traintui.generation.start import start_batch
from traintui.settings import Settings

FAULTS = {
    "429": 0.01,
    "529": 0.03,
    "html502": 0.01,
    "reset": 0.02,
    "silence": 0.001,
    "cut-json": 0.02,
    "not-a-message": 0.005,
    "midstream-eof": 0.01,
    "midstream-reset": 0.01,
    "midstream-overloaded": 0.01,
    "midstream-silence": 0.001,
    "refusal": 0.01,
    "truncate": 0.01,
    "invalid-content": 0.01,
}
POOLED_GOAL = work_queue.LEASE_SECONDS + work_queue.LOOK_SECONDS
"""Seconds: a lease that was renewed in the last moment, and the next look of another worker."""
PATIENCE = 1_800.0
"""Seconds for the whole batch."""
OUTCOMES = text("""
    SELECT conversation.conversation_id, status, item.state, item.last_error,
           (SELECT count(*) FROM conversation_revisions AS kept
            WHERE kept.conversation_id = conversation.conversation_id) AS written,
           (SELECT count(*) FROM conversation_turns AS turn WHERE turn.conversation_id = conversation.id) AS turns,
           turn_count
    FROM conversations AS conversation JOIN generation_items AS item ON item.conversation_id = conversation.id
    WHERE item.batch_id = :batch_id
""")
LEDGER = text("""
    SELECT id, request_id, state, cost_usd, cost_is_estimate, error_type, late_reply_to,
           request_payload->'messages'->0->>'content' AS content
    FROM generation_logs WHERE run_id = :batch_id
""")


@dataclass
class Chaos:
    """What happened: kills, and the seconds until what a killed worker had was in the queue again, and until another
    one was at all of it."""

    home: Path
    db: Database
    rehearsal: Rehearsal
    batch_id: int
    luck: random.Random
    workers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: int = 0
    taken_back: list[float] = field(default_factory=list)
    recovered: list[float] = field(default_factory=list)

    async def start(self) -> None:
        """One more worker; returns when it is registered."""
        process = work(self.home, self.rehearsal, 4)
        statement = text("SELECT id FROM workers WHERE pid = :pid AND ended_at IS NULL ORDER BY id DESC LIMIT 1")
        while True:
            async with self.db.read() as connection:
                worker_id = await connection.scalar(statement, {"pid": process.pid})
            if worker_id is not None:
                break
            if process.poll() is not None:
                raise SystemExit("A worker has ended by itself.")
            await asyncio.sleep(0.05)
        self.workers[int(worker_id)] = process

    async def kill(self) -> None:
        """Ends a worker in the middle of whatever it does, and waits until another one is at what it had."""
        worker_id = self.luck.choice(sorted(self.workers))
        process = self.workers.pop(worker_id)
        async with self.db.read() as connection:
            had = (await connection.scalars(
                text("SELECT id FROM generation_items WHERE worker_id = :id AND state = 'running'"), {"id": worker_id}
            )).all()  # fmt: skip
        process.kill()
        process.wait()
        self.kills += 1
        began = time.perf_counter()
        lost = text("SELECT count(*) FROM generation_items WHERE worker_id = :id AND state = 'running'")
        waiting = text(
            "SELECT count(*) FROM generation_items"
            " WHERE id = ANY(:had) AND state = 'queued' AND not_before <= clock_timestamp()"
        )
        if had:
            self.taken_back.append(await self.until_none(lost, began, {"id": worker_id}))
            self.recovered.append(await self.until_none(waiting, began, {"had": had}))

    async def until_none(self, statement: TextClause, began: float, values: dict[str, Any]) -> float:
        """Waits until a query counts none; seconds since it began."""
        while True:
            async with self.db.read() as connection:
                if not await connection.scalar(statement, values):
                    return time.perf_counter() - began
            await asyncio.sleep(0.02)

    async def run(self, kills: int) -> None:
        """Kills so often, then lets the rest be done."""
        await asyncio.gather(self.start(), self.start())
        deadline = time.monotonic() + PATIENCE
        while (progress := await batches.progress(self.db, self.batch_id)).state == "running" or self.kills < kills:
            if progress.state == "finished":
                break
            if progress.state in {"paused", "cancelled"} or time.monotonic() > deadline:
                raise SystemExit(f"The batch is {progress.state}: {progress.state_reason}; {progress.done} done.")
            if self.kills < kills:
                await asyncio.sleep(self.luck.uniform(0.05, 1.5))
                await self.kill()
                await self.start()
            else:
                await asyncio.sleep(0.2)

    def end(self) -> None:
        """Ends the workers that are left."""
        for process in self.workers.values():
            process.terminate()
        for process in self.workers.values():
            process.wait(30)


def is_written(row: Any) -> bool:
    """Whether a conversation is there, whole and once."""
    return (row.status, row.state, row.written) == ("generated", "done", 1) and row.turns == row.turn_count > 0


def is_given_up(row: Any) -> bool:
    """Whether a conversation failed with a reason, and nothing of it is there."""
    return (row.status, row.state, row.written) == ("failed", "failed", 0) and bool(row.last_error)


def billed(request: dict[str, Any]) -> Decimal:
    """What the server asks for a request, in USD, rounded as the ledger rounds."""
    used = request["usage"]
    if used is None:
        return Decimal(0)
    written = used["cache_write_5m"] + used["cache_write_1h"]
    usage = Usage(used["input_tokens"], used["output_tokens"], used["cache_read"], written)
    return cost_usd(request["model"], usage) or Decimal(0)


def compared_costs(told: dict[str, Any], ledger: list[Any]) -> dict[str, Figure]:
    """The ledger against the bill: what is certain in the ledger is billed so, and all that is billed beyond it stands
    behind rows that are `unknown`, which cost at most what they say."""
    late = {row.late_reply_to for row in ledger if row.late_reply_to}
    certain = [row for row in ledger if row.state in {"ok", "error"}]
    unknown = [row for row in ledger if row.state == "unknown" and row.id not in late]
    asked = {each["id"]: each for each in told["asked"]}
    off = sum(row.cost_usd != (billed(asked[row.request_id]) if row.request_id in asked else 0) for row in certain)
    accounted = {row.request_id for row in certain}
    beyond = [each for each in told["asked"] if each["id"] not in accounted and each["usage"]]
    behind = Counter(row_of(row) for row in unknown)
    unlisted = Counter(each["text"] for each in beyond) - behind
    bill = sum(map(Decimal, told["bill"].values()), Decimal(0))
    sure, estimated = (sum((row.cost_usd or Decimal(0) for row in rows), Decimal(0)) for rows in (certain, unknown))
    lacking = sum(map(billed, beyond), Decimal(0))
    return {
        "costs_that_differ": Figure(off, "rows", 0),
        "paid_and_not_listed": Figure(sum(unlisted.values()), "calls", 0),
        "unknown_without_cost": Figure(sum(row.cost_usd is None for row in unknown), "rows", 0),
        "bill_usd": Figure(float(round(bill, 4)), "USD"),
        "certain_usd": Figure(float(sure), "USD"),
        "difference_usd": Figure(float(round(bill - sure, 4)), "USD"),
        "difference_not_unknown_usd": Figure(float(abs(round(bill - sure - lacking, 2))), "USD", 0),
        "rows_unknown": Figure(len(unknown), "rows"),
        "unknown_and_billed": Figure(len(beyond), "calls"),
        "unknown_usd_at_most": Figure(float(estimated), "USD"),
        "difference_above_unknown_usd": Figure(max(0.0, float(round(bill - sure - estimated, 2))), "USD", 0),
    }


def row_of(row: Any) -> str:
    """What was asked, as the server tells it."""
    return hashlib.sha256(orjson.dumps(row.content)).hexdigest()


def compared(told: dict[str, Any], ledger: list[Any], outcomes: list[Any]) -> dict[str, Figure]:
    """What does not agree, in figures that should all be 0, and what is told beside."""
    wrong = [row for row in outcomes if not (is_written(row) or is_given_up(row))]
    rows = Counter(row_of(row) for row in ledger if row.content is not None)
    asked = Counter(each["text"] for each in told["asked"])
    answered = Counter(row.state for row in ledger)
    lost = sum(row.error_type == "worker_lost" for row in ledger)
    return {
        "conversations_wrong": Figure(len(wrong), "rows", 0),
        "requests_without_row": Figure(sum((asked - rows).values()), "requests", 0),
        **compared_costs(told, ledger),
        "generated": Figure(sum(row.status == "generated" for row in outcomes), "rows"),
        "failed": Figure(sum(row.status == "failed" for row in outcomes), "rows"),
        "requests": Figure(len(told["asked"]), "calls"),
        "rows_ok": Figure(answered["ok"], "rows"),
        "rows_error": Figure(answered["error"], "rows"),
        "under_way_at_a_kill": Figure(lost, "rows"),
    }


async def measure(home: Path, chosen: argparse.Namespace) -> tuple[dict[str, Figure], int]:
    """Runs it and compares."""
    os.environ["TRAINTUI_CONFIG"] = os.devnull
    async with open_workspace(Settings(home=home)) as db:
        await furnish(db)
        faults = ["--faults", json.dumps(FAULTS), "--seed", str(chosen.seed), "--every"]
        with ExitStack() as stack:
            rehearsal = stack.enter_context(rehearsing(*faults, "--pace", str(chosen.pace)))
            if chosen.pooler:
                os.environ["TRAINTUI_DATABASE_URL"] = stack.enter_context(pooled(db.conninfo))
            batch_id = await start_batch(db, Plan(name="Chaos", count=chosen.rows), is_rehearsal=True)
            chaos = Chaos(home, db, rehearsal, batch_id, random.Random(chosen.seed))
            stack.callback(chaos.end)
            await chaos.run(chosen.kills)
        async with db.read() as connection:
            ledger = list(await connection.execute(LEDGER, {"batch_id": batch_id}))
            outcomes = list(await connection.execute(OUTCOMES, {"batch_id": batch_id}))
    figures = compared(rehearsal.told, ledger, outcomes)
    if chaos.recovered:
        figures |= {
            "taken_back_median_s": Figure(median(chaos.taken_back), "s"),
            "taken_back_max_s": Figure(round(max(chaos.taken_back), 2), "s", POOLED_GOAL if chosen.pooler else None),
            "running_again_median_s": Figure(median(chaos.recovered), "s"),
            "running_again_max_s": Figure(round(max(chaos.recovered), 2), "s", None if chosen.pooler else 5),
            "running_again_p95_s": Figure(p95(chaos.recovered), "s"),
        }
    return figures, chaos.kills


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000, help="conversations")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--pace", type=float, default=200.0, help="tokens a second of a reply")
    parser.add_argument("--pooler", action="store_true", help="the workers reach the server through PgBouncer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tb-", dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        figures, kills = asyncio.run(measure(Path(directory), chosen))
    notes = [f"{kills} kills of two workers with four calls each; faults {FAULTS}"]
    publish("chaos", chosen.rows, figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
