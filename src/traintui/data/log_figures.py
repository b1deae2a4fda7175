"""What the calls that a filter names add up to, in all and day by day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from sqlalchemy import Date, cast, func, literal, select

from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_listing import as_planned
from traintui.data.log_models import GenerationLog as L


class Day(Protocol):
    """What something adds up to on a day."""

    @property
    def day(self) -> date:
        """The day."""


DayT = TypeVar("DayT", bound=Day)


@dataclass(frozen=True, slots=True)
class DayOfCalls:
    """The calls of a day: how many, how many of them failed or ended nobody knows how, their cost in USD and their
    tokens, read and written."""

    day: date
    calls: int
    failed: int
    cost_usd: Decimal
    tokens: int


@dataclass(frozen=True, slots=True)
class CallFigures:
    """All calls of a filter, and its days, each day from the first to the last."""

    days: Sequence[DayOfCalls]

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


async def call_figures(db: Database, wanted: Filter, *, offset: timedelta) -> CallFigures:
    """What the calls of a filter add up to; a day begins `offset` before it does in UTC. All of them are read: by
    ix_generation_logs_listed alone where the filter asks for nothing else."""
    day = cast(func.timezone("UTC", L.created_at) + literal(offset), Date)
    tokens = func.coalesce(L.input_tokens, 0) + func.coalesce(L.output_tokens, 0)
    figures: Any = select(
        day, func.count(), func.count().filter(L.state.in_(("error", "unknown"))),
        func.coalesce(func.sum(L.cost_usd), 0), func.coalesce(func.sum(tokens), 0),
    )  # fmt: skip
    statement = GENERATIONS.frame(figures).where(wanted.where).group_by(day).order_by(day)
    async with db.read() as connection:
        await as_planned(connection)
        found = [DayOfCalls(*row) for row in await connection.execute(statement)]
    return CallFigures(every_day(found, lambda each: DayOfCalls(each, 0, 0, Decimal(0), 0)))


def every_day(found: Sequence[DayT], without: Callable[[date], DayT]) -> Sequence[DayT]:
    """Days in their order, and those between them on which nothing was."""
    if not found:
        return ()
    known = {each.day: each for each in found}
    first, last = found[0].day, found[-1].day
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(known.get(day) or without(day) for day in days)
