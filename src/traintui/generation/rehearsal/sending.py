"""How a reply reaches the client: whole or streamed, at a pace, or cut off on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from traintui.generation.rehearsal.faults import ERRORS
from traintui.generation.rehearsal.http import Chunks, head, write_bytes, write_json
from traintui.generation.rehearsal.messages import (
    Reply,
    closing_events,
    error_payload,
    event,
    new_id,
    opening_events,
    piece_event,
    pieces_of,
)

EVENT_STREAM = "text/event-stream; charset=utf-8"
GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Gone(Exception):
    """The connection is to be dropped without another byte."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the rehearsal writes; 0 is without any delay. By default a conversation takes some 1.5 s."""

    tokens_per_second: float = 350.0

    def seconds(self, tokens: float) -> float:
        """Seconds that so many tokens take."""
        return tokens / self.tokens_per_second if self.tokens_per_second > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a response goes, and the headers that every response carries."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    headers: Mapping[str, str]
    keep_alive: bool


async def send_transport_fault(answer: Answer, reply: Reply, fault: str | None) -> bool:
    """Answer with a fault that leaves no usable body; False when `fault` is not of that kind.

    Raises `Gone` when the connection has to drop.
    """
    match fault:
        case "html502":
            await write_bytes(
                answer.writer, 502, GATEWAY_PAGE, "text/html", answer.headers, keep_alive=answer.keep_alive
            )
        case "reset":
            raise Gone
        case "silence":
            await hang(answer)
        case "cut-json":
            whole = orjson.dumps(reply.message(new_id("msg")))
            body = whole[: len(whole) // 2]
            await write_bytes(
                answer.writer, 200, body, "application/json", answer.headers, keep_alive=answer.keep_alive
            )
        case "not-a-message":
            await write_json(answer.writer, 200, {"ok": True}, answer.headers, keep_alive=answer.keep_alive)
        case _:
            return False
    return True


async def send_reply(answer: Answer, reply: Reply, fault: str | None, pace: Pace, *, streaming: bool) -> None:
    """Send a reply whole or as events, at `pace`; a midstream fault breaks it off in the middle.

    Raises `Gone` when the connection has to drop.
    """
    if streaming:
        await _stream(answer, reply, fault, pace)
    else:
        await asyncio.sleep(pace.seconds(reply.usage.output_tokens))
        await _whole(answer, reply, fault)


async def _whole(answer: Answer, reply: Reply, fault: str | None) -> None:
    message = reply.message(new_id("msg"))
    if fault is None or not fault.startswith("midstream-"):
        await write_json(answer.writer, 200, message, answer.headers, keep_alive=answer.keep_alive)
        return
    body = orjson.dumps(message)
    half = body[: len(body) // 2]
    if fault == "midstream-eof":
        await write_bytes(answer.writer, 200, half, "application/json", answer.headers, keep_alive=answer.keep_alive)
        return
    headers = {**answer.headers, "content-type": "application/json", "content-length": str(len(body))}
    answer.writer.write(head(200, headers) + half)
    await answer.writer.drain()
    await _break_off(answer, fault)


async def _stream(answer: Answer, reply: Reply, fault: str | None, pace: Pace) -> None:
    chunks = Chunks(answer.writer)
    await chunks.open(200, EVENT_STREAM, answer.headers)
    for opening in opening_events(reply, new_id("msg")):
        await chunks.send(opening)
    pieces = pieces_of(reply.text)
    middle = len(pieces) // 2 if fault and fault.startswith("midstream-") else -1
    each = pace.seconds(reply.usage.output_tokens) / max(1, len(pieces))
    clock = asyncio.get_running_loop().time
    start = clock()
    for index, piece in enumerate(pieces):
        if index == middle and await _ended_early(answer, chunks, fault or ""):
            return
        await chunks.send(piece_event(piece))
        # Against the start and not piece by piece, so that small delays do not add up.
        await asyncio.sleep(max(0.0, start + (index + 1) * each - clock()))
    for closing in closing_events(reply):
        await chunks.send(closing)
    await chunks.end()


async def _ended_early(answer: Answer, chunks: Chunks, fault: str) -> bool:
    if fault == "midstream-overloaded":
        await chunks.send(event("error", error_payload(ERRORS["529"], answer.headers.get("request-id"))))
    elif fault != "midstream-eof":
        await _break_off(answer, fault)
    await chunks.end()
    return True


async def _break_off(answer: Answer, fault: str) -> None:
    if fault == "midstream-silence":
        await hang(answer)
    raise Gone


async def hang(answer: Answer) -> None:
    """Say nothing more until the client gives up; closing the server ends it too."""
    while await answer.reader.read(65_536):
        pass
    raise Gone
