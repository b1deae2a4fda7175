"""A provider that fails whoever asks is waited for, and no attempt of what was planned is spent on it."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from generation.batching_helpers import IMPATIENT, Quick
from generation.test_worker import column, furnished, generate, plan, rehearsal
from support import beside, eventually
from traintui import clock
from traintui.data import batches
from traintui.data.engine import Database
from traintui.generation.client import ModelClient
from traintui.generation.provider import Provider
from traintui.generation.provider_outage import IN_A_ROW, LONGEST_REST, ProviderOutage
from traintui.generation.rehearsal import RehearsalServer
from traintui.generation.start import start_batch
from traintui.generation.verdict import CallFailed, FailureKind, verdict_on
from traintui.generation.worker import Worker

__all__ = ["furnished", "rehearsal"]


def failure(kind: FailureKind, status: int | None = None) -> CallFailed:
    return CallFailed(kind, "Overloaded", http_status=status)


class Ticking:
    """A clock that is set."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticking:
    ticking = Ticking()
    monkeypatch.setattr(clock, "ticks", ticking)
    return ticking


def out(kind: FailureKind = "overloaded") -> ProviderOutage:
    outage = ProviderOutage(2.0)
    for item in range(IN_A_ROW):
        outage.met(failure(kind, 529), item)
    return outage


@pytest.mark.usefixtures("ticks")
def test_a_few_failures_are_bad_luck_and_more_in_a_row_are_the_provider() -> None:
    outage = ProviderOutage(2.0)
    for item in range(IN_A_ROW - 1):
        outage.met(failure("overloaded", 529), item)
    assert outage.reason is None and outage.room(8, 0) == 8
    outage.met(failure("connection"), IN_A_ROW)
    assert outage.reason is not None and outage.room(8, 0) == 0


@pytest.mark.usefixtures("ticks")
@pytest.mark.parametrize("between", [None, failure("rejected", 400), failure("rate_limit", 429)])
def test_any_answer_says_that_the_provider_is_there(between: CallFailed | None) -> None:
    outage = ProviderOutage(2.0)
    for item in range(IN_A_ROW * 3):
        outage.met(failure("overloaded", 529), item)
        if item % 2:
            outage.answered() if between is None else outage.met(between, item)
    assert outage.reason is None


def test_one_call_tries_after_each_rest_and_rests_grow_to_a_minute(ticks: Ticking) -> None:
    outage = out()
    rests = []
    for item in itertools.count(10):
        began = ticks.at
        while not outage.room(8, 0):
            ticks.at += 1
        rests.append(ticks.at - began)
        assert outage.room(8, 0) == 1 and outage.room(8, 1) == 0
        if len(rests) == 8:
            break
        outage.met(failure("overloaded", 529), item)
    assert rests == [2, 4, 8, 16, 32, LONGEST_REST, LONGEST_REST, LONGEST_REST]
    outage.answered()
    assert outage.reason is None and outage.room(8, 3) == 8


def test_what_was_under_way_when_it_began_makes_no_rest_longer(ticks: Ticking) -> None:
    outage = out()
    for item in range(20, 28):
        outage.met(failure("overloaded", 529), item)
    ticks.at += 2
    assert outage.room(8, 0) == 1


@pytest.mark.usefixtures("ticks")
def test_an_error_of_the_server_that_one_item_may_have_caused_is_its_own() -> None:
    outage = ProviderOutage(2.0)
    for _ in range(IN_A_ROW * 2):
        outage.met(failure("server", 500), 1)
    assert outage.reason is None
    outage.met(failure("server", 500), 2)
    assert outage.reason is not None
    met = failure("server", 500)
    assert outage.over(verdict_on(met, 5), met).kind == "fail"


@pytest.mark.usefixtures("ticks")
def test_the_last_attempt_of_an_item_is_not_spent_on_an_overload() -> None:
    met = failure("overloaded", 529)
    verdict = out().over(verdict_on(met, 5), met)
    assert (verdict.kind, verdict.retry_after) == ("wait", 2.0)


async def test_an_overload_costs_calls_and_no_conversation(furnished: Database, rehearsal: RehearsalServer) -> None:
    rehearsal.fail_next(*["529"] * 10)
    progress = await generate(furnished, rehearsal, plan(count=3), slots=2)
    assert (progress.state, progress.done, progress.failed) == ("finished", 3, 0)
    assert progress.failed_calls == 10 and progress.state_reason is None


async def test_the_batch_says_since_when_and_why_nothing_is_begun(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    batch_id = await start_batch(furnished, plan(count=3), is_rehearsal=True)
    provider = Provider(rehearsal.url, "rehearsal", "rehearsal", is_rehearsal=True)
    said: list[str] = []
    stop = asyncio.Event()
    rehearsal.fail_next(*["529"] * 5_000)
    async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=rehearsal.url) as client:
        worker = Worker(furnished, client, provider, slots=2, patience=IMPATIENT, dice=Quick(), say=said.append)
        running = asyncio.create_task(worker.run(stop))

        async def stands_still() -> bool:
            return bool((await batches.progress(furnished, batch_id)).state_reason)

        await beside(running, eventually(stands_still))
        reason = (await batches.progress(furnished, batch_id)).state_reason or ""
        assert "overloaded" in reason and "since" in reason
        stop.set()
        await running
    assert any("overloaded" in each for each in said)
    assert await column(furnished, "SELECT DISTINCT state_reason FROM batches WHERE state = 'running'") in ([], [None])
    assert await column(furnished, "SELECT max(attempts) <= 4 FROM generation_items") == [True]
