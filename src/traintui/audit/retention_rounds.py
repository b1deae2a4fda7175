"""Retention beside the work: once a day an administrator's app or worker archives what is due, and removes it where the
workspace lets it. It takes no more locks than `traintui audit retire`, and rests as long as it worked."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from uuid import UUID, uuid4

from traintui import clock
from traintui.audit.archiving import NotAsSealed, Stopped, archive, discard
from traintui.audit.retiring import Outcome, Progress, as_they_stand, begun, not_ready, retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.data import retention, retention_rounds
from traintui.data.engine import Database
from traintui.data.keeping_up import Failed, beside, raise_fault, rest
from traintui.data.refusals import NotReached
from traintui.data.retention import DueWeek, RetiredLog
from traintui.data.retention_rounds import Rounds
from traintui.errors import TraintuiError

LOOK_SECONDS = 60.0
"""Between two looks whether a round is due; the first one is so long after a workspace was opened."""
LEASE_SECONDS = 90.0
RENEWED_SECONDS = 20.0
DAY = 86_400.0
SOON = 3_600.0
"""Seconds until the next round where something had to stay."""
PARTING_SECONDS = 5.0
"""Seconds that what is under way has to end when the app does."""
MOST_REST = 0.5
"""Seconds of a rest at the most: so long after some thousand rows."""
Told = Callable[[Rounds], None]
"""Is told how retention stands, at each look."""


class Gently:
    """Rests as long as the work before took, in the thread that archives: what runs beside it has its turn."""

    def __init__(self) -> None:
        self._since = clock.ticks()

    def __call__(self, done: int, total: int) -> None:
        time.sleep(min(MOST_REST, clock.ticks() - self._since))
        self._since = clock.ticks()


async def archive_due(db: Database, due: Sequence[DueWeek], *, progress: Progress, stop: threading.Event) -> Outcome:
    """Archives weeks that are due, and removes nothing: weeks that the archive has are not read again. Raises as
    `retire_due` does."""
    outcome = await begun(db)
    await seal_and_anchor(db, everything=True)
    for week in await as_they_stand(db, due):
        if week.archived >= week.rows:
            continue
        if (why := not_ready(week)) is not None:
            outcome.left.append((week, why))
            continue
        try:
            await asyncio.to_thread(
                archive, db, week.log, week.week, progress=lambda rows: progress(rows, 0), stop=stop
            )
        except (Stopped, NotReached):
            raise
        except NotAsSealed as error:
            # The copy is whole, and would pass for one that was compared.
            await asyncio.to_thread(discard, db, week.log, week.week)
            outcome.left.append((week, error))
        except TraintuiError as error:
            outcome.left.append((week, error))
    return outcome


async def take_round(db: Database, holder: UUID) -> bool:
    """Takes the round where it is due, and does it. Whether it was due. Raises `TraintuiError` when the database cannot
    be reached; whatever else goes wrong is on record."""
    if not await retention_rounds.take(db, holder, seconds=LEASE_SECONDS):
        return False
    stop = threading.Event()
    keeping = asyncio.create_task(keep_lease(db, holder, stop), name="retention lease")
    removed, failure, again_in = 0, None, DAY
    working = asyncio.create_task(work(db, stop), name="retention round")
    try:
        outcome = await asyncio.shield(working)
        removed = sum(week.row_count for week in outcome.retired)
        if outcome.left or outcome.unerased:
            failure = said_of(outcome)
            again_in = SOON if is_passing(outcome) else DAY
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({working}, timeout=PARTING_SECONDS)
        working.cancel()  # what waits for the database; a thread sees for itself that it is to stop
        await asyncio.gather(working, return_exceptions=True)
        with suppress(TraintuiError):  # the lease ends by itself
            await retention_rounds.end(db, holder, again_in=0, removed=0, failure=None)
        raise
    except Stopped:  # somebody else has the round
        return True
    except NotReached:
        raise
    except TraintuiError as error:
        failure, again_in = f"{error.title}: {error.message} {error.remedy}", SOON
    except Exception as error:  # a fault, of a frame or of ours, ends no worker and is no secret
        failure, again_in = f"The round failed: {str(error)[:300]}. traintui audit verify says more.", DAY
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    await retention_rounds.end(db, holder, again_in=again_in, removed=removed, failure=failure)
    return True


async def work(db: Database, stop: threading.Event) -> Outcome:
    """What a round does."""
    due = await retention.due(db)
    if await retention_rounds.removes(db):
        return await retire_due(db, due, progress=Gently(), stop=stop)
    return await archive_due(db, due, progress=Gently(), stop=stop)


async def keep_lease(db: Database, holder: UUID, stop: threading.Event) -> None:
    """Keeps the lease; stops the round where it is somebody else's by now."""
    while True:
        await asyncio.sleep(RENEWED_SECONDS)
        with suppress(TraintuiError):
            if not await retention_rounds.renew(db, holder, seconds=LEASE_SECONDS):
                stop.set()


def is_passing(outcome: Outcome) -> bool:
    """Whether something had to stay that may go by itself: not a week that is not as it was sealed, nor those behind
    it, nor what cannot be taken out of the archive."""
    stays: set[RetiredLog] = set()
    for week, error in outcome.left:
        if isinstance(error, NotAsSealed):
            stays.add(week.log)
        elif week.log not in stays:
            return True
    return False


def said_of(outcome: Outcome) -> str:
    """The weeks that had to stay, the first with why, in a sentence or two, and what could not be erased."""
    said = []
    if outcome.left:
        week, error = outcome.left[0]
        log = "calls" if week.log == "generation_logs" else "exports"
        said.append(f"The week of {week.week} of {log} stays: {error.message} {error.remedy}")
    if len(outcome.left) > 1:
        said.append(f"{len(outcome.left) - 1:,} more stay too.")
    if outcome.unerased:
        said.append(f"Not out of the archive, though erased: {outcome.unerased[0]}")
    if len(outcome.unerased) > 1:
        said.append(f"{len(outcome.unerased) - 1:,} more are not either.")
    return " ".join(said)


async def keep_retained(db: Database, stop: asyncio.Event, *, told: Told = lambda _: None) -> None:
    """Takes the rounds that are due until `stop` is set, where this login may, and tells how retention stands. A
    database that is away is waited for."""
    holder = uuid4()
    await rest(stop, LOOK_SECONDS)
    while not stop.is_set():
        with suppress(TraintuiError):
            rounds = await retention_rounds.read(db)
            if rounds.is_due and db.role == "admin" and await take_round(db, holder):
                rounds = await retention_rounds.read(db)
            told(rounds)
        await rest(stop, LOOK_SECONDS)


def retaining(db: Database, *, failed: Failed = raise_fault) -> AbstractAsyncContextManager[None]:
    """Keeps retention beside the block; a round that is under way is stopped at its end, and goes on another time."""
    return beside(partial(keep_retained, db), name="retention", failed=failed, at_once=True)
