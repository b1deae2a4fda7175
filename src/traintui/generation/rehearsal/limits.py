"""Rate limits as token buckets, with the headers that report them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Seconds since the epoch, as `time.time`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one minute allows. The defaults are those of a large organisation, so that they bind only in a test."""

    requests: int = 4_000
    input_tokens: int = 4_000_000
    output_tokens: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that would exceed a limit: which one, its size, and the seconds until it would fit."""

    name: str
    limit: int
    wait: float

    @property
    def retry_after(self) -> int:
        """Whole seconds for the `retry-after` header, at least one."""
        return max(1, math.ceil(self.wait))


class Bucket:
    """A bucket that refills evenly over a minute. Its level may go below zero: output is charged afterwards."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self.capacity = per_minute
        self._clock = clock
        self._level = float(per_minute)
        self._seen = clock()

    @property
    def level(self) -> float:
        """Tokens left now."""
        now = self._clock()
        self._level = min(self.capacity, self._level + max(0.0, now - self._seen) * self.capacity / 60)
        self._seen = now
        return self._level

    def wait(self, amount: float) -> float:
        """Seconds until `amount` would be there; 0 when it is there now."""
        missing = min(amount, self.capacity) - self.level
        if missing <= 0:
            return 0.0
        return missing * 60 / self.capacity if self.capacity else 60.0

    def take(self, amount: float) -> None:
        """Charge `amount`, whether it is there or not."""
        self._level = self.level - amount

    def seconds_to_full(self) -> float:
        """Seconds until the bucket is full again."""
        return (self.capacity - self.level) * 60 / self.capacity if self.capacity else 60.0


class Meter:
    """The three buckets of one organisation."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._clock = clock
        self.requests = Bucket(limits.requests, clock)
        self.input_tokens = Bucket(limits.input_tokens, clock)
        self.output_tokens = Bucket(limits.output_tokens, clock)

    def admit(self, input_tokens: int) -> Refusal | None:
        """Charge a request and its input, or say which limit refuses it; a refused request costs nothing.

        `input_tokens` leaves out what was read from the cache: the API does not count that.
        """
        for name, bucket, amount in (
            ("requests", self.requests, 1),
            ("input tokens", self.input_tokens, input_tokens),
            ("output tokens", self.output_tokens, 1),
        ):
            wait = bucket.wait(amount)
            if wait > 0:
                return Refusal(name, bucket.capacity, wait)
        self.requests.take(1)
        self.input_tokens.take(input_tokens)
        return None

    def charge_output(self, tokens: int) -> None:
        """Charge what a reply really wrote."""
        self.output_tokens.take(tokens)

    def headers(self) -> dict[str, str]:
        """The rate-limit headers of a response; `tokens` is input and output together, as the API reports it."""
        now = self._clock()
        both = (self.input_tokens, self.output_tokens)
        found: dict[str, str] = {}
        for name, buckets in (
            ("requests", (self.requests,)),
            ("tokens", both),
            ("input-tokens", (self.input_tokens,)),
            ("output-tokens", (self.output_tokens,)),
        ):
            full = now + max(bucket.seconds_to_full() for bucket in buckets)
            prefix = f"anthropic-ratelimit-{name}"
            found[f"{prefix}-limit"] = str(sum(bucket.capacity for bucket in buckets))
            found[f"{prefix}-remaining"] = str(sum(max(0, int(bucket.level)) for bucket in buckets))
            found[f"{prefix}-reset"] = (
                datetime.fromtimestamp(full, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            )
        return found
