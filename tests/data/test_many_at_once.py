"""Many people and workers on the same rows: each gets an answer, and none waits for another for ever."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from support import (
    Conninfo,
    add_vocabulary,
    fetch,
    imported,
    logged_in,
    planned,
    said,
    scalar,
    seen,
    started,
    stored,
)
from traintui.data import reviews, work
from traintui.data.attempts import OpenAttempt
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key

POSSIBLE = {"TT001", "TT003", "TT004", "TT007", "TT008", "TT011"}


async def test_decisions_edits_undos_and_imports_never_block_each_other_for_good(
    db: Database, conninfo: Conninfo
) -> None:
    shared = await imported(db, 3)
    outcomes: Counter[str] = Counter()

    async def person(login: str, seed: int) -> None:
        dice = random.Random(seed)
        async with logged_in(conninfo(login)) as own:
            for step in range(25):
                one = dice.choice(shared)
                try:
                    match dice.choice(("decide", "decide", "edit", "undo", "flag", "import")):
                        case "decide":
                            action = dice.choice(("approve", "reject", "reopen"))
                            await reviews.decide(own, await seen(own, one), action, key=new_key())  # type: ignore[arg-type]
                        case "edit":
                            turns = said(f"{login} {step}?", "Yes.", "And?", "No.")[: dice.choice((2, 4))]
                            await reviews.edit(
                                own, await seen(own, one), system_prompt=None, turns=turns, key=new_key()
                            )
                        case "undo":
                            await reviews.undo_last(own, key=new_key())
                        case "flag":
                            await reviews.set_flag(own, one, dice.random() < 0.5, key=new_key())
                        case _:
                            await imported(own)
                    outcomes["done"] += 1
                except Refused as refused:
                    outcomes[refused.code] += 1

    await asyncio.gather(*(person(login, seed) for seed, login in enumerate(("ada", "arthur", "ada", "arthur"))))
    assert outcomes["done"] > 10 and set(outcomes) <= POSSIBLE | {"done"}
    newest = await fetch(
        db,
        "SELECT c.status = (SELECT status_after FROM review_logs AS log WHERE log.conversation_id = c.conversation_id"
        " ORDER BY id DESC LIMIT 1) FROM conversations AS c",
    )
    assert {row[0] for row in newest} == {True}


async def test_a_worker_that_stores_and_one_that_is_retired_never_block_each_other(
    db: Database, conninfo: Conninfo
) -> None:
    await add_vocabulary(db)
    await planned(db, 120)
    await work.take_up_batches(db, is_rehearsal=False)

    async def worker(login: str) -> None:
        async with logged_in(conninfo(login)) as own, work.registered(own) as worker_id:
            while await scalar(own, "SELECT count(*) FROM generation_items WHERE state <> 'done'"):
                async with own.write() as connection:  # a moment without a worker interrupts the batch
                    await connection.exec_driver_sql("UPDATE batches SET state = 'running' WHERE state = 'interrupted'")
                items = await work.claim(own, worker_id, 6, is_rehearsal=False)
                calls = [(item, await started_or_none(own, item, worker_id)) for item in items]
                await asyncio.gather(*(stored(own, item, call) for item, call in calls if call is not None))

    async def started_or_none(own: Database, item: work.ClaimedItem, worker_id: int) -> OpenAttempt | None:
        try:
            return await started(own, item, worker_id)
        except Refused as refused:
            assert refused.code in {"TT011", "TT012"}, "it is another's, or nobody was left for a moment"
            return None

    async def reaper() -> None:
        """Takes workers for dead that are in the middle of it, again and again for a while."""
        retired = 0
        while retired < 15 and await scalar(db, "SELECT count(*) FROM generation_items WHERE state <> 'done'"):
            async with db.write() as connection:
                gone = await connection.exec_driver_sql(
                    "SELECT retire_worker(worker_id) FROM generation_logs WHERE state = 'sending' LIMIT 1"
                )
                retired += gone.rowcount

    await asyncio.wait_for(asyncio.gather(worker("arthur"), worker("ada"), reaper()), timeout=180)
    assert await scalar(db, "SELECT count(*) FROM generation_logs WHERE state = 'sending'") == 0
    assert await scalar(db, "SELECT count(*) FROM generation_logs WHERE state = 'unknown'") > 0
    per_item = await fetch(db, "SELECT count(*) FILTER (WHERE status = 'generated'), count(*) FROM conversations")
    assert per_item == [(120, 120)]
    assert await scalar(db, "SELECT count(*) FROM conversation_revisions") == 120
