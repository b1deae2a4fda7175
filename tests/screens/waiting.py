"""Waiting for what the app shows, never for time."""

from __future__ import annotations

from collections.abc import Callable

from textual.pilot import Pilot

from traintui import clock

PATIENCE = 20.0
"""Seconds until what does not come is given up; a passing test never waits for it."""


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Returns as soon as a condition holds."""
    deadline = clock.ticks() + PATIENCE
    while not holds():
        assert clock.ticks() < deadline, "it did not come true"
        await pilot.pause(0.01)
