"""What failed is put into the queue again, and is done, whatever else happens to its batch at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import psycopg
import pytest

from support import Conninfo, add_vocabulary, beside, eventually, planned, scalar
from traintui.data import batches, work
from traintui.data.engine import Database
from traintui.data.refusals import Refused


async def all_failed(db: Database, number: int = 2) -> int:
    """A batch that runs and of which everything has failed; its id."""
    await add_vocabulary(db)
    batch_id = await planned(db, number)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        for item in await work.claim(db, worker_id, number, is_rehearsal=False):
            await work.release(db, item, "failed", error="It declined.")
    async with db.write() as connection:
        await connection.exec_driver_sql("UPDATE batches SET state = 'running', state_reason = NULL")
    return batch_id


@pytest.mark.parametrize("finishing", [work.finish_batches, work.recover])
async def test_what_is_tried_again_while_its_batch_is_being_finished_is_not_left_in_a_finished_batch(
    db: Database, conninfo: Conninfo, finishing: Callable[[Database], Coroutine[None, None, object]]
) -> None:
    batch_id = await all_failed(db)
    with psycopg.connect(conninfo("ada")) as person:
        assert person.execute("SELECT retry_items(%s)", [batch_id]).fetchone() == (2,)
        # It sees nothing queued, since that is not committed yet, and waits for the batch.
        ending: asyncio.Task[object] = asyncio.create_task(finishing(db))
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )

        async def waits() -> bool:
            return bool(await scalar(db, waiting))

        await beside(ending, eventually(waits))
        person.commit()
    await ending
    progress = await batches.progress(db, batch_id)
    assert progress.queued == 2 and progress.state != "finished"
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        assert len(await work.claim(db, worker_id, 5, is_rehearsal=False)) == 2


async def test_of_a_cancelled_batch_nothing_is_tried_again_before_the_rest_has_ended(db: Database) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 3)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        under_way, failed = await work.claim(db, worker_id, 2, is_rehearsal=False)
        await work.release(db, failed, "failed", error="It declined.")
        await batches.cancel(db, batch_id)
        with pytest.raises(Refused, match="still under way") as refused:
            await batches.retry(db, batch_id, reason="It declined.")
        assert refused.value.code == "TT003"
        await work.release(db, under_way, "failed", error="It fell silent.")
        assert await batches.retry(db, batch_id, reason="It declined.") == 1
        await work.take_up_batches(db, is_rehearsal=False)
        (again,) = await work.claim(db, worker_id, 5, is_rehearsal=False)
        assert again.id == failed.id
