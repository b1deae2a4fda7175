from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from traintui.errors import TraintuiError
from traintui.generation.client import ModelCall, ModelClient, ModelReply, recorded
from traintui.generation.pricing import Usage
from traintui.generation.prompt import OUTPUT_SCHEMA
from traintui.generation.verdict import CallFailed, FailureKind

KEY = "sk-ant-test-0123456789"
TEXT = '{"exchanges": [{"user": "Hi", "assistant": "Hello."}]}'
CALL = ModelCall("claude-sonnet-5-5", "You write.", "Write one.", OUTPUT_SCHEMA, 1000)
USAGE = {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4}
COUNTED = Usage(100, 20, 30, 4)
LIMITS = {"anthropic-ratelimit-output-tokens-remaining": "8000", "request-id": "req_1"}
QUICK = httpx2.Timeout(connect=2.0, read=0.3, write=2.0, pool=2.0)

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Double:
    """A server of one's own lines: it answers every request alike and keeps what was sent."""

    answer: Answer
    url: str = ""
    heads: list[dict[str, str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := (await reader.readline()).decode():
                self.lines.append(line.strip())
                head: dict[str, str] = {}
                while (row := (await reader.readline()).decode().strip()) != "":
                    name, _, value = row.partition(":")
                    head[name.lower()] = value.strip()
                self.heads.append(head)
                self.bodies.append(json.loads(await reader.readexactly(int(head["content-length"]))))
                await self.answer(writer)
        finally:
            writer.close()


@asynccontextmanager
async def double(answer: Answer) -> AsyncIterator[Double]:
    server = Double(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()


def response(
    body: object, status: int = 200, kind: str = "application/json", length: int = 0, **headers: str
) -> Answer:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    rows = {"content-type": kind, "content-length": str(length or len(raw)), **LIMITS, **named}
    head = "".join(f"{name}: {value}\r\n" for name, value in rows.items())

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + raw)
        await writer.drain()
        if length > len(raw):
            writer.transport.abort()

    return answer


def message(**changes: object) -> dict[str, Any]:
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }
    return {**whole, **changes}


def error(type_: str, told: str, code: str | None = None) -> dict[str, Any]:
    details = {"details": {"error_code": code}} if code else {}
    return {"type": "error", "error": {"type": type_, "message": told, **details}, "request_id": "req_1"}


START = ("message_start", {"message": message(content=[], stop_reason=None, usage={**USAGE, "output_tokens": 1})})
BLOCKS: list[tuple[str, dict[str, Any]]] = [
    ("content_block_start", {"index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
    ("ping", {}),
    ("content_block_delta", {"index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}}),
    ("content_block_delta", {"index": 0, "delta": {"type": "signature_delta", "signature": "s"}}),
    ("content_block_stop", {"index": 0}),
    ("content_block_start", {"index": 1, "content_block": {"type": "text", "text": ""}}),
    *(
        ("content_block_delta", {"index": 1, "delta": {"type": "text_delta", "text": piece}})
        for piece in (TEXT[:20], TEXT[20:])
    ),
    ("content_block_stop", {"index": 1}),
]
END: list[tuple[str, dict[str, Any]]] = [
    (
        "message_delta",
        {
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 20, "input_tokens": None},
        },
    ),
    ("message_stop", {}),
]


def stream(*events: tuple[str, dict[str, Any]], then: str = "end") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        rows = {"content-type": "text/event-stream", "transfer-encoding": "chunked", **LIMITS}
        writer.write(("HTTP/1.1 200 OK\r\n" + "".join(f"{n}: {v}\r\n" for n, v in rows.items()) + "\r\n").encode())
        for name, data in events:
            chunk = f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        await writer.drain()
        if then == "end":
            writer.write(b"0\r\n\r\n")
        elif then == "reset":
            writer.transport.abort()
        else:
            await asyncio.sleep(5)

    return answer


async def sent(answer: Answer, call: ModelCall = CALL, *, streamed: bool = False) -> ModelReply:
    async with double(answer) as server, ModelClient(api_key=KEY, base_url=server.url, timeout=QUICK) as client:
        with recorded(1):
            return await client.send(call, on_text=(lambda _text: None) if streamed else None)


async def failed(answer: Answer, *, streamed: bool = False) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await sent(answer, streamed=streamed)
    return caught.value


async def test_a_whole_reply_comes_with_its_usage_and_headers() -> None:
    reply = await sent(response(message()))
    assert (reply.text, reply.stop_reason, reply.usage) == (TEXT, "end_turn", COUNTED)
    assert (reply.request_id, reply.http_status, reply.payload) == ("req_1", 200, message())
    assert reply.rate_limits == {"anthropic-ratelimit-output-tokens-remaining": "8000"}
    assert reply.duration_ms >= 0


async def test_a_streamed_reply_is_the_same_and_its_text_comes_piece_by_piece() -> None:
    pieces: list[str] = []
    async with double(stream(START, *BLOCKS, *END)) as server, ModelClient(api_key=KEY, base_url=server.url) as client:
        with recorded(1):
            reply = await client.send(CALL, on_text=pieces.append)
    assert pieces == [TEXT[:20], TEXT[20:]]
    assert (reply.text, reply.stop_reason, reply.usage) == (TEXT, "end_turn", COUNTED)
    assert reply.payload == message()


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_logged_payload_is_what_left_the_house(streamed: bool) -> None:
    call = ModelCall("claude-opus-5-5", "System.", "User <source>.", OUTPUT_SCHEMA, 321, effort="low")
    answer = stream(START, *BLOCKS, *END) if streamed else response(message())
    async with double(answer) as server, ModelClient(api_key=KEY, base_url=server.url) as client:
        with recorded(1):
            await client.send(call, on_text=(lambda _text: None) if streamed else None)
    assert server.bodies == [call.payload(stream=streamed)]
    assert server.bodies[0]["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert server.bodies[0]["output_config"]["format"]["schema"] == OUTPUT_SCHEMA
    assert not {"temperature", "top_p", "top_k", "thinking"} & set(server.bodies[0])
    assert server.lines == ["POST /v1/messages HTTP/1.1"]


def test_a_call_without_schema_or_system_prompt_sends_neither() -> None:
    assert ModelCall("m", " ", "Hi", None, 5).payload() == {
        "model": "m",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "Hi"}],
    }


async def test_no_call_leaves_without_its_row_and_no_row_lets_two_leave() -> None:
    async with double(response(message())) as server, ModelClient(api_key=KEY, base_url=server.url) as client:
        with pytest.raises(RuntimeError, match="commit its row first"):
            await client.send(CALL)
        with pytest.raises(RuntimeError, match="commit its row first"):
            await client.send(CALL, on_text=lambda _text: None)
        assert server.bodies == []
        with recorded(7):
            await client.send(CALL)
            with pytest.raises(RuntimeError, match="A second request for attempt 7"):
                await client.send(CALL)
        assert len(server.bodies) == 1
        with pytest.raises(RuntimeError, match="commit its row first"):
            await client.send(CALL)


async def test_calls_at_the_same_time_each_need_a_row_of_their_own() -> None:
    async with double(response(message())) as server, ModelClient(api_key=KEY, base_url=server.url) as client:

        async def one(attempt_id: int) -> ModelReply:
            with recorded(attempt_id):
                return await client.send(CALL)

        assert len(await asyncio.gather(*(one(attempt_id) for attempt_id in range(8)))) == 8
        assert len(server.bodies) == 8


async def test_nothing_in_the_environment_redirects_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = "http://127.0.0.1:9"
    for name, value in {
        "ANTHROPIC_BASE_URL": nowhere,
        "ANTHROPIC_AUTH_TOKEN": "stolen-token",
        "ANTHROPIC_API_KEY": "other-key",
        "ANTHROPIC_PROFILE": "other",
        "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer stolen\nanthropic-version: 1999\nx-evil: yes",
        "HTTP_PROXY": nowhere,
        "http_proxy": nowhere,
        "ALL_PROXY": nowhere,
    }.items():
        monkeypatch.setenv(name, value)
    async with double(response(message())) as server, ModelClient(api_key=KEY, base_url=server.url) as client:
        with recorded(1):
            await client.send(CALL)
    head = server.heads[0]
    assert head["authorization"] == f"Bearer {KEY}"
    assert head["anthropic-version"] != "1999"
    assert "x-evil" not in head
    assert "stolen" not in json.dumps(head)
    assert "traceparent" not in head


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    async with double(response(message())) as elsewhere:
        failure = await failed(response("", 307, location=f"{elsewhere.url}/v1/messages"))
        assert failure.kind == "redirect"
        assert elsewhere.heads == []


@pytest.mark.parametrize(
    "url",
    ["http://api.anthropic.com", "http://93.184.216.34:8000", "ftp://127.0.0.1", "https://", "https://u:p@host", "x"],
)
def test_a_key_is_not_sent_over_open_networks(url: str) -> None:
    with pytest.raises(TraintuiError, match="Model server not usable"):
        ModelClient(api_key=KEY, base_url=url)


@pytest.mark.parametrize(
    "url",
    ["https://api.anthropic.com", "http://localhost:8000", "http://[::1]:80", "http://10.0.0.7/", "http://vllm:8000"],
)
async def test_https_and_private_hosts_are_accepted(url: str) -> None:
    await ModelClient(api_key=KEY, base_url=url).close()


@pytest.mark.parametrize("key", ["", "sk-ant-secret\n", "sk ant", "clé"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(TraintuiError) as caught:
        ModelClient(api_key=key)
    assert not key or key.strip() not in str(caught.value)


REFUSALS: list[tuple[Answer, FailureKind, str | None]] = [
    (response(error("rate_limit_error", "Slow down."), 429, retry_after="7"), "rate_limit", "rate_limit_error"),
    (response(error("rate_limit_error", "Ramp.", "ramp_limit_exceeded"), 429, retry_after="7"), "rate_limit", None),
    (
        response(error("rate_limit_error", "Over.", "enforced_spend_limit_reached"), 429),
        "spend_cap",
        "rate_limit_error",
    ),
    (response(error("rate_limit_error", "You have reached your API usage limits: ..."), 429), "spend_cap", None),
    (
        response(error("invalid_request_error", "You have reached your specified API usage limits."), 400),
        "spend_cap",
        None,
    ),
    (response(error("invalid_request_error", "Your credit balance is too low."), 400), "no_credit", None),
    (response(error("invalid_request_error", "Disabled.", "organization_on_hold"), 400), "on_hold", None),
    (response(error("invalid_request_error", "schema: too large"), 400), "rejected", "invalid_request_error"),
    (response(error("authentication_error", "invalid x-api-key"), 401), "key", "authentication_error"),
    (response(error("billing_error", "Pay."), 402), "no_credit", "billing_error"),
    (response(error("permission_error", "No."), 403), "permission", "permission_error"),
    (response(error("not_found_error", "model: claude-x"), 404), "not_found", "not_found_error"),
    (response(error("timeout_error", "Late."), 408), "too_slow", "timeout_error"),
    (response(error("conflict_error", "Busy."), 409), "conflict", "conflict_error"),
    (response(error("request_too_large", "Big."), 413), "rejected", "request_too_large"),
    (response(error("api_error", "Oops."), 500), "server", "api_error"),
    (response("<html><h1>502 Bad Gateway</h1></html>", 502, "text/html"), "server", None),
    (response(error("timeout_error", "Late."), 504), "too_slow", "timeout_error"),
    (response(error("overloaded_error", "Overloaded"), 529), "overloaded", "overloaded_error"),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("answer", "kind", "error_type"), REFUSALS)
async def test_a_refused_call_is_told_by_its_kind(
    answer: Answer, kind: FailureKind, error_type: str | None, streamed: bool
) -> None:
    failure = await failed(answer, streamed=streamed)
    assert failure.kind == kind
    assert failure.http_status is not None
    assert failure.http_status >= 400
    assert error_type is None or failure.error_type == error_type
    assert failure.request_id == "req_1"
    assert failure.usage is None
    assert failure.payload
    assert failure.message
    assert "<" not in failure.message
    assert failure.rate_limits["anthropic-ratelimit-output-tokens-remaining"] == "8000"


async def test_the_wait_of_a_rate_limit_is_kept_in_seconds() -> None:
    assert (await failed(REFUSALS[0][0])).retry_after == 7.0
    assert (await failed(REFUSALS[2][0])).retry_after is None
    past = response(error("rate_limit_error", "Slow."), 429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT")
    assert (await failed(past)).retry_after == 0.0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (response(json.dumps(message())[:90]), "cut_body"),
        (response(json.dumps(message())[:90], length=4000), "connection"),
        (response({"models": ["llama"]}), "not_a_message"),
        (response([1, 2]), "not_a_message"),
        (response("<html>Log in to the hotel's network</html>", kind="text/html"), "not_a_message"),
        (response(message(usage=None)), "not_a_message"),
        (response(message(content="text")), "not_a_message"),
        (response(message(stop_reason=None)), "unfinished"),
        (response(error("overloaded_error", "Overloaded")), "overloaded"),
    ],
)
async def test_a_200_without_a_whole_reply_does_not_count(answer: Answer, kind: FailureKind) -> None:
    failure = await failed(answer)
    assert failure.kind == kind


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def silence(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


@pytest.mark.parametrize("streamed", [False, True])
async def test_resets_and_silence_before_the_reply_are_told_apart(streamed: bool) -> None:
    assert (await failed(reset, streamed=streamed)).kind == "connection"
    assert (await failed(silence, streamed=streamed)).kind == "silence"


async def test_a_server_that_is_not_there_is_a_failed_connection() -> None:
    async with double(reset) as server:
        pass
    async with ModelClient(api_key=KEY, base_url=server.url) as client:
        with recorded(1), pytest.raises(CallFailed, match="cannot be reached") as caught:
            await client.send(CALL)
    assert caught.value.kind == "connection"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (stream(START, *BLOCKS, ("error", error("overloaded_error", "Overloaded"))), "overloaded"),
        (stream(START, *BLOCKS, ("error", error("api_error", "Oops."))), "server"),
        (stream(START, *BLOCKS, then="reset"), "lost"),
        (stream(START, *BLOCKS, then="silence"), "silence"),
        (stream(START, *BLOCKS), "unfinished"),
        (
            stream(START, ("content_block_delta", {"index": 4, "delta": {"type": "text_delta", "text": "x"}})),
            "cut_body",
        ),
        (stream(), "unfinished"),
    ],
)
async def test_what_goes_wrong_in_mid_stream_keeps_what_had_come(answer: Answer, kind: FailureKind) -> None:
    failure = await failed(answer, streamed=True)
    assert (failure.kind, failure.http_status, failure.request_id) == (kind, 200, "req_1")
    if failure.payload:
        assert failure.usage == Usage(100, 1, 30, 4)
        assert failure.payload["id"] == "msg_1"


@pytest.mark.parametrize("then", ["reset", "silence"])
async def test_a_connection_that_breaks_after_the_end_costs_no_reply(then: str) -> None:
    assert (await sent(stream(START, *BLOCKS, *END, then=then), streamed=True)).text == TEXT


@pytest.mark.parametrize(
    ("stop_reason", "kind"),
    [
        ("max_tokens", "max_tokens"),
        ("refusal", "refusal"),
        ("model_context_window_exceeded", "context_window"),
        ("tool_use", "unexpected_stop"),
    ],
)
async def test_what_is_paid_for_keeps_its_usage_and_text(stop_reason: str, kind: FailureKind) -> None:
    details = {"type": "refusal", "category": "frontier_llm", "explanation": None}
    body = message(stop_reason=stop_reason, stop_details=details if stop_reason == "refusal" else None)
    failure = await failed(response(body))
    assert (failure.kind, failure.usage, failure.payload) == (kind, COUNTED, body)
    assert failure.category == ("frontier_llm" if stop_reason == "refusal" else None)


async def test_the_key_is_in_no_error_even_if_a_server_echoes_it() -> None:
    for answer in (
        response(error("authentication_error", f"invalid key Bearer {KEY}"), 401),
        response(f"<html>{KEY}</html>", 502, "text/html"),
        response({"echo": [KEY]}),
    ):
        failure = await failed(answer)
        assert KEY not in f"{failure} {failure!r} {failure.message} {failure.payload}"
        assert failure.__cause__ is None
        assert failure.__suppress_context__


async def test_a_reply_that_drips_on_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("traintui.generation.client.DEADLINE_SECONDS", 0.2)
    monkeypatch.setattr("traintui.generation.client.CONNECT_SECONDS", 0.0)

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"event: ping\ndata: {}\n\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    failure = await failed(drip, streamed=True)
    assert (failure.kind, failure.message) == ("silence", "The reply was not finished in time.")


async def test_characters_that_a_jsonb_column_refuses_do_not_cost_a_paid_reply() -> None:
    reply = await sent(response(message(content=[{"type": "text", "text": "a\0b\ud800c"}])))
    assert reply.payload["content"][0]["text"] == "a\ufffdb\ufffdc"
    assert reply.text == "a\ufffdb\ufffdc"


def test_a_whole_reply_is_waited_for_as_long_as_its_writing_takes() -> None:
    client = ModelClient(api_key=KEY)
    short, long = (client._patience(ModelCall("m", "", "", None, room), streams=False) for room in (500, 16_000))
    assert (short.connect, short.read) == (10.0, 120.0)
    assert long.read == 450.0
    assert client._patience(ModelCall("m", "", "", None, 16_000), streams=True).read == 120.0
