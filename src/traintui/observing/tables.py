"""The tables with how they grow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from traintui.data import samples, table_facts
from traintui.data.engine import Database
from traintui.data.sample_records import SizeAt
from traintui.data.table_facts import TableFact
from traintui.observing.growth import MEMORY, Growth, growth


@dataclass(frozen=True, slots=True)
class TableState:
    """A table, its sizes at the end of each of the last days, and how it grows by them."""

    fact: TableFact
    sizes: tuple[SizeAt, ...]
    growth: Growth

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.fact.name


async def table_states(db: Database, now: datetime) -> tuple[TableState, ...]:
    """Every table, by name. Raises `TraintuiError` when the database is not reached."""
    sizes = await samples.sizes_by_day(db, MEMORY.days + 1, now)
    return tuple(
        TableState(fact, known := sizes.get(fact.name, ()), growth(known)) for fact in await table_facts.tables(db)
    )
