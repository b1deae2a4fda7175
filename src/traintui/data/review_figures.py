"""What the decisions that a filter names add up to: in all, day by day, hour by hour, and reviewer by reviewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from datetime import tzinfo as TimeZone
from typing import Any

from sqlalchemy import Integer, and_, cast, func, select, tuple_

from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.log_fields import REVIEWS
from traintui.data.log_figures import days_of, every_day
from traintui.data.log_listing import as_planned
from traintui.data.log_models import ReviewLog as R
from traintui.data.standing_decisions import DECIDES, OUTCOME, UNDONE, overtaking


@dataclass(frozen=True, slots=True)
class Decisions:
    """How many actions there were, how many of them were approvals and rejections, and how many of these stand: nobody
    took them back, and nothing changed it later."""

    actions: int = 0
    approved: int = 0
    rejected: int = 0
    standing: int = 0

    @property
    def number(self) -> int:
        """Approvals and rejections."""
        return self.approved + self.rejected

    @property
    def rate(self) -> float | None:
        """The share that was approved; None where nothing was decided."""
        return self.approved / self.number if self.number else None


@dataclass(frozen=True, slots=True)
class DayOfDecisions:
    """The decisions of a day."""

    day: date
    decisions: Decisions


@dataclass(frozen=True, slots=True)
class ReviewFigures:
    """All of a filter; its days, each day from the first to the last; the 24 hours of the day; and who decided, those
    who decided most first."""

    total: Decisions
    days: Sequence[DayOfDecisions]
    hours: Sequence[Decisions]
    reviewers: Sequence[tuple[str, Decisions]]


async def review_figures(db: Database, wanted: Filter, *, zone: TimeZone | None = None) -> ReviewFigures:
    """What the rows of a filter add up to, by days and hours on the wall of who asks; `zone` None is the system's. All
    of them are read, once."""
    total, days, reviewers = Decisions(), [], []
    hours = [Decisions()] * 24
    async with db.read() as connection:
        await as_planned(connection)
        wall = await days_of(connection, R.timestamp, zone)
        if wall is None:
            return ReviewFigures(total, (), hours, ())
        since = func.extract("epoch", R.timestamp - wall.begins[wall.place])
        rows: Any = select(
            wall.place, func.least(cast(func.floor(since / 3600), Integer), 23).label("hour"),
            R.reviewer_id.label("who"), R.action.label("action"),
        )  # fmt: skip
        overtaken = overtaking()
        rows = REVIEWS.frame(
            rows.add_columns(
                and_(DECIDES, R.id.not_in(UNDONE), R.id > func.coalesce(overtaken.c.last, 0)).label("stands")
            )
        ).outerjoin(overtaken, and_(overtaken.c.conversation_id == R.conversation_id, overtaken.c.status == OUTCOME))
        r = rows.where(wanted.where).subquery("r").c
        statement = select(
            r.place, r.hour, r.who, func.grouping(r.place, r.hour, r.who), func.count(),
            func.count().filter(r.action == "approve"), func.count().filter(r.action == "reject"),
            func.count().filter(r.stands),
        ).group_by(func.grouping_sets(tuple_(r.place), tuple_(r.hour), tuple_(r.who), tuple_()))  # fmt: skip
        for place, hour, who, grouped, *counts in await connection.execute(statement):
            found = Decisions(*counts)
            if grouped == 0b011:
                days.append(DayOfDecisions(wall.day(place), found))
            elif grouped == 0b101:
                hours[hour] = found
            elif grouped == 0b110:
                reviewers.append((who, found))
            else:
                total = found
    days.sort(key=lambda each: each.day)
    reviewers.sort(key=lambda each: (-each[1].number, each[0]))
    return ReviewFigures(total, every_day(days, lambda day: DayOfDecisions(day, Decisions())), hours, reviewers)
