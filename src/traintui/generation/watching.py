"""What somebody watches, as a worker knows it."""

from __future__ import annotations

from traintui import clock
from traintui.data import watches
from traintui.data.engine import Database
from traintui.data.work import ClaimedItem

LOOK_SECONDS = 1.0
"""How long what was read of the watches is believed: so long nobody needs to wait for the words to begin."""


class Watching:
    """Which calls are streamed: one at a time for each screen with a batch. While nobody watches this costs a query a
    second, and each call the cheaper whole reply."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._batches: frozenset[int] = frozenset()
        self._looked: float | None = None

    async def wants(self, item: ClaimedItem) -> bool:
        """Whether somebody is shown the call that an item is about to make."""
        moment = clock.ticks()
        if self._looked is None or moment - self._looked > LOOK_SECONDS:
            self._looked = moment
            self._batches = await watches.watched(self.db)
        return item.batch_id in self._batches and await watches.show(self.db, item.id, item.fence)
