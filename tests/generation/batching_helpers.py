"""Batches that are submitted to the rehearsal, for tests: a worker without patience, and what it left."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text

from traintui.data import batches
from traintui.data.engine import Database
from traintui.data.records import BatchProgress
from traintui.generation.client import ModelClient
from traintui.generation.plan import Plan
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import RehearsalServer
from traintui.generation.start import start_batch
from traintui.generation.submission_calls import Patience
from traintui.generation.worker import Worker


class Quick(random.Random):
    """Chance that never makes a retry wait."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


IMPATIENT = Patience(first=0.01, most=0.05, settle=0.0, rest=0.02, room=0.05, outage=0.02)


def plan(**changes: Any) -> Plan:
    return Plan(**({"name": "Trial", "count": 6, "exchanges": (2, 3), "mode": "batches"} | changes))


async def begun(db: Database, **changes: Any) -> int:
    """A batch of such a plan in the queue; its id."""
    return await start_batch(db, plan(**changes), is_rehearsal=True)


async def run_until_idle(
    db: Database, server: RehearsalServer, *, most: int = 1_000, as_real: bool = False, **patience: float
) -> None:
    """Works until nothing is left to do and nothing is out. `as_real`: as if the rehearsal were paid."""
    provider = Provider(server.url, "rehearsal", "rehearsal", is_rehearsal=not as_real)
    async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=server.url) as client:
        worker = Worker(db, client, provider, patience=replace(IMPATIENT, **patience))
        worker.batching.most_requests = most
        await worker.run(asyncio.Event(), until_idle=True)


async def generated(db: Database, server: RehearsalServer, *, most: int = 1_000, **changes: Any) -> BatchProgress:
    batch_id = await begun(db, **changes)
    await run_until_idle(db, server, most=most)
    return await batches.progress(db, batch_id)


async def column(db: Database, statement: str) -> Sequence[Any]:
    async with db.read() as connection:
        return (await connection.scalars(text(statement))).all()


async def value(db: Database, statement: str) -> Any:
    (found,) = await column(db, statement)
    return found


async def cost(db: Database) -> Decimal:
    """What the ledger says that everything cost, in USD."""
    return Decimal(await value(db, "SELECT coalesce(sum(cost_usd), 0) FROM generation_logs"))


@asynccontextmanager
async def process(
    db: Database, rehearsal: RehearsalServer, *arguments: str, url: str | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real worker of this database, or of it at another address, and that rehearsal. It is killed when the block
    ends, frozen or not."""
    environment = {
        **os.environ, "TRAINTUI_DATABASE_URL": url or url_of(db), "TRAINTUI_API_BASE_URL": rehearsal.url,
    }  # fmt: skip
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "traintui", "worker", *arguments, env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield worker
    finally:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()


def url_of(db: Database) -> str:
    """Where a process finds this database."""
    parts = conninfo_to_dict(db.conninfo)
    url = f"postgresql://{parts['user']}@/{parts['dbname']}?host={quote(str(parts['host']), safe='')}"
    return f"{url}&port={parts['port']}" if "port" in parts else url


@asynccontextmanager
async def at_work(db: Database, server: RehearsalServer, *, settle: float = 0.0) -> AsyncIterator[asyncio.Task[None]]:
    """A worker in this process that works until nothing is left to do; cut off when the block ends before."""
    running = asyncio.create_task(run_until_idle(db, server, settle=settle))
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def submitted(server: RehearsalServer) -> list[str]:
    """The custom ids of every request that the server has in a batch."""
    return [request["custom_id"] for batch in server.batches.all for request in batch.requests]


async def assert_each_once(db: Database, server: RehearsalServer, batch_id: int) -> None:
    """Every conversation is there once, nothing was submitted twice, and the ledger agrees with the server's bill."""
    progress = await batches.progress(db, batch_id)
    assert (progress.state, progress.done, progress.failed) == ("finished", progress.total, 0)
    items = [custom_id.rpartition("_")[2] for custom_id in submitted(server)]
    assert len(items) == len(set(items)) == progress.total
    assert await column(db, "SELECT status FROM conversations GROUP BY 1") == ["generated"]
    assert await value(db, "SELECT count(*) FROM conversation_revisions") == progress.total
    assert await value(db, "SELECT count(*) FROM generation_logs WHERE state = 'sending'") == 0
    assert abs(await cost(db) - sum(server.bill.usd.values())) < Decimal("0.0001") and sum(server.bill.usd.values()) > 0
