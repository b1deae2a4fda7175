"""The sampler: one process at a time, of those that have the workspace open, writes down how the server stands, and
what is wrong with it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

import traintui
from traintui.clock import ticks
from traintui.data import alert_facts, alerts, samples
from traintui.data.engine import Database
from traintui.data.keeping_up import AWAY_SECONDS, Failed, beside, raise_fault, rest
from traintui.errors import TraintuiError
from traintui.observing.alerting import Alerting

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
SOON_SECONDS = 15.0
"""Seconds until another look at what may become an alert."""


async def keep_sampled(db: Database, stop: asyncio.Event) -> None:
    """Samples until `stop` is set, while no other process does. A database that is away is waited for."""
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
    try:
        await keep_taking(db, holder, stop)
    finally:
        with suppress(TraintuiError, TimeoutError):  # the lease ends by itself
            async with asyncio.timeout(PARTING_SECONDS):
                await samples.release(db, holder)


async def keep_taking(db: Database, holder: str, stop: asyncio.Event) -> None:
    """Takes samples under the name of a holder until `stop` is set."""
    taken = relations = thinned = looked = known = None
    alerting = Alerting(db)
    while not stop.is_set():
        seconds = SERVER_SECONDS
        try:
            if known is None:
                await alerts.note_versions(db, traintui.__version__)
                known = ticks()
            if db.role == "admin" and is_due(looked, MONTH_SECONDS):
                await keep_month(db)
                looked = ticks()
            if await samples.hold(db, holder, LEASE_SECONDS):
                if is_due(taken, SERVER_SECONDS):
                    due = is_due(relations, RELATION_SECONDS)
                    free, whole = await asyncio.to_thread(disk_of, db.home) if db.server is not None else (None, None)
                    await samples.take(db, holder, relations=due, disk_free=free, disk=whole)
                    taken, relations = ticks(), ticks() if due else relations
                if is_due(thinned, THIN_SECONDS):
                    await samples.thin(db)
                    await alert_facts.make_partitions(db)
                    thinned = ticks()
                if await alerting.look(holder):
                    seconds = min(seconds, SOON_SECONDS)
        except TraintuiError:
            await rest(stop, AWAY_SECONDS)
            continue
        await rest(stop, seconds)


async def keep_month(db: Database) -> None:
    """Keeps what the last month came to once it is over, and saves its report in the home."""
    from traintui.observing import month_files, months  # once a month

    if (month := await months.keep_last(db)) is not None and db.home is not None:
        await month_files.save(await month_files.page_of(db, month), month, db.home / month_files.FOLDER)


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
    return beside(partial(keep_sampled, db), name="samples", failed=failed)
