"""What went wrong with a call, and what to do next. Nothing here touches the network, the clock or the database."""

from __future__ import annotations

import random as chance
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Literal, get_args

from traintui.generation.pricing import Usage
from traintui.generation.structured import InvalidReply

MOST_ATTEMPTS = 5
MOST_ALIKE = 5
"""So many items in a row that are refused with the same message are a fault of the batch, not of the items."""
UNTOLD_WAIT = 60.0
"""Seconds to wait after a 429 that does not say how long: rate limits are counted by the minute."""
MORE_ROOM = 2
"""What max_tokens is multiplied by after a reply that did not fit."""

FailureKind = Literal[
    "rate_limit",  # 429; wait as long as it says
    "spend_cap",  # 429 or 400: a limit on money, which no retry gets past
    "no_credit",  # 402, or 400 with a credit balance that is too low
    "key",  # 401
    "permission",  # 403
    "on_hold",  # 400: the organisation is disabled
    "not_found",  # 404: no such model, or no such address
    "unprobed",  # none of a server's own: it could not be found out what it can
    "redirect",  # 3xx: the base URL is not the server's own; we never follow with the key
    "too_slow",  # 408 or 504 from the server, or a timeout_error in mid-stream
    "conflict",  # 409
    "overloaded",  # 529, or an overloaded_error in mid-stream
    "server",  # any other 5xx, also a gateway's page of HTML
    "rejected",  # any other 4xx
    "silence",  # no byte for as long as the read timeout, before or during the reply
    "connection",  # not reached, or reset before the reply
    "lost",  # reset in the middle of the reply
    "cut_body",  # 200 with JSON that stops in the middle
    "not_a_message",  # 200 with something else, or a reply without a usage
    "unfinished",  # a stream that ended cleanly before its stop reason
    "max_tokens",  # the reply did not fit; paid for
    "context_window",  # prompt and reply do not fit the model; paid for
    "refusal",  # the model declined; paid for
    "unexpected_stop",  # any other stop reason than the end of the turn; paid for
]
_PAUSE: Mapping[FailureKind, str] = {
    "spend_cap": "The provider's spending limit is reached.",
    "no_credit": "The provider account has no credit.",
    "key": "The provider does not accept the API key.",
    "permission": "The API key may not use this model.",
    "on_hold": "The provider has put the organisation on hold.",
    "not_found": "The provider knows no such model or address.",
    "redirect": "The provider's address points somewhere else.",
    "unprobed": "What the provider can could not be found out.",
}
_WAITS_FOR: Mapping[FailureKind, str] = {
    "spend_cap": "Raise it there, then resume.",
    "no_credit": "Add some there, then resume.",
    "key": "Set ANTHROPIC_API_KEY anew, start the app or a worker with it, then resume (p on Generate).",
    "permission": "Have it allowed there, or start a worker with another key, then resume.",
    "on_hold": "Ask the provider to lift that, then resume.",
    "not_found": "Check TRAINTUI_API_BASE_URL, then resume; another model needs another batch.",
    "redirect": "Set TRAINTUI_API_BASE_URL to where the server itself is, start a worker, then resume.",
    "unprobed": "Check what answers at TRAINTUI_API_BASE_URL, then resume.",
    "not_a_message": "Set TRAINTUI_API_BASE_URL to a server that speaks the Messages API, start a worker, then resume.",
}
"""What a person does before a paused batch can go on."""
_OURS = {"unprobed", "not_a_message"}
"""Failures whose message is not the provider's."""
_RETRY: Mapping[FailureKind, str] = {
    "too_slow": "The provider took too long.",
    "conflict": "The provider met a conflict.",
    "overloaded": "The provider is overloaded.",
    "server": "The provider had an error.",
    "silence": "The provider fell silent.",
    "connection": "The provider was not reached.",
    "lost": "The connection broke in the middle of the reply.",
    "cut_body": "The reply was cut off.",
    "not_a_message": "The answer was not a reply of a model.",
    "unfinished": "The reply ended before it was finished.",
}


class CallFailed(Exception):
    """A call that gave no usable reply: the one exception of `ModelClient.send`.

    `usage` is what the provider has counted so far, and `payload` what it has sent; a reply that is refused or does
    not fit carries both, because it is paid for. `counted` says that this usage is that of the whole reply, and `sent`
    is false where nothing can have left. `is_probe` says that it met what had to be asked before the call, and not the
    call. `duration_ms` and `retry_after` (seconds) are measured and told, `error_code` and `category` are the
    provider's names for the cause and for a refusal, `room` is the call's max_tokens.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        http_status: int | None = None,
        error_type: str | None = None,
        error_code: str | None = None,
        category: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        usage: Usage | None = None,
        counted: bool = False,
        sent: bool = True,
        payload: Any = None,
        duration_ms: int = 0,
        rate_limits: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.message = message
        self.http_status = http_status
        self.error_type = error_type
        self.error_code = error_code
        self.category = category
        self.retry_after = retry_after
        self.request_id = request_id
        self.usage = usage
        self.counted = counted
        self.sent = sent
        self.room: int | None = None
        self.is_probe = False
        self.payload = payload
        self.duration_ms = duration_ms
        self.rate_limits = dict(rate_limits or {})

    @property
    def billed(self) -> Usage | None:
        """What the provider bills; None where nobody here can know, since the reply broke off on its way.

        An error status instead of a reply means that nothing was written, and so nothing is billed.
        """
        if self.usage is not None and self.counted:
            return self.usage
        if not self.sent or (self.http_status or 0) >= HTTPStatus.MULTIPLE_CHOICES:
            return Usage(0, 0)
        return None

    @property
    def most(self) -> Usage | None:
        """What it can have used at most: the prompt as the provider counted it, and all the room that the reply had;
        None where the provider had not counted the prompt yet."""
        if self.usage is None or self.room is None:
            return None
        return replace(self.usage, output_tokens=max(self.room, self.usage.output_tokens))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with an item after a failure.

    - `wait`: hold back every call to that model for `retry_after` seconds; it does not count as an attempt.
    - `retry`: the same call again after `retry_after` seconds, or after `backoff` when that is `None`.
    - `regenerate`: a new call at once, with `room` times the max_tokens and, if set, with `model`.
    - `pause`: stop the batch and show `reason`; its items stay queued.
    - `fail`: give this item up and keep `reason`.
    """

    kind: Literal["retry", "wait", "pause", "fail", "regenerate"]
    reason: str
    retry_after: float | None = None
    error_type: str | None = None
    http_status: int | None = None
    room: int = field(default=1, kw_only=True)
    model: str | None = field(default=None, kw_only=True)


def verdict_on(
    failure: CallFailed | InvalidReply,
    attempt: int,
    *,
    regenerated: int = 0,
    in_a_row: int = 1,
    fallback_model: str | None = None,
) -> Verdict:
    """The verdict on a failure.

    `attempt` counts this item's calls from 1, without those that ended in `wait`; `regenerated` how often it was
    regenerated for the same kind of failure; `in_a_row` the items in a row, this one included, that failed with this
    message; `fallback_model` is the one to ask after a refusal, if there is one that has not been asked yet.
    """
    if isinstance(failure, InvalidReply):
        return Verdict("regenerate" if not regenerated else "fail", failure.reason)
    kind, said, status = failure.kind, failure.error_type, failure.http_status
    if kind == "rate_limit":
        wait = UNTOLD_WAIT if failure.retry_after is None else failure.retry_after
        return Verdict("wait", "The rate limit of this model is used up.", wait, said, status)
    if kind in _PAUSE:
        return Verdict("pause", f"{why(failure)} {_WAITS_FOR[kind]}", None, said, status)
    if kind == "not_a_message" and in_a_row >= MOST_ALIKE:
        what = f"{in_a_row} answers in a row were no replies of a model."
        reason = f"{what} {_ended(failure.message)} {_WAITS_FOR[kind]}"
        return Verdict("pause", reason, None, said, status)
    if kind in _RETRY:
        if attempt >= MOST_ATTEMPTS:
            return Verdict("fail", f"{_RETRY[kind]} That was attempt {attempt}, the last.", None, said, status)
        return Verdict("retry", _RETRY[kind], failure.retry_after, said, status)
    if kind == "max_tokens" and not regenerated:
        return Verdict("regenerate", "The reply did not fit into max_tokens.", None, said, status, room=MORE_ROOM)
    if kind == "max_tokens":
        reason = f"The reply did not fit into max_tokens, not even with {MORE_ROOM} times the room."
        return Verdict("fail", reason, None, said, status)
    if kind == "refusal":
        reason = f"The model declined ({failure.category or 'no category given'})."
        if fallback_model:
            return Verdict("regenerate", reason, None, said, status, model=fallback_model)
        return Verdict("fail", reason, None, said, status)
    if kind == "context_window":
        return Verdict("fail", "Prompt and reply do not fit into the model's context.", None, said, status)
    if kind == "unexpected_stop":
        return Verdict("fail" if regenerated else "regenerate", failure.message, None, said, status)
    if in_a_row >= MOST_ALIKE:
        return Verdict("pause", f"{in_a_row} in a row were refused alike: {failure.message}", None, said, status)
    return Verdict("fail", f"The provider refused the request: {failure.message}", None, said, status)


def why(failure: CallFailed) -> str:
    """What a failure means, and what the provider said of it."""
    what = _PAUSE.get(failure.kind) or _RETRY.get(failure.kind, "")
    said = _ended(failure.message)
    is_told = said and what and failure.kind in _PAUSE and failure.kind not in _OURS
    return " ".join(part for part in (what, f"It says: {said}" if is_told else said) if part)


def _ended(told: str) -> str:
    return f"{told.removesuffix('.')}." if told else ""


def backoff(attempt: int, random: chance.Random) -> float:
    """Seconds before the next try after attempt number `attempt`: full jitter between 1 and 4, 8, 16 ... at most 60.

    Full jitter spreads the workers that failed together (AWS Architecture Blog, Exponential Backoff And Jitter).
    """
    return random.uniform(1.0, min(60.0, 2.0 ** (attempt + 1)))


ALL_KINDS: tuple[FailureKind, ...] = get_args(FailureKind)
