"""How a table grows, out of its sizes day by day, and how large it will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from statistics import median

from traintui.data.sample_records import SizeAt

MEMORY = timedelta(days=30)
"""How far back sizes are looked at."""
AHEAD = 30
"""Days of the forecast."""
LEAST_DAYS = 3
"""Days that samples must cover before a forecast means something."""
DAY = 86_400.0
SMALL = 1_000_000
"""Bytes that nobody needs to hear of."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How a table grew over some days: bytes on a usual day, None where too few are known; its size now and then."""

    days: float
    per_day: float | None
    now_bytes: int
    then_bytes: int

    def after(self, days: int) -> int | None:
        """Its bytes in so many days."""
        return None if self.per_day is None else max(0, round(self.now_bytes + self.per_day * days))

    @property
    def says(self) -> str:
        """It in words."""
        if self.per_day is None:
            takes = f"samples cover {self.days:.0f} of the {LEAST_DAYS} days that it takes"
            covered = takes if self.now_bytes else "no sample"
            return f"not known yet: {covered}"
        gained = self.now_bytes - self.then_bytes
        if abs(self.per_day) * AHEAD < max(SMALL, self.now_bytes / 100):
            if abs(gained) < max(SMALL, self.now_bytes / 20):
                return "hardly grows"
            more = "more" if gained > 0 else "less"
            return f"not evenly: {size(abs(gained))} {more} than {self.days:.0f} days ago"
        less = " less" if self.per_day < 0 else ""
        return f"about {size(abs(self.per_day))}{less} a day; in {AHEAD} days {size(self.after(AHEAD) or 0)}"


def growth(sizes: Sequence[SizeAt]) -> Growth:
    """How a table grows by its sizes, a day apart, in their order. The median of the days: one on which a week was
    retired, or much was imported, changes nothing."""
    if not sizes:
        return Growth(0.0, None, 0, 0)
    first, last = sizes[0], sizes[-1]
    days = (last.at - first.at).total_seconds() / DAY
    steps: list[float] = []
    for one, other in pairwise(sizes):
        apart = (other.at - one.at).total_seconds() / DAY
        if apart >= 0.5:  # what is nearer says more of the hour than of the day
            steps += [(other.total_bytes - one.total_bytes) / apart] * max(1, round(apart))
    known = len(steps) >= LEAST_DAYS
    return Growth(days, median(steps) if known else None, last.total_bytes, first.total_bytes)


def size(number: float) -> str:
    """Bytes in words: `40 MB`, `2.1 GB`, `-3.0 MB`."""
    if number < 0:
        return f"-{size(-number)}"
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1_000:
            return f"{number:.0f} {unit}" if unit == "B" or (number >= 10 and unit != "GB") else f"{number:.1f} {unit}"
        number /= 1_000
    return f"{number:.1f} TB"
