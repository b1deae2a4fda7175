"""The client of the Message Batches API against the rehearsal, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import httpx2
import pytest

from traintui.generation.batch_client import BatchClient, BatchResult, ProviderBatch
from traintui.generation.client import ModelCall, ModelClient, recorded
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.verdict import CallFailed, FailureKind

QUICK = httpx2.Timeout(60.0, read=1.0)
"""For a server that falls silent."""
CALL = ModelCall("claude-haiku-5-5", "You write.", "persona: member\nexchanges: 2\nAnswer in JSON.", None, 2000)


@pytest.fixture
async def server() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(pace=Pace(0), batch_seconds=0) as running:
        yield running


@pytest.fixture
async def batches(server: RehearsalServer) -> AsyncIterator[BatchClient]:
    async with ModelClient(api_key="rehearsal", base_url=server.url) as client:
        yield BatchClient(client)


async def submitted(batches: BatchClient, number: int = 4) -> ProviderBatch:
    with recorded(1):
        return await batches.submit([(f"key_{place}", CALL.payload()) for place in range(number)])


async def ended(batches: BatchClient, batch_id: str) -> ProviderBatch:
    while True:
        with recorded(2):
            seen = await batches.retrieve(batch_id)
        if seen.ended:
            return seen


async def results_of(batches: BatchClient, batch_id: str) -> list[BatchResult]:
    with recorded(3):
        async with aclosing(batches.results(batch_id)) as results:
            return [result async for result in results]


async def test_a_batch_goes_from_its_requests_to_their_results(server: RehearsalServer, batches: BatchClient) -> None:
    batch = await submitted(batches)
    assert (batch.status, batch.requests, batch.answered.http_status) == ("in_progress", 4, 200)
    assert batch.answered.request_id == server.requests[0].request_id
    assert (await ended(batches, batch.id)).counts["succeeded"] == 4
    results = await results_of(batches, batch.id)
    assert {result.custom_id for result in results} == {f"key_{place}" for place in range(4)}
    assert all(result.body["usage"]["output_tokens"] > 0 for result in results)


async def test_each_verb_is_one_request_and_none_leaves_without_its_row(
    server: RehearsalServer, batches: BatchClient
) -> None:
    batch = await submitted(batches)
    await ended(batches, batch.id)
    before = len(server.requests)
    await results_of(batches, batch.id)
    with recorded(4):
        assert [seen.id for seen in (await batches.page()).batches] == [batch.id]
    assert len(server.requests) == before + 2
    with pytest.raises(RuntimeError, match="commit its row first"):
        await batches.retrieve(batch.id)
    with pytest.raises(RuntimeError, match="commit its row first"):
        await batches.submit([("key", CALL.payload())])
    assert len(server.requests) == before + 2


CALLS: dict[str, Callable[[BatchClient, str], Awaitable[Any]]] = {
    "submit": lambda batches, _: batches.submit([("key", CALL.payload())]),
    "retrieve": lambda batches, batch_id: batches.retrieve(batch_id),
    "page": lambda batches, _: batches.page(),
}
FAILURES: dict[str, FailureKind] = {
    "429": "rate_limit", "529": "overloaded", "401": "key", "reset": "connection", "unmade": "connection",
    "silence": "silence", "html502": "server", "cut": "connection", "short": "cut_body",
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAILURES)
async def test_every_fault_is_told_by_its_kind(
    server: RehearsalServer, batches: BatchClient, call: str, fault: str
) -> None:
    batch = await submitted(batches, 1)
    server.batches.fail_calls(fault)
    timeout = QUICK if fault == "silence" else None
    async with ModelClient(api_key="rehearsal", base_url=server.url, timeout=timeout) as client:
        with recorded(5), pytest.raises(CallFailed) as caught:
            await CALLS[call](BatchClient(client), batch.id)
    assert caught.value.kind == FAILURES[fault]


async def test_results_that_break_off_bring_what_came_and_then_fail(
    server: RehearsalServer, batches: BatchClient
) -> None:
    batch = await submitted(batches)
    await ended(batches, batch.id)
    server.batches.fail_calls("cut")
    seen = []
    with recorded(6), pytest.raises(CallFailed) as caught:
        async with aclosing(batches.results(batch.id)) as results:
            async for result in results:
                seen.append(result)
    assert caught.value.kind in {"lost", "cut_body"} and len(seen) == 2
    assert len(await results_of(batches, batch.id)) == 4


async def test_what_went_wrong_inside_of_a_batch_has_the_kind_that_it_has_outside(
    server: RehearsalServer, batches: BatchClient
) -> None:
    server.batches.fail_items("529", "401", "400-schema", "credit-low", "expired")
    batch = await submitted(batches, 5)
    await ended(batches, batch.id)
    found = {result.custom_id: result for result in await results_of(batches, batch.id)}
    kinds = [found[f"key_{place}"].failure().kind for place in range(4)]
    assert kinds == ["overloaded", "key", "rejected", "no_credit"]
    assert found["key_4"].kind == "expired"


async def test_an_id_that_would_lead_elsewhere_is_never_asked_for(
    server: RehearsalServer, batches: BatchClient
) -> None:
    with recorded(7), pytest.raises(CallFailed):
        await batches.retrieve("../../v1/models?x=")
    assert not server.requests


async def test_lines_come_as_they_are_sent_and_not_once_all_are_there() -> None:
    read_on = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nfirst\n")
        await writer.drain()
        await read_on.wait()
        writer.write(b"second")
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with asyncio.timeout(180), ModelClient(api_key="rehearsal", base_url=url) as client:
        with recorded("lines"):
            async with aclosing(client.lines("/v1/messages/batches/b/results")) as lines:
                assert await anext(lines) == b"first"
                read_on.set()
                assert [line async for line in lines] == [b"second"]
    listener.close()
