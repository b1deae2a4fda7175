"""Whoever comes back hears what ran since they were here."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from support import ANSWERED, add_vocabulary, generated, planned, started, stored
from traintui import clock
from traintui.data import attempts, batches, presence, work
from traintui.data.attempts import Outcome
from traintui.data.engine import Database
from traintui.widgets.away_line import said


async def test_each_person_has_their_own_time(db: Database, reviewer_db: Database) -> None:
    assert await presence.note(db) is None
    first = await presence.note(db)
    second = await presence.note(db)
    assert first is not None and second is not None and first < second
    assert await presence.note(reviewer_db) is None


async def test_what_was_generated_failed_paid_and_stopped_since_is_told_and_nothing_before(db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 1)
    await presence.note(db)
    since = await presence.note(db)
    assert since is not None
    assert await presence.ran_since(db, since) is None
    batch_id = await planned(db, 5)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        items = await work.claim(db, worker_id, 4, is_rehearsal=False)
        assert await stored(db, items[0], await started(db, items[0], worker_id))
        for item, error in zip(items[1:], ("refusal", "refusal", "max_tokens"), strict=True):
            await attempts.finish(
                db, await started(db, item, worker_id), replace(ANSWERED, state="error", error_type=error)
            )
            await work.release(db, item, "failed", error="It did not come.")
        await batches.hold(db, batch_id, "The provider account has no credit.")
    told = await presence.ran_since(db, since)
    assert told is not None
    assert (told.generated, told.failures, told.failed) == (1, (("refusal", 2), ("max_tokens", 1)), 3)
    assert (told.cost_usd, told.unpriced_calls, told.is_rehearsal) == (Decimal("0.04"), 0, False)
    ((batch),) = told.batches
    assert (batch.state, batch.reason) == ("paused", "The provider account has no credit.")


async def test_calls_of_unknown_end_and_no_known_price_are_told_until_their_late_reply_is_here(db: Database) -> None:
    await add_vocabulary(db)
    await planned(db, 1)
    since = clock.now() - timedelta(hours=1)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        lost, late = [await started(db, item, worker_id, parameters={}) for _ in range(2)]
        for attempt in (lost, late):
            await attempts.finish(db, attempt, Outcome("unknown"))
        await work.release(db, item, "failed", error="The reply broke off.")
    told = await presence.ran_since(db, since)
    assert told is not None and (told.cost_usd, told.unpriced_calls) == (Decimal(0), 2)
    assert "unknown" in said(told, hint="").plain
    await attempts.finish(db, late, ANSWERED)
    told = await presence.ran_since(db, since)
    assert told is not None and (told.cost_usd, told.unpriced_calls) == (Decimal("0.01"), 1)


async def test_a_rehearsal_is_not_paid(db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 2, is_rehearsal=True)
    told = await presence.ran_since(db, clock.now() - timedelta(hours=1))
    assert told is not None and told.is_rehearsal and told.cost_usd == 0
    assert [batch.state for batch in told.batches] == ["finished"]
