"""The Messages API through Anthropic's SDK: one call is one HTTP request, and one reply or one `CallFailed`.

Only this and `sdk_failures` import `anthropic`, which takes two seconds; only the worker imports them.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, Self

import anthropic
import httpx2

from traintui.errors import TraintuiError
from traintui.generation.pricing import CacheLifetime, Usage
from traintui.generation.provider_url import trusted
from traintui.generation.received import Received, storable, usage_of
from traintui.generation.sdk_failures import failure_of
from traintui.generation.verdict import CallFailed, FailureKind

PROVIDER = "https://api.anthropic.com"
CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
DEADLINE_SECONDS = 600.0
"""A call that drips on for longer is given up; ten minutes is the SDK's own default for a call."""
SECONDS_PER_TOKEN = 3600 / 128_000
"""How long the SDK expects one token of a whole reply to take (`BaseClient._calculate_nonstreaming_timeout`)."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request. `schema` asks for structured output; `effort` leaves the model's default when `None`.

    There is no temperature and no switch for thinking: the newer models refuse both with 400. Thinking counts toward
    `max_tokens`.
    """

    model: str
    system: str
    user: str
    schema: Mapping[str, Any] | None
    max_tokens: int
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    cache_lifetime: CacheLifetime = "5m"

    def payload(self, *, stream: bool = False) -> dict[str, Any]:
        """The JSON body that leaves the house, to the last key; `stream` when the text is wanted as it is written."""
        marked = {"type": "ephemeral"} if self.cache_lifetime == "5m" else {"type": "ephemeral", "ttl": "1h"}
        system = [{"type": "text", "text": self.system, "cache_control": marked}]
        output: dict[str, Any] = {"effort": self.effort} if self.effort else {}
        if self.schema is not None:
            output["format"] = {"type": "json_schema", "schema": dict(self.schema)}
        return {
            "model": self.model,
            "max_tokens": self.max_tokens,
            **({"system": system} if self.system.strip() else {}),
            "messages": [{"role": "user", "content": self.user}],
            **({"output_config": output} if output else {}),
            **({"stream": True} if stream else {}),
        }

    def counting(self) -> dict[str, Any]:
        """The JSON body that asks how long this prompt is."""
        return {key: value for key, value in self.payload().items() if key != "max_tokens"}


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A finished reply. `payload` is the response as JSON; `rate_limits` its `anthropic-ratelimit-` headers."""

    text: str
    stop_reason: str
    usage: Usage
    request_id: str | None
    http_status: int
    payload: dict[str, Any]
    duration_ms: int
    rate_limits: dict[str, str]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many tokens the prompt of a call has, as the provider counts them."""

    tokens: int
    request_id: str | None
    http_status: int
    payload: dict[str, Any]
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that is no reply of a model: its JSON, and what the ledger keeps of the call."""

    payload: Any
    http_status: int
    request_id: str | None
    duration_ms: int


@dataclass
class _Permit:
    attempt_id: object
    used: bool = False


_permit: ContextVar[_Permit | None] = ContextVar("recorded_attempt", default=None)


@contextmanager
def recorded(attempt_id: object) -> Iterator[None]:
    """Lets one request leave: the caller states that the attempt's row is committed. Outside of it none leaves."""
    token = _permit.set(_Permit(attempt_id))
    try:
        yield
    finally:
        _permit.reset(token)


async def _only_recorded(
    request: anthropic.APIRequest, call_next: anthropic.AsyncCallNext
) -> anthropic.AsyncAPIResponse[Any]:
    """SDK middleware, run before every HTTP request: without its row in the ledger no call leaves."""
    permit = _permit.get()
    if permit is None:
        raise RuntimeError("A model call outside of `with recorded(attempt_id)`: commit its row first.")
    if permit.used:
        raise RuntimeError(f"A second request for attempt {permit.attempt_id}: one row, one request.")
    permit.used = True
    return await call_next(request)


class ModelClient:
    """A connection pool to one provider. Use it as `async with ModelClient(api_key=...) as client`.

    Nothing in the environment redirects it: base URL, credentials and timeouts are explicit, headers from
    `ANTHROPIC_CUSTOM_HEADERS` are dropped, redirects are not followed, and a proxy is used for https only.
    Raises `TraintuiError` for a key that cannot be sent and for an address that a key must not be sent to.
    """

    def __init__(
        self, *, api_key: str, base_url: str | None = None, timeout: httpx2.Timeout | None = None, slots: int = 100
    ) -> None:
        if not re.fullmatch(r"[!-~]+", api_key):
            raise TraintuiError(
                "No usable API key", "The key is empty or holds blanks or other signs.", "Set ANTHROPIC_API_KEY anew."
            )
        url = trusted(base_url or PROVIDER)
        self._key = api_key
        self._chosen_timeout = timeout
        limits = httpx2.Limits(max_connections=slots, max_keepalive_connections=slots)
        default = _timeout(READ_SECONDS)
        self._http = (
            anthropic.DefaultAsyncHttpxClient(timeout=default, limits=limits, follow_redirects=False)
            if url.scheme == "https"
            else httpx2.AsyncClient(timeout=default, limits=limits, follow_redirects=False, trust_env=False)
        )
        self._sdk = anthropic.AsyncAnthropic(
            api_key=api_key,
            base_url=url,
            timeout=default,
            max_retries=0,
            open_telemetry=False,
            http_client=self._http,
            middleware=[_only_recorded],
        )
        self._sdk._custom_headers = {}  # the SDK reads ANTHROPIC_CUSTOM_HEADERS whatever it is given

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections. The client cannot be used afterwards."""
        await self._sdk.close()

    async def send(self, call: ModelCall, *, on_text: Callable[[str], None] | None = None) -> ModelReply:
        """The reply to a call. `on_text` gets the text piece by piece; without it the cheaper whole reply is asked for.

        Raises `CallFailed` for everything but a finished reply with a stop reason and a usage, and `RuntimeError`
        outside of `recorded`. Nothing is tried again here.
        """
        seen = Received()
        started = time.perf_counter()
        patience = self._patience(call, streams=on_text is not None)
        try:
            async with asyncio.timeout(max(DEADLINE_SECONDS, (patience.read or 0.0) + CONNECT_SECONDS)):
                if on_text is None:
                    await self._whole(call, patience, seen)
                else:
                    await self._streamed(call, patience, seen, on_text)
            stop_reason, usage = seen.finished(streamed=on_text is not None)
        except (CallFailed, anthropic.AnthropicError, httpx2.HTTPError, TimeoutError) as error:
            failure = self._completed(failure_of(error), seen, started)
            failure.room, failure.counted = call.max_tokens, seen.counted(streamed=on_text is not None)
            # The chain ends here: the SDK's own errors quote what a server echoes.
            raise failure from None
        payload = storable(seen.payload)
        return ModelReply(
            text=Received(payload=payload).text,
            stop_reason=stop_reason,
            usage=usage,
            request_id=seen.request_id,
            http_status=seen.status or HTTPStatus.OK,
            payload=payload,
            duration_ms=_milliseconds_since(started),
            rate_limits=seen.rate_limits,
        )

    async def count(self, call: ModelCall) -> Counted:
        """The length of a call's prompt; nothing is written, and it is free. Raises as `send` does."""
        seen = Received()
        started = time.perf_counter()
        try:
            async with asyncio.timeout(READ_SECONDS):
                raw = await self._sdk.messages.with_raw_response.count_tokens(**call.counting())
                _note(seen, raw.http_response)
                seen.payload = json.loads(raw.http_response.content)
            tokens = seen.payload.get("input_tokens") if isinstance(seen.payload, dict) else None
            if not isinstance(tokens, int):
                raise CallFailed("not_a_message", "The answer holds no number of tokens.")
        except (CallFailed, anthropic.AnthropicError, httpx2.HTTPError, TimeoutError, ValueError) as error:
            raise self._completed(failure_of(error), seen, started) from None
        payload = storable(seen.payload)
        return Counted(tokens, seen.request_id, seen.status or HTTPStatus.OK, payload, _milliseconds_since(started))

    async def exchange(
        self, method: Literal["GET", "POST"], path: str, *, content: bytes = b"", query: Mapping[str, str] | None = None
    ) -> Answered:
        """The JSON that a path answers with: one request, as `send` is one. Raises `CallFailed` as it does."""
        seen = Received()
        started = time.perf_counter()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                response = await self._requested(method, path, content=content, query=query)
                _note(seen, response)
                seen.payload = _json_of(response.content, seen)
        except (CallFailed, anthropic.AnthropicError, httpx2.HTTPError, TimeoutError) as error:
            raise self._completed(failure_of(error), seen, started) from None
        payload = storable(seen.payload)
        return Answered(payload, seen.status or HTTPStatus.OK, seen.request_id, _milliseconds_since(started))

    async def lines(self, path: str) -> AsyncGenerator[bytes, None]:
        """The lines that a path answers with, as they come: one request. Raises `CallFailed` where they break off.

        Use it inside of `contextlib.aclosing`, so that the connection is given back.
        """
        seen = Received()
        started = time.perf_counter()
        try:
            response = await self._requested("GET", path, stream=True)
            try:
                _note(seen, response)
                rest = b""
                async for piece in response.aiter_bytes():
                    *whole, rest = (rest + piece).split(b"\n")
                    for line in whole:
                        yield line
                if rest:
                    yield rest
            finally:
                await response.aclose()
        except (CallFailed, anthropic.AnthropicError, httpx2.HTTPError) as error:
            raise self._completed(failure_of(error), seen, started) from None

    async def _requested(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        content: bytes = b"",
        query: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> httpx2.Response:
        # The response is asked for as the type, so an error status is still raised and the body is ours to read.
        options: anthropic.RequestOptions = {
            "headers": {"content-type": "application/json"} if content else {}, "params": dict(query or {}),
            "timeout": self._chosen_timeout or _timeout(READ_SECONDS),
        }  # fmt: skip
        kind: Any = anthropic.AsyncAPIResponse[object]
        streaming: Any = {"stream": True, "stream_cls": anthropic.AsyncStream[object]} if stream else {}
        raw: Any = (
            await self._sdk.get(path, cast_to=kind, options=options, **streaming)
            if method == "GET"
            else await self._sdk.post(path, cast_to=kind, content=content or None, options=options, **streaming)
        )
        response: httpx2.Response = raw.http_response
        return response

    def _completed(self, failure: CallFailed, seen: Received, started: float) -> CallFailed:
        """The failure with all that the call had brought until then, and without the key."""
        failure.duration_ms = _milliseconds_since(started)
        failure.http_status = failure.http_status or seen.status
        failure.request_id = failure.request_id or seen.request_id
        failure.rate_limits = failure.rate_limits or seen.rate_limits
        failure.usage = failure.usage or usage_of(seen.payload)
        payload = failure.payload if seen.payload is None else seen.payload
        failure.payload = json.loads(self._without_key(json.dumps(storable(payload))))
        failure.message = self._without_key(failure.message)
        failure.args = (failure.message,)
        return failure

    def _patience(self, call: ModelCall, *, streams: bool) -> httpx2.Timeout:
        """A whole reply comes after a silence as long as its writing takes, so that silence must be allowed."""
        if self._chosen_timeout is not None:
            return self._chosen_timeout
        return _timeout(READ_SECONDS if streams else max(READ_SECONDS, call.max_tokens * SECONDS_PER_TOKEN))

    async def _whole(self, call: ModelCall, patience: httpx2.Timeout, seen: Received) -> None:
        raw = await self._sdk.messages.with_raw_response.create(**call.payload(), timeout=patience)
        _note(seen, raw.http_response)
        seen.payload = _json_of(raw.http_response.content, seen)

    async def _streamed(
        self, call: ModelCall, patience: httpx2.Timeout, seen: Received, on_text: Callable[[str], None]
    ) -> None:
        stream: Any = await self._sdk.messages.create(**call.payload(stream=True), timeout=patience)
        async with stream:
            _note(seen, stream.response)
            try:
                # Raw events cost half of the SDK's typed ones, and a surprising one stays readable.
                async for event in anthropic.AsyncStream.raw_events(stream.response):
                    piece = _taken(seen, event.event, event.data)
                    if piece:
                        on_text(piece)
            except httpx2.HTTPError:
                if not seen.complete:
                    raise

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[key]") if len(self._key) >= 8 else text


def _note(seen: Received, response: httpx2.Response) -> None:
    seen.status, seen.headers = response.status_code, dict(response.headers)


def _json_of(body: bytes, seen: Received) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        cut = body.lstrip().startswith(b"{")
        kind: FailureKind = "cut_body" if cut else "not_a_message"
        raise CallFailed(kind, "The JSON stopped in the middle." if cut else seen.no_message) from None


def _taken(seen: Received, event: str | None, data: str) -> str:
    """The text that an event of a stream brings. Raises `CallFailed` for an error event and for an unreadable one."""
    try:
        return seen.take(event, json.loads(data or "null"))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise CallFailed("cut_body", f"The stream sent an unreadable event ({event}).") from None


def _timeout(read_seconds: float) -> httpx2.Timeout:
    return httpx2.Timeout(connect=CONNECT_SECONDS, read=read_seconds, write=READ_SECONDS, pool=READ_SECONDS)


def _milliseconds_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
