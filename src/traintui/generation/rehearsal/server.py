"""The rehearsal server: connections, routes, faults and the record of what was asked."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

import orjson

from traintui.errors import TraintuiError
from traintui.generation.rehearsal.batch_routes import answer_batch_call
from traintui.generation.rehearsal.batches import PATH as BATCHES
from traintui.generation.rehearsal.batches import Batches
from traintui.generation.rehearsal.faults import ERRORS, TRANSPORT, WRITTEN, ApiError, Faults
from traintui.generation.rehearsal.http import MAX_HEAD, BadRequest, Request, read_request, write_bytes, write_json
from traintui.generation.rehearsal.likeness import ANTHROPIC, Likeness
from traintui.generation.rehearsal.limits import Clock, Limits, Meter
from traintui.generation.rehearsal.messages import absent_model, compose, error_payload, invalid, models_payload, new_id
from traintui.generation.rehearsal.replies import last_user_text
from traintui.generation.rehearsal.sending import Answer, Gone, Pace, send_reply, send_transport_fault
from traintui.generation.rehearsal.usage import Bill, Cache, Usage

HOST = "127.0.0.1"
"""Loopback only: whoever can reach the rehearsal can make it write."""
SERVER = "traintui-rehearsal"
"""The `server` header of every answer: whoever gets it knows that no model wrote the reply."""
BILL = "/rehearsal/bill"
"""Where the bill is read; no other Messages API has this."""
REMEMBERED = 10_000
"""Requests that are kept; older ones are forgotten."""


@dataclass
class Recorded:
    """A request that came in. `status` is None as long as no status line has been sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    request_id: str
    fault: str | None = None
    status: int | None = None
    usage: Usage | None = None
    received: float = field(default_factory=time.monotonic)


class RehearsalServer:
    """A Messages API on loopback that writes conversations by rule.

    An async context manager: it listens from entering to leaving. `port=0` takes a free one. `clock` gives the
    seconds since the epoch to rate limits, cache and batches, each of which takes `batch_seconds`. `like` is another
    kind of server that it plays.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        limits: Limits | None = None,
        faults: Faults | None = None,
        pace: Pace | None = None,
        clock: Clock = time.time,
        batch_seconds: float = 5.0,
        like: Likeness = ANTHROPIC,
    ) -> None:
        self._like = like
        self._wanted = port
        self._faults = faults or Faults()
        self.pace = pace or Pace()
        self._meter = Meter(limits or Limits(), clock)
        self._cache = Cache(clock)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Condition()
        self._count = 0
        self.requests: deque[Recorded] = deque(maxlen=REMEMBERED)
        """What was asked, oldest first."""
        self.bill = Bill()
        """What was used since the start, by model."""
        self.batches = Batches(clock, self._cache, self._faults, self.bill, seconds=batch_seconds)
        self.in_flight = 0
        """Requests to /v1/messages that are being answered now."""
        self.peak_in_flight = 0
        """The most that were ever answered at once."""

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(self._connected, HOST, self._wanted, limit=MAX_HEAD)
        except (OSError, OverflowError) as error:
            raise _not_opened(self._wanted, error) from error
        self.batches.base_url = self.url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop listening and drop every connection, also those that are kept alive or hang on purpose."""
        if self._server is None:
            return
        self._server.close()
        await self.batches.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("The rehearsal is not running: use it as `async with RehearsalServer() as server`.")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://{HOST}:{self.port}"

    def fail_next(self, *faults: str | None) -> None:
        """Give the next requests to /v1/messages these faults, in this order; None lets one pass unharmed.

        Raises `TraintuiError` for a name that is no fault.
        """
        self._faults.script(*faults)

    def use_up(self, *, requests: int = 0, input_tokens: int = 0, output_tokens: int = 0) -> None:
        """Take so much from the limits, as if somebody else used the same account."""
        self._meter.requests.take(requests)
        self._meter.input_tokens.take(input_tokens)
        self._meter.output_tokens.take(output_tokens)

    async def received(self, count: int) -> None:
        """Wait until `count` requests have come in since the start, answered or not."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self._count >= count)

    # Connections

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a callback of start_server runs in a task
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (Gone, ConnectionError, asyncio.CancelledError):
            # Dropped by a fault, by the client or by closing: the transport goes without a farewell.
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                request = await read_request(reader, writer)
            except BadRequest as error:
                kind = "request_too_large" if error.status == 413 else "invalid_request_error"
                answer = Answer(reader, writer, self._headers(new_id("req")), keep_alive=False)
                await self._refuse(answer, ApiError(error.status, kind, error.message))
                await _let_go(reader, writer)
                return
            if request is None:
                return
            await self._handle(request, reader, writer)
            if not request.keep_alive:
                return

    def _headers(self, request_id: str) -> dict[str, str]:
        if not self._like.rate_limits:
            return {"server": f"{SERVER}/{self._like.name}"}
        return {
            "server": SERVER,
            "request-id": request_id,
            "anthropic-organization-id": "00000000-0000-4000-8000-000000000000",
            **self._meter.headers(),
        }

    async def _refuse(
        self, answer: Answer, error: ApiError, record: Recorded | None = None, retry_after: int = 0
    ) -> None:
        headers = {**answer.headers, **({"retry-after": str(retry_after)} if retry_after else {})}
        if record is not None:
            record.status = error.status
        payload = error_payload(error, answer.headers.get("request-id"))
        await write_json(answer.writer, error.status, payload, headers, keep_alive=answer.keep_alive)

    # Routes

    async def _handle(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request_id = new_id("req")
        answer = Answer(reader, writer, self._headers(request_id), request.keep_alive)
        body, readable = _json(request.body)
        record = Recorded(request.method, request.path, _masked(request.headers), body, request_id)
        await self._remember(record)
        route = (request.method, request.path.rstrip("/"))
        if not _key(request.headers):
            error = ApiError(401, "authentication_error", "x-api-key header is required")
        elif "anthropic-version" not in request.headers:
            error = ApiError(400, "invalid_request_error", "anthropic-version: header is required")
        elif route == ("GET", "/v1/models"):
            record.status = 200
            return await write_json(writer, 200, models_payload(), answer.headers, keep_alive=answer.keep_alive)
        elif self._is_foreign(route):
            record.status = 404
            return await write_bytes(
                writer, 404, b"404 page not found", "text/plain", answer.headers, keep_alive=answer.keep_alive
            )
        elif readable and request.path.startswith(BATCHES):
            return await self._batch_call(request, body, record, answer)
        elif route == ("GET", BILL):
            record.status = 200
            return await write_json(writer, 200, self.bill.payload(), answer.headers, keep_alive=answer.keep_alive)
        elif route not in {("POST", "/v1/messages"), ("POST", "/v1/messages/count_tokens")}:
            error = ApiError(404, "not_found_error", f"{request.method} {request.path}: not found")
        elif not readable:
            error = ApiError(400, "invalid_request_error", "The request body is not valid JSON.")
        else:
            counting = route[1].endswith("/count_tokens")
            wrong = invalid(body, request.headers["anthropic-version"], counting=counting)
            absent = absent_model(body) if wrong is None else None
            if absent is not None:
                return await self._refuse(answer, absent, record)
            if wrong is None and counting:
                record.status = 200
                counted = {"input_tokens": _all_input(self._cache.weigh(body, touch=False))}
                return await write_json(writer, 200, counted, answer.headers, keep_alive=answer.keep_alive)
            if wrong is None:
                return await self._messages(body, record, answer)
            error = ApiError(400, "invalid_request_error", wrong)
        await self._refuse(answer, error, record)

    def _is_foreign(self, route: tuple[str, str]) -> bool:
        """Whether this is a path that the server that is played does not know."""
        counting = route[1] == "/v1/messages/count_tokens"
        return (counting and not self._like.count_tokens) or (route[1].startswith(BATCHES) and not self._like.batches)

    async def _remember(self, record: Recorded) -> None:
        self.requests.append(record)
        async with self._arrived:
            self._count += 1
            self._arrived.notify_all()

    async def _batch_call(self, request: Request, body: Any, record: Recorded, answer: Answer) -> None:
        record.status, record.fault = await answer_batch_call(
            self.batches, request.method, request.path, request.query, body,
            request.headers["anthropic-version"], answer, self._faults.retry_after,
        )  # fmt: skip

    async def _messages(self, body: Mapping[str, Any], record: Recorded, answer: Answer) -> None:
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            await self._write(body, record, answer)
        finally:
            self.in_flight -= 1

    async def _write(self, body: Mapping[str, Any], record: Recorded, answer: Answer) -> None:
        try:
            fault = self._faults.choose(last_user_text(body))
        except TraintuiError as error:
            return await self._refuse(
                answer, ApiError(400, "invalid_request_error", f"{error.message} {error.remedy}"), record
            )
        record.fault = fault
        streaming = body.get("stream") is True
        if fault == "midstream-overloaded" and not streaming:
            fault = "529"
        if fault in ERRORS:
            failed = ERRORS[fault]
            return await self._refuse(answer, failed, record, self._faults.retry_after if failed.retry_after else 0)
        weighed = self._cache.weigh(body, touch=False)
        refusal = self._meter.admit(weighed.input_tokens + weighed.cache_write)
        if refusal is not None:
            allowed = f"{refusal.limit:,} {refusal.name} per minute"
            message = f"This request would exceed your organization's rate limit of {allowed}."
            return await self._refuse(answer, ApiError(429, "rate_limit_error", message), record, refusal.retry_after)
        used = self._cache.weigh(body) if self._like.caching else Usage(_all_input(weighed), plain=True)
        reply = compose(body, used, fault, self._like)
        self._meter.charge_output(reply.usage.output_tokens)
        answer = replace(answer, headers=self._headers(record.request_id))
        record.status = {"html502": 502, "reset": None, "silence": None}.get(fault or "", 200)
        if fault in WRITTEN or fault not in TRANSPORT:
            record.usage = reply.usage
            self.bill.add(reply.model, reply.usage)
        if await send_transport_fault(answer, reply, fault):
            return
        await send_reply(answer, reply, fault, self.pace, streaming=streaming)


async def serve(
    port: int,
    *,
    announce: Callable[[str], None],
    until: asyncio.Event | None = None,
    limits: Limits | None = None,
    faults: Faults | None = None,
    pace: Pace | None = None,
    like: Likeness = ANTHROPIC,
) -> None:
    """Run the rehearsal by itself until `until` is set, or until cancelled; `announce` gets lines for a person.

    Raises `TraintuiError` when the port can't be opened.
    """
    async with RehearsalServer(port, limits=limits, faults=faults, pace=pace, like=like) as server:
        announce(f"The rehearsal listens on {server.url} and answers with any key. Stop it with ctrl+c.")
        announce(f"To use it: TRAINTUI_API_BASE_URL={server.url} ANTHROPIC_API_KEY=rehearsal traintui")
        try:
            await (until or asyncio.Event()).wait()
        finally:
            answered, tokens = sum(server.bill.requests.values()), sum(server.bill.tokens().values())
            announce(f"The rehearsal has stopped after {answered} replies, {tokens} tokens in all.")


async def _let_go(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End a connection whose input was not read to its end.

    Closing at once would reset it, and the client would lose the answer; so what still comes is read away, for a second
    at most.
    """
    with contextlib.suppress(TimeoutError, OSError):
        writer.write_eof()
        async with asyncio.timeout(1):
            while await reader.read(65_536):
                pass


def _not_opened(port: int, error: Exception) -> TraintuiError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return TraintuiError(
            "Port in use",
            f"Something else already listens on {HOST}:{port}, so the rehearsal can't.",
            "Choose another one with --port, or --port 0 for any that is free.",
        )
    return TraintuiError(
        "Port not opened",
        f"The rehearsal could not listen on {HOST}:{port} ({error}).",
        "Choose a port from 1024 to 65535 with --port, or --port 0 for any that is free.",
    )


def _json(raw: bytes) -> tuple[Any, bool]:
    try:
        return (orjson.loads(raw) if raw else None), True
    except orjson.JSONDecodeError:
        return None, False


def _key(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return headers.get("x-api-key", "").strip() or (token.strip() if scheme.lower() == "bearer" else "")


def _masked(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as they may be kept: a key is a secret even here, since people paste real ones."""
    hidden = {"x-api-key": "***", "authorization": "Bearer ***", "cookie": "***", "proxy-authorization": "***"}
    return {name: hidden.get(name, value) for name, value in headers.items()}


def _all_input(usage: Usage) -> int:
    return usage.input_tokens + usage.cache_write + usage.cache_read
