"""What the calls that a filter names add up to, in all and day by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import tzinfo as TimeZone
from decimal import Decimal
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import ColumnElement, Select, exists, false, func, literal, not_, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute, aliased
from sqlalchemy.sql.elements import Grouping

from traintui import clock
from traintui.data.batch_models import Batch
from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_listing import as_planned
from traintui.data.log_models import GenerationLog as L

Late = aliased(L)


class Day(Protocol):
    """What something adds up to on a day."""

    @property
    def day(self) -> date:
        """The day."""


DayT = TypeVar("DayT", bound=Day)


class Summable(Day, Protocol):
    """What can be added up with others of the same day."""

    def __add__(self, other: Self, /) -> Self:
        """Both together."""


SumT = TypeVar("SumT", bound=Summable)


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a log on the wall of who asks. `place` is the number of a row's day, from 1, and `begins` when each
    began; days of 23 and of 25 hours among them."""

    first: date
    place: ColumnElement[int]
    begins: ColumnElement[Any]

    def day(self, place: int) -> date:
        """The day of that number."""
        return self.first + timedelta(days=place - 1)


async def days_of(
    connection: AsyncConnection, at: InstrumentedAttribute[datetime], zone: TimeZone | None
) -> Days | None:
    """The days from the first to the last of a log whose rows have that time; None where it has none. By the ends of
    the index of the time."""
    begin, end = (await connection.execute(select(func.min(at), func.max(at)))).one()
    if begin is None:
        return None
    first, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    midnights = [clock.midnight(first + timedelta(days=number), zone) for number in range((last - first).days + 1)]
    begins = Grouping(literal(midnights, ARRAY(TIMESTAMP(timezone=True))))
    return Days(first, func.width_bucket(at, begins).label("place"), begins)


@dataclass(frozen=True, slots=True)
class DayOfCalls:
    """The calls of a day: how many, how many of them failed or ended nobody knows how, their cost in USD and their
    tokens, read and written. Of the cost, `rehearsal_usd` is by a rehearsal, which nobody pays, and `uncertain_usd`
    what other calls of unknown end cost at most."""

    day: date
    calls: int
    failed: int
    cost_usd: Decimal
    tokens: int
    uncertain_usd: Decimal = Decimal(0)
    rehearsal_usd: Decimal = Decimal(0)

    def __add__(self, other: DayOfCalls) -> DayOfCalls:
        """All calls of the day."""
        return DayOfCalls(
            self.day, self.calls + other.calls, self.failed + other.failed, self.cost_usd + other.cost_usd,
            self.tokens + other.tokens, self.uncertain_usd + other.uncertain_usd,
            self.rehearsal_usd + other.rehearsal_usd,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallFigures:
    """All calls of a filter, and its days, each day from the first to the last."""

    days: Sequence[DayOfCalls]

    def __add__(self, other: CallFigures) -> CallFigures:
        """Both together, day by day."""
        return CallFigures(every_day(summed((*self.days, *other.days)), nothing_on))

    @property
    def calls(self) -> int:
        """How many there are."""
        return sum(day.calls for day in self.days)

    @property
    def failed(self) -> int:
        """How many failed, or ended nobody knows how."""
        return sum(day.failed for day in self.days)

    @property
    def cost_usd(self) -> Decimal:
        """What they cost; what is not known is not in it."""
        return sum((day.cost_usd for day in self.days), Decimal(0))

    @property
    def uncertain_usd(self) -> Decimal:
        """What calls of unknown end cost at most, those of a rehearsal left out."""
        return sum((day.uncertain_usd for day in self.days), Decimal(0))

    @property
    def rehearsal_usd(self) -> Decimal:
        """What the rehearsal would have cost: nobody pays it."""
        return sum((day.rehearsal_usd for day in self.days), Decimal(0))

    @property
    def tokens(self) -> int:
        """Read and written, together."""
        return sum(day.tokens for day in self.days)


FAILED = L.state.in_(("error", "unknown"))
COST = func.coalesce(L.cost_usd, 0)
TOKENS = func.coalesce(L.input_tokens, 0) + func.coalesce(L.output_tokens, 0)
IS_UNKNOWN = L.state == "unknown"
REHEARSED = exists(select(literal(1)).where(Batch.is_rehearsal))
"""Whether a rehearsal wrote anything here: few batches are looked at, where calls would all have to be read."""
REPLIED = select(Late.late_reply_to).where(Late.late_reply_to.is_not(None))
"""Calls whose reply came late. By ix_generation_logs_late_reply_to."""


async def call_figures(db: Database, wanted: Filter, *, zone: TimeZone | None = None) -> CallFigures:
    """What the calls of a filter add up to, by days on the wall of who asks; `zone` None is the system's.

    A call of unknown end whose reply came late is not counted, since the reply is. All of them are read: by
    ix_generation_logs_listed alone where the filter asks for nothing else and no rehearsal wrote anything, and late
    replies by ix_generation_logs_late_reply_to.
    """
    async with db.read() as connection:
        await as_planned(connection)
        days = await days_of(connection, L.created_at, zone)
        if days is None:
            return CallFigures(())
        rehearsed: Any = L.is_rehearsal if await connection.scalar(select(REHEARSED)) else false()
        figures: Any = select(
            days.place, func.count(), func.count().filter(FAILED), func.sum(COST), func.sum(TOKENS),
            func.coalesce(func.sum(COST).filter(IS_UNKNOWN, not_(rehearsed)), 0),
            func.coalesce(func.sum(COST).filter(rehearsed), 0),
        )  # fmt: skip
        counts = or_(L.state != "unknown", L.id.not_in(REPLIED))
        statement = GENERATIONS.frame(figures).where(wanted.where, counts).group_by(days.place).order_by(days.place)
        found = [DayOfCalls(days.day(place), *row) for place, *row in await connection.execute(statement)]
    return CallFigures(every_day(found, nothing_on))


def of_each(*columns: Any) -> Select[Any]:
    """Some columns of each call, and behind them what `added_up` takes."""
    return GENERATIONS.frame(select(*columns, L.created_at, FAILED, COST, TOKENS, IS_UNKNOWN, L.is_rehearsal))


def added_up(calls: Iterable[Sequence[Any]], zone: TimeZone | None) -> CallFigures:
    """What calls add up to, of each when it was sent, whether it failed, cost and tokens, whether its end is unknown
    and whether the rehearsal answered, by days on the wall of who asks; `zone` None is the system's."""
    nothing = Decimal(0)
    days = (
        DayOfCalls(
            at.astimezone(zone).date(), 1, int(failed), cost, tokens,
            cost if is_unknown and not is_rehearsal else nothing, cost if is_rehearsal else nothing,
        )
        for at, failed, cost, tokens, is_unknown, is_rehearsal in calls
    )  # fmt: skip
    return CallFigures(every_day(summed(days), nothing_on))


def nothing_on(day: date) -> DayOfCalls:
    """A day without a call."""
    return DayOfCalls(day, 0, 0, Decimal(0), 0)


def summed(days: Iterable[SumT]) -> list[SumT]:
    """Days in their order, of which no two are the same."""
    found: dict[date, SumT] = {}
    for each in days:
        found[each.day] = found[each.day] + each if each.day in found else each
    return [found[day] for day in sorted(found)]


def every_day(found: Sequence[DayT], without: Callable[[date], DayT]) -> Sequence[DayT]:
    """Days in their order, and those between them on which nothing was."""
    if not found:
        return ()
    known = {each.day: each for each in found}
    first, last = found[0].day, found[-1].day
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(known.get(day) or without(day) for day in days)
