"""How the database stands: the server, its tables, what statements take, and what to mend. For the screen and the
command alike."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from traintui.data import health, index_facts, query_times, samples
from traintui.data.engine import Database
from traintui.data.query_records import QueryTimes
from traintui.data.records import ServerFacts, TableSize
from traintui.observing.index_findings import IndexFinding, findings, since, uses


@dataclass(frozen=True, slots=True)
class Standing:
    """The server now, its tables from the largest on, the labels of a time by what they took in all, and what is wrong
    with indexes."""

    server: ServerFacts
    tables: tuple[TableSize, ...]
    queries: tuple[QueryTimes, ...]
    indexes: tuple[IndexFinding, ...]

    @property
    def total_us(self) -> int:
        """The microseconds of all labels, of which each has its share."""
        return sum(each.total_us for each in self.queries)


async def standing(db: Database, begin: datetime, end: datetime) -> Standing:
    """How the database stands, with the statements from `begin` to before `end`. Raises `TraintuiError` when it is not
    reached."""
    return Standing(
        await health.server_facts(db),
        await health.table_sizes(db),
        await query_times.by_label(db, begin, end),
        await of_indexes(db, end),
    )


async def of_indexes(db: Database, now: datetime) -> tuple[IndexFinding, ...]:
    """What is wrong with indexes. How they were used, the samples of the last weeks tell."""
    taken = await samples.indexes(db, since(now), now)
    densities = {each.index_name: each.density for each in taken if each.density is not None}
    facts, keys = await index_facts.indexes(db), await index_facts.foreign_keys(db)
    expected = await asyncio.to_thread(index_facts.relied_on)
    return findings(facts, keys, uses(taken), expected, densities)
