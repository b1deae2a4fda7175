"""The rehearsal's Message Batches to the real SDK, which checks every answer against its own types."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

from generation.rehearsal.rehearsal_helpers import FORMAT, MODEL, client, prompt, said
from traintui.errors import TraintuiError
from traintui.generation.pricing import Usage, cost_usd
from traintui.generation.rehearsal import Pace, RehearsalServer


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(pace=Pace(0), clock=clock, batch_seconds=60) as running:
        yield running


@pytest.fixture
async def sdk(server: RehearsalServer) -> AsyncIterator[AsyncAnthropic]:
    async with client(server) as made:
        yield made


def requests(number: int, **more: Any) -> list[Any]:
    params = {"model": MODEL, "max_tokens": 4000, "output_config": FORMAT}
    return [
        {"custom_id": f"mine_{place}", "params": {**params, "messages": said(prompt(variation=place)), **more}}
        for place in range(number)
    ]


async def written(sdk: AsyncAnthropic, batch: MessageBatch) -> MessageBatch:
    """The batch once its time is over; its replies may still be written for a moment."""
    while True:
        seen = await sdk.messages.batches.retrieve(batch.id)
        if seen.processing_status == "ended":
            return seen


async def results_of(sdk: AsyncAnthropic, batch: MessageBatch) -> dict[str, MessageBatchIndividualResponse]:
    return {line.custom_id: line async for line in await sdk.messages.batches.results(batch.id)}


async def test_a_batch_is_in_progress_without_counts_until_it_has_ended(
    server: RehearsalServer, sdk: AsyncAnthropic, clock: Clock
) -> None:
    batch = await sdk.messages.batches.create(requests=requests(3))
    assert (batch.processing_status, batch.results_url, batch.ended_at) == ("in_progress", None, None)
    assert batch.request_counts.model_dump() == {
        "processing": 3, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0,
    }  # fmt: skip
    assert (batch.expires_at - batch.created_at).total_seconds() == 24 * 3600
    assert server.bill.requests == {}
    clock.now += 61
    ended = await written(sdk, batch)
    assert ended.results_url is not None and ended.results_url.endswith(f"/v1/messages/batches/{batch.id}/results")
    assert (ended.request_counts.processing, ended.request_counts.succeeded) == (0, 3)


async def test_results_come_shuffled_whole_and_at_half_price(
    server: RehearsalServer, sdk: AsyncAnthropic, clock: Clock
) -> None:
    batch = await sdk.messages.batches.create(requests=requests(8))
    clock.now += 61
    await written(sdk, batch)
    found = await results_of(sdk, batch)
    assert sorted(found) == sorted(f"mine_{place}" for place in range(8)) and list(found) != sorted(found)
    cost = Decimal(0)
    for line in found.values():
        assert line.result.type == "succeeded"
        usage = line.result.message.usage
        assert usage.service_tier == "batch"
        cost += cost_usd(MODEL, Usage(usage.input_tokens, usage.output_tokens), batch=True) or 0
    assert server.bill.requests == {MODEL: 8}
    assert abs(sum(server.bill.usd.values()) - cost) < Decimal("0.00001") and cost > 0
    assert await results_of(sdk, batch) == found


async def test_the_newest_batches_are_listed_first_page_by_page(sdk: AsyncAnthropic) -> None:
    made = [(await sdk.messages.batches.create(requests=requests(1))).id for _ in range(5)]
    page = await sdk.messages.batches.list(limit=2)
    assert [batch.id for batch in page.data] == [made[4], made[3]] and page.has_more
    assert [batch.id async for batch in sdk.messages.batches.list(limit=2)] == list(reversed(made))


async def test_each_way_in_which_a_request_can_end_has_its_result(
    server: RehearsalServer, sdk: AsyncAnthropic, clock: Clock
) -> None:
    server.batches.fail_items("529", "expired", "canceled", "refusal", None)
    batch = await sdk.messages.batches.create(requests=[*requests(5), requests(6, temperature=1)[5]])
    clock.now += 61
    ended = await written(sdk, batch)
    assert ended.request_counts.model_dump() == {
        "processing": 0, "succeeded": 2, "errored": 2, "canceled": 1, "expired": 1,
    }  # fmt: skip
    found = await results_of(sdk, batch)
    kinds = [found[f"mine_{place}"].result for place in range(6)]
    assert [kind.type for kind in kinds] == ["errored", "expired", "canceled", "succeeded", "succeeded", "errored"]
    assert kinds[0].type == "errored" and kinds[0].error.error.type == "overloaded_error"
    assert kinds[3].type == "succeeded" and kinds[3].message.stop_reason == "refusal"
    assert kinds[5].type == "errored" and kinds[5].error.error.type == "invalid_request_error"


async def test_a_cancelled_batch_keeps_what_was_done_until_then(
    server: RehearsalServer, sdk: AsyncAnthropic, clock: Clock
) -> None:
    batch = await sdk.messages.batches.create(requests=requests(10))
    clock.now += 30
    canceling = await sdk.messages.batches.cancel(batch.id)
    while (seen := await sdk.messages.batches.retrieve(batch.id)).processing_status != "canceling":
        pass
    assert canceling.cancel_initiated_at is not None and seen.results_url is None
    clock.now += 5
    ended = await written(sdk, batch)
    assert (ended.request_counts.succeeded, ended.request_counts.canceled) == (5, 5)
    assert server.bill.requests == {MODEL: 5}
    with pytest.raises(anthropic.BadRequestError, match="already ended"):
        await sdk.messages.batches.cancel(batch.id)


async def test_a_batch_that_takes_longer_than_a_day_expires(clock: Clock) -> None:
    async with RehearsalServer(pace=Pace(0), clock=clock, batch_seconds=2 * 86400) as server, client(server) as sdk:
        batch = await sdk.messages.batches.create(requests=requests(4))
        clock.now += 86401
        ended = await written(sdk, batch)
        assert (ended.request_counts.succeeded, ended.request_counts.expired) == (2, 2)


async def test_a_submission_whose_answer_is_lost_exists_all_the_same(
    server: RehearsalServer, sdk: AsyncAnthropic
) -> None:
    server.batches.fail_calls("reset", "unmade")
    for _ in range(2):
        with pytest.raises(anthropic.APIConnectionError):
            await sdk.messages.batches.create(requests=requests(2))
    page = await sdk.messages.batches.list()
    assert [batch.request_counts.processing for batch in page.data] == [2]


async def test_results_can_be_cut_in_a_line_and_end_early_without_a_sign(
    server: RehearsalServer, sdk: AsyncAnthropic, clock: Clock
) -> None:
    batch = await sdk.messages.batches.create(requests=requests(6))
    clock.now += 61
    await written(sdk, batch)
    server.batches.fail_calls(None, "cut", None, "short")  # the SDK asks for the batch before its results
    with pytest.raises((httpx2.RemoteProtocolError, ValueError)):
        await results_of(sdk, batch)
    assert len(await results_of(sdk, batch)) == 3
    assert len(await results_of(sdk, batch)) == 6


@pytest.mark.parametrize(
    ("fault", "error"),
    [("429", anthropic.RateLimitError), ("529", anthropic.OverloadedError), ("html502", anthropic.InternalServerError)],
)
async def test_a_poll_can_be_refused(
    server: RehearsalServer, sdk: AsyncAnthropic, fault: str, error: type[Exception]
) -> None:
    batch = await sdk.messages.batches.create(requests=requests(1))
    server.batches.fail_calls(fault)
    with pytest.raises(error):
        await sdk.messages.batches.retrieve(batch.id)


@pytest.mark.parametrize(
    ("wanted", "said_why"),
    [
        ([], "at least one"),
        ([*requests(1), *requests(1)], "used twice"),
        ([{**requests(1)[0], "custom_id": "with blank"}], "custom_id"),
        ([{"custom_id": "a"}], "params"),
    ],
)
async def test_a_list_of_requests_that_makes_no_sense_is_refused_whole(
    sdk: AsyncAnthropic, wanted: list[Any], said_why: str
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=said_why):
        await sdk.messages.batches.create(requests=wanted)
    assert (await sdk.messages.batches.list()).data == []


async def test_results_before_the_end_and_unknown_batches_are_not_found(
    server: RehearsalServer, sdk: AsyncAnthropic
) -> None:
    batch = await sdk.messages.batches.create(requests=requests(1))
    for path in (f"/v1/messages/batches/{batch.id}/results", "/v1/messages/batches/msgbatch_none"):
        with pytest.raises(anthropic.NotFoundError):
            await sdk.get(path, cast_to=httpx2.Response)
    with pytest.raises(TraintuiError, match="no fault called"):
        server.batches.fail_items("reset")
