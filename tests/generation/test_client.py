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
    START,
    TEXT,
    double,
    failed,
    message,
    response,
    sent,
    stream,
)
from traintui.errors import TraintuiError
from traintui.generation.client import ModelCall, ModelClient, ModelReply, recorded
from traintui.generation.exchanges import OUTPUT_SCHEMA


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
