"""What the exports that a filter names add up to, in all and day by day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from datetime import tzinfo as TimeZone
from typing import Any

from sqlalchemy import Select, func, select

from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.log_fields import EXPORTS, N, S
from traintui.data.log_figures import days_of, every_day, summed
from traintui.data.log_listing import as_planned
from traintui.data.log_models import ExportLog
from traintui.data.log_models import ExportRow as E

MOST_TOLD_APART = 500_000
"""Conversations in exports up to which it is counted how many different ones they are: that takes half a second."""
SUCCEEDED = N.state == "succeeded"


@dataclass(frozen=True, slots=True)
class DayOfExports:
    """The exports that began on a day, how many of them succeeded, and how many conversations left the house in
    these."""

    day: date
    exports: int
    succeeded: int
    conversations: int

    def __add__(self, other: DayOfExports) -> DayOfExports:
        """All exports of the day."""
        return DayOfExports(
            self.day, self.exports + other.exports, self.succeeded + other.succeeded,
            self.conversations + other.conversations,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExportFigures:
    """All exports of a filter, and its days, each day from the first to the last. `distinct` is how many conversations
    left the house, however often each did; None where that is not counted."""

    days: Sequence[DayOfExports]
    distinct: int | None = None

    def __add__(self, other: ExportFigures) -> ExportFigures:
        """Both together, day by day; which conversations are in both is not known."""
        return ExportFigures(every_day(summed((*self.days, *other.days)), nothing_on))

    @property
    def exports(self) -> int:
        """How many there are."""
        return sum(day.exports for day in self.days)

    @property
    def succeeded(self) -> int:
        """How many of them succeeded."""
        return sum(day.succeeded for day in self.days)

    @property
    def deliveries(self) -> int:
        """How many conversations left the house, one as often as it did."""
        return sum(day.conversations for day in self.days)


async def export_figures(db: Database, wanted: Filter, *, zone: TimeZone | None = None) -> ExportFigures:
    """What the exports of a filter add up to, by days on the wall of who asks; `zone` None is the system's. Which
    conversations they hold is read by pk_export_rows."""
    async with db.read() as connection:
        await as_planned(connection)
        days = await days_of(connection, ExportLog.exported_at, zone)
        if days is None:
            return ExportFigures(())
        place = func.width_bucket(S.exported_at, days.begins).label("place")
        figures: Any = select(
            place, func.count(), func.count().filter(SUCCEEDED),
            func.coalesce(func.sum(N.conversation_count).filter(SUCCEEDED), 0),
        )  # fmt: skip
        rows = await connection.execute(EXPORTS.frame(figures).where(wanted.where).group_by(place).order_by(place))
        found = ExportFigures(every_day([DayOfExports(days.day(number), *row) for number, *row in rows], nothing_on))
        if found.deliveries > MOST_TOLD_APART:
            return found
        these = EXPORTS.frame(select(S.export_id)).where(wanted.where, SUCCEEDED).scalar_subquery()
        held = select(func.count(E.conversation_id.distinct()), func.count())
        distinct, noted = (await connection.execute(held.where(E.export_id == func.any(func.array(these))))).one()
    return replace(found, distinct=distinct) if noted == found.deliveries else found


def of_each(*columns: Any) -> Select[Any]:
    """Some columns of each export, and behind them what `added_up` takes."""
    return EXPORTS.frame(select(*columns, S.exported_at, SUCCEEDED, N.conversation_count))


def added_up(exports: Iterable[Sequence[Any]], zone: TimeZone | None) -> ExportFigures:
    """What exports add up to, of each when it began, whether it succeeded and how many conversations it had, by days on
    the wall of who asks; `zone` None is the system's."""
    days = (
        DayOfExports(at.astimezone(zone).date(), 1, int(bool(succeeded)), (conversations or 0) if succeeded else 0)
        for at, succeeded, conversations in exports
    )
    return ExportFigures(every_day(summed(days), nothing_on))


def nothing_on(day: date) -> DayOfExports:
    """A day without an export."""
    return DayOfExports(day, 0, 0, 0)
