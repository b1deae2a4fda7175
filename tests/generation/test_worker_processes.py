"""Workers as processes that are killed or frozen in the middle of calls: what they had goes on elsewhere, and what they
bring too late is on record and changes nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from benchmarks.pooling import pgbouncer, pooled
from sqlalchemy import text

from generation.batching_helpers import process
from generation.test_batching_crashes import end_leases, freeze
from generation.test_worker import plan, run_until_idle
from held import HeldRehearsal
from support import eventually, fetch, scalar
from traintui.data import batches, work
from traintui.data.engine import Database, make_engine
from traintui.demo.contents import furnish
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.start import start_batch

ONCE = """
    SELECT count(*) FROM conversations WHERE status = 'generated' AND (
        SELECT count(*) FROM conversation_revisions AS kept
        WHERE kept.conversation_id = conversations.conversation_id) = 1
"""


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(120)) as server:
        yield server


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


async def under_way(db: Database, number: int) -> None:
    """Waits until so many calls are under way."""

    async def holds() -> bool:
        return int(await scalar(db, "SELECT count(*) FROM generation_logs WHERE state = 'sending'")) >= number

    await eventually(holds)


async def test_a_worker_that_was_only_frozen_is_fenced_and_what_it_paid_for_is_on_record(furnished: Database) -> None:
    batch_id = await start_batch(furnished, plan(count=4), is_rehearsal=True)
    async with HeldRehearsal() as rehearsal, process(furnished, rehearsal) as worker:
        rehearsal.let_go(1)  # the first of its prompt goes alone
        await under_way(furnished, 2)
        await freeze(furnished, worker)
        lost = await scalar(furnished, "SELECT count(*) FROM generation_logs WHERE state = 'sending'")
        assert lost >= 2
        rehearsal.let_all_go()
        await end_leases(furnished)
        await run_until_idle(furnished, rehearsal, slots=4)
        assert await scalar(furnished, ONCE) == 4
        os.kill(worker.pid, signal.SIGCONT)

        async def late() -> bool:
            return bool(
                await scalar(furnished, "SELECT count(*) FROM generation_logs WHERE late_reply_to IS NOT NULL") == lost
            )

        await eventually(late)
        worker.terminate()
        await worker.wait()
    # Its replies came after those of its successor: they stand in the log with what they cost, and nowhere else.
    assert await scalar(furnished, ONCE) == 4
    asked = [request.request_id for request in rehearsal.requests if request.path == "/v1/messages"]
    known = await fetch(furnished, "SELECT request_id FROM generation_logs WHERE request_id IS NOT NULL")
    assert sorted(asked) == sorted(row[0] for row in known)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.done, progress.failed, progress.queued, progress.running) == (4, 0, 0, 0)


@asynccontextmanager
async def through_pooler(db: Database, url: str) -> AsyncIterator[Database]:
    """The workspace through a pooler."""
    engine = make_engine(url, pooled=True)
    through = Database(engine=engine, conninfo=url, label="pooled", login=db.login, role=db.role)
    try:
        yield through
    finally:
        await through.close()


@pytest.mark.skipif(pgbouncer() is None, reason="PgBouncer is not installed (apt-get install pgbouncer)")
async def test_through_a_transaction_pooler_a_killed_worker_is_missed_once_its_lease_ends(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    batch_id = await start_batch(furnished, plan(count=6), is_rehearsal=True)
    with pooled(furnished.conninfo) as url:
        async with process(furnished, rehearsal, url=url):
            await under_way(furnished, 2)
        async with through_pooler(furnished, url) as through:
            # A lock would be the pooler's, and outlive the worker: it holds none, and only its lease tells.
            assert await fetch(through, "SELECT holds_lock, ended_at IS NULL FROM workers") == [(False, True)]
            left = await scalar(through, "SELECT extract(epoch FROM lease_until - clock_timestamp()) FROM workers")
            assert 0 < left <= work.LEASE_SECONDS
            assert await work.recover(through) == 0
            async with through.write() as connection:
                await connection.execute(text("UPDATE workers SET lease_until = lease_until - interval '1 minute'"))
            assert await work.recover(through) == 1
            await batches.resume(through, batch_id)
            await run_until_idle(through, rehearsal, slots=4)
            progress = await batches.progress(through, batch_id)
            assert (progress.done, progress.failed) == (6, 0)
            assert await scalar(through, ONCE) == 6
            assert await scalar(through, "SELECT count(*) FROM generation_logs WHERE state = 'unknown'") > 0
