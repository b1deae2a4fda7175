"""Sealing beside the work: who has a workspace open sees to it that its logs are sealed, and keeps an anchor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from traintui.audit.anchors import anchor
from traintui.data import seals
from traintui.data.engine import Database
from traintui.data.keeping_up import AWAY_SECONDS, Failed, beside, raise_fault, rest
from traintui.data.refusals import Refused
from traintui.data.seals import Sealed
from traintui.errors import TraintuiError

LOOK_SECONDS = 5.0
"""Between two looks whether something is due; the database says what is."""
SEAL_SECONDS = 0.2
"""Between two seals where more waits, as after a large import."""


class NoAnchor(TraintuiError):
    """A seal that stands in the database alone."""

    def __init__(self, home: Path, seal: Sealed, error: OSError) -> None:
        super().__init__(
            "No anchor",
            f"the anchors in {home} cannot be written ({error.strerror or error}).",
            "Seals stand in the database alone until they can: free some room there, or check who owns it.",
        )
        self.seal = seal


async def seal_and_anchor(db: Database, *, everything: bool = False) -> Sealed | None:
    """Seals what is due, or `everything` that waits, and adds the newest seal to the anchors of this home, where it is
    not there yet. That seal; None where there is none. Raises `NoAnchor` when it cannot be added, and `TraintuiError`
    when the database cannot be reached."""
    found = await seals.seal(db, everything=everything)
    while everything and found is not None and found.remaining:
        found = await seals.seal(db, everything=True)
    await add_anchor(db, found)
    return found


async def add_anchor(db: Database, seal: Sealed | None) -> None:
    """Adds a seal to the anchors of this home. Raises `NoAnchor`."""
    if seal is not None and db.home is not None:
        try:
            await asyncio.to_thread(anchor, db.home, seal, db.label)
        except OSError as error:
            raise NoAnchor(db.home, seal, error) from error


async def seal_last(db: Database) -> None:
    """Seals what waits before one leaves, as far as one statement goes; whoever comes next does the rest."""
    with suppress(TraintuiError):
        await add_anchor(db, await seals.seal(db, everything=True))


async def keep_sealed(
    db: Database, stop: asyncio.Event, *, told: Callable[[TraintuiError | None], None] = lambda _: None
) -> None:
    """Seals and anchors until `stop` is set. A database that is away is waited for, and so is a disk that is full: what
    is not sealed is sealed later. Tells when the newest seal has no anchor or none can be made, and when there is one
    again."""
    while not stop.is_set():
        try:
            found = await seal_and_anchor(db)
            told(None)
            await rest(stop, SEAL_SECONDS if found is not None and found.remaining else LOOK_SECONDS)
        except TraintuiError as error:
            if isinstance(error, NoAnchor) or (isinstance(error, Refused) and not error.passing):
                told(error)
            await rest(stop, AWAY_SECONDS)


@asynccontextmanager
async def sealing(db: Database, *, failed: Failed = raise_fault) -> AsyncIterator[None]:
    """Seals beside the block, and once more at its end what it left."""
    async with beside(partial(keep_sealed, db), name="seal", failed=failed):
        yield
    await seal_last(db)
