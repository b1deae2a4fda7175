"""Plans at half price: the worker, the rehearsal's Message Batches and a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from generation.batching_helpers import (
    assert_each_once,
    begun,
    column,
    cost,
    generated,
    plan,
    run_until_idle,
    submitted,
    value,
)
from support import beside, eventually, newest_calls
from traintui.data import batches, conversations
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


async def test_every_conversation_of_such_a_plan_comes_from_shuffled_results(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    progress = await generated(furnished, rehearsal, count=12, most=5)
    await assert_each_once(furnished, rehearsal, progress.id)
    assert [len(batch.requests) for batch in rehearsal.batches.all] == [5, 5, 2]
    assert not any(request.path == "/v1/messages" for request in rehearsal.requests)
    page = await conversations.first_rows(furnished)
    assert all(row.status == "generated" and row.is_rehearsal and row.quality_score is not None for row in page.rows)


async def test_every_request_has_its_row_before_it_is_sent(furnished: Database, rehearsal: RehearsalServer) -> None:
    rehearsal.batches.fail_calls("silence")
    await begun(furnished, count=3)
    running = asyncio.create_task(run_until_idle(furnished, rehearsal))
    await beside(running, rehearsal.received(1))
    rows = await column(furnished, "SELECT kind || ' ' || state FROM generation_logs ORDER BY id")
    assert rows == [*["batch_item sending"] * 3, "batch_submit sending"]
    assert await value(furnished, "SELECT state FROM batch_submissions") == "submitting"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_ledger_keeps_a_row_for_each_request_and_rows_at_no_cost_for_what_is_around_them(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    progress = await generated(furnished, rehearsal, count=4)
    items = "FROM generation_logs WHERE kind = 'batch_item'"
    assert await value(furnished, f"SELECT count(*) {items} AND state = 'ok' AND cost_usd > 0") == 4
    around = await column(furnished, "SELECT kind FROM generation_logs WHERE kind <> 'batch_item' AND cost_usd = 0")
    assert sorted(set(around)) == ["batch_poll", "batch_submit"]
    assert await column(furnished, "SELECT DISTINCT requested_by FROM generation_logs") == ["ada"]
    assert await column(furnished, "SELECT DISTINCT run_id FROM generation_logs") == [progress.id]
    asked = [request for request in rehearsal.requests if request.path.startswith("/v1/messages/batches")]
    assert len(asked) == len(around)
    assert await value(furnished, "SELECT sum(cost_usd) FROM conversations") == await cost(furnished)


async def test_a_batch_costs_half_of_what_calls_cost(furnished: Database, rehearsal: RehearsalServer) -> None:
    await generated(furnished, rehearsal, count=4)
    half = await cost(furnished)
    await start_batch(furnished, plan(count=4, mode="calls"), is_rehearsal=True)
    await run_until_idle(furnished, rehearsal)
    both = await cost(furnished)
    assert abs(both - sum(rehearsal.bill.usd.values())) < Decimal("0.0001")
    # The prompts are the same; what calls take longer or shorter is in the words.
    assert Decimal("0.4") < half / (both - half) < Decimal("0.6")


async def test_both_kinds_of_plan_run_beside_each_other(furnished: Database, rehearsal: RehearsalServer) -> None:
    submitted_one = await begun(furnished, count=4)
    called = await start_batch(furnished, plan(count=3, mode="calls"), is_rehearsal=True)
    await run_until_idle(furnished, rehearsal)
    assert [(await batches.progress(furnished, batch)).done for batch in (submitted_one, called)] == [4, 3]
    assert len(submitted(rehearsal)) == 4
    assert sum(request.path == "/v1/messages" for request in rehearsal.requests) == 3


@pytest.mark.parametrize("fault", ["expired", "canceled", "529", "invalid-content", "truncate"])
async def test_a_request_that_brought_nothing_goes_into_another_submission(
    furnished: Database, rehearsal: RehearsalServer, fault: str
) -> None:
    rehearsal.batches.fail_items(None, fault, None)
    progress = await generated(furnished, rehearsal, count=3)
    assert (progress.state, progress.done, progress.failed) == ("finished", 3, 0)
    assert [len(batch.requests) for batch in rehearsal.batches.all] == [3, 1]
    assert abs(await cost(furnished) - sum(rehearsal.bill.usd.values())) < Decimal("0.0001")


async def test_a_refused_request_goes_to_the_fallback_model_once_at_half_its_price(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    main, fallback = "claude-sonnet-5-5", "claude-haiku-4-5"
    rehearsal.batches.fail_items(None, "refusal", None)
    progress = await generated(furnished, rehearsal, count=3, model=main, fallback_model=fallback)
    assert (progress.state, progress.done, progress.failed) == ("finished", 3, 0)
    assert [[each["params"]["model"] for each in batch.requests] for batch in rehearsal.batches.all] == [
        [main] * 3, [fallback],
    ]  # fmt: skip
    assert sorted(await column(furnished, "SELECT model FROM conversations")) == [fallback, main, main]
    items = "FROM generation_logs WHERE kind = 'batch_item'"
    assert await value(furnished, f"SELECT count(*) {items} AND model = '{fallback}' AND state = 'ok'") == 1
    assert rehearsal.bill.usd[fallback] > 0
    for model, billed in rehearsal.bill.usd.items():
        logged = await value(furnished, f"SELECT sum(cost_usd) FROM generation_logs WHERE model = '{model}'")
        assert abs(logged - billed) < Decimal("0.00001")


async def test_what_the_fallback_model_refuses_too_fails_with_its_category(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.batches.fail_items("refusal", "refusal")
    progress = await generated(furnished, rehearsal, count=1, fallback_model="claude-haiku-4-5")
    assert (progress.done, progress.failed) == (0, 1) and len(rehearsal.batches.all) == 2
    ((reason, _),) = await batches.failures(furnished, progress.id)
    assert "declined" in reason and "frontier_llm" in reason


async def test_a_reply_that_did_not_fit_gets_twice_the_room_and_no_third_try(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.batches.fail_items("truncate", "truncate")
    progress = await generated(furnished, rehearsal, count=1)
    assert (progress.failed, progress.done) == (1, 0)
    rooms = [request["params"]["max_tokens"] for batch in rehearsal.batches.all for request in batch.requests]
    assert rooms == [4096, 8192]
    ((reason, _),) = await batches.failures(furnished, progress.id)
    assert "did not fit" in reason


async def test_a_fault_that_stays_ends_after_five_attempts(furnished: Database, rehearsal: RehearsalServer) -> None:
    rehearsal.batches.fail_items(*["529"] * 5)
    progress = await generated(furnished, rehearsal, count=1)
    assert (progress.failed, len(rehearsal.batches.all)) == (1, 5)
    assert await column(furnished, "SELECT DISTINCT cost_usd FROM generation_logs") == [0]


async def test_a_refusal_fails_the_conversation_and_is_paid_for(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.batches.fail_items("refusal")
    progress = await generated(furnished, rehearsal, count=1)
    assert progress.failed == 1 and progress.cost_usd > 0
    assert await value(furnished, "SELECT error_type FROM generation_logs WHERE kind = 'batch_item'") == "refusal"


@pytest.mark.parametrize("fault", ["401", "429-spend", "403", "413"])
async def test_a_submission_that_is_refused_pauses_its_batch_and_costs_nothing(
    furnished: Database, rehearsal: RehearsalServer, fault: str
) -> None:
    rehearsal.batches.fail_calls(fault)
    progress = await generated(furnished, rehearsal, count=3)
    assert (progress.state, progress.queued, progress.cost_usd) == ("paused", 3, Decimal(0))
    assert progress.state_reason
    assert await column(furnished, "SELECT attempts FROM generation_items") == [0, 0, 0]
    await batches.resume(furnished, progress.id)
    await run_until_idle(furnished, rehearsal)
    await assert_each_once(furnished, rehearsal, progress.id)


async def test_a_rate_limit_on_submitting_only_waits(furnished: Database, rehearsal: RehearsalServer) -> None:
    rehearsal.batches.fail_calls("429")
    progress = await generated(furnished, rehearsal, count=3)
    await assert_each_once(furnished, rehearsal, progress.id)


@pytest.mark.parametrize("fault", ["429", "529", "html502", "reset", "cut", "short"])
async def test_a_poll_that_fails_is_made_again(furnished: Database, rehearsal: RehearsalServer, fault: str) -> None:
    rehearsal.batches.fail_calls(None, fault, fault)
    progress = await generated(furnished, rehearsal, count=3)
    await assert_each_once(furnished, rehearsal, progress.id)
    assert await value(furnished, "SELECT count(*) FROM generation_logs WHERE state = 'error'") == 2


@pytest.mark.parametrize("fault", ["cut", "short", "reset", "529"])
async def test_results_that_break_off_are_read_again_and_stored_once(
    furnished: Database, rehearsal: RehearsalServer, fault: str
) -> None:
    batch_id = await begun(furnished, count=8)
    rehearsal.batches.fail_calls(None, None, fault)  # submitted, polled, then the results
    await run_until_idle(furnished, rehearsal, first=0.3)
    await assert_each_once(furnished, rehearsal, batch_id)
    results = [request for request in rehearsal.requests if request.path.endswith("/results")]
    assert [request.fault for request in results][-1] is None and len(results) == 2


async def test_what_the_budget_has_no_room_for_waits_until_the_real_cost_is_known(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    progress = await generated(furnished, rehearsal, count=6, budget_usd=Decimal("0.05"))
    assert (progress.state, progress.done) == ("finished", 6)
    assert progress.cost_usd <= Decimal("0.05")
    sizes = [len(batch.requests) for batch in rehearsal.batches.all]
    assert len(sizes) > 1 and sum(sizes) == 6


async def test_a_budget_is_not_passed_and_the_batch_pauses_at_it(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    progress = await generated(furnished, rehearsal, count=6, budget_usd=Decimal("0.025"))
    assert progress.state == "paused" and progress.state_reason and "budget" in progress.state_reason
    assert 0 < progress.done < 6 and progress.cost_usd <= Decimal("0.025")
    assert abs(progress.cost_usd - sum(rehearsal.bill.usd.values())) < Decimal("0.0001")
    assert await column(furnished, "SELECT DISTINCT attempts FROM generation_items WHERE state = 'queued'") == [0]


async def test_a_pause_calls_off_what_has_not_begun_and_a_resume_submits_only_that(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.batches.seconds = 3600
    batch_id = await begun(furnished, count=4)
    running = asyncio.create_task(run_until_idle(furnished, rehearsal))
    await beside(running, eventually(lambda: _is_out(furnished)))
    await batches.pause(furnished, batch_id)
    await running
    progress = await batches.progress(furnished, batch_id)
    assert (progress.state, progress.queued, progress.running) == ("paused", 4, 0)
    assert await value(furnished, "SELECT state FROM batch_submissions") == "cancelled"
    assert progress.cost_usd == sum(rehearsal.bill.usd.values()) == 0
    rehearsal.batches.seconds = 0
    await batches.resume(furnished, batch_id)
    await run_until_idle(furnished, rehearsal)
    assert (await batches.progress(furnished, batch_id)).done == 4


async def _is_out(db: Database) -> bool:
    return await column(db, "SELECT state FROM batch_submissions") == ["in_progress"]


async def test_a_cancelled_batch_is_called_off_and_keeps_what_was_written_until_then(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.batches.seconds = 3600
    batch_id = await begun(furnished, count=4)
    running = asyncio.create_task(run_until_idle(furnished, rehearsal))
    await beside(running, eventually(lambda: _is_out(furnished)))
    (there,) = rehearsal.batches.all
    there.created -= 1800  # half of its hour is over
    there.ready -= 1800
    await batches.cancel(furnished, batch_id)
    await running
    progress = await batches.progress(furnished, batch_id)
    assert (progress.state, progress.done, progress.queued, progress.failed) == ("cancelled", 2, 0, 2)
    assert abs(progress.cost_usd - sum(rehearsal.bill.usd.values())) < Decimal("0.0001") and progress.cost_usd > 0


async def test_a_key_that_is_refused_while_a_batch_is_out_loses_nothing(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    batch_id = await begun(furnished, count=3)
    rehearsal.batches.fail_calls(None, "401")
    await run_until_idle(furnished, rehearsal)
    # It is paused for a reason and not by a person, so what is out is imported all the same.
    await assert_each_once(furnished, rehearsal, batch_id)


async def test_a_secret_in_a_document_is_sent_and_never_logged(db: Database, rehearsal: RehearsalServer) -> None:
    secret = "sk-ant-" + "api03-" + "Q" * 80
    await furnish(db)
    async with db.write() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO chunks (document_id, document_revision, ordinal, heading, content, content_sha256,"
            f" token_estimate) SELECT id, 1, 99, 'Keys', 'The key is {secret}. It costs $25.', sha256('x'), 9"
            " FROM documents LIMIT 1"
        )
        await connection.exec_driver_sql("UPDATE chunks SET retired_at = now() WHERE ordinal <> 99")
    progress = await generated(db, rehearsal, count=2)
    assert progress.done == 2
    assert not any(secret in row for row in await column(db, "SELECT l::text FROM generation_logs AS l"))
    assert (await newest_calls(db))[0].is_rehearsal
