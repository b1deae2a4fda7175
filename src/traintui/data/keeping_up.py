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
FAULT_SECONDS = 60.0
"""Seconds after a fault until what runs beside the work is tried again."""

Step = Callable[[int], Awaitable[int]]
"""Does up to so many of what is queued, and says how many it did."""
Keep = Callable[[asyncio.Event], Awaitable[None]]
"""Goes on until the event is set, and waits for a database that is away."""
Failed = Callable[[Exception], None]
"""Is told a fault of what runs beside the work."""


def raise_fault(error: Exception) -> None:
    """Ends what runs beside a block with its fault, which is raised where the block ends."""
    raise error


async def keep_going(keep: Keep, stop: asyncio.Event, failed: Failed) -> None:
    """Runs `keep` until it has done or `stop` is set. `failed` is told of a fault, and it is tried again a minute
    later: nothing that runs beside the work ends unseen."""
    while not stop.is_set():
        try:
            return await keep(stop)
        except Exception as error:
            failed(error)
            await rest(stop, FAULT_SECONDS)


@asynccontextmanager
async def beside(keep: Keep, *, name: str, failed: Failed = raise_fault, at_once: bool = False) -> AsyncIterator[None]:
    """Runs `keep` beside the block. At its end that stops by itself, or is cancelled `at_once`."""
    stop = asyncio.Event()
    keeping = asyncio.create_task(keep_going(keep, stop, failed), name=name)
    try:
        yield
    finally:
        stop.set()
        if at_once:
            keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=at_once)


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


def next_limit(limit: int, seconds: float) -> int:
    """How many conversations to take next, after a statement that took so long: never more than twice as many."""
    wanted = limit * STATEMENT_SECONDS / max(seconds, 0.001)
    return max(1, min(int(wanted), limit * 2, MOST))


async def rest(stop: asyncio.Event, seconds: float) -> None:
    """Returns after that many seconds, or as soon as `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
