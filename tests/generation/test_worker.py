"""The worker, the rehearsal and a real database: what is paid for is on record, and what is planned gets done."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from generation.batching_helpers import IMPATIENT, Quick
from support import beside, eventually, newest_calls
from traintui.audit.personal import look_for_phones_of
from traintui.audit.phones import DEFAULT_REGIONS
from traintui.audit.redaction import redact_text
from traintui.audit.rules import follow_workspace
from traintui.data import attempts, batches, conversations, watches, work
from traintui.data.engine import Database
from traintui.data.records import BatchProgress
from traintui.demo.contents import furnish
from traintui.errors import TraintuiError
from traintui.generation.client import ModelClient
from traintui.generation.plan import Plan
from traintui.generation.provider import Provider, is_rehearsal, provider_of
from traintui.generation.rehearsal import Limits, Pace, RehearsalServer
from traintui.generation.serve import refuse_reader
from traintui.generation.start import start_batch
from traintui.generation.worker import Worker
from traintui.settings import Settings


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


def plan(**changes: Any) -> Plan:
    return Plan(**({"name": "Trial", "count": 6, "exchanges": (2, 3)} | changes))


async def generate(db: Database, server: RehearsalServer, wanted: Plan, *, slots: int = 2) -> BatchProgress:
    """A batch of the plan, worked on until nothing is left to do."""
    batch_id = await start_batch(db, wanted, is_rehearsal=True)
    await run_until_idle(db, server, slots=slots)
    return await batches.progress(db, batch_id)


async def run_until_idle(db: Database, server: RehearsalServer, *, slots: int = 2) -> None:
    provider = Provider(server.url, "rehearsal", "rehearsal", is_rehearsal=True)
    async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=server.url) as client:
        await Worker(db, client, provider, slots=slots, patience=IMPATIENT, dice=Quick()).run(
            asyncio.Event(), until_idle=True
        )


async def column(db: Database, statement: str) -> Sequence[Any]:
    async with db.read() as connection:
        return (await connection.scalars(text(statement))).all()


async def test_every_planned_conversation_is_written_scored_and_on_record(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    progress = await generate(furnished, rehearsal, plan())
    assert (progress.state, progress.done, progress.failed, progress.calls) == ("finished", 6, 0, 6)
    assert progress.cost_usd > 0
    page = await conversations.first_rows(furnished)
    assert all(row.status == "generated" and row.is_rehearsal and row.quality_score is not None for row in page.rows)
    whole = await conversations.read(furnished, page.rows[0].conversation_id)
    assert [turn.role for turn in whole.turns] == ["user", "assistant"] * (len(whole.turns) // 2)
    assert whole.source is not None and whole.score_parts


async def test_the_ledger_agrees_with_the_bill_of_the_server(furnished: Database, rehearsal: RehearsalServer) -> None:
    progress = await generate(furnished, rehearsal, plan())
    calls = await newest_calls(furnished)
    asked = [request for request in rehearsal.requests if request.path == "/v1/messages"]
    assert len(calls) == len(asked) == progress.calls
    for tokens in ("input_tokens", "output_tokens"):
        billed = sum(getattr(request.usage, tokens) for request in asked if request.usage)
        assert sum(getattr(call, tokens) or 0 for call in calls) == billed
    assert {call.request_id for call in calls} == {request.request_id for request in asked}


async def test_the_row_of_a_call_is_committed_before_the_request_arrives(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await start_batch(furnished, plan(count=1), is_rehearsal=True)
    rehearsal.fail_next("silence")
    running = asyncio.create_task(run_until_idle(furnished, rehearsal, slots=1))
    await beside(running, rehearsal.received(1))
    assert await column(furnished, "SELECT state FROM generation_logs") == ["sending"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    # Whoever was cut off in the middle of a call does not know whether it was paid.
    assert await column(furnished, "SELECT state FROM generation_logs") == ["unknown"]
    assert await column(furnished, "SELECT cost_usd > 0 AND cost_is_estimate FROM generation_logs") == [True]
    assert await column(furnished, "SELECT state FROM generation_items") == ["queued"]
    assert await column(furnished, "SELECT state FROM batches") == ["interrupted"]


@pytest.mark.parametrize("fault", ["529", "500", "html502", "reset", "cut-json", "midstream-reset", "midstream-eof"])
async def test_a_passing_fault_costs_a_row_and_not_the_conversation(
    furnished: Database, rehearsal: RehearsalServer, fault: str
) -> None:
    rehearsal.fail_next(fault)
    progress = await generate(furnished, rehearsal, plan(count=2), slots=1)
    assert (progress.done, progress.failed, progress.calls, progress.failed_calls) == (2, 0, 3, 1)


async def test_a_fault_that_stays_fails_the_item_after_five_attempts_with_its_reason(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next(*["500"] * 5)
    progress = await generate(furnished, rehearsal, plan(count=1), slots=1)
    assert (progress.state, progress.done, progress.failed, progress.calls) == ("finished", 0, 1, 5)
    (reason, count), *_ = await batches.failures(furnished, progress.id)
    assert count == 1 and "had an error" in reason
    assert await column(furnished, "SELECT status FROM conversations") == ["failed"]


async def test_a_refused_key_pauses_the_batch_and_says_why(furnished: Database, rehearsal: RehearsalServer) -> None:
    rehearsal.fail_next("429-spend")
    batch_id = await start_batch(furnished, plan(count=3), is_rehearsal=True)
    await run_until_idle(furnished, rehearsal, slots=1)
    progress = await batches.progress(furnished, batch_id)
    assert progress.state == "paused" and progress.queued == 3 and progress.calls == 1
    assert progress.state_reason and "spending limit" in progress.state_reason
    await batches.resume(furnished, batch_id)
    await run_until_idle(furnished, rehearsal)
    assert (await batches.progress(furnished, batch_id)).done == 3


async def test_a_budget_is_not_passed_and_the_batch_pauses_at_it(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    budget = Decimal("0.06")
    progress = await generate(furnished, rehearsal, plan(count=6, budget_usd=budget, max_tokens=4096), slots=3)
    assert progress.state == "paused" and 0 < progress.done < 6
    assert progress.cost_usd <= budget
    assert progress.state_reason and "budget" in progress.state_reason


async def test_a_call_that_the_budget_forbids_gives_no_attempt_back(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await generate(furnished, rehearsal, plan(count=1))
    (dearest,) = await column(furnished, "SELECT parameters ->> 'estimated_cost_usd' FROM generation_logs")
    rehearsal.fail_next("truncate")  # paid for, so that there is no room for another
    progress = await generate(furnished, rehearsal, plan(count=1, budget_usd=Decimal(dearest) * Decimal("1.001")))
    assert (progress.state, progress.calls) == ("paused", 1)
    assert await column(furnished, "SELECT attempts FROM generation_items ORDER BY id DESC LIMIT 1") == [1]


async def test_a_reply_that_is_no_conversation_is_paid_for_kept_and_asked_for_once_more(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next("truncate")
    progress = await generate(furnished, rehearsal, plan(count=1), slots=1)
    assert (progress.done, progress.calls) == (1, 2)
    first = (await newest_calls(furnished))[-1]
    assert first.cost_usd and first.output_tokens
    detail = await attempts.detail(furnished, first)
    assert detail.response_payload


async def test_a_worker_for_the_rehearsal_leaves_real_batches_alone(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    real = await start_batch(furnished, plan(count=1), is_rehearsal=False)
    await generate(furnished, rehearsal, plan(count=1))
    assert (await batches.progress(furnished, real)).state == "queued"
    assert (await batches.progress(furnished, real)).calls == 0


async def test_what_somebody_watches_is_written_down_while_it_is_written(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    batch_id = await start_batch(furnished, plan(count=1), is_rehearsal=True)
    await watches.watch(furnished, uuid4(), batch_id)
    rehearsal.fail_next("midstream-silence")
    running = asyncio.create_task(run_until_idle(furnished, rehearsal, slots=1))
    try:

        async def written() -> bool:
            return bool(await batches.streams(furnished, batch_id))

        await beside(running, eventually(written))
        assert (await batches.streams(furnished, batch_id))[0].content.startswith('{"exchanges"')
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await batches.streams(furnished, batch_id) == ()


async def test_what_nobody_watches_comes_as_whole_replies(furnished: Database, rehearsal: RehearsalServer) -> None:
    other = await start_batch(furnished, plan(count=1), is_rehearsal=False)
    await watches.watch(furnished, uuid4(), other)
    await generate(furnished, rehearsal, plan(count=6), slots=3)
    asked = [request.body.get("stream", False) for request in rehearsal.requests if request.path == "/v1/messages"]
    # The first of its prompt is streamed: when its reply begins, the others find its prompt in the cache.
    assert asked == [True] + [False] * 5


async def test_of_calls_at_once_one_is_streamed_for_a_screen_and_then_the_next(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    # Until a server has answered once, one call at a time asks it what it allows.
    await generate(furnished, rehearsal, plan(count=1))
    asked_before = len(rehearsal.requests)
    batch_id = await start_batch(furnished, plan(count=12), is_rehearsal=True)
    await watches.watch(furnished, uuid4(), batch_id)
    rehearsal.fail_next("midstream-silence")
    running = asyncio.create_task(run_until_idle(furnished, rehearsal, slots=3))
    try:

        async def all_but_one() -> bool:
            return (await batches.progress(furnished, batch_id)).done == 11

        await beside(running, eventually(all_but_one))
        asked = [request.body.get("stream", False) for request in list(rehearsal.requests)[asked_before:]]
        assert sum(asked) == 1, "while one is being shown, the others come whole"
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await batches.resume(furnished, batch_id)
    await run_until_idle(furnished, rehearsal)
    assert rehearsal.requests[-1].body.get("stream") is True, "the next call is shown once the screen is free"


async def test_keys_and_personal_data_of_a_document_never_come_into_the_log(
    db: Database, rehearsal: RehearsalServer
) -> None:
    secret = "sk-ant-" + "api03-" + "Q" * 80
    personal = {
        "anthropic_key": secret,
        "email": "ann.lee@example.org",
        "phone": "+44 20 7946 0958",
        "card": "4111 1111 1111 1111",
        "iban": "GB29 NWBK 6016 1331 9268 19",
        "national_id": "36574261809",
        "ip_address": "203.0.113.7",
    }
    await furnish(db)
    async with db.write() as connection:
        await connection.execute(
            text(
                "INSERT INTO chunks (document_id, document_revision, ordinal, heading, content, content_sha256,"
                " token_estimate) SELECT id, 1, 99, 'Keys', :content, sha256('x'), 9 FROM documents LIMIT 1"
            ),
            {"content": f"{' belongs to Ann. '.join(personal.values())} belongs to Ann. A late payment costs $25."},
        )
        await connection.execute(text("UPDATE chunks SET retired_at = now() WHERE ordinal <> 99"))
    progress = await generate(db, rehearsal, plan(count=2), slots=1)
    assert progress.calls == 2
    kept = await column(db, "SELECT l::text FROM generation_logs AS l")
    assert [said for said in personal.values() if any(said in row for row in kept)] == []
    for counts in await column(db, "SELECT redactions FROM generation_logs"):
        assert counts.keys() == personal.keys()
    # The log is redacted; what is trained on is as it was written, for a person to read and decide.
    assert await column(db, "SELECT id FROM conversation_turns WHERE content ~ 'ann.lee@example.org'")


async def test_what_a_request_names_is_named_alike_in_its_reply(db: Database, rehearsal: RehearsalServer) -> None:
    await furnish(db)
    async with db.write() as connection:
        await connection.execute(
            text(
                "INSERT INTO chunks (document_id, document_revision, ordinal, heading, content, content_sha256,"
                " token_estimate) SELECT id, 1, 99, 'Mail bob@example.org', 'A late payment goes to ann@example.org.',"
                " sha256('x'), 9 FROM documents LIMIT 1"
            )
        )
        await connection.execute(text("UPDATE chunks SET retired_at = now() WHERE ordinal <> 99"))
    await generate(db, rehearsal, plan(count=1), slots=1)
    (request,) = await column(db, "SELECT request_payload::text FROM generation_logs")
    (reply,) = await column(db, "SELECT response_payload::text FROM generation_logs")
    assert "late payment goes to [e-mail 2]" in request
    assert "late payment goes to [e-mail 2]" in reply


@pytest.mark.parametrize(
    ("setting", "found", "said"),
    [
        ('["CH"]', {"phone": 1}, None),
        ('["ch", "Atlantis"]', {"phone": 1}, "names Atlantis"),
        ('"CH"', {"phone": 1}, None),
        ("[]", {}, "names no region"),
        ('{"a": 1}', {}, "Telephone numbers are looked for in US, GB"),
    ],
)
async def test_a_workspace_says_in_which_regions_its_telephone_numbers_are(
    db: Database, setting: str, found: dict[str, int], said: str | None
) -> None:
    async with db.write() as connection:
        await connection.execute(
            text("INSERT INTO workspace_settings (key, value) VALUES ('phone_regions', CAST(:setting AS jsonb))"),
            {"setting": setting},
        )
    try:
        wrong = await follow_workspace(db)
        assert (said in wrong) if wrong and said else wrong is said
        assert redact_text("021 123 45 67").counts == found
    finally:
        look_for_phones_of(DEFAULT_REGIONS)


async def test_two_workers_share_a_batch_and_write_nothing_twice(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    batch_id = await start_batch(furnished, plan(count=12), is_rehearsal=True)
    await asyncio.gather(run_until_idle(furnished, rehearsal), run_until_idle(furnished, rehearsal))
    progress = await batches.progress(furnished, batch_id)
    assert (progress.done, progress.calls) == (12, 12)


async def test_a_real_generation_without_a_key_says_what_to_do() -> None:
    with pytest.raises(TraintuiError, match="ANTHROPIC_API_KEY"):
        await provider_of(Settings())


async def test_the_rehearsal_is_known_by_its_answer_and_a_silent_port_is_named(rehearsal: RehearsalServer) -> None:
    assert await is_rehearsal(rehearsal.url)
    address = rehearsal.url
    await rehearsal.close()
    with pytest.raises(TraintuiError, match="nothing answers"):
        await is_rehearsal(address)


async def test_a_reviewer_is_told_that_generating_needs_an_author(reviewer_db: Database) -> None:
    with pytest.raises(TraintuiError, match="needs an author"):
        refuse_reader(reviewer_db)


async def test_the_lease_of_a_worker_ends_with_it(furnished: Database) -> None:
    async with work.registered(furnished) as worker_id:
        assert await column(furnished, f"SELECT holds_lock FROM workers WHERE id = {worker_id}") == [True]
    assert await column(furnished, "SELECT count(*) FROM workers WHERE ended_at IS NULL") == [0]


async def test_a_rate_limit_holds_the_model_back_and_costs_no_attempt(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next("429")
    batch_id = await start_batch(furnished, plan(count=6), is_rehearsal=True)
    await run_until_idle(furnished, rehearsal, slots=4)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.done, progress.calls, progress.failed_calls) == (6, 7, 1)
    refused, *others = (each for each in rehearsal.requests if each.path == "/v1/messages")
    assert refused.status == 429 and min(each.received for each in others) - refused.received > 0.9
    assert await column(furnished, "SELECT max(attempts) FROM generation_items") == [1]


async def test_no_request_leaves_that_the_headers_had_foretold_a_refusal_for(furnished: Database) -> None:
    # 30 of 1,500 requests are left when the worker has seen the first header: the next ones come at 25 a second.
    limits = Limits(requests=1_500, output_tokens=10**9)
    async with RehearsalServer(port=0, pace=Pace(0), limits=limits) as server:
        server.use_up(requests=1_470)
        progress = await generate(furnished, server, plan(count=60, exchanges=(2, 2)), slots=16)
    assert (progress.done, progress.failed_calls) == (60, 0)
    assert Counter(each.status for each in server.requests) == {200: 60}


async def test_the_first_call_of_a_prompt_goes_alone_so_that_the_others_find_the_cache(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next("silence")
    await start_batch(furnished, plan(count=8), is_rehearsal=True)
    running = asyncio.create_task(run_until_idle(furnished, rehearsal, slots=8))
    await beside(running, rehearsal.received(1))
    for _ in range(20):
        claimed = await column(furnished, "SELECT count(*) FROM generation_items WHERE state = 'running'")
        sent = await column(furnished, "SELECT count(*) FROM generation_logs")
        assert (claimed, sent) == ([8], [1])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    progress = await generate(furnished, rehearsal, plan(count=8), slots=8)
    assert progress.done == 8
    assert all(each.usage.cache_read > 0 and not each.usage.cache_write for each in rehearsal.requests if each.usage)


async def test_a_call_that_waits_for_its_turn_is_not_sent_once_its_batch_is_paused(furnished: Database) -> None:
    limits = Limits(requests=2)  # after two of them the next one would go half a minute later
    async with RehearsalServer(port=0, pace=Pace(0), limits=limits) as server:
        batch_id = await start_batch(furnished, plan(count=12), is_rehearsal=True)
        running = asyncio.create_task(run_until_idle(furnished, server, slots=8))
        await beside(running, server.received(2))
        await batches.pause(furnished, batch_id)
        await running
        assert len([each for each in server.requests if each.path == "/v1/messages"]) == 2
    progress = await batches.progress(furnished, batch_id)
    assert progress.state == "paused" and progress.running == 0 and progress.queued == 12 - progress.done


async def test_a_refusal_goes_to_the_fallback_model_once_and_the_conversation_names_who_wrote_it(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next("refusal")
    progress = await generate(furnished, rehearsal, plan(count=1, fallback_model="claude-haiku-5-5"), slots=1)
    assert (progress.done, progress.calls) == (1, 2)
    assert await column(furnished, "SELECT model FROM conversations") == ["claude-haiku-5-5"]
    assert [each.model for each in await newest_calls(furnished)] == ["claude-haiku-5-5", "claude-sonnet-5-5"]
    rehearsal.fail_next("refusal", "refusal")
    progress = await generate(furnished, rehearsal, plan(count=1, fallback_model="claude-haiku-5-5"), slots=1)
    assert (progress.done, progress.failed, progress.calls) == (0, 1, 2)
