"""The worker and the rehearsal as children of the app. Nothing here loads what they load."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from traintui.errors import TraintuiError
from traintui.processes import Child, Found, Parting
from traintui.settings import Settings

if TYPE_CHECKING:
    from traintui.generation.trial import Trial, TrialReply

TRIAL_SECONDS = 660.0
"""How long the one call of a trial may take: a little longer than any call may."""


class Crew:
    """The children of one app. They end when the app does, however it ends, unless it `leave`s its worker. One that it
    left before is found again."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._worker: Child | Found | None = None
        self._rehearsal: Child | None = None
        self._starting = asyncio.Lock()

    @property
    def working(self) -> bool:
        """Whether a worker of this app runs here."""
        return self._worker is not None and self._worker.running

    @property
    def worker_pid(self) -> int | None:
        """The number of the worker of this app, None while there is none."""
        return self._worker.pid if self._worker is not None and self._worker.running else None

    async def start_rehearsal(self) -> str:
        """Starts a rehearsal server, which from now on stands in for the provider. Returns its address.

        Raises `TraintuiError` when it does not start.
        """
        log = self.settings.home / "logs" / "rehearsal.log"
        self._rehearsal = await Child.start("rehearsal", "--port", "0", environment=self._environment(), log=log)
        line = await self._rehearsal.first_line()
        found = re.search(r"http://[\w.]+:\d+", line)
        if found is None:
            raise TraintuiError("Rehearsal not started", f"it said: {line}", f"Look at {log}.")
        self.settings = self.settings.model_copy(update={"api_base_url": found[0]})
        return found[0]

    async def ensure_worker(self, *, slots: int = 4) -> None:
        """Starts the app's worker unless it runs. What it says goes to `logs/worker.log` in the home."""
        async with self._starting:
            if self.working:
                return
            log = self.settings.home / "logs" / "worker.log"
            self._worker = await Child.start("worker", "--slots", str(slots), environment=self._environment(), log=log)

    def find(self, pids: Iterable[int]) -> None:
        """Takes a worker that an app left running here for this app's own, unless it has one."""
        for pid in pids:
            if not self.working:
                self._worker = Found.worker(pid)

    async def leave(self, parting: Parting) -> None:
        """Goes without the worker: it goes on by itself until nothing is left to do, or (`finish`) only until the calls
        under way have ended. A rehearsal of the app's own ends with the app, and its worker with it."""
        worker, self._worker = self._worker, None
        if worker is None or not worker.running:
            return
        if self._rehearsal is not None:
            await worker.stop()
        else:
            await asyncio.to_thread(worker.leave, parting)

    async def try_template(self, trial: Trial) -> TrialReply:
        """Makes the one call of a trial in a process of its own, and says what came of it. Cancelling ends the process.

        Raises `TraintuiError` with what it says when it gives none.
        """
        from traintui.generation.trial import reply_of

        log = self.settings.home / "logs" / "template-test.log"
        told = trial.model_dump_json()
        child = await Child.start("template-test", environment=self._environment(), log=log, told=told)
        try:
            return reply_of(await child.first_line(seconds=TRIAL_SECONDS))
        finally:
            await child.stop()

    @property
    def worker_code(self) -> int | None:
        """How the worker of this app ended: its exit code, below 0 for a signal. None while it runs, when there was
        none, and for one that was found, whose code only its own parent learns."""
        return self._worker.code if isinstance(self._worker, Child) else None

    def worker_last_words(self) -> str | None:
        """What a worker that ended by itself said last; None while it runs, or when there was none."""
        worker = self._worker
        return worker.last_words() if isinstance(worker, Child) and not worker.running else None

    async def stop(self) -> None:
        """Stops what runs: the worker first, so that its calls can finish."""
        for child in (self._worker, self._rehearsal):
            if child is not None:
                await child.stop()

    def _environment(self) -> dict[str, str | None]:
        """What a child needs to work with the same workspace and provider."""
        key = self.settings.anthropic_api_key
        return {
            "TRAINTUI_HOME": str(self.settings.home),
            "TRAINTUI_DATABASE_URL": self.settings.database_url,
            "TRAINTUI_API_BASE_URL": self.settings.api_base_url,
            "ANTHROPIC_API_KEY": key.get_secret_value() if key else None,
        }
