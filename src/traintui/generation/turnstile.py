"""Where a call waits for its turn: no request leaves that the provider's limits would not let through."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from traintui.data import limits
from traintui.data.engine import Database
from traintui.data.limits import Kind, Told
from traintui.data.refusals import Refused
from traintui.data.work import ClaimedItem
from traintui.generation.client import ModelCall, ModelReply
from traintui.generation.pricing import Usage
from traintui.generation.verdict import UNTOLD_WAIT, CallFailed

SOON, LOOK_SECONDS = 0.02, 0.5
"""Seconds until whoever waits looks again: at the least, and at the most, for turns come sooner than was thought."""
CHARACTERS_PER_TOKEN = 4
USUAL_SHARE = 0.5
"""Of the room for a reply, before it is known how much such replies take."""
COUNTING, BATCHES = "count_tokens", "batches"
"""Lines beside those of the models: these requests are limited apart from messages (platform.claude.com, Rate limits),
so they take nothing from the models, and stop none of them where they were too many."""
_HEADERS: Mapping[str, Kind] = {"requests": "requests", "input-tokens": "input", "output-tokens": "output"}
_SLOW_DOWN = {"overloaded", "rate_limit", "server"}


class Turnstile:
    """The line of one provider, for one worker."""

    def __init__(self, db: Database, endpoint: str, worker_id: int) -> None:
        self.db = db
        self.endpoint = endpoint
        self.worker_id = worker_id
        self.closed = False
        """Whether the worker stops: no other call goes."""

    async def enter(self, call: ModelCall, item: ClaimedItem | None = None) -> int:
        """Waits for the call's turn; its place, to be settled whatever happens.

        Raises `Refused` (TT012) when the item's batch or this worker is stopped meanwhile, or another worker has the
        item.
        """
        tokens = (len(call.system) + len(call.user)) / CHARACTERS_PER_TOKEN
        return await self._wait(call.model, tokens, call.max_tokens * USUAL_SHARE, item)

    async def enter_lightly(self, line: str) -> int:
        """Waits in a line with a request that is too small to be estimated; its place, to be settled. What it uses is
        counted, and nothing is learnt from it for the calls that the line is of."""
        return await self._wait(line, 0.0, 0.0, None)

    async def _wait(self, line: str, input_tokens: float, output_tokens: float, item: ClaimedItem | None) -> int:
        place = await limits.reserve(
            self.db, self.endpoint, line, worker_id=self.worker_id, input_tokens=input_tokens,
            output_tokens=output_tokens,
        )  # fmt: skip
        of_item = {"item_id": item.id, "fence": item.fence} if item else {}
        try:
            while True:
                wait = await limits.take_turn(self.db, place, **of_item)
                if wait is None or self.closed:
                    stopped = "The batch, or its worker, does not run any more."
                    raise Refused("Not wanted now", stopped, "Resume it.", code="TT012")
                if not wait:
                    return place
                await asyncio.sleep(min(max(wait, SOON), LOOK_SECONDS))
        except BaseException:
            await asyncio.shield(self.give_back(place))
            raise

    async def give_back(self, place: int) -> None:
        """Ends the place of a call that was not sent."""
        await limits.settle(self.db, place, {}, {})

    async def answered(self, place: int, reply: ModelReply) -> None:
        """Ends the place of a call that was answered."""
        await limits.settle(
            self.db, place, used_by(reply.usage), told_by(reply.rate_limits), latency_ms=reply.duration_ms
        )

    async def passed(self, place: int, reply: ModelReply | None = None) -> None:
        """Ends the place of a request that entered lightly."""
        usage, told = (reply.usage, told_by(reply.rate_limits)) if reply is not None else (None, {})
        await limits.settle(self.db, place, used_by(usage), told)

    async def failed(self, place: int, line: str, failure: CallFailed) -> None:
        """Ends the place of a call that failed. One that was refused for its rate used nothing, and no other call of
        that model or line passes before the time is over that the provider named, from whatever worker."""
        if failure.kind == "rate_limit":
            wait = UNTOLD_WAIT if failure.retry_after is None else failure.retry_after
            await limits.hold(self.db, self.endpoint, line, wait)
        used = used_by(failure.usage) if failure.kind != "rate_limit" else {}
        await limits.settle(
            self.db, place, used, told_by(failure.rate_limits), is_overloaded=failure.kind in _SLOW_DOWN
        )


def used_by(usage: Usage | None) -> dict[Kind, float]:
    """What a call counts for. Tokens read from the cache count toward no limit (Anthropic, Rate limits)."""
    if usage is None:
        return {"requests": 1}
    return {"requests": 1, "input": usage.input_tokens + usage.cache_write_tokens, "output": usage.output_tokens}


def told_by(headers: Mapping[str, str]) -> dict[Kind, Told]:
    """What the `anthropic-ratelimit-` headers of a response say; what is no number says nothing."""
    told: dict[Kind, Told] = {}
    for name, kind in _HEADERS.items():
        limit, remaining = (headers.get(f"anthropic-ratelimit-{name}-{part}", "") for part in ("limit", "remaining"))
        if re.fullmatch(r"[0-9]{1,12}", limit) and re.fullmatch(r"[0-9]{1,12}", remaining):
            told[kind] = Told(float(limit), float(remaining))
    return told
