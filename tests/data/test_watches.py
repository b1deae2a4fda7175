"""One call at a time is shown to each screen with a batch, and what a fenced worker wrote to none."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import text

from support import add_vocabulary, fetch, planned, scalar
from traintui.data import batches, watches, work
from traintui.data.engine import Database


async def test_a_screen_is_shown_one_call_and_the_next_when_that_has_ended(db: Database) -> None:
    await add_vocabulary(db)
    batch_id, screen, other = await planned(db, 3), uuid4(), uuid4()
    await work.take_up_batches(db, is_rehearsal=False)
    async with work.registered(db) as worker_id:
        first, second, third = await work.claim(db, worker_id, 3, is_rehearsal=False)
        assert not await watches.show(db, first.id, first.fence), "nobody watches"
        await watches.watch(db, screen, batch_id)
        assert await watches.show(db, first.id, first.fence)
        assert not await watches.show(db, second.id, second.fence)
        assert await watches.show(db, first.id, first.fence), "its next call is shown too"
        await watches.watch(db, other, batch_id)
        assert await watches.show(db, second.id, second.fence), "another screen has nothing to show yet"
        await work.release(db, first, "failed", error="It declined.")
        assert await watches.show(db, third.id, third.fence)


async def test_who_has_left_or_has_not_said_so_again_is_not_watching(db: Database, reviewer_db: Database) -> None:
    await add_vocabulary(db)
    batch_id, left, silent = await planned(db), uuid4(), uuid4()
    await watches.watch(reviewer_db, left, batch_id)
    assert await watches.watched(db) == {batch_id}
    await watches.end(reviewer_db, left)
    assert await watches.watched(db) == frozenset()
    await watches.watch(reviewer_db, silent, batch_id)
    async with db.write() as connection:
        await connection.execute(text("SELECT watch_batch(:watcher, :id, -1)"), {"watcher": silent, "id": batch_id})
    assert await watches.watched(db) == frozenset()
    await watches.watch(db, uuid4(), batch_id)
    assert await scalar(db, "SELECT count(*) FROM generation_watches") == 1, "rows of the silent are cleared away"


async def test_what_a_fenced_worker_wrote_in_the_same_moment_is_not_its_successor_s(db: Database) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db)
    await work.take_up_batches(db, is_rehearsal=False)
    async with work.registered(db) as slow:
        (item,) = await work.claim(db, slow, 1, is_rehearsal=False)
        await work.write_stream(db, item, "Half a")
        (row,) = await fetch(db, "SELECT item_id, fence, content FROM generation_streams")
        async with db.write() as connection:
            await connection.execute(text("SELECT retire_worker(:id)"), {"id": slow})
            # As when the write was committed in the same moment as the end of its worker.
            await connection.execute(
                text("INSERT INTO generation_streams (item_id, fence, content) VALUES (:i, :f, :c)"),
                {"i": row.item_id, "f": row.fence, "c": row.content},
            )
        async with work.registered(db) as successor:
            (again,) = await work.claim(db, successor, 1, is_rehearsal=False)
            assert await batches.streams(db, batch_id) == ()
            await work.write_stream(db, again, "Another")
            assert [view.content for view in await batches.streams(db, batch_id)] == ["Another"]
