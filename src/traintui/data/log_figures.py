"""What the calls that a filter names add up to, in all and day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from datetime import tzinfo as TimeZone
from decimal import Decimal
from typing import Any

from sqlalchemy import func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import aliased

from traintui import clock
from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_listing import as_planned
from traintui.data.log_models import GenerationLog as L

Late = aliased(L)


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


async def call_figures(db: Database, wanted: Filter, *, zone: TimeZone | None = None) -> CallFigures:
    """What the calls of a filter add up to, by days on the wall of who asks; `zone` None is the system's.

    A call of unknown end whose reply came late is not counted, since the reply is. All of them are read: by
    ix_generation_logs_listed alone where the filter asks for nothing else, and late replies by
    ix_generation_logs_late_reply_to.
    """
    async with db.read() as connection:
        await as_planned(connection)
        # By the ends of the index of the time.
        ends = (await connection.execute(select(func.min(L.created_at), func.max(L.created_at)))).one()
        if ends[0] is None:
            return CallFigures(())
        first, last = (end.astimezone(zone).date() for end in ends)
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        begins = [clock.midnight(day, zone) for day in days]
        place = func.width_bucket(L.created_at, literal(begins, ARRAY(TIMESTAMP(timezone=True)))).label("place")
        tokens = func.coalesce(L.input_tokens, 0) + func.coalesce(L.output_tokens, 0)
        figures: Any = select(
            place, func.count(), func.count().filter(L.state.in_(("error", "unknown"))),
            func.coalesce(func.sum(L.cost_usd), 0), func.coalesce(func.sum(tokens), 0),
        )  # fmt: skip
        replied = select(Late.late_reply_to).where(Late.late_reply_to.is_not(None))
        counts = or_(L.state != "unknown", L.id.not_in(replied))
        statement = GENERATIONS.frame(figures).where(wanted.where, counts).group_by(place).order_by(place)
        rows = (await connection.execute(statement)).all()
    return CallFigures(every_day([DayOfCalls(days[place - 1], *row) for place, *row in rows]))


def every_day(found: Sequence[DayOfCalls]) -> Sequence[DayOfCalls]:
    """The days without a call too."""
    if not found:
        return ()
    known = {each.day: each for each in found}
    first, last = found[0].day, found[-1].day
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(known.get(day) or DayOfCalls(day, 0, 0, Decimal(0), 0) for day in days)
