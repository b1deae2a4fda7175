"""Every fault looks to the real SDK as the true one does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic

from generation.rehearsal.rehearsal_helpers import ask, client, exchanges_of, prompt, stream, text_of
from traintui.errors import TraintuiError
from traintui.generation.rehearsal import FAULT_NAMES, Faults, Pace, RehearsalServer

SHORT = 1.0
"""Seconds that a client waits for a server that will never answer."""


@pytest.fixture
async def server() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(pace=Pace(0)) as running:
        yield running


@pytest.fixture
async def sdk(server: RehearsalServer) -> AsyncIterator[AsyncAnthropic]:
    async with client(server) as made:
        yield made


ANSWERED = [
    ("400-schema", anthropic.BadRequestError, 400, "invalid_request_error"),
    ("401", anthropic.AuthenticationError, 401, "authentication_error"),
    ("402", anthropic.PaymentRequiredError, 402, "billing_error"),
    ("403", anthropic.PermissionDeniedError, 403, "permission_error"),
    ("404-model", anthropic.NotFoundError, 404, "not_found_error"),
    ("408", anthropic.RequestTimeoutError, 408, "timeout_error"),
    ("409", anthropic.ConflictError, 409, "conflict_error"),
    ("413", anthropic.ContentTooLargeError, 413, "request_too_large"),
    ("429", anthropic.RateLimitError, 429, "rate_limit_error"),
    ("429-spend", anthropic.RateLimitError, 429, "rate_limit_error"),
    ("500", anthropic.InternalServerError, 500, "api_error"),
    ("529", anthropic.OverloadedError, 529, "overloaded_error"),
    ("credit-low", anthropic.BadRequestError, 400, "invalid_request_error"),
    ("html502", anthropic.InternalServerError, 502, None),
]


@pytest.mark.parametrize(("fault", "error", "status", "kind"), ANSWERED)
async def test_an_error_answer_becomes_the_sdks_own_error(
    server: RehearsalServer,
    sdk: AsyncAnthropic,
    fault: str,
    error: type[anthropic.APIStatusError],
    status: int,
    kind: str | None,
) -> None:
    for call in (ask, stream):
        server.fail_next(fault)
        with pytest.raises(error) as failed:
            await call(sdk)
        assert (failed.value.status_code, failed.value.type) == (status, kind)
        assert server.requests[-1].fault == fault
        assert server.requests[-1].status == status


async def test_a_rate_limit_says_when_to_come_back_and_a_spend_cap_does_not(
    server: RehearsalServer, sdk: AsyncAnthropic
) -> None:
    server.fail_next("429", "429-spend")
    with pytest.raises(anthropic.RateLimitError) as limited:
        await ask(sdk)
    with pytest.raises(anthropic.RateLimitError) as capped:
        await ask(sdk)
    assert limited.value.response.headers["retry-after"] == "1"
    assert "retry-after" not in capped.value.response.headers
    assert capped.value.error_code == "enforced_spend_limit_reached"
    assert type(capped.value).__name__ == "EnforcedSpendLimitReachedError"


async def test_a_reset_before_headers_is_a_connection_error(server: RehearsalServer, sdk: AsyncAnthropic) -> None:
    for call in (ask, stream):
        server.fail_next("reset")
        with pytest.raises(anthropic.APIConnectionError):
            await call(sdk)


async def test_silence_is_a_timeout(server: RehearsalServer) -> None:
    async with client(server, timeout=SHORT) as sdk:
        for call in (ask, stream):
            server.fail_next("silence")
            with pytest.raises(anthropic.APITimeoutError):
                await call(sdk)
    assert server.requests[-1].status is None


async def test_a_cut_body_is_a_bare_decoding_error(server: RehearsalServer, sdk: AsyncAnthropic) -> None:
    server.fail_next("cut-json")
    with pytest.raises(json.JSONDecodeError):
        await ask(sdk)


async def test_json_that_is_no_message_passes_unnoticed_without_strict_validation(server: RehearsalServer) -> None:
    server.fail_next("not-a-message")
    async with AsyncAnthropic(api_key="k", base_url=server.url, max_retries=0) as lenient:
        message = await ask(lenient)
    assert message.content is None and message.usage is None and message.stop_reason is None


async def test_an_overload_in_midstream_is_an_error_with_status_200(
    server: RehearsalServer, sdk: AsyncAnthropic
) -> None:
    server.fail_next("midstream-overloaded")
    with pytest.raises(anthropic.APIStatusError) as failed:
        await stream(sdk)
    assert (failed.value.status_code, failed.value.type) == (200, "overloaded_error")


async def test_a_reset_in_midstream_is_a_bare_protocol_error(server: RehearsalServer, sdk: AsyncAnthropic) -> None:
    server.fail_next("midstream-reset")
    with pytest.raises(httpx2.RemoteProtocolError):
        await stream(sdk)


async def test_silence_in_midstream_is_a_bare_read_timeout(server: RehearsalServer) -> None:
    server.fail_next("midstream-silence")
    async with client(server, timeout=SHORT) as sdk:
        with pytest.raises(httpx2.ReadTimeout):
            await stream(sdk)


async def test_a_clean_end_before_message_stop_is_no_error_but_has_no_stop_reason(
    server: RehearsalServer, sdk: AsyncAnthropic
) -> None:
    server.fail_next("midstream-eof")
    kinds, text, last = await stream(sdk)
    assert last is None and "message_stop" not in kinds
    assert text and text_of(await ask(sdk)).startswith(text)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("midstream-overloaded", anthropic.OverloadedError),
        ("midstream-reset", anthropic.APIConnectionError),
        ("midstream-silence", anthropic.APITimeoutError),
        ("midstream-eof", json.JSONDecodeError),
    ],
)
async def test_without_streaming_a_midstream_fault_breaks_the_body(
    server: RehearsalServer, fault: str, error: type[Exception]
) -> None:
    server.fail_next(fault)
    async with client(server, timeout=SHORT if fault.endswith("silence") else 60.0) as sdk:
        with pytest.raises(error):
            await ask(sdk)


async def test_a_refusal_has_a_category_and_no_content(server: RehearsalServer, sdk: AsyncAnthropic) -> None:
    server.fail_next("refusal", "refusal")
    message = await ask(sdk)
    assert (message.stop_reason, message.content) == ("refusal", [])
    assert message.stop_details is not None and message.stop_details.category == "frontier_llm"
    kinds, text, last = await stream(sdk)
    assert text == "" and last.delta.stop_details.category == "frontier_llm"
    assert "content_block_start" not in kinds


@pytest.mark.parametrize(
    ("fault", "stop"), [("truncate", "max_tokens"), ("context-exceeded", "model_context_window_exceeded")]
)
async def test_a_reply_cut_short_says_why(server: RehearsalServer, sdk: AsyncAnthropic, fault: str, stop: str) -> None:
    whole = text_of(await ask(sdk))
    server.fail_next(fault)
    message = await ask(sdk)
    assert message.stop_reason == stop
    assert whole.startswith(text_of(message)) and len(text_of(message)) < len(whole)


async def test_content_can_be_wrong_in_every_way_that_must_be_noticed(
    server: RehearsalServer, sdk: AsyncAnthropic
) -> None:
    server.fail_next("empty", "invalid-content", "not-alternating", "blank-turn", "wrong-count")
    assert (await ask(sdk)).content == []
    with pytest.raises(json.JSONDecodeError):
        exchanges_of(await ask(sdk))
    assert "assistant" not in exchanges_of(await ask(sdk))[0]
    assert not exchanges_of(await ask(sdk))[-1]["assistant"].strip()
    assert len(exchanges_of(await ask(sdk))) == 2


async def test_every_fault_leaves_the_server_fit_for_the_next_request(server: RehearsalServer) -> None:
    for fault in FAULT_NAMES:
        server.fail_next(fault)
        async with client(server, timeout=SHORT) as hurried:
            with contextlib.suppress(anthropic.APIError, httpx2.TransportError, json.JSONDecodeError):
                await stream(hurried)
    async with client(server) as sdk:
        assert len(exchanges_of(await ask(sdk))) == 3


async def test_a_directive_in_the_last_user_text_asks_for_a_fault(server: RehearsalServer, sdk: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.OverloadedError):
        await ask(sdk, prompt() + "\n[[fault:529]]")
    spoiled = await ask(sdk, prompt() + "\n[[fault:wrong-count]]")
    assert "fault" not in text_of(spoiled)


async def test_an_unknown_directive_is_refused_with_the_nearest_name(sdk: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="midstream-reset"):
        await ask(sdk, "[[fault:midstream-rest]]")


async def test_a_script_goes_before_a_directive_and_none_lets_one_pass(
    server: RehearsalServer, sdk: AsyncAnthropic
) -> None:
    server.fail_next(None, "500")
    await ask(sdk, prompt() + "[[fault:529]]")
    with pytest.raises(anthropic.InternalServerError, match="Internal server error"):
        await ask(sdk)


async def test_random_faults_come_at_their_rate_and_repeat_with_their_seed() -> None:
    seeded = [Faults(rates={"529": 0.2, "429": 0.1}, seed=seed) for seed in (1, 1, 2)]
    first, again, other = ([faults.choose("") for _ in range(1000)] for faults in seeded)
    assert first == again != other
    assert 150 < first.count("529") < 250
    assert 60 < first.count("429") < 140


async def test_an_unknown_fault_names_the_nearest(server: RehearsalServer) -> None:
    with pytest.raises(TraintuiError, match="'html502'"):
        server.fail_next("html-502")
    with pytest.raises(TraintuiError, match="'refusal'"):
        Faults(rates={"refusel": 0.1})


@pytest.mark.parametrize("rates", [{"529": -0.1}, {"529": 1.5}, {"529": 0.6, "500": 0.6}])
async def test_rates_that_can_not_be_are_refused(rates: dict[str, float]) -> None:
    with pytest.raises(TraintuiError, match=r"Use a share|add up"):
        Faults(rates=rates)
