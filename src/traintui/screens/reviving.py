"""An embedded database that ended while the app runs is started again, and what becomes of it is said."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from traintui import clock
from traintui.errors import TraintuiError, sentence

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.screens.unsent import Unsent

AGAIN = 10.0
"""Seconds between two looks whether it is to be started again."""
STARTING = "The database ended: it is being started again"
STARTED = "The database had ended and was started again"
STOPPED = "The database was stopped. Quit and start Traintui again, or run `traintui doctor` in another terminal"


class Reviving:
    """Starts the database of an app again where it ended by itself. A shared server is its administrator's."""

    def __init__(self, app: Unsent) -> None:
        self._app = app
        self._looked: float | None = None

    async def revive(self, database: Database) -> bool:
        """Looks why the database does not answer, at most once in ten seconds. Whether it was started again here."""
        server, now = database.server, clock.ticks()
        if server is None or (self._looked is not None and now - self._looked < AGAIN):
            return False
        self._app.ended = self._app.ended or STARTING
        try:
            found = await asyncio.to_thread(server.revive)
        except TraintuiError as error:
            self._app.ended = f"{error.title}: {sentence(error.message)} {error.remedy}"
            return False
        finally:
            self._looked = clock.ticks()
        self._app.ended = STOPPED if found == "stopped" else ""
        if found == "started":
            self._app.tell_news(STARTED)
        return found == "started"

    def reached(self) -> None:
        """The database answers."""
        self._app.ended = ""
