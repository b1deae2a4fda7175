"""A batch that stops goes on by itself where nothing needs a person; where something does, it says what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from generation.batching_helpers import IMPATIENT, Quick, process
from support import Conninfo, beside, eventually, fetch, scalar
from traintui.data import batches, conversations, coverage
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.demo.contents import furnish
from traintui.generation.client import ModelClient
from traintui.generation.plan import Plan
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.serve import run_worker
from traintui.generation.start import start_batch
from traintui.generation.worker import Worker

SLOW = Pace(tokens_per_second=100)
CANCELLED = "The batch was cancelled before its turn came."


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


async def begun(db: Database, count: int = 4, **changes: Any) -> int:
    wanted = Plan(**({"name": "Trial", "count": count, "exchanges": (2, 2)} | changes))
    return await start_batch(db, wanted, is_rehearsal=True)


def provider(server: RehearsalServer) -> Provider:
    return Provider(server.url, "rehearsal", "rehearsal", is_rehearsal=True)


async def work_on(db: Database, server: RehearsalServer, *, slots: int = 2) -> None:
    async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=server.url) as client:
        worker = Worker(db, client, provider(server), slots=slots, patience=IMPATIENT, dice=Quick())
        await worker.run(asyncio.Event(), until_idle=True)


async def stands(db: Database, batch_id: int) -> tuple[str, int, int, int, int]:
    batch = await batches.progress(db, batch_id)
    return batch.state, batch.done, batch.failed, batch.queued, batch.running


# Workers that die -------------------------------------------------------------------------------------------------


async def test_a_batch_whose_worker_was_killed_is_interrupted_and_the_next_worker_goes_on(furnished: Database) -> None:
    async with RehearsalServer(port=0, pace=SLOW) as server:
        batch_id = await begun(furnished)
        async with process(furnished, server):
            await server.received(3)  # one of them is the worker asking who is there

        async def interrupted() -> bool:
            await batches.recover(furnished)
            return (await batches.progress(furnished, batch_id)).state == "interrupted"

        await eventually(interrupted)
        lost = await fetch(furnished, "SELECT cost_usd > 0 FROM generation_logs WHERE state = 'unknown'")
        assert lost and all(row[0] for row in lost)
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        await work_on(furnished, server)
    assert await stands(furnished, batch_id) == ("finished", 4, 0, 0, 0)
    assert await scalar(furnished, "SELECT count(*) FROM conversation_revisions") == 4


async def test_a_worker_outlasts_a_database_that_is_away(
    furnished: Database, server: EmbeddedServer, database_name: str
) -> None:
    async with RehearsalServer(port=0, pace=Pace(tokens_per_second=400)) as provider_:
        batch_id = await begun(furnished, 6)
        running = asyncio.create_task(work_on(furnished, provider_))
        await beside(running, provider_.received(2))
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        name = sql.Identifier(database_name)
        with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(allow.format(name, sql.SQL("false")))
            try:
                for _ in range(10):
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database_name]
                    )
                    await asyncio.sleep(0.15)
                assert not running.done()
            finally:
                connection.execute(allow.format(name, sql.SQL("true")))
        await running
    assert await stands(furnished, batch_id) == ("finished", 6, 0, 0, 0)
    assert await scalar(furnished, "SELECT count(*) FROM conversation_revisions") == 6
    assert await scalar(furnished, "SELECT count(*) FROM generation_logs WHERE state = 'sending'") == 0


async def test_a_worker_waits_for_a_disk_that_is_full_says_so_once_and_pays_nothing_twice(
    furnished: Database, rehearsal: RehearsalServer, conninfo: Conninfo
) -> None:
    batch_id = await begun(furnished, 4)
    told: list[str] = []
    # What PostgreSQL raises where it cannot extend a file: first nothing can be taken up, then nothing stored.
    full = (
        "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;"
        "CREATE TRIGGER filled BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION disk_full()"
    )
    free = "DROP FUNCTION disk_full() CASCADE"
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(full.format("generation_items").encode())
        async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=rehearsal.url) as client:
            worker = Worker(
                furnished, client, provider(rehearsal), slots=2, say=told.append, patience=IMPATIENT, dice=Quick()
            )
            running = asyncio.create_task(worker.run(asyncio.Event(), until_idle=True))
            await beside(running, eventually(lambda: told_it(told)))
            await asyncio.sleep(0.2)  # a dozen tries
            assert [line.partition(":")[0] for line in told] == ["Disk full"] and not rehearsal.requests
            # Each waits for what the worker has open, which goes on in this very loop.
            await asyncio.to_thread(connection.execute, free)
            await asyncio.to_thread(connection.execute, full.format("conversation_revisions").encode())
            await beside(running, rehearsal.received(2))
            await asyncio.sleep(0.3)
            await asyncio.to_thread(connection.execute, free)
            await running
    assert await stands(furnished, batch_id) == ("finished", 4, 0, 0, 0)
    assert await scalar(furnished, "SELECT count(*) FROM conversation_revisions") == 4
    assert (await batches.progress(furnished, batch_id)).calls == 4


async def told_it(told: list[str]) -> bool:
    return bool(told)


# What needs a person ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "waits_for"),
    [
        ("401", "Set ANTHROPIC_API_KEY anew"),
        ("403", "another key"),
        ("429-spend", "Raise it there"),
        ("credit-low", "Add some there"),
        ("404-model", "another model needs another batch"),
    ],
)
@pytest.mark.parametrize("mode", ["calls", "batches"])
async def test_a_paused_batch_says_what_it_waits_for_and_goes_on_when_a_person_says_so(
    furnished: Database, rehearsal: RehearsalServer, fault: str, waits_for: str, mode: str
) -> None:
    rehearsal.batches.seconds = 0
    if mode == "calls":
        rehearsal.fail_next(fault)
    else:
        rehearsal.batches.fail_calls(fault)
    batch_id = await begun(furnished, 2, mode=mode)
    await work_on(furnished, rehearsal, slots=1)
    paused = await batches.progress(furnished, batch_id)
    assert paused.state == "paused" and paused.state_reason and waits_for in paused.state_reason
    assert paused.queued == 2 and not paused.cost_usd
    await work_on(furnished, rehearsal, slots=1)  # a worker that comes does not know that the cause is gone
    assert (await batches.progress(furnished, batch_id)).state == "paused"
    await batches.resume(furnished, batch_id)
    await work_on(furnished, rehearsal)
    assert await stands(furnished, batch_id) == ("finished", 2, 0, 0, 0)


async def test_an_address_that_answers_with_pages_pauses_the_batch(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next(*["not-a-message"] * 20)
    batch_id = await begun(furnished, 3)
    await work_on(furnished, rehearsal, slots=1)
    paused = await batches.progress(furnished, batch_id)
    assert (paused.state, paused.calls, paused.queued) == ("paused", 5, 3)
    assert paused.state_reason and "TRAINTUI_API_BASE_URL" in paused.state_reason


# Cancelling -------------------------------------------------------------------------------------------------------


async def test_of_a_cancelled_batch_nothing_stays_planned_and_what_is_under_way_is_kept(furnished: Database) -> None:
    async with RehearsalServer(port=0, pace=SLOW) as server:
        batch_id = await begun(furnished, 6)
        running = asyncio.create_task(work_on(furnished, server))
        await beside(running, server.received(2))
        await batches.cancel(furnished, batch_id)
        assert (await batches.progress(furnished, batch_id)).queued == 0
        await running
    state, done, failed, queued, under_way = await stands(furnished, batch_id)
    assert (state, done + failed, queued, under_way) == ("cancelled", 6, 0, 0) and done >= 1
    assert dict(await batches.failures(furnished, batch_id)) == {CANCELLED: failed}
    assert await conversations.status_counts(furnished) == {"generated": done, "failed": failed}
    cells = (await coverage.read(furnished, "persona", "emotion", rehearsal=True)).cells.values()
    assert sum(cell.planned for cell in cells) == 0 and sum(cell.generated for cell in cells) == done


async def test_what_was_under_way_when_its_batch_was_cancelled_and_brought_nothing_fails_too(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next("silence")
    batch_id = await begun(furnished, 2)
    async with process(furnished, rehearsal):
        await rehearsal.received(2)
        await batches.cancel(furnished, batch_id)

    async def settled() -> bool:
        await batches.recover(furnished)
        return await conversations.status_counts(furnished) == {"failed": 2}

    await eventually(settled)
    assert dict(await batches.failures(furnished, batch_id)) == {CANCELLED: 2}


async def test_what_was_cancelled_is_planned_anew_when_it_is_tried_again(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    batch_id = await begun(furnished, 3)
    await batches.cancel(furnished, batch_id)
    one = await scalar(furnished, "SELECT min(conversation_id) FROM conversations")
    assert await batches.retry(furnished, batch_id, reason="another") == 0
    assert (await batches.progress(furnished, batch_id)).state == "cancelled"
    assert await batches.retry(furnished, batch_id, conversation_id=one) == 1
    await work_on(furnished, rehearsal)
    assert await stands(furnished, batch_id) == ("finished", 1, 2, 0, 0)
    assert await batches.retry(furnished, batch_id, reason=CANCELLED) == 2
    await work_on(furnished, rehearsal)
    assert await stands(furnished, batch_id) == ("finished", 3, 0, 0, 0)


async def test_a_reviewer_neither_cancels_nor_tries_again(furnished: Database, reviewer_db: Database) -> None:
    batch_id = await begun(furnished, 1)
    with pytest.raises(Refused):
        await batches.cancel(reviewer_db, batch_id)
    await batches.cancel(furnished, batch_id)
    with pytest.raises(Refused):
        await batches.retry(reviewer_db, batch_id)
    assert (await batches.progress(furnished, batch_id)).state == "cancelled"


# Waiting for one batch --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["calls", "batches"])
async def test_who_waits_for_a_batch_works_on_that_one_alone(
    furnished: Database, rehearsal: RehearsalServer, conninfo: Conninfo, mode: str
) -> None:
    waiting, running = await begun(furnished, 5, mode=mode), await begun(furnished, 5, mode=mode)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:  # as if another worker had taken it up
        connection.execute("UPDATE batches SET state = 'running', started_at = now() WHERE id = %s", [running])
    mine = await begun(furnished, 2)
    async with asyncio.timeout(180):
        await run_worker(furnished, provider(rehearsal), slots=3, only=mine)
    assert (await batches.progress(furnished, mine)).state == "finished"
    assert [(await batches.progress(furnished, batch)).calls for batch in (waiting, running)] == [0, 0]
    assert (await batches.progress(furnished, waiting)).state == "queued"
