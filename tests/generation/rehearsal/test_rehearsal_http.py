"""Whatever comes over the socket, the answer is an API error and the server goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generation.rehearsal.rehearsal_helpers import ask, client, exchanges_of, raw
from traintui.generation.rehearsal import Pace, RehearsalServer

AUTH = b"x-api-key: k\r\nanthropic-version: 2026-10-21\r\n"


@pytest.fixture
async def server() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(pace=Pace(0)) as running:
        yield running
        async with client(running) as sdk:
            assert len(exchanges_of(await ask(sdk))) == 3, "the server must go on"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET /v1/models HTTP/3\r\n\r\n", 400),
        (b"BREW /v1/models HTTP/1.1\r\n\r\n", 400),
        (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
        (b"GET /v1/models HTTP/1.1\r\nno colon here\r\n\r\n", 400),
        (b"GET /v1/models HTTP/1.1\r\n: no name\r\n\r\n", 400),
        (b"GET /v1/models HTTP/1.1\r\nhalf: a header", 400),
        (b"GET /v1/models HTTP/1.1\r\nlong: " + b"x" * 70_000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"x" * 200_000, 400),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: -5\r\n\r\n", 400),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: ten\r\n\r\n", 400),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: \xb2\r\n\r\n", 400),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n", 413),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: 40000000\r\n\r\n", 413),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: 50\r\n\r\n{}", 400),
        (b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /v1/messages HTTP/1.1\r\n" + AUTH + b"content-length: 5\r\n\r\n{oops", 400),
        (b"POST /v1/messages HTTP/1.1\r\n" + AUTH + b"content-length: 2\r\n\r\n\xff\xfe", 400),
        (b"POST /v1/messages HTTP/1.1\r\n" + AUTH + b"content-length: 2\r\n\r\n[]", 400),
        (b"POST /v1/messages HTTP/1.1\r\n" + AUTH + b"\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_malformed_input_gets_an_api_error(server: RehearsalServer, data: bytes, status: int) -> None:
    answered, body = await raw(server, data)
    assert answered == status
    assert body["type"] == "error" and body["error"]["message"] and body["request_id"].startswith("req_")


async def test_a_connection_that_closes_without_a_word_is_no_error(server: RehearsalServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()


async def test_one_connection_carries_many_requests(server: RehearsalServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for _ in range(3):
        writer.write(b"GET /v1/models HTTP/1.1\r\n" + AUTH + b"\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        await reader.readexactly(int(lengths[0].split(b":")[1]))
    writer.close()


async def test_a_client_that_waits_for_leave_to_send_gets_it(server: RehearsalServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST /v1/messages HTTP/1.1\r\n" + AUTH + b"content-length: 2\r\nexpect: 100-continue\r\n\r\n")
    assert b"100 Continue" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    writer.write(b"{}")
    assert b" 400 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    writer.close()


async def test_http_1_0_is_answered_once(server: RehearsalServer) -> None:
    status, _ = await raw(server, b"GET /v1/models HTTP/1.0\r\n" + AUTH + b"\r\n")
    assert status == 200


@given(noise=st.binary(max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_noise_stops_it(noise: bytes) -> None:
    async def send() -> bytes:
        async with RehearsalServer(pace=Pace(0)) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(noise + b"\r\n\r\n")
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 60)
            writer.close()
            return answer

    answer = asyncio.run(send())
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
