"""The app as it ends: by a key, by a signal, or because its terminal is gone. Nothing that was begun is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING

from textual.driver import Driver
from textual.worker import Worker, WorkerFailed

from traintui import commands
from traintui.errors import TraintuiError
from traintui.screens import terminal
from traintui.screens.base import READING, WRITING, Working
from traintui.screens.unsent import Unsent
from traintui.settings import Settings, remember

if TYPE_CHECKING:
    from traintui.processes import Parting
    from traintui.screens.quitting import Leaving

PATIENCE = 15
"""Seconds that quitting waits for what is being written."""
SEAL_SECONDS = 1.0
"""Seconds that it waits for the last seal, and as long for the last of the query log."""


class Ending(Unsent, Working):
    """An app that ends once what is being written is written and its workspace is closed.

    `farewell` is what remains to be done where the process ends at once, since its terminal is gone.
    """

    def __init__(self, settings: Settings, *, demo: bool = False, farewell: Callable[[], None] = lambda: None) -> None:
        super().__init__(settings, demo=demo)
        self._holder: Worker[None] | None = None
        """What holds the workspace open, where it was opened here."""
        self._leave = asyncio.Event()
        self._background: list[Worker[None]] = []
        """What runs as long as the workspace is open."""
        self._parting: Parting | None = None
        self._farewell = farewell
        self._hung_up = False
        self._undrawn = ExitStack()

    def get_driver_class(self) -> type[Driver]:
        """The driver of a terminal that may be gone."""
        return terminal.surviving(super().get_driver_class())

    def on_mount(self) -> None:
        """A terminal that is closed, or a system that shuts down, ends the app like `q`: nothing is left running."""
        with suppress(RuntimeError, ValueError):  # only the main thread has signals
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.run_quit)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hang_up)
        self.set_interval(terminal.LOOK, self._look_at_terminal)

    def _look_at_terminal(self) -> None:
        if not self._hung_up and terminal.gone(self._driver):
            self._hang_up()

    def _hang_up(self) -> None:
        """The terminal is gone: nothing is drawn any more, and nobody can be asked."""
        if not self._hung_up:
            self._hung_up = True
            self._undrawn.enter_context(self.batch_update())
            self.run_quit()

    async def on_unmount(self) -> None:
        """Waits for work that was cancelled: it still holds connections, which it gives back on its way out."""
        for worker in (*self._background, *self.sending):
            worker.cancel()
        ending = [worker.wait() for worker in self.workers if not worker.is_finished]
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*ending, return_exceptions=True), PATIENCE)

    async def action_quit(self) -> None:
        """Ends the app once what is being written is written and the workspace is closed. While a batch runs with a
        worker of the app, it asks before what is to become of that; a second time it does not."""
        if self.ask_to_leave():
            return
        if self.crew.working and not self.demo and self.workspace is not None and not self.reading_now("leaving"):
            self.read(self._look_before_leaving, name="leaving")
        else:
            self.run_quit()

    async def _look_before_leaving(self) -> None:
        from traintui.data import batches, work
        from traintui.screens.quitting import Leaving, Quitting, calls_of, still_to_do

        running = tuple(batch for batch in await batches.to_do(self.db) if still_to_do(batch))
        under_way = calls_of(self.crew.worker_pid, await work.workers(self.db))
        if not running:
            if under_way:  # of a batch that was paused or ended a moment ago: they are paid for
                self._parting = "finish"
            self.run_quit()
        elif self.settings.worker_on_quit == "ask":
            self.push_screen(Quitting(running, under_way), self._left)
        else:
            self._left(Leaving("stay" if self.settings.worker_on_quit == "leave" else "finish"))

    def _left(self, answer: Leaving | None) -> None:
        if answer is None:
            return
        self._parting = answer.parting
        if answer.always:
            wish = "leave" if answer.parting == "stay" else "stop"
            self.write(partial(asyncio.to_thread, remember, "worker_on_quit", wish), name="remember")
        self.run_quit()

    def run_quit(self) -> None:
        """Begins to end the app."""
        _: Worker[None] = self.run_worker(self._quit, name="quit", group="quit", exit_on_error=False)

    async def _quit(self) -> None:
        writing = []
        for worker in list(self.workers):
            if worker.group.startswith(READING) or worker in self._background:
                worker.cancel()
            elif worker.group.startswith(WRITING) and not worker.is_finished:
                writing.append(worker)
        if writing:
            with suppress(TimeoutError, WorkerFailed):
                await asyncio.wait_for(self.workers.wait_for_complete(writing), PATIENCE)
        await self.end_sending(PATIENCE)
        await self._release()
        for last in (self._seal_last, self._note_queries_last):
            try:
                await last()
            except Exception as error:  # a fault of the record keeps nobody from leaving, and stands in the log
                self.answer(error)
        if self._parting is None and self.settings.worker_on_quit == "leave":
            self._parting = "stay"  # nobody can be asked where the terminal is gone
        if self._parting is not None:
            await self.crew.leave(self._parting)
        self._leave.set()
        if self._holder is not None and not self._holder.is_finished:
            self.progress = "Closing the workspace"
            with suppress(WorkerFailed):
                await self._holder.wait()
        if self._hung_up:
            # Leaving politely would write to the terminal, and wait for it for good.
            self._farewell()
            os._exit(128 + signal.SIGHUP)
        self.exit()

    async def _release(self) -> None:
        """Lets go of what this window has open: nobody waits for the lease to end."""
        from traintui.data import reservations

        if self.workspace is not None and self.outage is None and self.db.role in commands.ALLOWED["reviewer"]:
            with suppress(TraintuiError):
                await reservations.release(self.db, self.window_id)

    async def _seal_last(self) -> None:
        """Seals what waits, so that nothing stands unsealed while nobody is here; a large log not as a whole."""
        from traintui.audit.sealing import seal_last

        if self.workspace is not None and self.outage is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(seal_last(self.db), SEAL_SECONDS)

    async def _note_queries_last(self) -> None:
        """Adds up how long the statements of the last minute took."""
        from traintui.observing.recording import note_last

        if self.workspace is not None and self.outage is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(note_last(self.db), SEAL_SECONDS)
