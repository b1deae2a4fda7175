"""How fast somebody decides: their pace, and what they did each day. Made of one's own decisions in the review log.

Decisions for many at once do not count, for they were not read one by one; nor does what was undone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from datetime import tzinfo as TimeZone

from sqlalchemy import ARRAY, and_, exists, func, literal, select, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import aliased

from traintui import clock
from traintui.data.engine import Database
from traintui.data.log_models import PACED
from traintui.data.log_models import ReviewLog as L

PAUSE = timedelta(minutes=15)
"""A careful reading takes five minutes: who decides nothing for three times as long does something else."""
BREAK = timedelta(hours=1)
"""A pause after which another stretch of work begins."""
STRETCH = 60
"""Decisions by which the pace goes at the most: it follows what one reads now."""
LEAST = 3
"""Decisions from which on there is a pace."""
DAYS = 14
"""Days that are shown."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What one reviewer did: decisions today, and an hour over the last stretch of work; None where there are too
    few."""

    today: int = 0
    per_hour: float | None = None
    newest: datetime | None = field(default=None, compare=False)
    """When the newest of those decisions was taken, as the log has it."""

    def hours_for(self, number: int) -> float | None:
        """Hours that so many more would take; None without a pace."""
        return number / self.per_hour if self.per_hour else None


@dataclass(frozen=True, slots=True)
class Day:
    """A day of work, which begins at `begins`: decisions, approved ones among them, median seconds on a conversation
    (None where no decision says)."""

    begins: datetime
    decided: int = 0
    approved: int = 0
    seconds: float | None = None

    @property
    def approve_rate(self) -> float | None:
        """The share that was approved, 0 to 1; None on a day without a decision."""
        return self.approved / self.decided if self.decided else None


def pace_of(moments: Sequence[datetime]) -> float | None:
    """Decisions an hour over the last stretch of work, pauses cut out, of the moments of decisions, the newest first;
    None for fewer than three."""
    worked: list[timedelta] = []
    for later, earlier in itertools.pairwise(moments):
        gap = later - earlier
        if gap > BREAK or len(worked) >= STRETCH:
            break
        if gap <= PAUSE:
            worked.append(gap)
    seconds = sum(worked, timedelta()).total_seconds()
    return len(worked) * 3_600 / seconds if len(worked) >= LEAST - 1 and seconds > 0 else None


def midnight(days_ago: int = 0, zone: TimeZone | None = None) -> datetime:
    """When a day began on the wall of who asks, in UTC; `zone` None is the system's."""
    return clock.midnight(clock.now().astimezone(zone).date() - timedelta(days=days_ago), zone)


Undo = aliased(L)
COUNTS = and_(
    text(PACED),
    ~exists(select(literal(1)).where(Undo.undoes == L.id, Undo.undoes.is_not(None)).correlate(L)),
)
"""What is a decision here: `ix_review_logs_paced` has one's own by their time, `uq_review_logs_undoes` the undone."""


async def read(db: Database, *, zone: TimeZone | None = None) -> Pace:
    """The pace of the person logged in. `zone` says when a day begins (default: the system's)."""
    today = select(func.count()).select_from(L).where(
        COUNTS, L.reviewer_id == db.login, L.timestamp >= midnight(0, zone)
    )  # fmt: skip
    newest = select(L.timestamp).where(COUNTS, L.reviewer_id == db.login).order_by(L.timestamp.desc())
    async with db.read() as connection:
        since_midnight = await connection.scalar(today) or 0
        moments = list(await connection.scalars(newest.limit(2 * STRETCH)))
    return Pace(since_midnight, pace_of(moments), moments[0] if moments else None)


async def in_all(db: Database) -> int:
    """How many decisions the person logged in has made. It reads each of them: for who asks, not for a line that is
    drawn all day."""
    async with db.read() as connection:
        return (
            await connection.scalar(select(func.count()).select_from(L).where(COUNTS, L.reviewer_id == db.login)) or 0
        )


async def days(db: Database, *, zone: TimeZone | None = None) -> tuple[Day, ...]:
    """The last two weeks of the person logged in, today first."""
    begins = [midnight(ago, zone) for ago in range(DAYS - 1, -1, -1)]
    place = func.width_bucket(L.timestamp, literal(begins, ARRAY(TIMESTAMP(timezone=True)))).label("place")
    statement = (
        select(
            place, func.count(), func.count().filter(L.action == "approve"),
            func.percentile_cont(0.5).within_group(L.duration_ms),
        )
        .where(COUNTS, L.reviewer_id == db.login, L.timestamp >= begins[0])
        .group_by(place)
    )  # fmt: skip
    async with db.read() as connection:
        worked = {row[0]: row for row in await connection.execute(statement)}
    found = []
    for number, begin in enumerate(begins, 1):
        _, decided, approved, median = worked.get(number, (number, 0, 0, None))
        found.append(Day(begin, decided, approved, None if median is None else median / 1_000))
    return tuple(reversed(found))
