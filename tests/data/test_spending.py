"""What was spent is known without adding up the log, equals it, and no budget is passed, whoever calls at once."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from decimal import Decimal

import psycopg
import pytest

from support import ANSWERED, Conninfo, add_vocabulary, fetch, logged_in, planned, scalar, started, stored
from traintui.data import attempts, batches, spending, work
from traintui.data.attempts import Outcome
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError

REFUSED = Outcome(
    "error", response_payload={"stop_details": {"category": "frontier_llm"}}, cost_usd=Decimal("0.002"),
    error_type="refusal", error_message="The model declined to answer.",
)  # fmt: skip
BY_ADDING_UP = """
    SELECT coalesce(run_id, 0) AS run, model, is_rehearsal,
           coalesce(sum(cost_usd) FILTER (WHERE NOT replaced), 0) AS spent,
           coalesce(sum(estimate_of(parameters)) FILTER (WHERE state = 'sending'), 0) AS under_way, count(*) AS calls,
           count(*) FILTER (WHERE state <> 'sending' AND cost_usd IS NULL AND NOT replaced
                                  AND (state = 'unknown' OR output_tokens > 0)) AS unpriced
    FROM generation_logs AS log, LATERAL (SELECT state = 'unknown' AND EXISTS (
        SELECT FROM generation_logs AS late WHERE late.late_reply_to = log.id) AS replaced) AS estimate
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
AS_KEPT = """
    SELECT run_id, model, is_rehearsal, sum(spent_usd), sum(under_way_usd), sum(calls)::bigint,
           sum(unpriced_calls)::bigint
    FROM spending GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


async def running(db: Database, number: int, *, is_rehearsal: bool = False) -> int:
    """A batch of `number` whose items can be claimed; its id."""
    batch_id = await planned(db, number, is_rehearsal=is_rehearsal)
    await work.take_up_batches(db, is_rehearsal=is_rehearsal)
    return batch_id


@pytest.fixture
async def words(db: Database) -> Database:
    await add_vocabulary(db)
    return db


UNLIKE = f"""
    SELECT count(*) FROM generation_logs AS log
    WHERE unpriced_of(log) <> ({attempts.UNPRICED} OR (log.cost_usd IS NULL AND {attempts.REPLACED}))::integer
"""


async def agree(superuser: str) -> None:
    with psycopg.connect(superuser) as connection:
        assert connection.execute(UNLIKE.encode()).fetchone() == (0,), "one condition says what has no known price"
        kept = connection.execute(AS_KEPT).fetchall()
        assert kept == connection.execute(BY_ADDING_UP.encode()).fetchall() and kept


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_kept_equals_the_sum_of_the_log_whatever_becomes_of_the_calls(
    words: Database, conninfo: Conninfo, seed: int
) -> None:
    dice = random.Random(seed)
    for is_rehearsal in (False, True):
        await running(words, 6, is_rehearsal=is_rehearsal)
    outcomes = (
        ANSWERED, REFUSED, replace(ANSWERED, cost_usd=None), Outcome("error"),
        replace(ANSWERED, state="unknown", cost_usd=Decimal("0.004"), cost_is_estimate=True), Outcome("unknown"),
    )  # fmt: skip
    given_up = []
    for _ in range(2):
        async with work.registered(words) as worker_id:
            items = [
                *await work.claim(words, worker_id, 4, is_rehearsal=False),
                *await work.claim(words, worker_id, 2, is_rehearsal=True),
            ]
            for place in range(20):
                item = dice.choice([*items, None])
                estimate = dice.choice(["0.25", "0.031415", None, "cheap"])
                attempt = await started(
                    words, item, worker_id, model=dice.choice(["claude-opus-5", "local"]),
                    parameters={"estimated_cost_usd": estimate}, is_rehearsal=place % 3 == 0,
                )  # fmt: skip
                if dice.random() < 0.7:
                    await attempts.finish(words, attempt, dice.choice(outcomes))
                else:
                    given_up.append(attempt)
            await agree(conninfo(SUPERUSER))
    # The workers ended in the middle of these; some replies come after all, one of them twice.
    await agree(conninfo(SUPERUSER))
    ends: dict[int, Outcome] = {}
    for attempt in [*given_up[::2], given_up[0]]:
        await attempts.finish(words, attempt, ends.setdefault(attempt.id, dice.choice(outcomes)))
        await agree(conninfo(SUPERUSER))
    # Adding up the whole log anew gives the same.
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        kept = connection.execute(AS_KEPT).fetchall()
        connection.execute("SELECT add_up_spending()")
        assert connection.execute(AS_KEPT).fetchall() == kept


async def test_a_batch_s_calls_at_once_do_not_pass_its_budget(words: Database, conninfo: Conninfo) -> None:
    batch_id = await running(words, 8)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE batches SET budget_usd = 0.80")
    assert await eight_at_once(words) == [True] * 3 + [False] * 5
    assert await scalar(words, "SELECT committed_cost(:id)", id=batch_id) == Decimal("0.75")


async def eight_at_once(db: Database) -> list[bool]:
    """Eight calls of 0.25 USD at most begin at once, through four workers; which of them may, those that may first."""

    async def begins(worker_id: int) -> list[bool]:
        items = await work.claim(db, worker_id, 2, is_rehearsal=False)
        outcome = await asyncio.gather(*(started(db, item, worker_id) for item in items), return_exceptions=True)
        for refused in outcome:
            assert not isinstance(refused, BaseException) or getattr(refused, "code", None) == "TT013", refused
        return [not isinstance(each, BaseException) for each in outcome]

    async with work.registered(db) as a, work.registered(db) as b, work.registered(db) as c, work.registered(db) as d:
        begun = await asyncio.gather(*map(begins, (a, b, c, d)))
        return sorted((each for some in begun for each in some), reverse=True)


async def test_calls_of_several_batches_at_once_do_not_pass_the_budget_of_the_month(words: Database) -> None:
    await running(words, 4)
    await running(words, 4)
    await spending.set_monthly_budget(words, Decimal("1.10"))
    assert await eight_at_once(words) == [True] * 4 + [False] * 4
    month = await spending.month(words)
    # Their workers are gone: what they had under way counts at its estimate.
    assert (month.spent_usd, month.under_way_usd, month.budget_usd) == (Decimal(1), Decimal(0), Decimal("1.1"))
    assert month.warns and month.share is not None and round(month.share, 3) == Decimal("0.909")


async def test_the_month_s_budget_says_what_it_is_and_more_of_it_lets_calls_begin(words: Database) -> None:
    await running(words, 2)
    await spending.set_monthly_budget(words, Decimal("0.3"))
    async with work.registered(words) as worker_id:
        first, second = await work.claim(words, worker_id, 2, is_rehearsal=False)
        assert await stored(words, first, await started(words, first, worker_id), outcome=replace(
            ANSWERED, cost_usd=Decimal("0.2")))  # fmt: skip
        with pytest.raises(Refused, match=r"budget of \$0\.3 for \w+ \d{4}: \$0\.2000 is spent") as refused:
            await started(words, second, worker_id)
        assert refused.value.code == "TT013"
        await spending.set_monthly_budget(words, None)
        await started(words, second, worker_id)
    assert (await spending.month(words)).budget_usd is None


async def test_a_rehearsal_is_not_paid_and_needs_no_budget(words: Database) -> None:
    await running(words, 1, is_rehearsal=True)
    await spending.set_monthly_budget(words, Decimal("0.01"))
    async with work.registered(words) as worker_id:
        (item,) = await work.claim(words, worker_id, 1, is_rehearsal=True)
        assert await stored(words, item, await started(words, item, worker_id, is_rehearsal=True))
    assert (await spending.month(words)).spent_usd == 0


async def test_under_a_month_s_budget_nothing_of_unknown_price_begins(words: Database) -> None:
    await running(words, 1)
    await spending.set_monthly_budget(words, Decimal(5))
    async with work.registered(words) as worker_id:
        (item,) = await work.claim(words, worker_id, 1, is_rehearsal=False)
        with pytest.raises(Refused, match="price of local-model is not known, so the budget of the month"):
            await started(words, item, worker_id, model="local-model", parameters={})
        # Counting tokens is not paid for.
        await started(words, None, worker_id, kind="count", parameters={})


async def test_what_was_paid_in_another_month_does_not_count(words: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "INSERT INTO spending (month, run_id, worker_id, model, is_rehearsal, spent_usd)"
            " VALUES (month_of(now() - interval '40 days'), 0, 0, 'm', false, 100)"
        )
    await running(words, 1)
    await spending.set_monthly_budget(words, Decimal(5))
    async with work.registered(words) as worker_id:
        (item,) = await work.claim(words, worker_id, 1, is_rehearsal=False)
        await started(words, item, worker_id)


@pytest.mark.parametrize("amount", ["0", "-5", "NaN", "Infinity", "100000001"])
async def test_a_budget_that_is_none_is_refused(db: Database, amount: str) -> None:
    with pytest.raises(TraintuiError, match="more than"):
        await spending.set_monthly_budget(db, Decimal(amount))
    assert (await spending.month(db)).budget_usd is None


@pytest.mark.parametrize("value", ["0", "-1", '"5"', "[]", "true"])
async def test_the_database_too_refuses_a_budget_that_is_none(conninfo: Conninfo, value: str) -> None:
    with psycopg.connect(conninfo("ada")) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("INSERT INTO workspace_settings (key, value) VALUES ('monthly_budget_usd', %s)", [value])


async def test_only_an_administrator_sets_the_month_s_budget_and_it_is_on_record(
    db: Database, conninfo: Conninfo
) -> None:
    async with logged_in(conninfo("arthur")) as author:
        with pytest.raises(Refused, match="No right"):
            await spending.set_monthly_budget(author, Decimal(5))
    await spending.set_monthly_budget(db, Decimal("5.50"))
    await spending.set_monthly_budget(db, None)
    changes = await fetch(
        db,
        "SELECT old_value, new_value, changed_by FROM workspace_setting_changes"
        " WHERE key = 'monthly_budget_usd' ORDER BY id",
    )
    assert [tuple(change) for change in changes] == [(None, 5.5, "ada"), (5.5, None, "ada")]


async def test_a_batch_shows_the_cost_that_its_budget_is_held_against(words: Database) -> None:
    batch_id = await running(words, 2)
    async with work.registered(words) as worker_id:
        first, second = await work.claim(words, worker_id, 2, is_rehearsal=False)
        assert await stored(words, first, await started(words, first, worker_id))
        await started(words, second, worker_id)
    kept = await scalar(words, "SELECT sum(spent_usd) FROM spending WHERE run_id = :id", id=batch_id)
    assert (await batches.progress(words, batch_id)).cost_usd == kept == Decimal("0.26")
