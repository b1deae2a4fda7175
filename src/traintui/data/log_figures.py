"""What the calls that a filter names add up to, in all and day by day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, cast, func, literal, select

from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_listing import as_planned
from traintui.data.log_models import GenerationLog as L


@dataclass(frozen=True, slots=True)
class DayOfCalls:
    """The calls of a day: how many, how many of them failed or ended nobody knows how, their cost in USD and their
    tokens, read and written."""

    day: date
    calls: int
    failed: int
    cost_usd: Decimal
    tokens: int

    def __add__(self, other: DayOfCalls) -> DayOfCalls:
        """All calls of the day."""
        return DayOfCalls(
            self.day, self.calls + other.calls, self.failed + other.failed, self.cost_usd + other.cost_usd,
            self.tokens + other.tokens,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallFigures:
    """All calls of a filter, and its days, each day from the first to the last."""

    days: Sequence[DayOfCalls]

    def __add__(self, other: CallFigures) -> CallFigures:
        """Both together, day by day."""
        found: dict[date, DayOfCalls] = {}
        for each in (*self.days, *other.days):
            found[each.day] = found[each.day] + each if each.day in found else each
        return CallFigures(every_day(sorted(found.values(), key=lambda day: day.day)))

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
    def tokens(self) -> int:
        """Read and written, together."""
        return sum(day.tokens for day in self.days)


FAILED = L.state.in_(("error", "unknown"))
TOKENS = func.coalesce(L.input_tokens, 0) + func.coalesce(L.output_tokens, 0)


def day_of(offset: timedelta) -> ColumnElement[date]:
    """The day on which a call was sent; it begins `offset` before it does in UTC."""
    return cast(func.timezone("UTC", L.created_at) + literal(offset), Date)


async def call_figures(db: Database, wanted: Filter, *, offset: timedelta) -> CallFigures:
    """What the calls of a filter add up to; a day begins `offset` before it does in UTC. All of them are read: by
    ix_generation_logs_listed alone where the filter asks for nothing else."""
    day = day_of(offset)
    figures: Any = select(
        day, func.count(), func.count().filter(FAILED), func.coalesce(func.sum(L.cost_usd), 0),
        func.coalesce(func.sum(TOKENS), 0),
    )  # fmt: skip
    statement = GENERATIONS.frame(figures).where(wanted.where).group_by(day).order_by(day)
    async with db.read() as connection:
        await as_planned(connection)
        found = [DayOfCalls(*row) for row in await connection.execute(statement)]
    return CallFigures(every_day(found))


def of_each(offset: timedelta, *columns: Any) -> Select[Any]:
    """Some columns of each call, and behind them what `added_up` takes."""
    figures = (day_of(offset), FAILED, func.coalesce(L.cost_usd, 0), TOKENS)
    return GENERATIONS.frame(select(*columns, *figures))


def added_up(calls: Iterable[Sequence[Any]]) -> CallFigures:
    """What calls add up to, of each its day, whether it failed, cost and tokens."""
    found: dict[date, DayOfCalls] = {}
    for day, failed, cost_usd, tokens in calls:
        one = DayOfCalls(day, 1, int(failed), cost_usd, tokens)
        found[day] = found[day] + one if day in found else one
    return CallFigures(every_day([found[day] for day in sorted(found)]))


def every_day(found: Sequence[DayOfCalls]) -> Sequence[DayOfCalls]:
    """The days without a call too."""
    if not found:
        return ()
    known = {each.day: each for each in found}
    first, last = found[0].day, found[-1].day
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(known.get(day) or DayOfCalls(day, 0, 0, Decimal(0), 0) for day in days)
