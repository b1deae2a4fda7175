"""The Message Batches API of the rehearsal: what is submitted, how it stands, and its results in any order."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from traintui.errors import TraintuiError
from traintui.generation.rehearsal.faults import CONTENT, ERRORS, ApiError, Faults
from traintui.generation.rehearsal.limits import Clock
from traintui.generation.rehearsal.messages import Reply, absent_model, compose, error_payload, invalid, new_id
from traintui.generation.rehearsal.replies import last_user_text
from traintui.generation.rehearsal.usage import Bill, Cache

PATH = "/v1/messages/batches"
MOST_REQUESTS = 100_000
EXPIRES = 24 * 3600.0
"""Seconds after which a batch ends, whatever is left of it."""
CANCELING = 0.5
"""Seconds between the wish to cancel and the end."""
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")

ITEM_FAULTS = ("expired", "canceled", *ERRORS, *CONTENT)
"""What can be asked for one request of a batch: not begun, called off, an error answer, or a spoiled reply."""
CALL_FAULTS = {
    **{name: error.message for name, error in ERRORS.items()},
    "reset": "the connection drops before any header; a batch that was submitted exists all the same",
    "unmade": "the connection drops before the request has any effect",
    "silence": "nothing is ever answered",
    "html502": "a gateway answers 502 with a page of HTML",
    "cut": "the body stops in the middle, and the connection drops",
    "short": "the body stops in the middle as if it were whole; results end after a whole line",
}
"""What can be asked for a call to the batch endpoints."""


@dataclass
class Made:
    """One request of a batch and what became of it: a reply, an error, or why there is neither."""

    custom_id: str
    reply: Reply | None = None
    error: ApiError | None = None
    fault: str | None = None


@dataclass
class Batch:
    """A batch as the server holds it; times are seconds since the epoch."""

    id: str
    created: float
    ready: float
    requests: list[dict[str, Any]]
    canceled: float | None = None
    ended: float | None = None
    made: list[Made] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    lines: list[bytes] = field(default_factory=list)


class Batches:
    """All batches of one rehearsal. `seconds` is how long one takes; the same `seed` shuffles results alike."""

    def __init__(self, clock: Clock, cache: Cache, faults: Faults, bill: Bill, *, seconds: float, seed: int = 0):
        self._clock = clock
        self._cache = cache
        self._faults = faults
        self._bill = bill
        self.seconds = seconds
        self.base_url = ""
        """Where `results_url` leads; known once the server listens."""
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._batches: dict[str, Batch] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._next_calls: deque[str | None] = deque()
        self._next_items: deque[str | None] = deque()

    def fail_calls(self, *faults: str | None) -> None:
        """Gives the next calls these faults, in this order; None lets one pass. Raises `TraintuiError` as below."""
        self._next_calls.extend(_known(name, CALL_FAULTS) for name in faults)

    def fail_items(self, *faults: str | None) -> None:
        """Gives the next requests of batches these faults; None lets one pass. Raises `TraintuiError` as below."""
        self._next_items.extend(_known(name, ITEM_FAULTS) for name in faults)

    def call_fault(self) -> str | None:
        """The fault of a call that came in just now."""
        return self._next_calls.popleft() if self._next_calls else None

    async def close(self) -> None:
        """Ends what is still being written."""
        for task in self._writing:
            task.cancel()
        await asyncio.gather(*self._writing, return_exceptions=True)

    @property
    def all(self) -> tuple[Batch, ...]:
        """Every batch that was submitted, oldest first."""
        return tuple(self._batches.values())

    def submit(self, body: Any, version: str) -> dict[str, Any] | ApiError:
        """Makes a batch. Requests are judged one by one later, as the API does; only their list is judged here."""
        wrong = _refused(body)
        if wrong is not None:
            return ApiError(400, "invalid_request_error", wrong)
        now = self._clock()
        batch = Batch(new_id("msgbatch"), now, now + self.seconds, body["requests"])
        self._batches[batch.id] = batch
        task = asyncio.create_task(self._write(batch, version), name=f"batch {batch.id}")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return self.payload(batch)

    async def _write(self, batch: Batch, version: str) -> None:
        for request in batch.requests:
            batch.made.append(self._made(request, version))
            await asyncio.sleep(0)  # others are answered meanwhile

    def _made(self, request: Mapping[str, Any], version: str) -> Made:
        made = Made(request["custom_id"])
        params = request["params"]
        wrong = invalid(params, version)
        if wrong is None and params.get("stream"):
            wrong = "stream: a request of a batch is not streamed"
        made.error = ApiError(400, "invalid_request_error", wrong) if wrong is not None else absent_model(params)
        if made.error is not None:
            return made
        try:
            chosen = self._next_items.popleft() if self._next_items else self._faults.by_itself(last_user_text(params))
        except TraintuiError as error:
            made.error = ApiError(400, "invalid_request_error", f"{error.message} {error.remedy}")
            return made
        if chosen in {"expired", "canceled"}:
            made.fault = chosen
        elif chosen in ERRORS or chosen == "midstream-overloaded":
            made.error = ERRORS.get(chosen, ERRORS["529"])
        else:  # a fault of the transport has no meaning inside of a batch
            made.reply = compose(params, self._cache.weigh(params), chosen if chosen in CONTENT else None)
        return made

    def page(self, query: Mapping[str, str]) -> dict[str, Any] | ApiError:
        """A page, the newest first."""
        given = query.get("limit", "20")
        if not (given.isascii() and given.isdigit() and 1 <= int(given) <= 1000):
            return ApiError(400, "invalid_request_error", "limit: Input should be from 1 to 1000")
        ids = [batch.id for batch in reversed(self.all)]
        after, before = query.get("after_id"), query.get("before_id")
        for cursor in filter(None, (after, before)):
            if cursor not in ids:
                return ApiError(400, "invalid_request_error", f"{cursor}: no such batch")
        if after:
            ids = ids[ids.index(after) + 1 :]
            shown = ids[: int(given)]
        elif before:
            ids = ids[: ids.index(before)]
            shown = ids[-int(given) :]
        else:
            shown = ids[: int(given)]
        data = [self.payload(self._batches[batch_id]) for batch_id in shown]
        first, last = (shown[0], shown[-1]) if shown else (None, None)
        return {"data": data, "has_more": len(ids) > len(shown), "first_id": first, "last_id": last}

    def find(self, batch_id: str) -> Batch | ApiError:
        """A batch by its id."""
        return self._batches.get(batch_id) or ApiError(404, "not_found_error", f"Batch {batch_id} not found")

    def cancel(self, batch: Batch) -> dict[str, Any] | ApiError:
        """Calls off what has not begun."""
        self._settle(batch)
        if batch.ended is not None:
            return ApiError(400, "invalid_request_error", f"Batch {batch.id} has already ended.")
        if batch.canceled is None:
            batch.canceled = self._clock()
        return self.payload(batch)

    def results(self, batch: Batch) -> list[bytes] | ApiError:
        """The lines of the results, shuffled once."""
        self._settle(batch)
        if batch.ended is None:
            return ApiError(404, "not_found_error", f"The results of batch {batch.id} are not available yet.")
        return batch.lines

    def payload(self, batch: Batch) -> dict[str, Any]:
        """The `message_batch` object. Counts stay 0 until the end; until then all are `processing`."""
        self._settle(batch)
        ended = batch.ended is not None
        status = "ended" if ended else "canceling" if batch.canceled is not None else "in_progress"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": {
                "processing": 0 if ended else len(batch.requests),
                **{kind: batch.kinds[kind] for kind in ("succeeded", "errored", "canceled", "expired")},
            },
            "created_at": _time(batch.created),
            "expires_at": _time(batch.created + EXPIRES),
            "ended_at": _time(batch.ended),
            "cancel_initiated_at": _time(batch.canceled),
            "archived_at": None,
            "results_url": f"{self.base_url}{PATH}/{batch.id}/results" if ended else None,
        }

    def _settle(self, batch: Batch) -> None:
        """Ends a batch whose time has come: writes its results and its bill, once."""
        if batch.ended is not None or len(batch.made) < len(batch.requests):
            return
        end = min(batch.ready, batch.created + EXPIRES)
        if batch.canceled is not None:
            end = min(end, batch.canceled + CANCELING)
        if self._clock() < end:
            return
        batch.ended = end
        # One after the other over the time that the batch takes: what its end left over was called off, or expired.
        whole = batch.ready - batch.created
        share = 1.0 if end >= batch.ready else (min(end, batch.canceled or end) - batch.created) / whole
        done = int(len(batch.made) * share)
        left_over = "canceled" if batch.canceled is not None else "expired"
        for place, made in enumerate(batch.made):
            result = _result(made) if place < done else {"type": left_over}
            batch.kinds[result["type"]] += 1
            if result["type"] == "succeeded" and made.reply is not None:
                self._bill.add(made.reply.model, made.reply.usage, batch=True)
            batch.lines.append(orjson.dumps({"custom_id": made.custom_id, "result": result}) + b"\n")
        self._random.shuffle(batch.lines)


def _result(made: Made) -> dict[str, Any]:
    if made.fault is not None:
        return {"type": made.fault}
    if made.error is not None:
        return {"type": "errored", "error": error_payload(made.error, new_id("req"))}
    assert made.reply is not None  # noqa: S101 - one of the three is always there
    message = made.reply.message(new_id("msg"))
    message["usage"] = {**message["usage"], "service_tier": "batch"}
    return {"type": "succeeded", "message": message}


def _refused(body: Any) -> str | None:
    requests = body.get("requests") if isinstance(body, Mapping) else None
    if not isinstance(requests, list) or not requests:
        return "requests: Field required" if requests is None else "requests: at least one request is required"
    if len(requests) > MOST_REQUESTS:
        return f"requests: at most {MOST_REQUESTS} requests are allowed"
    seen: set[str] = set()
    for index, request in enumerate(requests):
        if not isinstance(request, Mapping) or not isinstance(request.get("params"), Mapping):
            return f"requests.{index}.params: Field required"
        custom_id = request.get("custom_id")
        if not isinstance(custom_id, str) or not CUSTOM_ID.fullmatch(custom_id):
            return f"requests.{index}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
        if custom_id in seen:
            return f"requests.{index}.custom_id: {custom_id} is used twice"
        seen.add(custom_id)
    return None


def _known(name: str | None, names: Mapping[str, str] | tuple[str, ...]) -> str | None:
    if name is not None and name not in names:
        raise TraintuiError("Unknown fault", f"There is no fault called {name!r} here.", f"Use {', '.join(names)}.")
    return name


def _time(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def pieces(lines: list[bytes], size: int = 64 * 1024) -> Iterator[bytes]:
    """Lines as a stream brings them: cut anywhere."""
    whole = b"".join(lines)
    yield from (whole[start : start + size] for start in range(0, len(whole), size))
