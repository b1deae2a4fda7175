"""A judge's opinion: on record and paid for like any call, beside the score, and never at a conversation's cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from generation.batching_helpers import IMPATIENT, Quick
from support import Conninfo, beside, imported, newest_calls
from traintui.data import attempts, batches, conversations, judgements, reviews, work
from traintui.data.conversations import count
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.filters import parse
from traintui.data.records import BatchProgress, Conversation
from traintui.demo.contents import furnish
from traintui.errors import TraintuiError
from traintui.generation.client import ModelClient
from traintui.generation.judge_plan import JudgePlan, forecast, judge_plan, start_judging
from traintui.generation.plan import Plan, parse_plan
from traintui.generation.preview import preview
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.start import start_batch
from traintui.generation.worker import Worker

JUDGE = "claude-opus-5-5"


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


def plan(**changes: Any) -> Plan:
    return Plan(**({"name": "Trial", "count": 3, "exchanges": (2, 3), "judge_model": JUDGE} | changes))


async def run_until_idle(db: Database, server: RehearsalServer, *, slots: int = 2, real: bool = False) -> None:
    provider = Provider(server.url, "rehearsal", "rehearsal", is_rehearsal=not real)
    async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=server.url) as client:
        await Worker(db, client, provider, slots=slots, patience=IMPATIENT, dice=Quick()).run(
            asyncio.Event(), until_idle=True
        )


async def generate(db: Database, server: RehearsalServer, wanted: Plan, *, slots: int = 2) -> BatchProgress:
    batch_id = await start_batch(db, wanted, is_rehearsal=True)
    await run_until_idle(db, server, slots=slots)
    return await batches.progress(db, batch_id)


async def column(db: Database, statement: str) -> Sequence[Any]:
    async with db.read() as connection:
        return (await connection.scalars(text(statement))).all()


async def value(db: Database, statement: str) -> Any:
    (found,) = await column(db, statement)
    return found


async def the_one(db: Database) -> Conversation:
    """The only conversation that there is."""
    return await conversations.read(db, await value(db, "SELECT conversation_id FROM conversations"))


async def judge_what_is_there(db: Database, filter_text: str = "", *, real: bool = False, **changes: Any) -> int:
    """A batch that judges what a filter names; its id."""
    wanted = JudgePlan(**({"name": "Judge", "model": JUDGE, "filter": filter_text} | changes))
    found = await forecast(db, wanted, parse(filter_text).where, is_rehearsal=not real)
    return await start_judging(db, wanted, found.ids, is_rehearsal=not real)


async def edited(db: Database, found: Conversation) -> None:
    """Gives a conversation another last answer."""
    turns = [*found.turns[:-1], replace(found.turns[-1], content="Something else.")]
    await reviews.edit(
        db, reviews.Seen.of(found.row), system_prompt=found.system_prompt, turns=turns, key=reviews.new_key()
    )


# Of a batch -----------------------------------------------------------------------------------------------------------


async def test_what_a_batch_with_a_judge_writes_is_judged_by_itself(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    progress = await generate(furnished, rehearsal, plan())
    assert (progress.state, progress.total, progress.done, progress.failed, progress.calls) == ("finished", 3, 3, 0, 6)
    judge = progress.judge
    assert judge and (judge.model, judge.done, judge.failed, judge.waiting) == (JUDGE, 3, 0, 0)
    assert await column(furnished, "SELECT kind FROM generation_logs ORDER BY id") == ["generate"] * 3 + ["judge"] * 3
    for key in await column(furnished, "SELECT conversation_id FROM conversations"):
        found = await conversations.read(furnished, key)
        opinion = found.judging and found.judging.judgement
        assert opinion and found.row.status == "generated"
        assert [each.name for each in opinion.criteria] == ["faithful", "persona", "emotion", "useful"]
        assert found.row.judge_score == opinion.mean == round(sum(each.score for each in opinion.criteria) / 4, 2)
        assert (opinion.revision, opinion.model, opinion.is_rehearsal) == (1, JUDGE, True)
        call = next(each for each in await newest_calls(furnished) if each.id == opinion.log_id)
        assert (call.kind, call.state, call.conversation_id, call.model) == ("judge", "ok", key, JUDGE)


async def test_an_opinion_leaves_the_structure_score_as_it_was(furnished: Database, rehearsal: RehearsalServer) -> None:
    await generate(furnished, rehearsal, plan(count=1, judge_model=None))
    before = await the_one(furnished)
    await judge_what_is_there(furnished)
    await run_until_idle(furnished, rehearsal)
    after = await the_one(furnished)
    assert after.row.judge_score is not None
    assert (after.row.quality_score, after.score_parts) == (before.row.quality_score, before.score_parts)


async def test_every_span_stands_in_its_turn(furnished: Database, rehearsal: RehearsalServer) -> None:
    await generate(furnished, rehearsal, plan(count=8))
    pointed = 0
    for key in await column(furnished, "SELECT conversation_id FROM conversations"):
        found = await conversations.read(furnished, key)
        assert found.judging and found.judging.judgement and found.judging.judgement.spans_dropped == 0
        for criterion in found.judging.judgement.criteria:
            for span in criterion.spans:
                pointed += 1
                assert found.turns[span.turn - 1].content[span.start : span.end] == span.quote
    assert pointed >= 8 * 4


async def test_the_ledger_with_its_opinions_equals_the_bill_of_the_server(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    progress = await generate(furnished, rehearsal, plan(count=12), slots=4)
    bill = rehearsal.bill.usd
    for model in (JUDGE, "claude-sonnet-5-5"):
        ledger = await value(furnished, f"SELECT sum(cost_usd) FROM generation_logs WHERE model = '{model}'")
        assert abs(ledger - bill[model]) <= 12 * Decimal("0.0000005") and ledger > 0
    assert progress.cost_usd == await value(furnished, "SELECT sum(cost_usd) FROM conversations")


async def test_the_call_of_a_judge_names_the_rubric_and_who_asked(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await generate(furnished, rehearsal, plan(count=1))
    used = await column(
        furnished,
        "SELECT template.kind FROM generation_logs AS log JOIN templates AS template ON template.id = log.template_id"
        " AND template.version = log.template_version ORDER BY log.id",
    )
    assert used == ["conversation", "rubric"]
    (_, asked) = await column(furnished, "SELECT request_payload::text FROM generation_logs ORDER BY id")
    assert "<turn number=" in asked and '"output_config"' in asked
    assert await value(furnished, "SELECT requested_by FROM judgements") == furnished.login


async def test_what_goes_through_the_batches_api_is_judged_call_by_call(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    batch_id = await start_batch(furnished, plan(count=2, mode="batches"), is_rehearsal=True)
    await run_until_idle(furnished, rehearsal)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.state, progress.done) == ("finished", 2)
    kinds = await column(
        furnished, "SELECT kind FROM generation_logs WHERE kind IN ('batch_item', 'judge') ORDER BY id"
    )
    assert kinds == ["batch_item", "batch_item", "judge", "judge"]
    assert await value(furnished, "SELECT count(judge_score) FROM conversations") == 2


async def test_a_paused_batch_asks_for_no_opinion_until_it_goes_on(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next(None, "429-spend")
    progress = await generate(furnished, rehearsal, plan(count=1), slots=1)
    assert progress.state == "paused" and progress.state_reason and "spending limit" in progress.state_reason
    found = await the_one(furnished)
    assert found.row.status == "generated" and found.judging
    assert (found.judging.judgement, found.judging.state) == (None, "queued")
    await batches.resume(furnished, progress.id)
    await run_until_idle(furnished, rehearsal)
    assert (await the_one(furnished)).row.judge_score is not None


async def test_at_its_budget_the_batch_pauses_and_no_opinion_passes_it(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    # One opinion may cost 4,096 tokens of 20 USD a million, beside what was written.
    budget = Decimal("0.10")
    progress = await generate(furnished, rehearsal, plan(count=2, budget_usd=budget, max_tokens=1_000), slots=1)
    assert (progress.state, progress.done) == ("paused", 2)
    assert progress.state_reason and "budget" in progress.state_reason and progress.cost_usd <= budget
    assert await value(furnished, "SELECT count(*) FROM judgements") < 2
    assert await column(furnished, "SELECT DISTINCT status FROM conversations") == ["generated"]


async def test_an_opinion_counts_for_the_budget_of_the_month(furnished: Database, rehearsal: RehearsalServer) -> None:
    async with furnished.write() as connection:
        await connection.execute(
            text("INSERT INTO workspace_settings (key, value) VALUES ('monthly_budget_usd', '0.05')")
        )
    batch_id = await start_batch(furnished, plan(count=1, max_tokens=1_000), is_rehearsal=False)
    await run_until_idle(furnished, rehearsal, real=True)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.state, progress.done) == ("paused", 1)
    assert progress.state_reason and "the budget of $0.05 for" in progress.state_reason
    assert await column(furnished, "SELECT kind FROM generation_logs") == ["generate"]


# What fails -----------------------------------------------------------------------------------------------------------


async def test_an_opinion_that_is_none_is_asked_for_once_more(furnished: Database, rehearsal: RehearsalServer) -> None:
    rehearsal.fail_next(None, "invalid-content")
    progress = await generate(furnished, rehearsal, plan(count=1), slots=1)
    assert (progress.done, progress.failed, progress.calls) == (1, 0, 3)
    assert (await the_one(furnished)).row.judge_score is not None
    unusable = next(each for each in await newest_calls(furnished) if each.error_type == "invalid_reply")
    assert unusable.kind == "judge" and unusable.cost_usd and unusable.error_message


async def test_a_judge_that_fails_leaves_the_conversation_generated_without_an_opinion_and_says_why(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next(None, "invalid-content", "invalid-content")
    progress = await generate(furnished, rehearsal, plan(count=1), slots=1)
    assert (progress.state, progress.done, progress.failed, progress.calls) == ("finished", 1, 0, 3)
    found = await the_one(furnished)
    assert (found.row.status, found.row.judge_score) == ("generated", None)
    assert found.judging and (found.judging.judgement, found.judging.state) == (None, "failed")
    assert found.judging.cause and found.judging.cause.startswith("Not judged: The reply is not JSON")
    assert await batches.failures(furnished, progress.id) == ((found.judging.cause, 1),)


async def test_an_opinion_that_failed_is_tried_again_and_nothing_is_written_anew(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next(None, "refusal")
    progress = await generate(furnished, rehearsal, plan(count=1, fallback_model="claude-haiku-5-5"), slots=1)
    judge = progress.judge
    assert judge and (judge.failed, progress.calls) == (1, 2)  # no other judge is asked instead
    assert await batches.retry(furnished, progress.id) == 1
    assert (await the_one(furnished)).row.status == "generated"
    await run_until_idle(furnished, rehearsal)
    assert (await the_one(furnished)).row.judge_score is not None
    assert await column(furnished, "SELECT kind FROM generation_logs ORDER BY id") == ["generate", "judge", "judge"]


async def test_a_judge_that_the_provider_does_not_know_stops_nothing_that_is_to_be_written(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next(None, None, "404-model", "404-model")
    progress = await generate(furnished, rehearsal, plan(count=2), slots=1)
    assert (progress.state, progress.done) == ("finished", 2)
    ((cause, number),) = await batches.failures(furnished, progress.id)
    assert number == 2 and cause.startswith("Not judged: The provider knows no such model")


@pytest.mark.parametrize("fault", ["529", "html502", "reset", "cut-json"])
async def test_a_passing_fault_costs_a_row_and_not_the_opinion(
    furnished: Database, rehearsal: RehearsalServer, fault: str
) -> None:
    rehearsal.fail_next(None, fault)
    progress = await generate(furnished, rehearsal, plan(count=1), slots=1)
    assert (progress.done, progress.calls, progress.failed_calls) == (1, 3, 1)
    assert (await the_one(furnished)).row.judge_score is not None


async def test_the_death_of_a_worker_leaves_its_opinion_unknown_and_another_asks_again(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    batch_id = await start_batch(furnished, plan(count=1), is_rehearsal=True)
    rehearsal.fail_next(None, "silence")
    running = asyncio.create_task(run_until_idle(furnished, rehearsal, slots=1))
    await beside(running, rehearsal.received(2))
    assert await column(furnished, "SELECT state FROM generation_logs WHERE kind = 'judge'") == ["sending"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    lost = "SELECT state || ' ' || (cost_usd > 0 AND cost_is_estimate) FROM generation_logs WHERE kind = 'judge'"
    assert await column(furnished, lost) == ["unknown true"]
    found = await the_one(furnished)
    assert found.row.status == "generated" and found.judging and found.judging.state == "queued"
    await batches.resume(furnished, batch_id)
    await run_until_idle(furnished, rehearsal)
    assert (await batches.progress(furnished, batch_id)).state == "finished"
    assert await value(furnished, "SELECT count(*) FROM judgements") == 1


async def test_a_worker_that_was_taken_for_dead_stores_no_second_opinion(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await generate(furnished, rehearsal, plan(count=1, judge_model=None))
    await judge_what_is_there(furnished)
    await work.take_up_batches(furnished, is_rehearsal=True)
    async with work.registered(furnished) as slow:
        (item,) = await work.claim(furnished, slow, 1, is_rehearsal=True)
        attempt = await attempts.start(
            furnished, kind="judge", model=JUDGE, endpoint=rehearsal.url, request_payload={}, redactions={},
            parameters={"estimated_cost_usd": "0.1"}, is_rehearsal=True, worker_id=slow, item=item,
        )  # fmt: skip
        async with furnished.write() as connection:
            await connection.execute(text("SELECT retire_worker(:id)"), {"id": slow})
        assert not await judgements.store(
            furnished, item, revision=1, model=JUDGE, scores={"useful": {"score": 9, "sentence": "Good."}}, spans=(),
            spans_dropped=0, call=(attempt.id, attempt.created_at),
            finish=attempts.finishing(attempt, attempts.Outcome("ok", cost_usd=Decimal("0.02"))),
        )  # fmt: skip
    assert await value(furnished, "SELECT count(*) FROM judgements") == 0
    # Its reply is on record, by a row of its own, with what it really cost.
    rows = "SELECT state || ' ' || cost_usd FROM generation_logs WHERE kind = 'judge' ORDER BY id"
    assert await column(furnished, rows) == ["unknown 0.100000", "ok 0.020000"]


# What is there --------------------------------------------------------------------------------------------------------


async def test_what_a_filter_names_is_judged_as_a_batch_of_its_own_and_counted_first(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await generate(furnished, rehearsal, plan(count=4, judge_model=None))
    await start_batch(furnished, plan(count=2), is_rehearsal=False)
    wanted = JudgePlan(name="Judge", model=JUDGE, filter="turns>0")
    found = await forecast(furnished, wanted, parse("").where, is_rehearsal=True)
    assert (len(found.ids), found.unreadable) == (4, 2)
    assert found.estimate.cost_usd and found.estimate.cost_usd.p90 > found.estimate.cost_usd.p50 > 0
    batch_id = await start_judging(furnished, wanted, found.ids, is_rehearsal=True)
    await run_until_idle(furnished, rehearsal)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.state, progress.total, progress.done, progress.failed) == ("finished", 4, 4, 0)
    assert await count(furnished, "judge>=0") == 4
    # From now on the estimate comes from what opinions took.
    again = await forecast(furnished, wanted, parse("").where, is_rehearsal=True)
    assert (again.estimate.basis, again.estimate.past) == ("past", 4)


async def test_a_filter_finds_opinions_by_their_mean_and_those_without_one_match_no_comparison(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await generate(furnished, rehearsal, plan(count=5))
    await generate(furnished, rehearsal, plan(count=2, judge_model=None))
    means = [mean for mean in await column(furnished, "SELECT judge_score FROM conversations") if mean is not None]
    assert len(means) == 5
    assert await count(furnished, "judge>=7") == sum(mean >= 7 for mean in means)
    assert await count(furnished, "judge<7") == sum(mean < 7 for mean in means)
    assert await count(furnished, "-judge>=0") == 2


async def test_the_newest_opinion_of_the_present_text_counts_and_an_edit_leaves_none(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await generate(furnished, rehearsal, plan(count=1))
    await judge_what_is_there(furnished, model="claude-haiku-5-5")
    await run_until_idle(furnished, rehearsal)
    found = await the_one(furnished)
    assert found.judging and found.judging.judgement and found.judging.judgement.model == "claude-haiku-5-5"
    assert found.row.judge_score == found.judging.judgement.mean
    await edited(furnished, found)
    other = await the_one(furnished)
    assert (other.row.revision, other.row.judge_score) == (2, None)
    assert other.judging and other.judging.judgement is None
    assert await value(furnished, "SELECT count(*) FROM judgements") == 2  # what was said stays said


async def test_an_opinion_that_comes_after_an_edit_is_of_the_text_that_it_read(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await generate(furnished, rehearsal, plan(count=1, judge_model=None))
    await judge_what_is_there(furnished)
    await work.take_up_batches(furnished, is_rehearsal=True)
    found = await the_one(furnished)
    async with work.registered(furnished) as worker_id:
        (item,) = await work.claim(furnished, worker_id, 1, is_rehearsal=True)
        attempt = await attempts.start(
            furnished, kind="judge", model=JUDGE, endpoint=rehearsal.url, request_payload={}, redactions={},
            parameters={"estimated_cost_usd": "0.1"}, is_rehearsal=True, worker_id=worker_id, item=item,
        )  # fmt: skip
        await edited(furnished, found)
        assert await judgements.store(
            furnished, item, revision=1, model=JUDGE, scores={"useful": {"score": 9, "sentence": "Good."}}, spans=(),
            spans_dropped=0, call=(attempt.id, attempt.created_at),
            finish=attempts.finishing(attempt, attempts.Outcome("ok")),
        )  # fmt: skip
    assert await column(furnished, "SELECT revision FROM judgements") == [1]
    assert (await the_one(furnished)).row.judge_score is None


async def test_what_went_to_the_trash_meanwhile_is_not_asked_about(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await generate(furnished, rehearsal, plan(count=1, judge_model=None))
    batch_id = await judge_what_is_there(furnished)
    async with furnished.write() as connection:
        key = await connection.scalar(text("SELECT id FROM conversations"))
        await connection.execute(text("SELECT trash_many(ARRAY[CAST(:id AS bigint)], true, 'b_1')"), {"id": key})
    await run_until_idle(furnished, rehearsal)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.state, progress.failed, progress.calls) == ("finished", 1, 0)
    assert await batches.failures(furnished, batch_id) == (("Not judged: the conversation is in the trash.", 1),)


async def test_an_imported_conversation_is_judged_by_what_it_has(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await imported(furnished)
    await judge_what_is_there(furnished, real=True)
    await run_until_idle(furnished, rehearsal, real=True)
    found = await the_one(furnished)
    assert found.judging and found.judging.judgement
    assert [each.name for each in found.judging.judgement.criteria] == ["useful"]


async def test_a_rehearsal_judges_only_what_a_rehearsal_wrote_and_says_how_many_it_leaves_out(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    await generate(furnished, rehearsal, plan(count=2, judge_model=None))
    await imported(furnished, 3)
    wanted = JudgePlan(name="Judge", model=JUDGE)
    found = await forecast(furnished, wanted, parse("").where, is_rehearsal=True)
    assert (len(found.ids), found.unreadable, found.real) == (2, 0, 3)
    assert (await forecast(furnished, wanted, parse("").where, is_rehearsal=False)).real == 0
    ids = await column(furnished, "SELECT id FROM conversations ORDER BY id")
    await start_judging(furnished, wanted, ids, is_rehearsal=True)
    await run_until_idle(furnished, rehearsal)
    assert await column(furnished, "SELECT is_rehearsal FROM conversations WHERE judge_score IS NOT NULL") == [True] * 2
    assert await value(furnished, "SELECT count(*) FROM judgements") == 2
    with pytest.raises(TraintuiError, match="3 are real"):
        await forecast(furnished, wanted, parse("is:seed").where, is_rehearsal=True)


async def test_what_a_rehearsal_says_of_what_is_real_is_neither_queued_nor_a_score(
    furnished: Database, rehearsal: RehearsalServer, conninfo: Conninfo
) -> None:
    (key,) = await imported(furnished)
    await judge_what_is_there(furnished, real=True)
    await imported(furnished)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:  # as an earlier version queued it
        connection.execute("UPDATE batches SET is_rehearsal = true")
        with pytest.raises(psycopg.Error, match="only what a rehearsal wrote"), connection.transaction():
            connection.execute(
                "INSERT INTO generation_items (batch_id, conversation_id, kind, exchanges, variation)"
                " SELECT id, (SELECT max(id) FROM conversations), 'judge', 1, 0 FROM batches"
            )
    await run_until_idle(furnished, rehearsal)
    found = await conversations.read(furnished, key)
    assert await value(furnished, "SELECT count(*) FROM judgements WHERE is_rehearsal") == 1
    assert found.row.judge_score is None and found.judging and found.judging.judgement is None


@pytest.mark.parametrize(("fault", "calls"), [("404-model", 1), ("413", 5)])
async def test_a_batch_that_only_judges_pauses_where_its_judge_is_refused(
    furnished: Database, rehearsal: RehearsalServer, fault: str, calls: int
) -> None:
    await generate(furnished, rehearsal, plan(count=7, judge_model=None))
    batch_id = await judge_what_is_there(furnished)
    rehearsal.fail_next(*[fault] * 7)
    await run_until_idle(furnished, rehearsal, slots=1)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.state, progress.calls, progress.failed) == ("paused", calls, calls - 1)
    assert progress.state_reason and "Not judged" not in progress.state_reason


async def test_where_nothing_has_its_text_nothing_is_judged_and_nothing_stored(furnished: Database) -> None:
    await start_batch(furnished, plan(count=2), is_rehearsal=True)
    with pytest.raises(TraintuiError, match="none of 2 has its text"):
        await judge_what_is_there(furnished)
    with pytest.raises(TraintuiError, match="no conversation"):
        await start_judging(furnished, JudgePlan(name="Judge", model=JUDGE), [1, 2], is_rehearsal=True)
    assert await column(furnished, "SELECT kind FROM batches") == ["generate"]
    assert await value(furnished, "SELECT count(*) FROM plans") == 1


async def test_a_reviewer_starts_no_judge(furnished: Database, reviewer_db: Database) -> None:
    with pytest.raises(TraintuiError):
        await start_judging(reviewer_db, JudgePlan(name="Judge", model=JUDGE), [1], is_rehearsal=True)


# Plans ----------------------------------------------------------------------------------------------------------------


def test_a_plan_names_its_judge_and_a_mistake_in_it_is_answered() -> None:
    assert parse_plan({"name": "A", "count": 1, "judge_model": JUDGE}).judge_model == JUDGE
    with pytest.raises(TraintuiError, match="judge_model"):
        parse_plan({"name": "A", "count": 1, "judge_model": " "})
    with pytest.raises(TraintuiError, match="did you mean 'judge_model'"):
        parse_plan({"name": "A", "count": 1, "judge_modle": JUDGE})
    with pytest.raises(TraintuiError, match="no amount in USD"):
        judge_plan("A", JUDGE, filter_text="", budget="much")
    with pytest.raises(TraintuiError, match="model"):
        judge_plan("A", " ", filter_text="")


async def test_an_estimate_has_what_the_judge_costs_in_it_and_says_how_much(furnished: Database) -> None:
    alone = (await preview(furnished, plan(judge_model=None), is_rehearsal=True)).estimate
    judged = (await preview(furnished, plan(), is_rehearsal=True)).estimate
    assert alone.judge is None and judged.judge is not None
    assert alone.cost_usd and judged.cost_usd and judged.judge.cost_usd
    assert judged.cost_usd.p90 == pytest.approx(alone.cost_usd.p90 + judged.judge.cost_usd.p90)
    assert judged.output_tokens.p90 == alone.output_tokens.p90 + 3 * 4096
    unpriced = (await preview(furnished, plan(judge_model="own-model"), is_rehearsal=True)).estimate
    assert unpriced.cost_usd is None


async def test_a_rubric_with_a_mistake_begins_no_batch(furnished: Database) -> None:
    from traintui.data import templates

    await templates.store(furnished, "judge", system="", user_prompt="{{ personna }}", kind="rubric")
    with pytest.raises(TraintuiError, match="'personna' is not a name that a rubric knows, did you mean 'persona'"):
        await start_batch(furnished, plan(), is_rehearsal=True)
    assert await column(furnished, "SELECT id FROM batches") == []
    assert {each.name for each in await templates.versions(furnished)} <= {"conversation"}
