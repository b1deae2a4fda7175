"""The Message Batches API: each verb is one HTTP request, or one `CallFailed`, under the permit of its ledger row.

Results are asked for at the path of the batch and never at the address that the server names, which could be anybody's:
the key goes along.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, cast, get_args

import orjson

from traintui.generation.client import Answered, ModelClient
from traintui.generation.received import refused
from traintui.generation.verdict import CallFailed

PATH = "/v1/messages/batches"
PAGE = 100
"""Batches a page of the list."""
Kind = Literal["succeeded", "errored", "canceled", "expired"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_STATUS: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that an error has where it is an answer of its own (platform.claude.com, Errors)."""


@dataclass(frozen=True, slots=True)
class ProviderBatch:
    """A batch as the provider tells of it. `counts` are all `processing` until it has ended."""

    id: str
    status: Literal["in_progress", "canceling", "ended"]
    counts: Mapping[str, int]
    created_at: datetime
    expires_at: datetime
    archived: bool
    """Its results are not kept any more."""
    answered: Answered

    @property
    def ended(self) -> bool:
        return self.status == "ended"

    @property
    def requests(self) -> int:
        """How many requests it holds."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class BatchPage:
    """A page of the list of batches, the newest first."""

    batches: tuple[ProviderBatch, ...]
    more: bool
    answered: Answered


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one request: the message, or the error, or neither."""

    custom_id: str
    kind: Kind
    body: Any = None

    def failure(self) -> CallFailed:
        """The error that the provider met, as if it had answered a call of its own with it."""
        inner = self.body.get("error") if isinstance(self.body, dict) else None
        said = inner.get("type") if isinstance(inner, dict) else None
        return refused(_STATUS.get(str(said), HTTPStatus.INTERNAL_SERVER_ERROR), {}, self.body)


class BatchClient:
    """The batch endpoints, over the connections of a `ModelClient`."""

    def __init__(self, client: ModelClient) -> None:
        self._client = client

    async def submit(self, requests: Sequence[tuple[str, Mapping[str, Any]]]) -> ProviderBatch:
        """Submits requests, each with its custom id. There is no idempotency: a failure may leave a batch behind."""
        listed = [{"custom_id": custom_id, "params": params} for custom_id, params in requests]
        answered = await self._client.exchange("POST", PATH, content=orjson.dumps({"requests": listed}))
        return _batch(answered.payload, answered)

    async def retrieve(self, batch_id: str) -> ProviderBatch:
        """How a batch stands."""
        answered = await self._client.exchange("GET", f"{PATH}/{_safe(batch_id)}")
        return _batch(answered.payload, answered)

    async def cancel(self, batch_id: str) -> ProviderBatch:
        """Calls off what has not begun; the batch ends soon, with results for what had."""
        answered = await self._client.exchange("POST", f"{PATH}/{_safe(batch_id)}/cancel")
        return _batch(answered.payload, answered)

    async def page(self, *, after: str | None = None) -> BatchPage:
        """The batches of this key's workspace, the newest first; `after` is the last id of the page before."""
        query = {"limit": str(PAGE)} | ({"after_id": after} if after else {})
        answered = await self._client.exchange("GET", PATH, query=query)
        data = answered.payload.get("data") if isinstance(answered.payload, dict) else None
        if not isinstance(data, list):
            raise _strange(answered, "list of batches")
        found = tuple(_batch(entry, answered) for entry in data)
        return BatchPage(found, answered.payload.get("has_more") is True, answered)

    async def results(self, batch_id: str) -> AsyncGenerator[BatchResult, None]:
        """The results as they come, in any order. Use it inside of `contextlib.aclosing`.

        Raises `CallFailed` where they break off; a list that ends early has no other sign than its length.
        """
        async with aclosing(self._client.lines(f"{PATH}/{_safe(batch_id)}/results")) as lines:
            async for line in lines:
                if line.strip():
                    yield _result(line)


def _safe(batch_id: str) -> str:
    if not _ID.fullmatch(batch_id):
        raise CallFailed("not_a_message", "The provider gave a batch an id that is none.")
    return batch_id


def _batch(payload: Any, answered: Answered) -> ProviderBatch:
    try:
        counts = {name: int(number) for name, number in payload["request_counts"].items()}
        status = payload["processing_status"]
        created, expires = (datetime.fromisoformat(payload[name]) for name in ("created_at", "expires_at"))
        if status not in {"in_progress", "canceling", "ended"} or created.tzinfo is None or expires.tzinfo is None:
            raise ValueError(status)
        archived = payload.get("archived_at") is not None
        return ProviderBatch(_safe(payload["id"]), status, counts, created, expires, archived, answered)
    except (ValueError, LookupError, TypeError, AttributeError):
        raise _strange(answered, "batch") from None


def _strange(answered: Answered, wanted: str) -> CallFailed:
    return CallFailed(
        "not_a_message",
        f"The answer is JSON, but not a {wanted}.",
        http_status=answered.http_status,
        request_id=answered.request_id,
        payload=answered.payload,
        duration_ms=answered.duration_ms,
    )


def _result(line: bytes) -> BatchResult:
    try:
        given = json.loads(line)
        custom_id, result = given["custom_id"], given["result"]
        kind = result["type"]
        if kind not in KINDS or not isinstance(custom_id, str):
            raise ValueError(kind)
        body = result.get("message") if kind == "succeeded" else result.get("error")
        return BatchResult(custom_id, cast("Kind", kind), body)
    except (ValueError, LookupError, TypeError, AttributeError):
        raise CallFailed("cut_body", "A line of the results cannot be read.") from None
