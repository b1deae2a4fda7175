"""Workers take what has the higher priority, and it can be changed while a batch runs."""

from __future__ import annotations

import asyncio
import contextlib

import psycopg
import pytest

from support import MODEL, Conninfo, Wanted, add_vocabulary, beside, eventually, logged_in, planned, scalar, started
from traintui.data import batches, submissions, templates, work
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused


async def test_the_batch_that_was_raised_is_claimed_first_and_the_one_that_was_lowered_last(db: Database) -> None:
    await add_vocabulary(db)
    first, second, third = [await planned(db, 2) for _ in range(3)]
    assert await batches.change_priority(db, third, 2) == 2
    assert await batches.change_priority(db, first, -1) == -1
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        items = [item for _ in range(6) for item in await work.claim(db, worker_id, 1, is_rehearsal=False)]
    assert [item.batch_id for item in items] == [third, third, second, second, first, first]
    assert (await batches.progress(db, third)).priority == 2


async def test_workers_that_claim_at_once_take_all_that_there_is(db: Database) -> None:
    await add_vocabulary(db)
    for _ in range(2):
        await planned(db, 4)
    async with contextlib.AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(work.registered(db)) for _ in range(4)]
        await work.take_up_batches(db, is_rehearsal=False)
        claims = await asyncio.gather(*(work.claim(db, worker_id, 2, is_rehearsal=False) for worker_id in workers))
    assert [len(items) for items in claims] == [2] * 4
    assert len({item.id for items in claims for item in items}) == 8


async def test_what_is_tried_again_has_the_priority_that_its_batch_has_by_then(db: Database) -> None:
    await add_vocabulary(db)
    other, one = await planned(db, 2), await planned(db, 2)
    await batches.change_priority(db, one, 1)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        done, failed = await work.claim(db, worker_id, 2, is_rehearsal=False)
        await work.release(db, failed, "failed", error="It declined.")
        await batches.change_priority(db, one, -3)
        await work.release(db, done, "queued")
        await batches.retry(db, one)
        await batches.change_priority(db, one, 5)
        again = [item for _ in range(4) for item in await work.claim(db, worker_id, 1, is_rehearsal=False)]
    assert [item.batch_id for item in again] == [one, one, other, other]


async def test_a_priority_is_changed_while_a_call_of_its_batch_waits_for_the_budget(
    db: Database, conninfo: Conninfo
) -> None:
    await add_vocabulary(db)
    one = await planned(db, 2)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE batches SET budget_usd = 5")
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        with psycopg.connect(conninfo("ada")) as person:
            # As `change_priority` does first; what the call has by then it must not want.
            person.execute("SELECT FROM batches WHERE id = %s FOR NO KEY UPDATE", [one])
            calling = asyncio.create_task(started(db, item, worker_id))
            await beside(calling, eventually(lambda: waits(db)))
            person.execute("SELECT change_priority(%s, 1)", [one])
            person.commit()
        await calling
    assert (await batches.progress(db, one)).priority == 1


async def waits(db: Database) -> bool:
    """Whether somebody here waits for a row."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await scalar(db, waiting))


async def test_of_two_batches_to_be_submitted_the_higher_one_goes_first(db: Database) -> None:
    await add_vocabulary(db)
    template = await templates.store(db, "conversation", system="You write.", user_prompt="About {{ topic }}.")
    first, second = [
        await batches.create(
            db, [Wanted()], name="A batch", definition={"mode": "batches"}, template_id=template.id, model=MODEL,
            is_rehearsal=False, priority=priority,
        )
        for priority in (0, 5)
    ]  # fmt: skip
    assert (await batches.progress(db, second)).priority == 5
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        claimed = [await submissions.claim_items(db, worker_id, 10, is_rehearsal=False) for _ in range(2)]
    assert [item.batch_id for items in claimed for item in items] == [second, first]


async def test_a_priority_has_its_limits_and_ends_with_its_batch(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    one = await planned(db, 1)
    assert await batches.change_priority(db, one, 2_000_000_000) == 1000
    assert await batches.change_priority(db, one, -5) == 995
    async with logged_in(conninfo("rita")) as reviewer:
        with pytest.raises(Refused, match="No right"):
            await batches.change_priority(reviewer, one, 1)
    await batches.cancel(db, one)
    with pytest.raises(Refused) as refused:
        await batches.change_priority(db, one, 1)
    assert refused.value.code == "TT003"
