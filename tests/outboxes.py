"""An outbox that sends, as an app has one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support import eventually
from traintui.data.engine import Database
from traintui.outbox.kept import folder_of
from traintui.outbox.outcomes import Outcome
from traintui.outbox.sending import Outbox


@dataclass
class Sent:
    """An outbox that sends, and what became of its presses."""

    outbox: Outbox
    outcomes: list[Outcome] = field(default_factory=list)

    async def done(self, number: int) -> None:
        async def enough() -> bool:
            return len(self.outcomes) >= number

        await eventually(enough)


@asynccontextmanager
async def sending(db: Database, home: Path) -> AsyncIterator[Sent]:
    """An app's outbox, for as long as the block lasts."""
    outcomes: list[Outcome] = []
    outbox = Outbox(db, folder_of(home, db.conninfo, db.login), told=outcomes.append)
    running = asyncio.ensure_future(outbox.run())
    try:
        yield Sent(outbox, outcomes)
    finally:
        running.cancel()
        await asyncio.wait({running})
