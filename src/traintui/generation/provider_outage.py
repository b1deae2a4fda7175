"""A provider that fails whoever asks: what that costs is time, and not the attempts of what was planned."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from traintui import clock
from traintui.generation.structured import InvalidReply
from traintui.generation.verdict import CallFailed, FailureKind, Verdict

IN_A_ROW = 4
"""So many calls in a row that fail for the provider's sake are no bad luck of an item."""
LONGEST_REST = 60.0
"""Seconds between two calls that try whether it answers, at the most: each rest is twice as long as the one before."""
_SAYS: Mapping[FailureKind, str] = {
    "overloaded": "The provider has been overloaded",
    "connection": "The provider has not been reached",
    "server": "The provider has met errors",
}
_OF_THE_PROVIDER = {"overloaded", "connection"}
"""What no request brings about; an error of the server may be one item's, and counts where others fail alike."""


class ProviderOutage:
    """What a worker has heard of its provider lately, over all of its items."""

    def __init__(self, first_rest: float) -> None:
        self._first_rest = first_rest
        self._failures = 0
        self._items: set[int] = set()
        self._rest = 0.0
        self._until = 0.0
        self._told: str | None = ""  # what a worker that was killed had noted is taken back first
        self.reason: str | None = None
        """Since when nothing is written, and why; None while the provider answers."""

    def room(self, free: int, running: int) -> int:
        """How many items may be begun: all that are free or, while it does not answer, one now and then."""
        if self.reason is None:
            return free
        return min(free, 1) if not running and clock.ticks() >= self._until else 0

    def answered(self) -> None:
        """It answered a call, whatever it said."""
        self._failures, self._items = 0, set()
        self._rest, self._until, self.reason = 0.0, 0.0, None

    def met(self, failure: CallFailed, item_id: int) -> None:
        """A call for an item failed. What the provider said of the request itself is an answer."""
        if failure.kind not in _SAYS:
            if failure.http_status is not None:
                self.answered()
            return
        self._failures += 1
        self._items.add(item_id)
        is_one_item = failure.kind not in _OF_THE_PROVIDER and len(self._items) == 1
        if self._failures < IN_A_ROW or is_one_item or clock.ticks() < self._until:
            return
        self._rest = min(LONGEST_REST, self._rest * 2 or self._first_rest)
        self._until = clock.ticks() + max(self._rest, failure.retry_after or 0.0)
        if self.reason is None:
            since = f"{clock.now().astimezone():%H:%M}"
            self.reason = f"{_SAYS[failure.kind]} since {since}. What waits goes on by itself when it answers."

    def over(self, verdict: Verdict, failure: CallFailed | InvalidReply) -> Verdict:
        """The verdict while the provider does not answer: the item waits, and its attempt was none, unless it may be
        the item's own fault."""
        if self.reason is None or not isinstance(failure, CallFailed) or failure.kind not in _OF_THE_PROVIDER:
            return verdict
        return replace(verdict, kind="wait", retry_after=max(0.0, self._until - clock.ticks()))

    async def tell(self, note: Callable[[str | None], Awaitable[None]], say: Callable[[str], None]) -> None:
        """Has what changed noted where people look, and says it. Raises what `note` raises; then it is told again."""
        if self.reason != self._told:
            reason = self.reason
            await note(reason)
            if reason or self._told:
                say(reason or "The provider answers again.")
            self._told = reason
