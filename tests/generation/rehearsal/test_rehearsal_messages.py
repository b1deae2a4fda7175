"""The rehearsal is a Messages API to the real SDK: structured, streamed, counted, cached, limited, recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic

from generation.rehearsal.rehearsal_helpers import (
    FORMAT,
    MODEL,
    ask,
    client,
    exchanges_of,
    prompt,
    raw,
    said,
    stream,
    text_of,
)
from support import beside
from traintui.errors import TraintuiError
from traintui.generation.rehearsal import Limits, Pace, RehearsalServer, serve

VERSION = "2026-10-21"
MODELS = f"GET /v1/models HTTP/1.1\r\nanthropic-version: {VERSION}\r\n".encode()


@pytest.fixture
async def server() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(pace=Pace(0)) as running:
        yield running


@pytest.fixture
async def sdk(server: RehearsalServer) -> AsyncIterator[AsyncAnthropic]:
    async with client(server) as made:
        yield made


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_structured_reply_holds_as_many_exchanges_as_asked(sdk: AsyncAnthropic) -> None:
    message = await ask(sdk, prompt(exchanges=4))
    assert message.stop_reason == "end_turn"
    assert [sorted(exchange) for exchange in exchanges_of(message)] == [["assistant", "user"]] * 4


async def test_streamed_events_come_in_the_documented_order(server: RehearsalServer) -> None:
    body = {"model": MODEL, "max_tokens": 500, "stream": True, "messages": said("Hello")}
    names = [
        line.removeprefix(b"event: ").decode()
        for line in (await raw_stream(server, body)).split(b"\n")
        if line.startswith(b"event: ")
    ]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(names[3:-3]) == {"content_block_delta"}


async def raw_stream(server: RehearsalServer, body: dict[str, Any]) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    data = json.dumps(body).encode()
    head = f"POST /v1/messages HTTP/1.1\r\nx-api-key: k\r\nanthropic-version: {VERSION}\r\n"
    head += f"content-length: {len(data)}\r\n"
    writer.write(head.encode() + b"connection: close\r\n\r\n" + data)
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return answer


async def test_a_streamed_reply_says_the_same_as_a_whole_one(sdk: AsyncAnthropic) -> None:
    whole = await ask(sdk)
    kinds, text, last = await stream(sdk)
    assert text == text_of(whole)
    assert last.delta.stop_reason == "end_turn"
    assert last.usage.output_tokens == whole.usage.output_tokens
    assert kinds[-1] == "message_stop"


async def test_a_plain_question_gets_a_plain_answer(sdk: AsyncAnthropic) -> None:
    message = await sdk.messages.create(model=MODEL, max_tokens=200, messages=said("Who are you?"))
    assert "rehearsal" in text_of(message).lower()


async def test_json_asked_for_in_words_is_given_without_a_schema(sdk: AsyncAnthropic) -> None:
    message = await ask(sdk, system="Answer with JSON only.", output_config=anthropic.omit)
    assert len(exchanges_of(message)) == 3


async def test_a_brief_without_a_schema_is_written_as_a_dialogue(sdk: AsyncAnthropic) -> None:
    message = await ask(sdk, output_config=anthropic.omit)
    assert text_of(message).startswith("User: ") and text_of(message).count("Assistant: ") == 3


async def test_any_other_schema_is_obeyed(sdk: AsyncAnthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 10}, "reason": {"type": "string"}},
        "required": ["score", "reason"],
        "additionalProperties": False,
    }
    message = await ask(sdk, output_config={"format": {"type": "json_schema", "schema": schema}})
    judged = json.loads(text_of(message))
    assert 0 <= judged["score"] <= 10 and isinstance(judged["reason"], str)


async def test_the_same_request_gets_the_same_reply_and_another_variation_another(sdk: AsyncAnthropic) -> None:
    first, again = await ask(sdk, prompt(variation=7)), await ask(sdk, prompt(variation=7))
    other = await ask(sdk, prompt(variation=8))
    assert text_of(first) == text_of(again)
    assert text_of(first) != text_of(other)
    assert first.id != again.id


async def test_too_little_room_cuts_the_json_and_says_so(sdk: AsyncAnthropic) -> None:
    message = await ask(sdk, max_tokens=40)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 40
    with pytest.raises(json.JSONDecodeError):
        json.loads(text_of(message))


async def test_more_room_gives_the_whole_of_the_same_text(sdk: AsyncAnthropic) -> None:
    cut, whole = await ask(sdk, max_tokens=40), await ask(sdk, max_tokens=4000)
    assert text_of(whole).startswith(text_of(cut))


async def test_usage_follows_the_length_of_what_was_sent_and_written(sdk: AsyncAnthropic) -> None:
    message = await ask(sdk)
    longer = await ask(sdk, prompt() + " " + "x" * 4000)
    assert message.usage.output_tokens == len(text_of(message)) // 4
    assert longer.usage.input_tokens - message.usage.input_tokens == pytest.approx(1000, abs=5)


async def test_count_tokens_agrees_with_what_is_billed(sdk: AsyncAnthropic) -> None:
    system = [{"type": "text", "text": "Write with care. " * 400, "cache_control": {"type": "ephemeral"}}]
    counted = await sdk.messages.count_tokens(
        model=MODEL,
        messages=said(prompt()),
        system=system,  # type: ignore[arg-type]
        output_config=FORMAT,  # type: ignore[arg-type]
    )
    usage = (await ask(sdk, system=system)).usage
    assert counted.input_tokens == usage.input_tokens + (usage.cache_creation_input_tokens or 0)


async def test_a_long_marked_system_prompt_is_written_to_the_cache_and_then_read_from_it() -> None:
    clock = Clock()
    async with RehearsalServer(pace=Pace(0), clock=clock) as server, client(server) as sdk:
        system = [{"type": "text", "text": "Write with care. " * 400, "cache_control": {"type": "ephemeral"}}]
        first = (await ask(sdk, prompt(variation=1), system=system)).usage
        second = (await ask(sdk, prompt(variation=2), system=system)).usage
        clock.now += 301
        late = (await ask(sdk, prompt(variation=3), system=system)).usage
    length = len("Write with care. " * 400) // 4
    assert (first.cache_creation_input_tokens, first.cache_read_input_tokens) == (length, 0)
    assert first.cache_creation is not None and first.cache_creation.ephemeral_5m_input_tokens == length
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens) == (0, length)
    assert (late.cache_creation_input_tokens, late.cache_read_input_tokens) == (length, 0)


async def test_a_short_prefix_is_silently_not_cached(sdk: AsyncAnthropic) -> None:
    system = [{"type": "text", "text": "Write with care.", "cache_control": {"type": "ephemeral"}}]
    for _ in range(2):
        usage = (await ask(sdk, system=system)).usage
        assert (usage.cache_creation_input_tokens, usage.cache_read_input_tokens) == (0, 0)


async def test_the_models_are_listed(sdk: AsyncAnthropic) -> None:
    assert MODEL in [model.id async for model in sdk.models.list()]


async def test_every_response_reports_limits_and_a_request_id(server: RehearsalServer, sdk: AsyncAnthropic) -> None:
    response = await sdk.messages.with_raw_response.create(model=MODEL, max_tokens=50, messages=said("Hello"))
    server.fail_next("529")
    with pytest.raises(anthropic.OverloadedError) as failed:
        await ask(sdk)
    for headers in (response.headers, failed.value.response.headers):
        assert headers["request-id"].startswith("req_")
        for name in ("requests", "tokens", "input-tokens", "output-tokens"):
            for part in ("limit", "remaining", "reset"):
                assert headers[f"anthropic-ratelimit-{name}-{part}"]


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (Limits(requests=2), "requests"),
        (Limits(input_tokens=1_000), "input tokens"),
        (Limits(output_tokens=500), "output tokens"),
    ],
)
async def test_an_empty_bucket_answers_429_and_says_when_to_come_back(limits: Limits, name: str) -> None:
    clock = Clock()
    async with RehearsalServer(pace=Pace(0), limits=limits, clock=clock) as server, client(server) as sdk:
        with pytest.raises(anthropic.RateLimitError) as refused:
            for variation in range(5):
                await ask(sdk, prompt(variation=variation))
        headers = refused.value.response.headers
        assert name in str(refused.value)
        assert 1 <= int(headers["retry-after"]) <= 60
        clock.now += int(headers["retry-after"])
        await ask(sdk, prompt(variation=99))


async def test_what_is_read_from_the_cache_does_not_count_toward_the_input_limit() -> None:
    clock = Clock()
    async with RehearsalServer(pace=Pace(0), clock=clock) as server, client(server) as sdk:
        system = [{"type": "text", "text": "Write with care. " * 4000, "cache_control": {"type": "ephemeral"}}]
        remaining = []
        for variation in range(3):
            raw_answer = await sdk.messages.with_raw_response.create(
                model=MODEL,
                max_tokens=100,
                messages=said(prompt(variation=variation)),
                system=system,  # type: ignore[arg-type]
            )
            remaining.append(int(raw_answer.headers["anthropic-ratelimit-input-tokens-remaining"]))
    assert remaining[0] - remaining[1] < 1_000


async def test_a_key_is_needed_and_any_will_do(server: RehearsalServer) -> None:
    status, body = await raw(server, MODELS + b"\r\n")
    assert (status, body["error"]["type"]) == (401, "authentication_error")
    for header in (b"x-api-key: anything", b"authorization: Bearer anything"):
        status, _ = await raw(server, MODELS + header + b"\r\n\r\n")
        assert status == 200


async def test_the_version_header_is_needed(server: RehearsalServer) -> None:
    status, body = await raw(server, b"GET /v1/models HTTP/1.1\r\nx-api-key: k\r\n\r\n")
    assert status == 400 and "anthropic-version" in body["error"]["message"]


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
async def test_sampling_parameters_are_refused(sdk: AsyncAnthropic, name: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=name):
        await ask(sdk, extra_body={name: 1})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"model": 5}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "first message must use the user role"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "{"}]}, "prefill"),
        ({"messages": [{"role": "system", "content": "a"}]}, "role"),
        ({"messages": [{"role": "user", "content": ""}]}, "content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "text"),
        ({"system": 7}, "system"),
        ({"stream": "yes"}, "stream"),
        ({"output_config": {"format": {"type": "grammar"}}}, "json_schema"),
        ({"output_config": {"format": {"type": "json_schema", "schema": {"$ref": "#/nowhere"}}}}, "schema"),
    ],
)
async def test_a_request_of_the_wrong_form_is_refused_with_a_reason(
    sdk: AsyncAnthropic, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=message):
        await ask(sdk, extra_body=changed)


async def test_an_unknown_path_is_not_found(server: RehearsalServer) -> None:
    status, body = await raw(server, b"GET /v2/x HTTP/1.1\r\nx-api-key: k\r\nanthropic-version: 1\r\n\r\n")
    assert (status, body["error"]["type"]) == (404, "not_found_error")


async def test_requests_are_recorded_without_the_key(server: RehearsalServer, sdk: AsyncAnthropic) -> None:
    message = await ask(sdk)
    (request,) = server.requests
    assert (request.method, request.path, request.status, request.fault) == ("POST", "/v1/messages", 200, None)
    assert request.body["model"] == MODEL
    assert request.usage is not None and request.usage.output_tokens == message.usage.output_tokens
    assert "rehearsal" not in str(request.headers)


async def test_the_bill_adds_up_by_model(server: RehearsalServer, sdk: AsyncAnthropic) -> None:
    usages = [(await ask(sdk, model=model)).usage for model in ("claude-opus-5-5", "claude-opus-5-5", MODEL)]
    opus = sum(usage.input_tokens + usage.output_tokens for usage in usages[:2])
    assert server.bill.tokens() == {
        "claude-opus-5-5": opus,
        MODEL: usages[2].input_tokens + usages[2].output_tokens,
    }


async def test_the_bill_is_read_as_json_at_list_prices(server: RehearsalServer, sdk: AsyncAnthropic) -> None:
    usage = (await ask(sdk, model="claude-opus-5-5")).usage
    await ask(sdk, model="local-model")
    status, bill = await raw(
        server, b"GET /rehearsal/bill HTTP/1.1\r\nx-api-key: k\r\nanthropic-version: 1\r\nconnection: close\r\n\r\n"
    )
    assert (status, bill["requests"]) == (200, {"claude-opus-5-5": 1, "local-model": 1})
    asked = (usage.input_tokens * Decimal(4) + usage.output_tokens * Decimal(20)) / 1_000_000
    assert {model: Decimal(usd) for model, usd in bill["usd"].items()} == {"claude-opus-5-5": asked}


async def test_requests_at_once_are_answered_at_once() -> None:
    async with RehearsalServer(pace=Pace(2_000)) as server, client(server) as sdk:
        await asyncio.gather(*(ask(sdk, prompt(variation=number)) for number in range(6)))
        assert server.peak_in_flight == 6
        assert server.in_flight == 0


async def test_pace_sets_how_long_a_reply_takes() -> None:
    async with RehearsalServer(pace=Pace(4_000)) as server, client(server) as sdk:
        clock = asyncio.get_running_loop().time
        start = clock()
        message = await ask(sdk)
        whole = clock() - start
        start = clock()
        await stream(sdk)
        assert min(whole, clock() - start) >= message.usage.output_tokens / 4_000 * 0.9


async def test_a_port_in_use_is_said_with_a_way_out(server: RehearsalServer) -> None:
    with pytest.raises(TraintuiError) as refused:
        async with RehearsalServer(port=server.port):
            raise AssertionError("two servers on one port")
    assert refused.value.title == "Port in use"
    assert "--port" in refused.value.remedy


async def test_a_port_that_can_not_be_is_said_with_a_way_out() -> None:
    with pytest.raises(TraintuiError, match="--port"):
        async with RehearsalServer(port=70_000):
            raise AssertionError("a port beyond 65535")


async def test_closing_does_not_wait_for_open_connections() -> None:
    async with RehearsalServer(pace=Pace(1)) as server, client(server) as sdk:
        writing = asyncio.create_task(ask(sdk))
        await beside(writing, server.received(1))
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.wait_for(server.close(), 60)
        assert await reader.read() == b""
        with pytest.raises(anthropic.APIConnectionError):
            await writing
        writer.close()


async def test_serving_alone_announces_where_and_ends_when_told() -> None:
    lines: list[str] = []
    until = asyncio.Event()
    running = asyncio.Event()

    def announce(line: str) -> None:
        lines.append(line)
        running.set()

    task = asyncio.create_task(serve(0, announce=announce, until=until, pace=Pace(0)))
    await beside(task, running.wait())
    assert "http://127.0.0.1:" in lines[0]
    until.set()
    await asyncio.wait_for(task, 60)
    assert "stopped" in lines[-1]
