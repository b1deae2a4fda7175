"""The sampler: one process at a time, of those that have the workspace open, writes down how the server stands, and
what is wrong with it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

import traintui
from traintui.clock import ticks
from traintui.data import alert_facts, alerts, samples
from traintui.data.engine import Database
from traintui.data.keeping_up import AWAY_SECONDS, Failed, beside, raise_fault, rest
from traintui.data.refusals import NotReached, Refused
from traintui.errors import TraintuiError
from traintui.observing.alerting import Alerting, tell

SERVER_SECONDS = 60.0
"""Seconds between two samples of the server."""
RELATION_SECONDS = 900.0
"""Seconds between two samples of the tables and the indexes."""
LEASE_SECONDS = 150.0
"""Seconds after which another process goes on for one that died."""
THIN_SECONDS = 6 * 3_600.0
MONTH_SECONDS = 3_600.0
"""Seconds between two looks whether a month is over, and its figures are to be kept."""
PARTING_SECONDS = 1.0
"""Seconds that leaving takes at the most to let another process sample."""
LOST = "TT003"
"""What the database says to who does not hold the lease any more."""
LOCKED = "55P03"
SOON_SECONDS = 15.0
"""Seconds until another look at what may become an alert."""


async def keep_sampled(db: Database, stop: asyncio.Event, *, failed: Failed = raise_fault) -> None:
    """Samples until `stop` is set, while no other process does. A database that is away is waited for; what else fails
    is told `failed` once, and the rest goes on."""
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
    try:
        await keep_taking(Sampler(db, holder, failed), stop)
    finally:
        with suppress(TraintuiError, TimeoutError):  # the lease ends by itself
            async with asyncio.timeout(PARTING_SECONDS):
                await samples.release(db, holder)


async def keep_taking(sampler: Sampler, stop: asyncio.Event) -> None:
    """Does what is due, again and again, until `stop` is set."""
    while not stop.is_set():
        try:
            seconds = await sampler.turn()
        except TraintuiError as error:
            if not passes(error):
                raise
            seconds = AWAY_SECONDS
        await rest(stop, seconds)


def passes(error: TraintuiError) -> bool:
    """Whether it ends by itself: a database that is away, a lease that another process took, a table that somebody has
    for themselves."""
    return isinstance(error, NotReached) or (isinstance(error, Refused) and error.code in {LOST, LOCKED})


class Sampler:
    """What one process does about samples, each thing in its time; most of it while it holds the lease."""

    def __init__(self, db: Database, holder: str, failed: Failed) -> None:
        self._db = db
        self._holder = holder
        self._failed = failed
        self._alerting = Alerting(db)
        self._last: dict[str, float] = {}
        self._told: dict[str, str] = {}
        self._not_measured: set[str] = set()

    async def turn(self) -> float:
        """Does what is due; the seconds until something is again. Raises `TraintuiError` for what passes."""
        await self._each("versions", RELATION_SECONDS, self._note_versions)
        if self._db.role == "admin":
            await self._each("month", MONTH_SECONDS, self._keep_month)
        if not await self._each("lease", 0.0, self._hold):
            await self._each("hook", 0.0, self._tell)
            return SERVER_SECONDS
        # What fails keeps nothing that comes after it, and is not done again before its time.
        await self._each("sample", SERVER_SECONDS, self._take)
        await self._each("density", RELATION_SECONDS, self._measure)
        await self._each("thin", THIN_SECONDS, self._thin)
        waits = await self._each("alerts", 0.0, self._look)
        await self._each("hook", 0.0, self._tell)
        return SOON_SECONDS if waits else SERVER_SECONDS

    async def _each(self, name: str, seconds: float, do: Callable[[], Awaitable[bool | None]]) -> bool:
        if not is_due(self._last.get(name), seconds):
            return False
        self._last[name] = ticks()
        try:
            done = await do()
        except TraintuiError as error:
            if passes(error):
                del self._last[name]
                raise
            if self._told.get(name) != (said := str(error)):
                self._told[name] = said
                self._failed(error)
            return False
        self._told.pop(name, None)
        return bool(done)

    async def _hold(self) -> bool:
        return await samples.hold(self._db, self._holder, LEASE_SECONDS)

    async def _note_versions(self) -> None:
        await alerts.note_versions(self._db, traintui.__version__)

    async def _take(self) -> None:
        db = self._db
        due = is_due(self._last.get("relations"), RELATION_SECONDS)
        free, whole = await asyncio.to_thread(disk_of, db.home) if db.server is not None else (None, None)
        await samples.take(db, self._holder, relations=due, disk_free=free, disk=whole)
        if due:
            self._last["relations"] = ticks()

    async def _measure(self) -> None:
        """Reads one large index whole, where its density is not known otherwise; one that cannot be read in the time
        that the server gives is left to another process, and the others are not kept by it."""
        if (index := await samples.to_measure(self._db, self._not_measured)) is None:
            return
        self._not_measured.add(index)
        await samples.measure(self._db, self._holder, index)
        self._not_measured.discard(index)

    async def _thin(self) -> None:
        await samples.thin(self._db)
        await alert_facts.make_partitions(self._db)

    async def _look(self) -> bool:
        return await self._alerting.look(self._holder)

    async def _tell(self) -> None:
        await tell(self._db)

    async def _keep_month(self) -> None:
        await keep_month(self._db)


async def keep_month(db: Database) -> None:
    """Keeps what the last month came to once it is over, and saves its report in the home where it is not yet."""
    from traintui.observing import month_files, months  # once an hour

    month = await months.keep_last(db)
    if month is None or db.home is None:
        return
    folder = db.home / month_files.FOLDER
    if not await asyncio.to_thread(month_files.are_saved, month, folder):
        await month_files.save(await month_files.page_of(db, month), month, folder)


def is_due(last: float | None, seconds: float) -> bool:
    """Whether it is time again: so long after the last time, or there was none. What comes back a moment early is not
    put off to the next round."""
    return last is None or ticks() - last >= seconds - 1


def disk_of(home: Path | None) -> tuple[int | None, int | None]:
    """The free and all bytes of the disk with the files of an embedded server. Blocks."""
    if home is None:
        return None, None
    try:
        found = shutil.disk_usage(home)
    except OSError:
        return None, None
    return found.free, found.total


def sampling(db: Database, *, failed: Failed = raise_fault) -> AbstractAsyncContextManager[None]:
    """Samples beside the block."""
    return beside(partial(keep_sampled, db, failed=failed), name="samples", failed=failed)
