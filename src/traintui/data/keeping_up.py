"""Work that follows what was written: done in short statements beside it, by any number of processes at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from traintui.clock import ticks
from traintui.errors import TraintuiError

IDLE_SECONDS = 0.5
"""Seconds between two looks at an empty queue."""
AWAY_SECONDS = 5.0
"""Seconds to wait for a database that does not answer."""
STATEMENT_SECONDS = 0.04
"""Seconds that one statement may take, so that people beside it notice nothing."""
FIRST, MOST = 20, 400
"""Conversations in one statement: at first, and at the most."""

Step = Callable[[int], Awaitable[int]]
"""Does up to so many of what is queued, and says how many it did."""


async def keep_up(step: Step, stop: asyncio.Event) -> None:
    """Does what is queued until `stop` is set, resting as long as each statement took.

    A database that is away is waited for.
    """
    limit = FIRST
    while not stop.is_set():
        began = ticks()
        try:
            done = await step(limit)
        except TraintuiError:
            # Whoever writes or reads says that it is away; what waits is still there afterwards.
            limit = FIRST
            await rest(stop, AWAY_SECONDS)
            continue
        took = ticks() - began
        if done:
            limit = next_limit(limit, took)
        await rest(stop, took if done else IDLE_SECONDS)


@asynccontextmanager
async def keeping_up(step: Step) -> AsyncIterator[None]:
    """Keeps up beside the block, and ends a statement that is under way before it goes on."""
    stop = asyncio.Event()
    keeping = asyncio.ensure_future(keep_up(step, stop))
    try:
        yield
    finally:
        stop.set()
        await keeping


def next_limit(limit: int, seconds: float) -> int:
    """How many conversations to take next, after a statement that took so long: never more than twice as many."""
    wanted = limit * STATEMENT_SECONDS / max(seconds, 0.001)
    return max(1, min(int(wanted), limit * 2, MOST))


async def rest(stop: asyncio.Event, seconds: float) -> None:
    """Returns after that many seconds, or as soon as `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
