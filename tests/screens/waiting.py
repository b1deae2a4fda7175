"""Waiting for what the app shows, never for time."""

from __future__ import annotations

from collections.abc import Callable

from textual.pilot import Pilot

from traintui import clock
from traintui.app import TraintuiApp

PATIENCE = 20.0
"""Seconds until what does not come is given up; a passing test never waits for it."""


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Returns as soon as a condition holds."""
    deadline = clock.ticks() + PATIENCE
    while not holds():
        assert clock.ticks() < deadline, "it did not come true"
        await pilot.pause(0.01)


async def written(app: TraintuiApp) -> None:
    """Waits for everything that is being written; what only reads may go on."""
    if writing := [worker for worker in app.workers if worker.group.startswith("write")]:
        await app.workers.wait_for_complete(writing)
