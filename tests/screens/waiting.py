"""Waiting for what the app shows, never for time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.css.query import NoMatches
from textual.pilot import Pilot

import traintui
from traintui import clock
from traintui.app import TraintuiApp
from traintui.data.live import Live

PATIENCE = 20.0
"""Seconds until what does not come is given up; a passing test never waits for it."""


def _holds(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except NoMatches:  # of a screen that is not composed yet
        return False


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Returns as soon as a condition holds. What is asked of a screen that is still being made does not hold yet."""
    deadline = clock.ticks() + PATIENCE
    while not _holds(holds):
        assert clock.ticks() < deadline, "it did not come true"
        await asyncio.sleep(0.01)  # a pause of the pilot sends each widget a message, and draws


async def written(app: TraintuiApp) -> None:
    """Waits for everything that is being written, and for what was pressed to be saved; what only reads may go on.
    A press that the database cannot take at the moment stays in the outbox."""
    if writing := [worker for worker in app.workers if worker.group.startswith("write")]:
        await app.workers.wait_for_complete(writing)
    if app.outbox is not None:
        await app.outbox.settled()


class Waiting(TraintuiApp):
    """The app as it is before its copy in memory has been read."""

    CSS_PATH = Path(traintui.__file__).with_name("app.tcss")

    async def _follow(self) -> None:
        self._fields = await self._registered()
        self.live = Live(self.db, self._fields)
