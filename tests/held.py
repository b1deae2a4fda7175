"""A rehearsal that keeps calls to a model waiting until it is told to answer them, however long that takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.rehearsal.sending import Answer
from traintui.generation.rehearsal.server import Recorded


class HeldRehearsal(RehearsalServer):
    """Calls that came in stay under way until they are let go, those that came first before the others."""

    def __init__(self) -> None:
        super().__init__(pace=Pace(0))
        self._turns = asyncio.Semaphore(0)
        self._holds = True

    def let_go(self, number: int) -> None:
        """So many calls get their reply."""
        for _ in range(number):
            self._turns.release()

    def let_all_go(self) -> None:
        """No call waits any more."""
        self._holds = False
        self._turns.release()

    async def _write(self, body: Mapping[str, Any], record: Recorded, answer: Answer) -> None:
        await self._turns.acquire()
        if not self._holds:
            self._turns.release()
        await super()._write(body, record, answer)
