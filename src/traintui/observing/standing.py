"""How the database stands: the server, its tables, what statements take, and what to mend. For the screen and the
command alike."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from traintui.data import activity, alerts, health, index_actions, index_facts, query_times, samples
from traintui.data.activity_records import Session
from traintui.data.alert_records import Alert
from traintui.data.engine import Database
from traintui.data.index_facts import IndexFact
from traintui.data.query_records import QueryTimes
from traintui.data.records import ServerFacts, TableSize
from traintui.data.sample_records import Use
from traintui.observing.index_findings import LARGE, IndexFinding, columns_of, findings, since
from traintui.observing.plan_proposals import proposals
from traintui.observing.plans import MANY_ROWS
from traintui.observing.rebuilding import LOOKED_BACK
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
    """The server now, its tables from the largest on, the labels of a time by what they took in all, the indexes, the
    alerts that are not over, how each table grows by its name, and the sessions."""

    server: ServerFacts
    tables: tuple[TableSize, ...]
    queries: tuple[QueryTimes, ...]
    indexes: tuple[IndexState, ...]
    alerts: tuple[Alert, ...]
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
        await alerts.read(db),
        {each.name: each for each in await table_states(db, end)},
        await activity.sessions(db),
    )


async def index_states(db: Database, now: datetime) -> tuple[IndexState, ...]:
    """All indexes, those with something to mend first, then by their size. How they were used, the samples of the last
    weeks tell."""
    used = await samples.uses(db, since(now), now)
    densities = {name: use.density for name, use in used.items() if use.density is not None}
    rebuilt = await index_actions.rebuilt_since(db, now - LOOKED_BACK)
    densities |= {name: density for name, density in rebuilt.items() if density is not None}
    facts, keys = await index_facts.indexes(db), await index_facts.foreign_keys(db)
    unknown = any(fact.index_bytes > LARGE and fact.name not in densities for fact in facts)
    growths = await samples.growths(db, since(now), now) if unknown else {}
    expected = await asyncio.to_thread(index_facts.relied_on)
    wrong = {each.index: each for each in findings(facts, keys, used, expected, densities, growths)}
    for each in await proposed(db, facts):
        wrong.setdefault(each.index, each)
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


async def proposed(db: Database, facts: Sequence[IndexFact]) -> tuple[IndexFinding, ...]:
    """Indexes that plans ask for, of tables whose rows are worth one."""
    rows = {fact.table: float(fact.table_rows) for fact in facts}
    if max(rows.values(), default=0.0) < MANY_ROWS:
        return ()
    plain = [(fact.table, columns_of(fact)) for fact in facts if fact.is_valid and fact.only is None]
    there = {(table, *columns[:number]) for table, columns in plain for number in range(1, len(columns) + 1)}
    names = {fact.name for fact in facts}
    tables = {fact.table for fact in facts if not fact.is_partitioned}
    asked = await asyncio.to_thread(proposals, await query_times.scanning(db), rows, tables, there)
    return tuple(each for each in asked if each.index not in names)
