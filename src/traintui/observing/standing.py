"""How the database stands: the server, its tables, what statements take, and what to mend. For the screen and the
command alike."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from traintui.data import activity, health, index_facts, query_times, samples
from traintui.data.activity_records import Session
from traintui.data.engine import Database
from traintui.data.index_facts import IndexFact
from traintui.data.query_records import QueryTimes
from traintui.data.records import ServerFacts, TableSize
from traintui.data.sample_records import Use
from traintui.observing.index_findings import IndexFinding, findings, since
from traintui.observing.tables import TableState, table_states


@dataclass(frozen=True, slots=True)
class IndexState:
    """An index: what it is, how it was used over the days that samples cover, the share of its leaves that it fills,
    and what is wrong with it. One that is missing has a finding alone; what is not known is None."""

    name: str
    table: str
    fact: IndexFact | None
    use: Use | None
    density: float | None
    finding: IndexFinding | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The server now, its tables from the largest on, the labels of a time by what they took in all, the indexes, how
    each table grows by its name, and the sessions."""

    server: ServerFacts
    tables: tuple[TableSize, ...]
    queries: tuple[QueryTimes, ...]
    indexes: tuple[IndexState, ...]
    states: dict[str, TableState]
    sessions: tuple[Session, ...]

    @property
    def total_us(self) -> int:
        """The microseconds of all labels, of which each has its share."""
        return sum(each.total_us for each in self.queries)

    @property
    def findings(self) -> tuple[IndexFinding, ...]:
        """What is wrong with indexes."""
        return tuple(each.finding for each in self.indexes if each.finding is not None)


async def standing(db: Database, begin: datetime, end: datetime) -> Standing:
    """How the database stands, with the statements from `begin` to before `end`. Raises `TraintuiError` when it is not
    reached."""
    return Standing(
        await health.server_facts(db),
        await health.table_sizes(db),
        await query_times.by_label(db, begin, end),
        await index_states(db, end),
        {each.name: each for each in await table_states(db, end)},
        await activity.sessions(db),
    )


async def index_states(db: Database, now: datetime) -> tuple[IndexState, ...]:
    """All indexes, those with something to mend first, then by their size. How they were used, the samples of the last
    weeks tell."""
    used = await samples.uses(db, since(now), now)
    densities = {name: use.density for name, use in used.items() if use.density is not None}
    facts, keys = await index_facts.indexes(db), await index_facts.foreign_keys(db)
    expected = await asyncio.to_thread(index_facts.relied_on)
    wrong = {each.index: each for each in findings(facts, keys, used, expected, densities)}
    known = {fact.name: fact for fact in facts}
    states = [
        IndexState(name, finding.table, known.get(name), used.get(name), densities.get(name), finding)
        for name, finding in wrong.items()
    ]
    well = sorted((fact for fact in facts if fact.name not in wrong), key=lambda each: (-each.index_bytes, each.name))
    states += [
        IndexState(fact.name, fact.table, fact, used.get(fact.name), densities.get(fact.name), None) for fact in well
    ]
    return tuple(states)
