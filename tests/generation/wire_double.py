"""A model server of one's own lines: for replies and faults that no well-behaved server has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from traintui.generation.client import ModelCall, ModelClient, ModelReply, recorded
from traintui.generation.exchanges import OUTPUT_SCHEMA
from traintui.generation.pricing import Usage
from traintui.generation.verdict import CallFailed

KEY = "sk-ant-test-0123456789"
TEXT = '{"exchanges": [{"user": "Hi", "assistant": "Hello."}]}'
CALL = ModelCall("claude-sonnet-5-5", "You write.", "Write one.", OUTPUT_SCHEMA, 1000)
USAGE = {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 4}
COUNTED = Usage(100, 20, 30, 4)
LIMITS = {"anthropic-ratelimit-output-tokens-remaining": "8000", "request-id": "req_1"}
PATIENT = httpx2.Timeout(60.0)
QUICK = httpx2.Timeout(60.0, read=1.0)
"""For a server that falls silent."""

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
                length = int(head.get("content-length", 0))
                self.bodies.append(json.loads(await reader.readexactly(length)) if length else {})
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


async def sent(
    answer: Answer, call: ModelCall = CALL, *, streamed: bool = False, patience: httpx2.Timeout = PATIENT
) -> ModelReply:
    async with double(answer) as server, ModelClient(api_key=KEY, base_url=server.url, timeout=patience) as client:
        with recorded(1):
            return await client.send(call, on_text=(lambda _text: None) if streamed else None)


async def failed(answer: Answer, *, streamed: bool = False, patience: httpx2.Timeout = PATIENT) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        await sent(answer, streamed=streamed, patience=patience)
    return caught.value
