"""What runs beside the work for as long as the workspace is open: nobody waits for it, and none of it ends unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from textual.worker import Worker

from traintui import clock, commands, text
from traintui.data.keeping_up import keep_going
from traintui.errors import TraintuiError
from traintui.screens.shell import Shell

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.data.retention_rounds import Rounds

ROWS_FIRST = 2.0
"""Seconds after which what may be needed later is loaded: the first rows are there by then."""
WATCHED_AFTER = 5.0
"""Seconds after which the database is watched: what people wait for at a start goes first."""
STILL_HERE = 60.0
"""Seconds after which it is noted again that this person is here."""
LOOK_AT_ALERTS = 10.0
"""Seconds between two looks whether something is wrong with the database."""
SAID_EVERY = 2.0
"""Seconds between two words on how far something is."""


class Background:
    """What the app does beside the work of one open workspace.

    The modules are loaded by the work that needs them: the first painting comes before.
    """

    def __init__(self, app: Shell, db: Database) -> None:
        self._app = app
        self._db = db
        self._left_undone: dict[str, str] = {}
        self._faults: dict[str, str] = {}

    def start(self) -> list[Worker[None]]:
        """Starts all of it, a worker each."""
        works: dict[str, Callable[[asyncio.Event], Awaitable[None]]] = {
            "index": self._index,
            "seal": self._seal,
            "retention": self._retain,
            "presence": self._be_present,
            "redaction": self._learn_redaction,
            "queries": self._record_queries,
            "samples": self._sample,
            "mending": self._mend,
            "alerts": self._follow_alerts,
        }
        if self._db.role == "admin":
            works["erasing"] = self._finish_erasing
        return [self._started(name, keep) for name, keep in works.items()]

    def keep_worker(self) -> Worker[None]:
        """From now on a worker runs here whenever something waits for one."""
        from traintui.generation.keeping import Keeper

        def say(message: str, bad: bool) -> None:
            self._app.say(message, title="Worker ended", bad=bad)

        keeper = Keeper(self._app.crew, self._app.ensure_worker, say)

        async def keep(_: asyncio.Event) -> None:
            await keeper.keep(self._db)

        return self._started("worker", keep)

    def _started(self, name: str, keep: Callable[[asyncio.Event], Awaitable[None]]) -> Worker[None]:
        going = partial(keep_going, keep, asyncio.Event(), partial(self._failed, name))
        return self._app.run_worker(going, name=name, group=f"background:{name}", exit_on_error=False)

    def _failed(self, name: str, error: Exception) -> None:
        """Answers a fault, once as long as it is the same."""
        if self._faults.get(name) != repr(error):
            self._faults[name] = repr(error)
            self._app.tell(error)

    # The works

    async def _index(self, stop: asyncio.Event) -> None:
        """Makes text and metadata searchable shortly after they were written."""
        from traintui.data.search_index import keep_indexed

        await keep_indexed(self._db, stop)

    async def _seal(self, stop: asyncio.Event) -> None:
        """Seals the logs shortly after they were written."""
        from traintui.audit.sealing import keep_sealed

        def told(error: TraintuiError | None) -> None:
            self._stays("Seals", f"{error.title.lower()}: {error.message} {error.remedy}" if error else "")

        await keep_sealed(self._db, stop, told=told)

    async def _retain(self, stop: asyncio.Event) -> None:
        """Takes the daily round of retention, where this login may, and says what had to stay to whom it concerns."""
        from traintui.audit.retention_rounds import keep_retained

        def told(rounds: Rounds) -> None:
            self._stays("Retention", rounds.failure)

        await keep_retained(self._db, stop, told=told)

    async def _be_present(self, _: asyncio.Event) -> None:
        """Notes now and then that this person is here, so that the next start knows since when they were away."""
        while True:
            await asyncio.sleep(STILL_HERE)
            await note_presence(self._db)

    async def _learn_redaction(self, _: asyncio.Event) -> None:
        """Knows what is to be taken out of a note before somebody opens one: its first letters would wait for the
        numbering plans, which take a fifth of a second to load."""
        from traintui.audit.rules import follow_workspace

        await asyncio.sleep(ROWS_FIRST)
        with suppress(TraintuiError):  # a database that is away leaves what was known, which is all of it at first
            await follow_workspace(self._db)

    async def _record_queries(self, stop: asyncio.Event) -> None:
        """Keeps how long statements take."""
        await asyncio.sleep(WATCHED_AFTER)
        from traintui.observing.recording import keep_recorded

        await keep_recorded(self._db, stop)

    async def _sample(self, stop: asyncio.Event) -> None:
        """Writes down how the server stands, where no other process does."""
        await asyncio.sleep(WATCHED_AFTER)
        from traintui.observing.sampling import keep_sampled

        await keep_sampled(self._db, stop, failed=partial(self._failed, "samples"))

    async def _follow_alerts(self, _: asyncio.Event) -> None:
        """Says in the header what is wrong with the database."""
        while True:
            with suppress(TraintuiError):  # a database that is away is told of elsewhere
                await self._app.read_alerts()
            await asyncio.sleep(LOOK_AT_ALERTS)

    async def _mend(self, stop: asyncio.Event) -> None:
        """Rebuilds half empty indexes by the rules of the workspace, where this login may."""
        await asyncio.sleep(WATCHED_AFTER)
        from traintui.observing.rebuilding import keep_mended

        await keep_mended(self._db, stop)

    async def _finish_erasing(self, _: asyncio.Event) -> None:
        """Takes out of the archive what an erasure or a purge left there when it was cut off."""
        from traintui.audit.archive_erasing import finish_erasing
        from traintui.data import erasures
        from traintui.data.refusals import NotReached

        number = 0
        with suppress(NotReached):  # the next start looks again
            number = await erasures.number_pending(self._db)
        if not number:
            return
        said = clock.ticks()

        def progress(done: int, total: int) -> None:
            nonlocal said
            if clock.ticks() - said >= SAID_EVERY:
                said = clock.ticks()
                self._app.say(f"{done:,} of {total:,} frames.", title="Erasing from the archive", bad=False)

        frames = await finish_erasing(self._db, progress=progress)
        if failures := await erasures.failures(self._db):
            for failure in failures:
                self._app.note_in_log(f"Not out of the archive, though erased: {failure}")
            self._app.say(failures[0], title="Not out of the archive, though erased", bad=True)
        if done := number - await erasures.number_pending(self._db):
            told = f"{text.plural(done, 'erasure')} that had been cut off: {text.plural(frames, 'frame')} written anew."
            self._app.say(told, title="Erased from the archive", bad=False)
            self._app.note_in_log(f"Erased from the archive: {told}")

    def _stays(self, what: str, said: str) -> None:
        """Says what could not be done, to whom it concerns; nothing where all was done."""
        self._left_undone[what] = said if self._db.role in commands.ALLOWED["auditor"] else ""
        self._app.stays = "   ".join(f"{what}: {said}" for what, said in self._left_undone.items() if said)


async def note_presence(db: Database) -> None:
    """Notes that this person is here; a comfort, which a database that is away does without."""
    from traintui.data import presence

    with suppress(TraintuiError):
        await presence.note(db)
