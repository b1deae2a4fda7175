"""The worker and the rehearsal as children of the app. Nothing here loads what they load."""

from __future__ import annotations

import re

from traintui.errors import TraintuiError
from traintui.processes import Child
from traintui.settings import Settings


def environment_of(settings: Settings) -> dict[str, str | None]:
    """What a child needs in its environment to work with the same workspace and provider."""
    key = settings.anthropic_api_key
    return {
        "TRAINTUI_HOME": str(settings.home),
        "TRAINTUI_DATABASE_URL": settings.database_url,
        "TRAINTUI_API_BASE_URL": settings.api_base_url,
        "ANTHROPIC_API_KEY": key.get_secret_value() if key else None,
    }


async def start_worker(settings: Settings, *, slots: int = 4) -> Child:
    """A worker that lives as long as this process does. What it says goes to `logs/worker.log` in the home."""
    log = settings.home / "logs" / "worker.log"
    return await Child.start("worker", "--slots", str(slots), environment=environment_of(settings), log=log)


async def start_rehearsal(settings: Settings) -> tuple[Child, str]:
    """A rehearsal server that lives as long as this process does, and its address."""
    log = settings.home / "logs" / "rehearsal.log"
    child = await Child.start("rehearsal", "--port", "0", environment=environment_of(settings), log=log)
    line = await child.first_line()
    found = re.search(r"http://[\w.]+:\d+", line)
    if found is None:
        raise TraintuiError("Rehearsal not started", f"it said: {line}", f"Look at {log}.")
    return child, found[0]
