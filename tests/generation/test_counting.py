from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from support import fetch
from traintui.data.engine import Database
from traintui.generation.client import ModelCall, ModelClient, recorded
from traintui.generation.counting import mean_tokens
from traintui.generation.exchanges import OUTPUT_SCHEMA
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.verdict import CallFailed

MODEL = "claude-haiku-5-5"


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        yield server


def call(words: int) -> ModelCall:
    return ModelCall(MODEL, "You write.", "word " * words, OUTPUT_SCHEMA, 4096, "medium")


async def test_the_provider_counts_prompts_and_each_request_is_on_record(
    db: Database, rehearsal: RehearsalServer
) -> None:
    provider = Provider(rehearsal.url, "rehearsal", "rehearsal", is_rehearsal=True)
    async with ModelClient(api_key="rehearsal", base_url=rehearsal.url) as client:
        found = await mean_tokens(db, client, provider, [call(100), call(300)])
        with recorded("short"):
            short = await client.count(call(100))
        with recorded("long"):
            long = await client.count(call(300))
    assert found == (short.tokens + long.tokens) / 2 and long.tokens > short.tokens + 100
    rows = await fetch(
        db,
        "SELECT kind, state, cost_usd, output_tokens, (response_payload ->> 'input_tokens')::int, requested_by, run_id"
        " FROM generation_logs ORDER BY id",
    )
    assert [tuple(row) for row in rows] == [
        ("count", "ok", Decimal(0), 0, short.tokens, "ada", None),
        ("count", "ok", Decimal(0), 0, long.tokens, "ada", None),
    ]
    paths = [request.path for request in rehearsal.requests]
    assert paths == ["/v1/messages/count_tokens"] * 4


async def test_a_provider_that_does_not_count_is_no_obstacle(db: Database) -> None:
    async with RehearsalServer(port=0, pace=Pace(0)) as gone:
        url = gone.url
    provider = Provider(url, "rehearsal", "rehearsal", is_rehearsal=True)
    async with ModelClient(api_key="rehearsal", base_url=url) as client:
        assert await mean_tokens(db, client, provider, [call(10)]) is None
        with pytest.raises(CallFailed), recorded("gone"):
            await client.count(call(10))
    (row,) = await fetch(db, "SELECT kind, state, error_type FROM generation_logs")
    assert tuple(row) == ("count", "error", "connection")


async def test_nothing_is_counted_outside_of_a_recorded_attempt(rehearsal: RehearsalServer) -> None:
    async with ModelClient(api_key="rehearsal", base_url=rehearsal.url) as client:
        with pytest.raises(RuntimeError, match="outside of"):
            await client.count(call(10))
    assert list(rehearsal.requests) == []
