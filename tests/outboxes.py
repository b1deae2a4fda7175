"""An outbox that sends, as an app has one."""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support import beside, eventually
from traintui.data.engine import Database
from traintui.outbox.kept import folder_of
from traintui.outbox.outcomes import Outcome
from traintui.outbox.sending import Outbox


@dataclass
class Sent:
    """An outbox that sends, and what became of its presses."""

    outbox: Outbox
    running: asyncio.Future[None]
    outcomes: list[Outcome] = field(default_factory=list)

    async def done(self, number: int) -> None:
        async def enough() -> bool:
            return len(self.outcomes) >= number

        await beside(self.running, eventually(enough))


@asynccontextmanager
async def sending(db: Database, home: Path) -> AsyncIterator[Sent]:
    """An app's outbox, for as long as the block lasts."""
    outcomes: list[Outcome] = []
    outbox = Outbox(db, folder_of(home, db.conninfo, db.login), told=outcomes.append)
    running = asyncio.ensure_future(outbox.run())
    try:
        yield Sent(outbox, running, outcomes)
    finally:
        running.cancel()
        await asyncio.wait({running})


@contextmanager
def no_room(path: Path) -> Iterator[None]:
    """Files of this process hold half a line more than this one has."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, limits[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
