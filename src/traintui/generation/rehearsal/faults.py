"""What can go wrong, by name, and how a request gets its fault."""

from __future__ import annotations

import difflib
import random
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from traintui.errors import TraintuiError

DIRECTIVE = re.compile(r"\[\[fault:([^\]\s]+)\]\]")
"""Written into the last user text, it asks for a fault."""


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error answer in the API's own shape."""

    status: int
    type: str
    message: str
    code: str | None = None
    retry_after: bool = False


ERRORS: dict[str, ApiError] = {
    "400-schema": ApiError(
        400, "invalid_request_error", "output_config.format.schema: The compiled grammar is too large."
    ),
    "401": ApiError(401, "authentication_error", "invalid x-api-key"),
    "402": ApiError(402, "billing_error", "Your account has a billing problem. Check your payment details."),
    "403": ApiError(403, "permission_error", "Your API key does not have permission to use the specified resource."),
    "404-model": ApiError(404, "not_found_error", "model: not found"),
    "408": ApiError(408, "timeout_error", "The request timed out."),
    "409": ApiError(409, "conflict_error", "The request conflicts with another one."),
    "413": ApiError(413, "request_too_large", "Request exceeds the maximum size"),
    "429": ApiError(
        429, "rate_limit_error", "This request would exceed your organization's rate limit.", retry_after=True
    ),
    "429-spend": ApiError(
        429, "rate_limit_error", "You have reached your specified API usage limits.", "enforced_spend_limit_reached"
    ),
    "500": ApiError(500, "api_error", "Internal server error"),
    "529": ApiError(529, "overloaded_error", "Overloaded"),
    "credit-low": ApiError(400, "invalid_request_error", "Your credit balance is too low to access the API."),
}

TRANSPORT = {
    "html502": "a gateway answers 502 with a page of HTML",
    "reset": "the connection drops before any header",
    "silence": "nothing is ever answered",
    "cut-json": "200, and a JSON body that stops in the middle",
    "not-a-message": "200, and JSON that is not a message",
}

WRITTEN = {"cut-json"}
"""Of these the faults after which a reply was written, and is billed."""

MIDSTREAM = {
    "midstream-overloaded": "an error event in the middle of the stream (without streaming: 529)",
    "midstream-reset": "the connection drops in the middle of the body",
    "midstream-silence": "the body stops coming and the connection stays open",
    "midstream-eof": "the body ends cleanly before message_stop (without streaming: cut JSON)",
}

CONTENT = {
    "refusal": "stop reason refusal with a category and no content",
    "truncate": "stop reason max_tokens and half of the text",
    "context-exceeded": "stop reason model_context_window_exceeded and half of the text",
    "empty": "a finished message without any content",
    "invalid-content": "prose where JSON was asked for",
    "not-alternating": "an exchange without its assistant turn",
    "blank-turn": "an assistant turn of blanks only",
    "wrong-count": "one exchange fewer than asked for",
}

NAMES: tuple[str, ...] = tuple(sorted({*ERRORS, *TRANSPORT, *MIDSTREAM, *CONTENT}))
"""Every fault that can be asked for."""


def known(name: str) -> str:
    """`name`, if it is the name of a fault.

    Raises `TraintuiError` that names the nearest one.
    """
    if name in NAMES:
        return name
    nearest = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.0)
    raise TraintuiError(
        "Unknown fault",
        f"The rehearsal has no fault called {name!r}.",
        f"Did you mean {nearest[0]!r}? The faults are: {', '.join(NAMES)}.",
    )


@dataclass
class Faults:
    """Faults that come by themselves: `rates` maps a name to its share of all requests, 0 to 1.

    The same `seed` gives the same faults in the same order of requests. `retry_after` is in seconds.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    retry_after: int = 1

    def __post_init__(self) -> None:
        for name, rate in self.rates.items():
            known(name)
            if not 0 <= rate <= 1:
                raise TraintuiError("Fault rate not usable", f"{name} has the rate {rate}.", "Use a share from 0 to 1.")
        if sum(self.rates.values()) > 1:
            raise TraintuiError(
                "Fault rates not usable", "Together they are more than all requests.", "Let them add up to 1 at most."
            )
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable on purpose
        self._script: deque[str | None] = deque()

    def script(self, *names: str | None) -> None:
        """Queue faults for the next requests to /v1/messages; None lets one pass unharmed."""
        self._script.extend(name if name is None else known(name) for name in names)

    def choose(self, last_user_text: str) -> str | None:
        """The fault of this request: the script first, then a directive in the text, then chance.

        Raises `TraintuiError` when a directive names no fault.
        """
        return self._script.popleft() if self._script else self.by_itself(last_user_text)

    def by_itself(self, last_user_text: str) -> str | None:
        """The fault of a request that none was scripted for: a directive in the text, then chance."""
        directive = DIRECTIVE.search(last_user_text)
        if directive:
            return known(directive[1])
        drawn = self._random.random() if self.rates else 1.0
        for name, rate in self.rates.items():
            if drawn < rate:
                return name
            drawn -= rate
        return None
