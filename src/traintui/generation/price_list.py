"""The prices as a worker uses them: read from the table, and read again now and then."""

from __future__ import annotations

from datetime import date

from traintui import clock
from traintui.data import prices
from traintui.data.engine import Database
from traintui.data.price_records import Price

FRESH_SECONDS = 30.0
"""How long prices are used without looking again: a new price counts within this time."""


class PriceList:
    """The prices of today (UTC)."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._prices: tuple[Price, ...] = ()
        self._day: date | None = None
        self._read_at = 0.0

    async def now(self) -> tuple[Price, ...]:
        """What each model costs now. Raises `TraintuiError` when the database is away: no call begins then."""
        today = prices.today()
        if self._day != today or clock.ticks() - self._read_at > FRESH_SECONDS:
            self._prices = await prices.in_effect(self._db, today)
            self._day, self._read_at = today, clock.ticks()
        return self._prices
