"""What is paid is on record to the cent, at the prices of the workspace, and no budget is passed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from generation.batching_helpers import IMPATIENT, Quick
from support import Conninfo, fetch, logged_in, scalar
from traintui.data import batches, prices, spending
from traintui.data.call_sums import call_sums
from traintui.data.engine import Database
from traintui.data.price_records import CachedTokens, Price, Rates
from traintui.demo.contents import furnish
from traintui.generation.client import ModelClient
from traintui.generation.plan import Plan
from traintui.generation.pricing import PRICES, saved_by_cache
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.start import start_batch
from traintui.generation.worker import Worker

MODEL = "claude-sonnet-5-5"


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


async def work_on(db: Database, server: RehearsalServer, *, slots: int = 2, paid: bool = False) -> None:
    """A worker, until nothing is left to do. `paid` takes the rehearsal for a provider that asks money."""
    provider = Provider(server.url, "key", "rehearsal", is_rehearsal=not paid)
    async with asyncio.timeout(180), ModelClient(api_key="key", base_url=server.url) as client:
        await Worker(db, client, provider, slots=slots, patience=IMPATIENT, dice=Quick()).run(
            asyncio.Event(), until_idle=True
        )


async def test_the_ledger_of_two_workers_equals_the_bill_of_the_server_with_the_cache(
    furnished: Database, conninfo: Conninfo, rehearsal: RehearsalServer
) -> None:
    wanted = Plan(name="Trial", model=MODEL, count=50, exchanges=(2, 3))
    batch_id = await start_batch(furnished, wanted, is_rehearsal=True)
    async with logged_in(conninfo("arthur")) as other:
        await asyncio.gather(work_on(furnished, rehearsal), work_on(other, rehearsal))
    progress = await batches.progress(furnished, batch_id)
    assert (progress.done, progress.calls) == (50, 50)
    ledger = await scalar(furnished, "SELECT sum(cost_usd) FROM generation_logs")
    bill = rehearsal.bill.usd[MODEL]
    # A row is rounded to a millionth of a dollar, the bill is not rounded.
    assert abs(ledger - bill) <= 50 * Decimal("0.0000005") and round(ledger, 2) == round(bill, 2) > 0
    assert await scalar(furnished, "SELECT sum(spent_usd) FROM spending") == ledger == progress.cost_usd

    cached = (await call_sums(furnished, batch_id, progress.created_at)).cached
    read = sum(request.usage.cache_read for request in rehearsal.requests if request.usage)
    assert sum(each.read for each in cached) == read > 40_000
    saved = saved_by_cache(cached, await prices.in_effect(furnished))
    anew = sum(
        (request.usage.total - request.usage.output_tokens) * Decimal(2) + request.usage.output_tokens * Decimal(10)
        for request in rehearsal.requests
        if request.usage
    )
    assert saved is not None and abs(anew / 1_000_000 - ledger - saved) < Decimal("0.0001") and saved > 0


async def test_a_price_that_is_set_counts_for_the_calls_after_it_and_none_before(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    for model in (MODEL, "local-model"):
        await start_batch(furnished, Plan(name="Trial", model=model, count=1), is_rehearsal=True)
    await work_on(furnished, rehearsal)
    first = await fetch(furnished, "SELECT model, cost_usd FROM generation_logs ORDER BY model")
    assert [row.cost_usd is None for row in first] == [False, True]
    assert [use.model for use in await prices.used_models(furnished) if use.unpriced_calls] == ["local-model"]
    for model in (MODEL, "local-model"):
        thousand = Rates(*[Decimal(1000)] * 5)
        await prices.set_price(furnished, Price(model, prices.today(), thousand))
        await start_batch(furnished, Plan(name="Trial", model=model, count=1), is_rehearsal=True)
    await work_on(furnished, rehearsal)
    assert first == await fetch(
        furnished, "SELECT model, cost_usd FROM generation_logs WHERE run_id < 3 ORDER BY model"
    )
    tokens = "input_tokens + output_tokens + cache_read_tokens + cache_write_tokens"
    dear = await fetch(furnished, f"SELECT cost_usd = ({tokens}) / 1000.0 FROM generation_logs WHERE run_id > 2")
    assert [row[0] for row in dear] == [True, True]


async def test_at_the_month_s_budget_every_paid_batch_pauses_and_says_so(
    furnished: Database, conninfo: Conninfo, rehearsal: RehearsalServer
) -> None:
    await spending.set_monthly_budget(furnished, Decimal("0.12"))
    wanted = Plan(name="Trial", model=MODEL, count=6, exchanges=(2, 3), max_tokens=4096)
    ids = [await start_batch(furnished, wanted, is_rehearsal=False) for _ in range(2)]
    async with logged_in(conninfo("arthur")) as other:
        workers = (work_on(furnished, rehearsal, paid=True), work_on(other, rehearsal, paid=True))
        await asyncio.gather(*workers)
    stands = [await batches.progress(furnished, batch_id) for batch_id in ids]
    assert 0 < sum(batch.cost_usd for batch in stands) <= Decimal("0.12")
    for batch in stands:
        assert batch.state == "paused" and batch.state_reason and "budget of $0.12 for" in batch.state_reason
    await spending.set_monthly_budget(furnished, Decimal(5))
    for batch_id in ids:
        await batches.resume(furnished, batch_id)
    await work_on(furnished, rehearsal, paid=True)
    assert [(await batches.progress(furnished, batch_id)).done for batch_id in ids] == [6, 6]


def test_the_cache_saves_what_reading_is_cheaper_less_what_writing_is_dearer() -> None:
    day = PRICES[0].effective_from
    read, written = CachedTokens(MODEL, day, 2000, 1_000_000, 0), CachedTokens(MODEL, day, 2000, 0, 1_000_000)
    assert saved_by_cache([read], PRICES) == Decimal("1.9")
    assert saved_by_cache([written], PRICES) == Decimal("-0.5")
    assert saved_by_cache([read, written], PRICES) == Decimal("1.4")
    assert saved_by_cache([], PRICES) == 0
    assert saved_by_cache([read, replace(read, model="local-model")], PRICES) is None
    # A long prompt of Haiku 5.5 saves at its own rates.
    long = replace(read, model="claude-haiku-5-5", prompt_tokens=100_001)
    assert saved_by_cache([long], PRICES) == Decimal("0.45")
