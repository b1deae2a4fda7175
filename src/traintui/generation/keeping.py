"""A worker beside the app for as long as there is something for it to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from traintui import clock
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.generation.children import Crew

LOOK = 2.0
"""Seconds between two looks at whether a worker is needed."""
PAUSES = (1.0, 4.0, 15.0, 60.0)
"""Seconds before another is started, after each that ended by itself; after the last of them none is."""
LASTED = 60.0
"""Seconds after which a worker that ends has not failed at once: the pauses begin anew."""

Say = Callable[[str, bool], None]
"""Tells the person something, and whether it is bad."""


class Keeper:
    """Starts the app's worker when something is queued that it may run, whoever queued it, and another one when it
    ended by nobody's wish. One that was asked to end stays ended until a batch is queued that it had not taken up.

    `ensure` starts a worker unless one runs; it raises `TraintuiError` where none can.
    """

    def __init__(self, crew: Crew, ensure: Callable[[], Awaitable[None]], say: Say) -> None:
        self._crew = crew
        self._ensure = ensure
        self._say = say
        self._since: float | None = None
        """Since when a worker runs, as far as was seen; None while none does."""
        self._failed = 0
        """Workers in a row that ended by themselves soon."""
        self._was_asked = False
        """Whether the last one was asked to end: what it had taken up is left alone, what is queued since is not."""
        self._rests_after: int | None = None
        """The newest batch when too many had ended by themselves; None while another may be started."""
        self._not_before = 0.0

    async def keep(self, db: Database) -> None:
        """Looks again and again, for as long as the workspace is open."""
        while True:
            await asyncio.sleep(LOOK if self._not_before <= clock.ticks() else self._not_before - clock.ticks())
            with suppress(TraintuiError):  # a database that is away comes back
                await self.look(db)

    async def look(self, db: Database) -> None:
        """One look. Raises `TraintuiError` while the database is away."""
        if self._crew.working:
            self._since = clock.ticks() if self._since is None else self._since
            return
        if self._since is not None:
            lasted, self._since = clock.ticks() - self._since, None
            await self._ended(db, lasted)
        if clock.ticks() >= self._not_before and await self._wanted(db):
            await self._ensure()

    async def _ended(self, db: Database, lasted: float) -> None:
        """A worker has ended: another one follows after a pause, unless somebody wanted it, or too many did."""
        from traintui.data import batches

        await batches.recover(db)
        code = self._crew.worker_code
        self._rests_after, self._was_asked = None, code == 0
        if self._was_asked:
            self._failed = 0
            return
        if not await self._anything_left(db):
            return
        self._failed = 1 if lasted >= LASTED else self._failed + 1
        how = f"by signal {-code}" if code is not None and code < 0 else "by itself"
        last = self._crew.worker_last_words()
        said = f"It ended {how}, and nobody asked it to." + (
            f" It said last: {last}" if last and how == "by itself" else ""
        )
        if self._failed > len(PAUSES):
            self._rests_after = await batches.newest_id(db) or 0
            self._say(f"{said} That was {self._failed} times in a row: w on Generate starts another.", True)
            self._failed = 0
            return
        pause = PAUSES[self._failed - 1]
        self._not_before = clock.ticks() + pause
        self._say(f"{said} Another starts in {pause:.0f} s.", False)

    async def _wanted(self, db: Database) -> bool:
        from traintui.data import batches

        if self._rests_after is not None and (await batches.newest_id(db) or 0) <= self._rests_after:
            return False
        return await self._anything_left(db, queued_only=self._was_asked)

    async def _anything_left(self, db: Database, *, queued_only: bool = False) -> bool:
        """Whether something waits for a worker of this provider, or with `queued_only` a batch that none has taken up;
        False where there is none to ask."""
        from traintui.data import batches, work
        from traintui.generation.provider import provider_of

        # Whether the rehearsal answers is asked over the network, so only where something is open.
        if not any([await work.open_batches(db, is_rehearsal=each) for each in (False, True)]):
            return False
        try:
            provider = await provider_of(self._crew.settings)
        except TraintuiError:  # the Generate screen says so where somebody wants to generate
            return False
        if queued_only:
            return await batches.any_queued(db, is_rehearsal=provider.is_rehearsal)
        return await batches.anything_left(db, endpoint=provider.endpoint, is_rehearsal=provider.is_rehearsal)
