"""The pace of this reviewer, as far as this screen knows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from traintui.data.pace import Pace

if TYPE_CHECKING:
    from traintui.data.engine import Database
    from traintui.data.records import ReviewEntry

LOOK = 20.0
"""Seconds after which the pace is read again; what is decided meanwhile is added."""


class ReviewPace:
    """What the log says of one's own decisions, with those that were recorded since it was read."""

    def __init__(self) -> None:
        self.known: Pace | None = None
        """None until it was read."""
        self._told = 0

    async def read(self, db: Database) -> None:
        """Reads it; again where something was recorded meanwhile, which that may have or not. Raises `TraintuiError`
        when the database is not reached."""
        from traintui.data import pace

        told = -1
        while told != self._told:
            told, found = self._told, await pace.read(db)
        self.known = found

    def decided(self, entry: ReviewEntry) -> None:
        """One more was recorded; one that the log was read with is not counted twice."""
        self._told += 1
        if self.known is not None and (self.known.newest is None or entry.timestamp > self.known.newest):
            self.known = replace(self.known, today=self.known.today + 1, newest=entry.timestamp)
