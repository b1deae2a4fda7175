"""A submission survives whatever cuts it off: every conversation once, and nothing submitted twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from generation.batching_helpers import (
    assert_each_once,
    at_work,
    begun,
    column,
    plan,
    process,
    run_until_idle,
    submitted,
    value,
)
from support import Conninfo, beside, eventually
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.demo.contents import furnish
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.start import start_batch


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0), batch_seconds=0) as server:
        yield server


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


async def resumed(db: Database, rehearsal: RehearsalServer, batch_id: int) -> None:
    """Another worker comes, and goes on with what was interrupted."""
    await run_until_idle(db, rehearsal)
    await assert_each_once(db, rehearsal, batch_id)


@pytest.mark.parametrize("fault", ["reset", "silence", "html502", "cut", "short"])
async def test_a_submission_whose_answer_is_lost_is_found_by_its_key(
    furnished: Database, rehearsal: RehearsalServer, fault: str
) -> None:
    rehearsal.batches.fail_calls(fault)
    batch_id = await begun(furnished, count=5)
    async with at_work(furnished, rehearsal) as running:
        await beside(running, rehearsal.received(1))
        if fault != "silence":
            await running
    await resumed(furnished, rehearsal, batch_id)
    assert len(rehearsal.batches.all) == 1


@pytest.mark.parametrize("fault", ["unmade", "529", "500"])
async def test_a_submission_that_never_arrived_is_made_again_once_that_is_sure(
    furnished: Database, rehearsal: RehearsalServer, fault: str
) -> None:
    rehearsal.batches.fail_calls(fault)
    batch_id = await begun(furnished, count=5)
    await run_until_idle(furnished, rehearsal)
    await assert_each_once(furnished, rehearsal, batch_id)
    assert await column(furnished, "SELECT state FROM batch_submissions ORDER BY id") == ["refused", "imported"]


async def test_before_it_is_sure_nothing_is_submitted_again(furnished: Database, rehearsal: RehearsalServer) -> None:
    rehearsal.batches.fail_calls("unmade")
    await begun(furnished, count=3)
    async with at_work(furnished, rehearsal, settle=3600) as running:
        await beside(running, rehearsal.received(6))
        assert submitted(rehearsal) == []
        assert await value(furnished, "SELECT state FROM batch_submissions") == "submitting"


async def test_batches_of_others_under_the_same_key_are_told_apart(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    def other(name: str) -> dict[str, object]:
        body = {"model": "claude-haiku-5-5", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}
        return {"requests": [{"custom_id": f"{name}_{place}", "params": body} for place in range(3)]}

    rehearsal.batches.submit(other("theirs"), "2026-10-21")
    rehearsal.batches.fail_calls("reset")
    batch_id = await begun(furnished, count=3)
    # Some more come between, as when another worker submits meanwhile.
    async with at_work(furnished, rehearsal) as running:
        await beside(running, rehearsal.received(1))
        rehearsal.batches.submit(other("later"), "2026-10-21")
        await running
    assert (await column(furnished, "SELECT state FROM batch_submissions")) == ["imported"]
    assert await value(furnished, "SELECT count(*) FROM generation_items WHERE state = 'done'") == 3
    assert await value(furnished, f"SELECT state FROM batches WHERE id = {batch_id}") == "finished"
    ours = [custom_id for custom_id in submitted(rehearsal) if custom_id.startswith("tt")]
    assert len(ours) == 3


async def test_two_lost_submissions_of_one_size_are_told_apart(furnished: Database, rehearsal: RehearsalServer) -> None:
    rehearsal.batches.fail_calls("reset", "reset")
    batch_id = await begun(furnished, count=6)
    await run_until_idle(furnished, rehearsal, most=3, first=0.5)
    await assert_each_once(furnished, rehearsal, batch_id)
    assert len(rehearsal.batches.all) == 2


async def test_a_rehearsal_that_was_started_anew_has_forgotten_its_batches_and_gets_them_again(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.batches.seconds = 3600
    batch_id = await begun(furnished, count=3)
    async with at_work(furnished, rehearsal) as running:
        await beside(running, eventually(lambda: _submitted(furnished)))
    async with RehearsalServer(port=0, pace=Pace(0), batch_seconds=0) as another:
        await run_until_idle(furnished, another)
    assert await value(furnished, f"SELECT state FROM batches WHERE id = {batch_id}") == "finished"
    assert await value(furnished, "SELECT count(*) FROM generation_items WHERE state = 'done'") == 3
    assert await value(furnished, "SELECT count(*) FROM generation_logs WHERE state = 'unknown'") == 3


async def test_a_batch_that_a_real_provider_has_no_more_is_not_paid_for_again_unasked(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    batch_id = await start_batch(furnished, plan(count=3), is_rehearsal=False)
    rehearsal.batches.fail_calls(None, "404-model")  # submitted, and then as if somebody had deleted it
    await run_until_idle(furnished, rehearsal, as_real=True)
    assert await value(furnished, f"SELECT state FROM batches WHERE id = {batch_id}") == "finished"
    assert await column(furnished, "SELECT DISTINCT state FROM generation_items") == ["failed"]
    assert "no more" in await value(furnished, "SELECT DISTINCT last_error FROM generation_items")
    lost = "state = 'unknown' AND cost_is_estimate AND cost_usd > 0 AND kind = 'batch_item'"
    assert await value(furnished, f"SELECT count(*) FROM generation_logs WHERE {lost}") == 3
    assert len(rehearsal.batches.all) == 1


async def test_a_worker_that_is_killed_while_it_submits_is_followed_by_one_that_finds_the_batch(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.batches.fail_calls("silence")
    batch_id = await begun(furnished, count=6)
    async with process(furnished, rehearsal):
        await rehearsal.received(2)  # the plain root first, which tells the rehearsal, then the submission
        await eventually(lambda: _there(rehearsal))
    await end_leases(furnished)
    await resumed(furnished, rehearsal, batch_id)
    assert len(rehearsal.batches.all) == 1
    assert await value(furnished, "SELECT state FROM generation_logs WHERE kind = 'batch_submit'") == "unknown"


async def test_a_worker_that_is_killed_while_its_batch_runs_is_followed_by_one_that_imports_it(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.batches.seconds = 3600
    batch_id = await begun(furnished, count=6)
    async with process(furnished, rehearsal):
        await eventually(lambda: _submitted(furnished))
    await end_leases(furnished)
    (there,) = rehearsal.batches.all
    there.ready = there.created
    async with furnished.write() as connection:
        await connection.exec_driver_sql("UPDATE batches SET state = 'interrupted'")
    await run_until_idle(furnished, rehearsal)
    # Nothing was left to resume: what was paid for is imported whatever the batch says.
    await assert_each_once(furnished, rehearsal, batch_id)


async def test_a_worker_that_is_killed_in_the_middle_of_an_import_leaves_nothing_twice(
    furnished: Database, rehearsal: RehearsalServer, conninfo: Conninfo
) -> None:
    batch_id = await begun(furnished, count=12)
    with stopped_after(conninfo(SUPERUSER), 5):
        async with process(furnished, rehearsal):
            await eventually(lambda: _settled(furnished, 5))
    await end_leases(furnished)
    settled = await value(furnished, "SELECT count(*) FROM batch_submission_items WHERE settled_at IS NOT NULL")
    assert settled == 5
    assert await value(furnished, "SELECT count(*) FROM generation_items WHERE state = 'done'") == settled
    await resumed(furnished, rehearsal, batch_id)


async def test_a_worker_that_was_only_frozen_stores_nothing_after_its_successor(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    batch_id = await begun(furnished, count=60)
    async with process(furnished, rehearsal) as worker:
        await eventually(lambda: _settled(furnished, 5))
        await freeze(furnished, worker)
        await end_leases(furnished)
        await resumed(furnished, rehearsal, batch_id)
        os.kill(worker.pid, signal.SIGCONT)
        worker.terminate()
        await worker.wait()
    await assert_each_once(furnished, rehearsal, batch_id)


@contextmanager
def stopped_after(conninfo: str, number: int) -> Iterator[None]:
    """Has an import wait with its next result once so many are stored, until the block ends."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(77)")
        connection.execute(
            "CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF (SELECT count(settled_at) FROM public.batch_submission_items) >= "
            f"{number} THEN PERFORM pg_advisory_xact_lock(77); END IF; RETURN NEW; END $$;"
            "CREATE TRIGGER wait_here BEFORE UPDATE ON batch_submission_items FOR EACH ROW EXECUTE FUNCTION wait_here()"
            .encode()
        )  # fmt: skip
        try:
            yield
        finally:
            connection.execute("SELECT pg_advisory_unlock(77)")
            connection.execute("DROP FUNCTION wait_here() CASCADE")


async def freeze(db: Database, worker: asyncio.subprocess.Process) -> None:
    """Stops a worker between two transactions: in one it would hold rows that nobody gets until its session ends."""
    others = (
        "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"  # the server's own look after tables when they like
    )

    async def none_active() -> bool:
        # One that waits for a row of another's, or for the rest of what its client says, stays active: it is let go on
        # below.
        waiting = "coalesce(wait_event_type, '') IN ('Lock', 'Client')"
        return int(await value(db, f"SELECT count(*) {others} AND state = 'active' AND NOT {waiting}")) == 0

    while True:
        os.kill(worker.pid, signal.SIGSTOP)
        await eventually(none_active)
        if await value(db, f"SELECT count(*) {others} AND state <> 'idle'") == 0:
            return
        os.kill(worker.pid, signal.SIGCONT)


async def end_leases(db: Database) -> None:
    async with db.write() as connection:
        await connection.exec_driver_sql(
            "UPDATE workers SET lease_until = now() - interval '1 second', holds_lock = false WHERE ended_at IS NULL"
        )


async def _there(rehearsal: RehearsalServer) -> bool:
    return len(rehearsal.batches.all) == 1


async def _submitted(db: Database) -> bool:
    return await column(db, "SELECT state FROM batch_submissions") == ["in_progress"]


async def _settled(db: Database, number: int) -> bool:
    settled = await value(db, "SELECT count(*) FROM batch_submission_items WHERE settled_at IS NOT NULL")
    return int(settled) >= number
