from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import pytest

from support import add_document, add_vocabulary, generated, planned, started
from traintui.data import attempts, runs, work
from traintui.data.attempts import Outcome
from traintui.data.engine import Database
from traintui.data.runs import PastRuns, Spread
from traintui.generation.estimate import from_past, from_prompt, warnings
from traintui.generation.plan import Plan
from traintui.generation.preview import preview

PAST = PastRuns(100, Spread(1_000, 100), Spread(2_000, 400), Spread(0.02, 0.004), Spread(30, 6))


def plan(**given: Any) -> Plan:
    return Plan(**({"name": "x", "count": 400, "slots": 4, "model": "claude-haiku-4-5"} | given))


def test_what_past_conversations_took_is_what_new_ones_take() -> None:
    found = from_past(plan(), 400, PAST)
    assert found.cost_usd is not None and found.seconds is not None
    assert (found.cost_usd.p50, found.output_tokens.p50, found.seconds.p50) == pytest.approx((8.0, 800_000, 3_000))
    # 1.2816 deviations of the sum of 400, and of the mean of 100.
    assert found.cost_usd.p90 == pytest.approx(8.0 + 1.2816 * 0.004 * (400 + 1_600) ** 0.5)
    assert (found.basis, found.past) == ("past", 100)


def test_few_past_conversations_make_an_estimate_less_sure() -> None:
    few = PastRuns(1, Spread(1_000, None), Spread(2_000, None), Spread(0.02, None), Spread(30, None))
    unsure, sure = from_past(plan(), 400, few).cost_usd, from_past(plan(), 400, PAST).cost_usd
    assert unsure is not None and sure is not None
    assert unsure.p50 == sure.p50 and unsure.p90 > 1.5 * sure.p90


def test_nine_in_ten_batches_like_past_ones_stay_below_the_upper_figure() -> None:
    import random

    chance = random.Random(3)
    below = 0
    for _ in range(400):
        seen = [chance.gauss(100, 30) for _ in range(40)]
        mean = sum(seen) / 40
        deviation = (sum((one - mean) ** 2 for one in seen) / 39) ** 0.5
        each = Spread(mean, deviation)
        upper = from_past(plan(), 80, PastRuns(40, each, each, each, each)).output_tokens.p90
        below += sum(chance.gauss(100, 30) for _ in range(80)) < upper
    assert 0.86 < below / 400 < 0.94


def test_without_past_conversations_the_room_for_replies_is_the_measure() -> None:
    found = from_prompt(plan(max_tokens=4_000), 10, 500, counted=False)
    assert found.cost_usd is not None
    assert found.input_tokens.p50 == 5_000 and found.output_tokens.p90 == 40_000
    # 500 tokens at $1 and 4,000 at $5 a million, ten times.
    assert found.cost_usd.p90 == pytest.approx(10 * (500 + 4_000 * 5) / 1e6)
    assert found.cost_usd.p50 == pytest.approx(10 * (500 + 2_000 * 5) / 1e6)


def test_batches_cost_half_and_their_time_is_the_provider_s() -> None:
    calls = from_prompt(plan(), 10, 500, counted=True)
    halved = from_prompt(plan(mode="batches"), 10, 500, counted=True)
    assert calls.cost_usd is not None and halved.cost_usd is not None
    assert halved.cost_usd.p90 == pytest.approx(calls.cost_usd.p90 / 2) and halved.seconds is None


def test_a_model_of_unknown_price_has_an_unknown_cost() -> None:
    wanted = plan(model="local-model")
    found = from_prompt(wanted, 10, 500, counted=False)
    assert found.cost_usd is None
    assert warnings(wanted, found, Decimal(5)) == ["The price of local-model is not known, and so is what this costs."]


def test_what_may_pass_the_budget_or_the_threshold_is_warned_of() -> None:
    found = from_past(plan(), 400, PAST)
    assert warnings(plan(), found, Decimal(25)) == []
    assert warnings(plan(budget_usd=8), found, Decimal(5)) == [
        "It may stop at its budget of $8.00 before it is done.",
        "It may cost more than $5.00, from which on this workspace warns.",
    ]


async def test_past_figures_are_those_of_the_template_and_model_with_all_calls_of_a_conversation(db: Database) -> None:
    await add_vocabulary(db)
    await planned(db, 1)
    async with work.registered(db) as worker_id:
        await work.take_up_batches(db, is_rehearsal=False)
        (item,) = await work.claim(db, worker_id, 1, is_rehearsal=False)
        calls: tuple[tuple[Literal["ok", "error"], str, int], ...] = (("error", "0.01", 20), ("ok", "0.03", 60))
        for state, cost, tokens in calls:
            attempt = await started(db, item, worker_id)
            await attempts.finish(
                db,
                attempt,
                Outcome(
                    state, cost_usd=Decimal(cost), input_tokens=10, output_tokens=tokens, cache_read_tokens=5,
                    duration_ms=1_000,
                ),
            )  # fmt: skip
    found = await runs.past(db, "conversation", "claude-haiku-5-5", is_rehearsal=False)
    assert found == PastRuns(1, Spread(30, None), Spread(80, None), Spread(0.04, None), Spread(2, None))
    assert await runs.past(db, "conversation", "claude-opus-5-5", is_rehearsal=False) is None
    assert await runs.past(db, "conversation", "claude-haiku-5-5", is_rehearsal=True) is None


async def test_what_brought_no_conversation_is_no_measure_and_its_cost_is_shared_by_those_that_were_brought(
    db: Database,
) -> None:
    await add_vocabulary(db)
    await planned(db, 5)

    async def called(*outcomes: Outcome) -> PastRuns | None:
        async with work.registered(db) as worker_id:
            await work.take_up_batches(db, is_rehearsal=False)
            for item, outcome in zip(
                await work.claim(db, worker_id, len(outcomes), is_rehearsal=False), outcomes, strict=True
            ):
                await attempts.finish(db, await started(db, item, worker_id), outcome)
        return await runs.past(db, "conversation", "claude-haiku-5-5", is_rehearsal=False)

    def ended(state: Literal["ok", "error"], cost: str, tokens: int, error: str | None = None) -> Outcome:
        return Outcome(
            state, cost_usd=Decimal(cost), input_tokens=100, output_tokens=tokens, error_type=error, duration_ms=1_000
        )

    refused = ended("error", "0.01", 4, "refusal"), ended("ok", "0.01", 4, "invalid_reply")
    assert await called(*refused) is None, "what was refused says nothing of what is written"
    found = await called(ended("ok", "0.10", 400), ended("ok", "0.10", 400))
    assert found is not None and found.conversations == 2 and found.cost_usd is not None
    assert (found.output_tokens.mean, found.output_tokens.deviation) == (404, 0)
    assert found.cost_usd.mean == pytest.approx(0.11)


async def test_a_preview_stores_nothing_and_shows_every_prompt(db: Database) -> None:
    from support import scalar

    await add_vocabulary(db)
    await add_document(db)
    found = await preview(db, plan(count=30, model="claude-haiku-5-5"), is_rehearsal=False)
    assert found.estimate.basis == "length" and found.estimate.conversations == 30
    for number, item in enumerate(found.draft.items):
        prompt = found.prompt(number)
        assert found.draft.chunks[item.chunk_id].content in prompt.user
        assert found.draft.values["persona", item.persona].label in prompt.user
    assert await scalar(db, "SELECT count(*) FROM batches") == 0
    assert await scalar(db, "SELECT count(*) FROM generation_logs") == 0


async def test_a_preview_takes_past_conversations_where_there_are_any(db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db)
    await generated(db, 3)
    found = await preview(db, plan(count=30, model="claude-haiku-5-5"), is_rehearsal=False)
    assert (found.estimate.basis, found.estimate.past) == ("past", 3)
    assert found.estimate.cost_usd is not None and found.estimate.cost_usd.p50 == pytest.approx(0.30)


async def test_the_threshold_of_the_workspace_counts_and_25_usd_without_one(db: Database) -> None:
    from sqlalchemy import text

    assert await runs.warn_above(db) == 25
    async with db.write() as connection:
        await connection.execute(
            text("INSERT INTO workspace_settings (key, value) VALUES (:key, to_jsonb(3.5))"), {"key": runs.WARN_ABOVE}
        )
    assert await runs.warn_above(db) == Decimal("3.5")
