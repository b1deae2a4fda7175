"""A reply that is lost on its way may have been billed: its row is `unknown`, with what it cost at most."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from generation.batching_helpers import IMPATIENT, Quick
from support import beside, eventually, fetch, scalar
from traintui.data import batches
from traintui.data.engine import Database
from traintui.demo.contents import furnish
from traintui.generation.client import ModelClient
from traintui.generation.outcome import outcome_of_failure
from traintui.generation.plan import Plan
from traintui.generation.pricing import PRICES, Usage, cost_usd
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.start import start_batch
from traintui.generation.verdict import CallFailed
from traintui.generation.worker import Worker

MODEL = "claude-sonnet-5-5"
CUT = ["cut-json", "midstream-eof", "midstream-reset", "midstream-overloaded"]
"""Faults that the rehearsal bills; the first and the second also come where the reply is not streamed."""


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


async def worked(db: Database, server: RehearsalServer, **changes: Any) -> int:
    """A batch, worked on until nothing is left to do; its id."""
    wanted = Plan(**({"name": "Trial", "model": MODEL, "count": 2, "exchanges": (2, 3)} | changes))
    batch_id = await start_batch(db, wanted, is_rehearsal=True)
    provider = Provider(server.url, "key", "rehearsal", is_rehearsal=True)
    async with asyncio.timeout(180), ModelClient(api_key="key", base_url=server.url) as client:
        await Worker(db, client, provider, slots=1, patience=IMPATIENT, dice=Quick()).run(
            asyncio.Event(), until_idle=True
        )
    return batch_id


@pytest.mark.parametrize("is_first", [True, False])  # of a batch, the first call is streamed
@pytest.mark.parametrize("fault", [*CUT, "reset", "not-a-message"])
async def test_what_the_ledger_lacks_to_the_bill_are_its_unknown_rows(
    furnished: Database, rehearsal: RehearsalServer, fault: str, is_first: bool
) -> None:
    rehearsal.fail_next(*([] if is_first else [None]), fault)
    batch_id = await worked(furnished, rehearsal)
    rows = await fetch(furnished, "SELECT * FROM generation_logs WHERE state = 'unknown'")
    if not rows:  # what is no event of a stream is a plain 529
        assert fault == "midstream-overloaded" and not is_first
        return
    (lost,) = rows
    certain = await fetch(furnished, "SELECT * FROM generation_logs WHERE state <> 'unknown'")
    usage = {each.request_id: each.usage for each in rehearsal.requests if each.usage is not None}
    for row in certain:
        used = usage[row.request_id]
        billed = Usage(used.input_tokens, used.output_tokens, used.cache_read, used.cache_write)
        assert row.cost_usd == cost_usd(MODEL, billed) and not row.cost_is_estimate
    lacks = sum(rehearsal.bill.usd.values()) - sum(row.cost_usd for row in certain)
    assert (lacks > Decimal("0.0001")) == (fault in CUT)
    assert lost.cost_is_estimate and lost.cost_usd > lacks and lost.output_tokens is None and lost.error_message
    counted = await batches.progress(furnished, batch_id)
    assert (counted.done, counted.cost_is_estimate) == (2, True)
    assert counted.cost_usd == await scalar(furnished, "SELECT sum(cost_usd) FROM generation_logs")
    assert counted.cost_usd == await scalar(furnished, "SELECT committed_cost(:id)", id=batch_id)


async def test_of_a_stream_that_breaks_off_the_prompt_is_known(furnished: Database, rehearsal: RehearsalServer) -> None:
    rehearsal.fail_next("midstream-reset")
    await worked(furnished, rehearsal, count=1, max_tokens=5000)
    (lost,) = await fetch(furnished, "SELECT * FROM generation_logs WHERE state = 'unknown'")
    used = next(each.usage for each in rehearsal.requests if each.request_id == lost.request_id)
    assert used is not None
    assert (lost.input_tokens, lost.cache_write_tokens) == (used.input_tokens, used.cache_write)
    most = Usage(used.input_tokens, 5000, used.cache_read, used.cache_write)
    assert lost.cost_usd == cost_usd(MODEL, most)


async def test_an_estimate_counts_toward_the_budget(furnished: Database, rehearsal: RehearsalServer) -> None:
    rehearsal.fail_next(*["cut-json"] * 9)
    batch_id = await worked(furnished, rehearsal, count=3, max_tokens=4096, budget_usd=Decimal("0.10"))
    progress = await batches.progress(furnished, batch_id)
    assert progress.state == "paused" and progress.state_reason and "budget of $0.1" in progress.state_reason
    assert progress.calls == 2 and Decimal("0.05") < progress.cost_usd <= Decimal("0.10")


@pytest.mark.parametrize("fault", ["500", "529", "html502", "429"])
async def test_an_error_instead_of_a_reply_is_not_billed(
    furnished: Database, rehearsal: RehearsalServer, fault: str
) -> None:
    rehearsal.fail_next(fault)
    await worked(furnished, rehearsal, count=1)
    assert await fetch(furnished, "SELECT state, cost_usd FROM generation_logs WHERE error_type IS NOT NULL") == [
        ("error", 0)
    ]


async def test_what_cannot_have_left_is_not_billed(furnished: Database, rehearsal: RehearsalServer) -> None:
    await rehearsal.received(0)
    url = rehearsal.url
    await rehearsal.close()
    await start_batch(furnished, Plan(name="Trial", model=MODEL, count=1), is_rehearsal=True)
    provider = Provider(url, "key", "rehearsal", is_rehearsal=True)
    ended = "SELECT count(*) FROM generation_logs WHERE finished_at IS NOT NULL"

    async def tried_again() -> bool:
        return bool(await scalar(furnished, ended) >= 3)

    async with ModelClient(api_key="key", base_url=url) as client:
        worker = Worker(furnished, client, provider, slots=1, patience=IMPATIENT, dice=Quick())
        running = asyncio.create_task(worker.run(asyncio.Event(), until_idle=True))
        await beside(running, eventually(tried_again))  # a provider that is away is waited for
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    rows = await fetch(
        furnished, "SELECT state, cost_usd, cost_is_estimate, error_type FROM generation_logs ORDER BY id LIMIT 3"
    )
    assert rows == [("error", 0, False, "connection")] * 3


async def test_a_lost_reply_without_a_price_is_of_unknown_cost_and_not_free(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.fail_next("cut-json")
    await worked(furnished, rehearsal, count=1, model="local-model")
    assert await fetch(furnished, "SELECT state, cost_usd FROM generation_logs ORDER BY id") == [
        ("unknown", None),
        ("ok", None),
    ]
    assert await scalar(furnished, "SELECT sum(unpriced_calls) FROM spending") == 2


def test_a_whole_reply_is_billed_as_it_says_whatever_else_is_wrong_with_it() -> None:
    usage = Usage(100, 20)
    whole = CallFailed("not_a_message", "No content.", http_status=200, usage=usage, counted=True)
    assert outcome_of_failure(whole, MODEL, PRICES).cost_usd == cost_usd(MODEL, usage)
    cut = CallFailed("lost", "Gone.", http_status=200, usage=usage)
    cut.room = 1000
    outcome = outcome_of_failure(cut, MODEL, PRICES)
    assert (outcome.state, outcome.cost_usd) == ("unknown", cost_usd(MODEL, Usage(100, 1000)))
