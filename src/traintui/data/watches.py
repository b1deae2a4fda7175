"""Who watches a batch: only what is shown to somebody is written down while it is being written."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select, text

from traintui.data.batch_models import GenerationWatch
from traintui.data.engine import Database

WATCH_SECONDS = 10.0
"""How long a screen counts as watching after it said so."""


async def watch(db: Database, watcher: UUID, batch_id: int) -> None:
    """A screen shows a batch. From the next call on it is shown one at a time; where it showed another batch before, it
    does not any more."""
    async with db.write() as connection:
        await connection.execute(
            text("SELECT watch_batch(:watcher, :batch_id, :seconds)"),
            {"watcher": watcher, "batch_id": batch_id, "seconds": WATCH_SECONDS},
        )


async def end(db: Database, watcher: UUID) -> None:
    """A screen does not show a batch any more."""
    async with db.write() as connection:
        await connection.execute(text("SELECT end_watch(:watcher)"), {"watcher": watcher})


async def watched(db: Database) -> frozenset[int]:
    """The batches that are on somebody's screen."""
    still = GenerationWatch.watched_until > func.clock_timestamp()
    async with db.read() as connection:
        return frozenset(await connection.scalars(select(GenerationWatch.batch_id).where(still)))


async def show(db: Database, item_id: int, fence: int) -> bool:
    """Whether the call that an item is about to make is shown to somebody: to every screen with its batch that is shown
    no other one."""
    async with db.write() as connection:
        return bool(
            await connection.scalar(text("SELECT show_call(:item_id, :fence)"), {"item_id": item_id, "fence": fence})
        )
