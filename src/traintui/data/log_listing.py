"""Which rows of a log match a filter, the newest first: the first ones at once, all of them in the background.

What is read are keys, a time and an id each, packed by the server: 16 bytes a row, and no object of Python for each. So
a listing of two million takes 32 MB, and its total, its ranks and its end are exact once it is there.
"""

from __future__ import annotations

import asyncio
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    LargeBinary,
    Select,
    cast,
    func,
    literal,
    literal_column,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.fields import EPOCH, micros
from traintui.data.filters import Filter
from traintui.data.listing import NEWEST, Order
from traintui.data.log_fields import Log

T = TypeVar("T")

FIRST = 200
"""Keys that are asked for at first."""
PATIENCE = 0.03
"""Seconds that the plan of the database is given before time is walked beside it."""
FEW = 5_000
"""Keys up to which all of them are asked for at once."""
STRETCH = 1_000
"""Rows that are looked at in the first step of a walk; each step has four times as many."""
MOST_STRETCH = 64_000
PORTIONS = (5_000, 20_000, 50_000)
"""Keys that are read at once when the first ones are there; the last number goes on."""
REMEMBERED = 20_000
"""Rows of which a listing remembers where they were."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Times in microseconds since 1970, descending, and the ids that belong to them."""

    moments: array[int]
    ids: array[int]

    def __len__(self) -> int:
        return len(self.ids)

    def __add__(self, other: Keys) -> Keys:
        return Keys(self.moments + other.moments, self.ids + other.ids)

    def cut(self, start: int, end: int | None = None) -> Keys:
        """Those from a rank to another."""
        return Keys(self.moments[start:end], self.ids[start:end])

    def those(self, wanted: Callable[[tuple[int, int]], bool]) -> Keys:
        """Those whose moment and id are wanted."""
        kept = [key for key in zip(self.moments, self.ids, strict=True) if wanted(key)]
        return Keys(array("q", (moment for moment, _ in kept)), array("q", (id for _, id in kept)))

    def without(self, others: Keys) -> Keys:
        """Those that are not among others."""
        gone = set(others.ids)
        return self.those(lambda key: key[1] not in gone)

    @property
    def last(self) -> tuple[int, int] | None:
        """The last one: its moment and its id."""
        return (self.moments[-1], self.ids[-1]) if self.ids else None


NO_KEYS = Keys(array("q"), array("q"))


class LogListing:
    """The rows that were found so far: a snapshot that never changes. `total` is exact once it is `complete`."""

    def __init__(self, keys: Keys, *, complete: bool, seen: dict[int, int] | None = None) -> None:
        self.keys = keys
        self.complete = complete
        self._seen: dict[int, int] = {} if seen is None else seen

    @property
    def total(self) -> int:
        """How many rows were found."""
        return len(self.keys)

    def ids(self, start: int, count: int) -> Sequence[int]:
        """The ids of `count` ranks from `start`; fewer at the end."""
        if len(self._seen) > REMEMBERED:
            self._seen.clear()
        end = min(self.total, start + count)
        found = self.keys.ids[start:end]
        self._seen.update(zip(found, self.keys.moments[start:end], strict=True))
        return found

    def rank(self, id: int) -> int | None:
        """Where an id is; None when it is not in it."""
        moment = self._seen.get(id)
        if moment is None:
            with suppress(ValueError):
                return self.keys.ids.index(id)
            return None
        return self.rank_at(moment, id)

    def rank_at(self, moment: int, id: int) -> int | None:
        """Where an id is whose moment is known, in a listing by time; None when it is not there."""
        first = bisect_left(self.keys.moments, -moment, key=lambda at: -at)
        while first < self.total and self.keys.moments[first] == moment:
            if self.keys.ids[first] == id:
                return first
            first += 1
        return None

    def span(self, ids: Sequence[int]) -> tuple[datetime, datetime] | None:
        """The first and the last moment of some rows, which lead to their weeks; None where they are not known."""
        moments = [moment for id in ids if (moment := self._seen.get(id)) is not None]
        if not moments or len(moments) < len(ids):
            return None
        return EPOCH + timedelta(microseconds=min(moments)), EPOCH + timedelta(microseconds=max(moments))

    def grown(self, keys: Keys, *, complete: bool) -> LogListing:
        """The same with more rows behind them."""
        return LogListing(self.keys + keys, complete=complete, seen=self._seen)

    def renewed(self, news: Keys, since: datetime) -> LogListing:
        """The same with other rows from a moment on; itself where they are no others."""
        until = bisect_right(self.keys.moments, -micros(since), key=lambda at: -at)
        if self.keys.ids[:until] == news.ids:
            return self
        return LogListing(news + self.keys.cut(until), complete=self.complete, seen=self._seen)

    def mended(self, some: Keys, keys: Keys) -> LogListing:
        """The same in which of some rows only those that `keys` has are left; itself where they were. Those behind what
        was found so far come with the rest."""
        if not self.complete and (last := self.keys.last) is not None:
            keys = keys.those(lambda key: key >= last)
        places = (self.rank_at(*key) for key in zip(some.moments, some.ids, strict=True))
        ranks = [rank for rank in places if rank is not None]
        if sorted(self.keys.ids[rank] for rank in ranks) == sorted(keys.ids):
            return self
        moments, found = self.keys.moments[:], self.keys.ids[:]
        for rank in sorted(ranks, reverse=True):
            del moments[rank], found[rank]
        for moment, id in zip(keys.moments, keys.ids, strict=True):
            place = bisect_left(moments, -moment, key=lambda at: -at)
            while place < len(moments) and moments[place] == moment and found[place] > id:
                place += 1
            moments.insert(place, moment)
            found.insert(place, id)
        return LogListing(Keys(moments, found), complete=self.complete, seen=self._seen)


@dataclass(frozen=True, slots=True)
class Found:
    """A listing, the share of the log that was looked through for it, where that is not over yet (0 to 1), and in which
    order it is."""

    listing: LogListing
    looked: float | None = None
    order: Order = NEWEST


# Asking ---------------------------------------------------------------------------------------------------------------


def keys_of(log: Log, *conditions: ColumnElement[bool]) -> Select[Any]:
    """The keys of a log, newest first."""
    return (
        log.frame(select(log.at.label("at"), log.id.label("id")))
        .where(*conditions)
        .order_by(log.at.desc(), log.id.desc())
    )


def behind(log: Log, key: tuple[int, int] | None) -> list[ColumnElement[bool]]:
    """Rows that come after one. The bound of the time alone is what leaves out weeks."""
    if key is None:
        return []
    at = literal(EPOCH + timedelta(microseconds=key[0]), TIMESTAMP(timezone=True))
    return [log.at <= at, tuple_(log.at, log.id) < tuple_(at, literal(key[1], BigInteger))]


def packed(keys: Select[Any]) -> Select[Any]:
    """Keys as bytes, in their order: the time in microseconds and the id, eight bytes each."""
    k = keys.subquery("k")
    at = cast(func.extract("epoch", k.c.at) * 1_000_000, BigInteger)
    one = func.int8send(at, type_=LargeBinary).op("||")(func.int8send(k.c.id, type_=LargeBinary))
    return select(func.string_agg(one, aggregate_order_by(literal_column("''::bytea"), k.c.at.desc(), k.c.id.desc())))


def unpacked(content: bytes | None) -> Keys:
    """The keys that were packed."""
    both = array("q")
    both.frombytes(bytes(content or b""))
    if sys.byteorder == "little":
        both.byteswap()
    return Keys(both[0::2], both[1::2])


async def read_keys(
    connection: AsyncConnection, log: Log, wanted: Filter, key: tuple[int, int] | None, limit: int
) -> Keys:
    """So many keys after one, by the plan that the database makes of the filter."""
    keys = keys_of(log, wanted.where, *behind(log, key)).limit(limit)
    return unpacked(await connection.scalar(packed(keys)))


async def as_planned(connection: AsyncConnection) -> None:
    """Plans are made for the values at hand: a rare one has another than one that most rows have."""
    await connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


async def first_keys(db: Database, log: Log, wanted: Filter) -> Keys:
    """The first keys, as the database plans it."""
    async with db.read() as connection:
        await as_planned(connection)
        return await read_keys(connection, log, wanted, None, FIRST)


# Walking --------------------------------------------------------------------------------------------------------------


async def walk(db: Database, log: Log, wanted: Filter) -> AsyncGenerator[Found]:
    """Goes through all rows by their time, in steps: what was found so far, and how far it is. Ends when `FIRST` are
    found, or at the end of the log."""
    found, key, stretch = NO_KEYS, None, STRETCH
    async with db.read() as connection:
        await as_planned(connection)
        # By the ends of the index of the time.
        ends = (await connection.execute(log.frame(select(func.min(log.at), func.max(log.at))))).one()
        if ends[0] is None:
            yield Found(LogListing(NO_KEYS, complete=True))
            return
        oldest, newest = micros(ends[0]), micros(ends[1])
        while len(found) < FIRST:
            rows = (
                log.frame(select(log.at.label("at"), log.id.label("id"), wanted.probe.label("holds")))
                .where(*behind(log, key))
                .order_by(log.at.desc(), log.id.desc())
                .limit(stretch)
                .cte("stretch")
                .prefix_with("MATERIALIZED")
            )
            last = select(rows.c.at, rows.c.id).order_by(rows.c.at, rows.c.id).limit(1).subquery("last")
            matching = select(rows.c.at, rows.c.id).where(rows.c.holds)
            row = (
                await connection.execute(
                    select(
                        packed(matching).scalar_subquery(),
                        select(func.count()).select_from(rows).scalar_subquery(),
                        select(last.c.at).scalar_subquery(),
                        select(last.c.id).scalar_subquery(),
                    )
                )
            ).one()
            found += unpacked(row[0])
            if row[1] < stretch:
                yield Found(LogListing(found, complete=True))
                return
            key = (micros(row[2]), row[3])
            looked = (newest - key[0]) / max(1, newest - oldest)
            stretch = min(4 * stretch, MOST_STRETCH)
            yield Found(LogListing(found, complete=False), looked)


async def few_keys(db: Database, log: Log, wanted: Filter) -> Keys | None:
    """All keys, where they are few, by an index that selects them whatever their order; None where there are more."""
    some = log.frame(select(log.at.label("at"), log.id.label("id"))).where(wanted.where).limit(FEW + 1)
    async with db.read() as connection:
        await as_planned(connection)
        keys = unpacked(await connection.scalar(packed(some)))
    return keys if len(keys) <= FEW else None


async def find(db: Database, log: Log, wanted: Filter) -> AsyncGenerator[Found]:
    """What matches: the first rows as soon as there are any, then all of it, portion by portion.

    The database plans for the values of the filter; mostly that is best. It cannot know how rare a value is that no
    statistics have, nor which values come together, and is then slow by orders: so when it has not answered after
    `PATIENCE`, all keys are asked for as if they were few, and a walk through the log by time begins. The first wins.
    """
    planned: asyncio.Task[Keys] = asyncio.create_task(first_keys(db, log, wanted), name="first keys")
    try:
        await asyncio.wait({planned}, timeout=PATIENCE)
        first: LogListing | None = None
        if not planned.done():
            async with aclosing(race(db, log, wanted, planned)) as steps:
                async for found in steps:
                    first = found.listing
                    yield found
        if first is None or (first.total < FIRST and not first.complete):
            keys = await planned
            first = LogListing(keys, complete=len(keys) < FIRST)
    finally:
        await given_up(planned)
    yield Found(first)
    async for listing in rest(db, log, wanted, first):
        yield Found(listing)


async def race(db: Database, log: Log, wanted: Filter, planned: asyncio.Task[Keys]) -> AsyncGenerator[Found]:
    """What the other two ways find until they have the first rows, or the plan has."""
    few = asyncio.create_task(few_keys(db, log, wanted), name="few keys")
    async with aclosing(walk(db, log, wanted)) as steps:
        step = asyncio.create_task(step_of(steps), name="walk")
        try:
            while not planned.done():
                await asyncio.wait(
                    {planned, step} if few.done() else {planned, few, step}, return_when=asyncio.FIRST_COMPLETED
                )
                if few.done() and (keys := few.result()) is not None:
                    yield Found(LogListing(keys, complete=True))
                    return
                if step.done():
                    found = step.result()
                    yield found
                    if found.listing.complete or found.listing.total >= FIRST:
                        return
                    step = asyncio.create_task(step_of(steps), name="walk")
        finally:
            await given_up(few)
            await given_up(step)


async def step_of(steps: AsyncGenerator[Found]) -> Found:
    """The next step of a walk."""
    return await anext(steps)


async def aside(work: Coroutine[Any, Any, T]) -> T:
    """Work in a task of its own, so that who is cancelled twice, as one types, still lets its connection be closed."""
    task = asyncio.create_task(work, name="aside")
    try:
        await asyncio.wait({task})
        return task.result()
    finally:
        await given_up(task)


async def given_up(task: asyncio.Future[Any]) -> None:
    """Ends what nobody waits for."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # nobody else hears of it


async def rest(db: Database, log: Log, wanted: Filter, listing: LogListing) -> AsyncIterator[LogListing]:
    """What comes after the first rows, portion by portion, until all of it is there."""
    portions = iter(PORTIONS)
    portion = next(portions)
    while not listing.complete:
        async with db.read() as connection:
            await as_planned(connection)
            keys = await read_keys(connection, log, wanted, listing.keys.last, portion)
        listing = listing.grown(keys, complete=len(keys) < portion)
        yield listing
        portion = next(portions, portion)
