"""Where in the archive a filter may find something: weeks and frames that its dates and its conversations leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import text

from traintui.audit.archiving import EPOCH
from traintui.data.engine import Database
from traintui.data.fields import Kind
from traintui.data.filter_terms import Within
from traintui.data.filter_words import words
from traintui.data.filters import Filter
from traintui.data.log_listing import Keys
from traintui.data.retention import RetiredLog

FRAMES = text("""
    SELECT f.week, f.place, f.row_count, f.first_at, f.last_at FROM archive_frames AS f
    WHERE f.log = 'generation_logs'
      AND EXISTS (SELECT FROM retirements AS r WHERE r.log = f.log AND r.week = f.week)
      AND (CAST(:since AS timestamptz) IS NULL OR f.last_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR f.first_at <= :until)
      AND (CAST(:conversations AS text[]) IS NULL OR f.conversation_ids && CAST(:conversations AS text[]))
    ORDER BY f.last_at DESC, f.week DESC, f.place DESC
""")
"""Frames without their contents, a few words each; for conversations by ix_archive_frames_conversation_ids."""
WEEKS = text("SELECT week FROM retirements WHERE log = :log ORDER BY week DESC")


@dataclass(frozen=True, slots=True)
class FrameOf:
    """A frame of archived calls: where it stands, how many there are, and between which moments they were sent."""

    week: date
    place: int
    row_count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Dates:
    """The moments that a filter leaves, both among them; None where it sets no end."""

    since: datetime | None = None
    until: datetime | None = None

    def meets(self, first: datetime, last: datetime) -> bool:
        """Whether something between two moments may be of these."""
        return (self.since is None or last >= self.since) and (self.until is None or first <= self.until)

    def holds(self, first: datetime, last: datetime) -> bool:
        """Whether all between two moments is of these."""
        return (self.since is None or first >= self.since) and (self.until is None or last <= self.until)


@dataclass(frozen=True, slots=True)
class Reach:
    """What of the archive the dates and conversations of a filter leave: the weeks, the newest first, and how many rows
    their frames have; all of them are of these dates where `is_exact`. Of exports no number is known."""

    weeks: Sequence[date]
    rows: int | None = None
    is_exact: bool = False


FiguresT_co = TypeVar("FiguresT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Step(Generic[FiguresT_co]):
    """More of what matches in the archive, behind all that was there before: keys, what they add up to, and the share
    of the archive that was looked through, 0 to 1."""

    keys: Keys
    figures: FiguresT_co
    looked: float


def dates_of(wanted: Filter) -> Dates:
    """Between which moments all must be that a filter of a log finds."""
    low: list[Any] = []
    high: list[Any] = []
    for term in wanted.written:
        part = term.parts[0]
        if not term.negated and len(term.parts) == 1 and isinstance(part, Within) and part.field.kind is Kind.TIME:
            low += [] if part.low is None else [part.low]
            high += [] if part.high is None else [part.high]
    return Dates(moment_of(max(low)) if low else None, moment_of(min(high)) if high else None)


def moment_of(micros: int) -> datetime | None:
    """Microseconds since 1970 as a moment; None for one that no row can have."""
    try:
        return EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return None


def conversations_in(wanted: Filter) -> list[str] | None:
    """The conversations of which one must be named by all that a filter finds; None where it does not say."""
    for word in words(wanted.text):
        if word.field == "conversation" and not word.negated and "none" not in word.listed:
            return word.listed
    return None


async def frames_for(db: Database, wanted: Filter) -> Sequence[FrameOf]:
    """The frames of archived calls that a filter may find something in, by their last call, the newest first."""
    dates = dates_of(wanted)
    values = {"since": dates.since, "until": dates.until, "conversations": conversations_in(wanted)}
    async with db.read() as connection:
        return [FrameOf(*row) for row in await connection.execute(FRAMES, values)]


def reach_of(frames: Sequence[FrameOf], wanted: Filter) -> Reach:
    """How far a filter reaches into frames that it may find something in."""
    dates = dates_of(wanted)
    exact = conversations_in(wanted) is None and all(dates.holds(each.first_at, each.last_at) for each in frames)
    weeks = sorted({each.week for each in frames}, reverse=True)
    return Reach(weeks, sum(each.row_count for each in frames), exact)


async def weeks_for(db: Database, log: RetiredLog, wanted: Filter) -> Sequence[date]:
    """The archived weeks of a log that the dates of a filter leave, the newest first."""
    dates = dates_of(wanted)
    async with db.read() as connection:
        weeks = (await connection.scalars(WEEKS, {"log": log})).all()
    return [week for week in weeks if dates.meets(begin_of(week), begin_of(week) + timedelta(days=7))]


def begin_of(week: date) -> datetime:
    """The moment in which a week begins."""
    return datetime.combine(week, time(), UTC)
