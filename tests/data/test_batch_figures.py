"""The figures of a batch are kept as it runs, and are what adding everything up would give."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import psycopg
from sqlalchemy import text

from support import ANSWERED, Conninfo, add_vocabulary, planned, scalar, started, stored
from traintui.data import attempts, batches, work
from traintui.data.attempts import OpenAttempt
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.work import ClaimedItem

KEPT = """
    SELECT batch_id, kind, sum(queued), sum(running), sum(done), sum(failed), sum(calls), sum(failed_calls),
           sum(estimated_calls), sum(input_tokens), sum(output_tokens)
    FROM batch_figures GROUP BY batch_id, kind ORDER BY batch_id, kind
"""


SPENT = """
    SELECT month, run_id, worker_id, model, is_rehearsal, spent_usd, under_way_usd, calls, unpriced_calls
    FROM spending ORDER BY 1, 2, 3, 4, 5
"""


def agree(conninfo: str) -> None:
    """What the triggers kept is what items and log add up to."""
    with psycopg.connect(conninfo) as connection:
        kept, spent = connection.execute(KEPT).fetchall(), connection.execute(SPENT).fetchall()
        connection.execute("SELECT add_up_batches(), add_up_spending()")
        assert connection.execute(KEPT).fetchall() == kept
        assert connection.execute(SPENT).fetchall() == spent
        connection.rollback()


async def test_whatever_happens_the_figures_are_what_items_and_log_add_up_to(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    dice = random.Random(5)
    batch_ids = [await planned(db, 6), await planned(db, 6)]
    await work.take_up_batches(db, is_rehearsal=False)
    outcomes = [
        ANSWERED,
        replace(ANSWERED, cost_usd=None, cache_read_tokens=70),
        replace(ANSWERED, state="error", cost_usd=Decimal(0), cost_is_estimate=True, error_type="overloaded"),
    ]
    given_up: list[OpenAttempt] = []
    for _ in range(4):
        async with work.registered(db) as worker_id:
            items: tuple[ClaimedItem, ...] = await work.claim(db, worker_id, 4, is_rehearsal=False)
            for item in items:
                attempt = await started(db, item, worker_id)
                match dice.randrange(4):
                    case 0:
                        assert await stored(db, item, attempt)
                    case 1:
                        await attempts.finish(db, attempt, dice.choice(outcomes))
                        await work.release(db, item, dice.choice(["queued", "failed"]), error="It declined.")
                    case _:
                        given_up.append(attempt)
            agree(conninfo(SUPERUSER))
        # What was open goes back into the queue, and its calls are unknown.
        agree(conninfo(SUPERUSER))
    for attempt in given_up[::2]:
        late = dice.choice(outcomes)
        for _ in range(dice.randint(1, 3)):  # a reply that comes late, and is said again
            await attempts.finish(db, attempt, late)
    for batch_id in batch_ids:
        await batches.retry(db, batch_id)
    agree(conninfo(SUPERUSER))
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        # Purging takes the items of conversations along.
        connection.execute("DELETE FROM conversations WHERE id % 3 = 0 AND status = 'planned'")
    agree(conninfo(SUPERUSER))


async def test_looking_at_a_batch_reads_neither_its_items_nor_its_calls(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 2_500)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "UPDATE generation_items SET state = 'done', finished_at = clock_timestamp() - interval '2 minutes'"
            " WHERE id % 50 > 0"
        )
        connection.execute("ANALYZE")
    read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'generation_items'"
    async with db.read() as connection:
        progress = (await connection.execute(batches.PROGRESS, {"batch_id": batch_id})).one()
        touched = await connection.scalar(text(read))
    assert (progress.done, progress.queued) == (2_450, 50)
    assert touched == 0


async def test_a_claim_reads_nothing_of_what_other_batches_have_in_the_queue(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    paused, submitted, mine = await planned(db, 2_000), await planned(db, 2_000), await planned(db, 5)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE batches SET mode = 'batches', priority = 5 WHERE id = %s", [submitted])
        connection.commit()
        connection.execute("ANALYZE")
    await work.take_up_batches(db, is_rehearsal=False)
    await batches.pause(db, paused)
    read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'generation_items'"
    async with work.registered(db) as worker_id, db.write() as connection:
        rows = await connection.execute(text(f"SELECT batch_id FROM claim_items({worker_id}, 4, false)"))
        assert [row.batch_id for row in rows] == [mine] * 4
        assert await connection.scalar(text(read)) < 50


async def test_each_connection_counts_in_a_row_of_its_own(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await planned(db, 4)
    with psycopg.connect(conninfo("ada")) as one, psycopg.connect(conninfo("ada")) as other:
        for connection, name in ((one, "first"), (other, "second")):
            connection.execute("UPDATE batches SET state = 'running'")
            connection.commit()
            worker = connection.execute(
                "INSERT INTO workers (host, pid, lease_until) VALUES (%s, 1, now() + interval '1 minute') RETURNING id",
                [name],
            ).fetchone()
            assert worker is not None
            # Neither has committed when the other one counts.
            taken = connection.execute("SELECT count(*) FROM claim_items(%s, 1, false)", [worker[0]]).fetchone()
            assert taken == (1,)
        one.commit()
        other.commit()
    assert await scalar(db, "SELECT sum(running) FROM batch_figures") == 2
    assert await scalar(db, "SELECT count(*) FROM batch_figures WHERE running = 1") == 2
