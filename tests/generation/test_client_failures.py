from __future__ import annotations

import asyncio
import json

import pytest

from generation.wire_double import (
    BLOCKS,
    CALL,
    COUNTED,
    END,
    KEY,
    PATIENT,
    QUICK,
    START,
    TEXT,
    Answer,
    double,
    error,
    failed,
    message,
    response,
    sent,
    stream,
)
from traintui.generation.client import ModelClient, recorded
from traintui.generation.pricing import Usage
from traintui.generation.verdict import CallFailed, FailureKind, why

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
async def test_a_page_is_called_a_page(streamed: bool) -> None:
    page = response("<html>Log in to the hotel's network</html>", kind="text/html; charset=utf-8")
    assert "page of HTML" in (await failed(page, streamed=streamed)).message
    gateway = response("<html>502</html>", 502, "text/html")
    failure = await failed(gateway, streamed=streamed)
    assert failure.message == "HTTP 502, with a page of HTML instead of an explanation."
    assert why(failure) == f"The provider had an error. {failure.message}"


@pytest.mark.parametrize("streamed", [False, True])
async def test_resets_and_silence_before_the_reply_are_told_apart(streamed: bool) -> None:
    assert (await failed(reset, streamed=streamed)).kind == "connection"
    assert (await failed(silence, streamed=streamed, patience=QUICK)).kind == "silence"


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
        (response("<html>Log in to the hotel's network</html>", kind="text/html"), "not_a_message"),
        (response({"models": ["llama"]}), "not_a_message"),
    ],
)
async def test_what_goes_wrong_in_mid_stream_keeps_what_had_come(answer: Answer, kind: FailureKind) -> None:
    failure = await failed(answer, streamed=True, patience=QUICK if kind == "silence" else PATIENT)
    assert (failure.kind, failure.http_status, failure.request_id) == (kind, 200, "req_1")
    if failure.payload:
        assert failure.usage == Usage(100, 1, 30, 4)
        assert failure.payload["id"] == "msg_1"


@pytest.mark.parametrize("then", ["reset", "silence"])
async def test_a_connection_that_breaks_after_the_end_costs_no_reply(then: str) -> None:
    answer = stream(START, *BLOCKS, *END, then=then)
    assert (await sent(answer, streamed=True, patience=QUICK if then == "silence" else PATIENT)).text == TEXT


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

    failure = await failed(drip, streamed=True, patience=QUICK)
    assert (failure.kind, failure.message) == ("silence", "The reply was not finished in time.")
