"""The pace of this reviewer, as far as this screen knows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from traintui.data.pace import Pace

if TYPE_CHECKING:
    from traintui.data.engine import Database

LOOK = 20.0
"""Seconds after which the pace is read again; what is decided meanwhile is added."""


class ReviewPace:
    """What the log says of one's own decisions, with those that were recorded since it was read."""

    def __init__(self) -> None:
        self.known: Pace | None = None
        """None until it was read."""

    async def read(self, db: Database) -> None:
        """Reads it. Raises `TraintuiError` when the database is not reached."""
        from traintui.data import pace

        self.known = await pace.read(db)

    def decided(self) -> None:
        """One more was recorded."""
        if self.known is not None:
            self.known = replace(self.known, today=self.known.today + 1)
