"""When a label is slower than it should be: than its own last week, or than people wait.

The rule and its figures are those that were simulated: twice the median of seven days and three deviations above it, in
two windows of a quarter of an hour that are alike, or in three; what is out of order is kept out of what is taken for
normal.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from traintui.data.histograms import added, percentile
from traintui.data.query_records import QueryTimes

WINDOW = timedelta(minutes=15)
MEMORY = timedelta(days=7)
"""How far back normal reaches."""
FEWEST_CALLS = 20
"""Calls from which on a window says anything."""
FEWEST_WINDOWS = 20
"""Windows from which on normal is known."""
TIMES = 2.0
DEVIATIONS = 3.0
IN_A_ROW = 2
"""Windows out of order before it is an alert: one alone is chance."""
ALIKE = 1.25
"""How many times one of two may be the other. What became slower stays as slow; two by chance differ, and wait for a
third. In a simulation that leaves a third of the false alarms, and one shift in eight is told a window later."""
CLEAR_TIMES = 1.5
MOST_MS = 500.0
"""Milliseconds that are too long whatever is normal."""
CLEAR_SHARE = 0.8
"""The share of them below which they no longer are, in as many windows in a row as below: a label that stands at the
bound would come and go."""
CLEAR_IN_A_ROW = 4
UNFELT_MS = 5.0
"""Milliseconds that nobody notices, however far from normal."""


@dataclass(frozen=True, slots=True)
class Window:
    """A quarter of an hour of a label: its calls, and the milliseconds that 95 of 100 were within."""

    begins_at: datetime
    calls: int
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A window beside what is normal. `open` says whether there is an alert after it; `normal_ms` is None while normal
    is not known, and `too_long` that it is more than anybody should wait."""

    window: Window
    normal_ms: float | None
    odd: bool
    too_long: bool
    open: bool
    most_ms: float = MOST_MS

    @property
    def says(self) -> str:
        """What is wrong, in words, or how it is."""
        said = f"95 of 100 within {self.window.p95_ms:,.0f} ms"
        if self.normal_ms is not None:
            times = self.window.p95_ms / max(self.normal_ms, 0.001)
            said += f", {times:.1f} times the {self.normal_ms:,.0f} ms of its last week"
        return said + (f": longer than {self.most_ms:,.0f} ms" if self.too_long else "")


def windows(times: Iterable[QueryTimes]) -> tuple[Window, ...]:
    """The windows of one label, in their order. Hours, which minutes become after two days, are windows too."""
    found: dict[datetime, list[QueryTimes]] = {}
    for each in times:
        minutes = WINDOW // timedelta(minutes=1) if each.seconds < 3_600 else 60
        begins_at = each.begins_at.replace(minute=each.begins_at.minute // minutes * minutes, second=0, microsecond=0)
        found.setdefault(begins_at, []).append(each)
    return tuple(
        Window(
            begins_at,
            sum(part.calls for part in parts),
            (percentile(added(part.histogram for part in parts), 0.95) or 0.0) / 1_000,
        )
        for begins_at, parts in sorted(found.items())
    )


def judged(label: Iterable[Window], most_ms: float = MOST_MS) -> Iterator[Judged]:
    """Each window of a label, in their order, beside those before it; `most_ms` are too long whatever is normal.
    Windows with few calls say nothing."""
    judge = Judge(most_ms)
    for window in label:
        if (found := judge.step(window)) is not None:
            yield found


class Judge:
    """Judges the windows of a label one after the other."""

    def __init__(self, most_ms: float = MOST_MS) -> None:
        self.most_ms = most_ms
        self._normal = Normal()
        self._odd_ones = self._well = 0
        self._last_odd = 0.0
        self._open = self._was_too_long = False

    def step(self, window: Window) -> Judged | None:
        """The next window beside those before it; None where it has too few calls to say anything."""
        if window.calls < FEWEST_CALLS:
            return None
        normal = self._normal
        normal.forget(window.begins_at - MEMORY)
        usual = normal.middle
        too_long = window.p95_ms > self.most_ms
        odd = usual is not None and window.p95_ms > max(TIMES * usual, UNFELT_MS) and normal.far_above(window.p95_ms)
        before, self._last_odd = self._last_odd, window.p95_ms if odd or too_long else 0.0
        self._odd_ones = self._odd_ones + 1 if self._last_odd else 0
        alike = max(before, window.p95_ms) <= ALIKE * min(before, window.p95_ms)
        below = usual is None or self._was_too_long or window.p95_ms < max(CLEAR_TIMES * usual, UNFELT_MS)
        clear_ms = CLEAR_SHARE * self.most_ms
        self._well = self._well + 1 if below and (window.p95_ms < clear_ms or not self._was_too_long) else 0
        if self._odd_ones >= IN_A_ROW and (alike or too_long or self._odd_ones > IN_A_ROW):
            self._open = True
            self._was_too_long = self._was_too_long or too_long
        elif self._open and self._well >= (CLEAR_IN_A_ROW if self._was_too_long else 1):
            self._open = self._was_too_long = False
        if not odd and not self._open:
            normal.add(window)
        return Judged(window, usual, odd, too_long, self._open, self.most_ms)


class Normal:
    """What is normal of a label: its windows of the last week, those out of order left out."""

    def __init__(self) -> None:
        self._windows: deque[Window] = deque()
        self._sorted: list[float] = []

    def add(self, window: Window) -> None:
        """Takes one more for normal."""
        self._windows.append(window)
        insort(self._sorted, window.p95_ms)

    def forget(self, before: datetime) -> None:
        """Forgets what is older."""
        while self._windows and self._windows[0].begins_at < before:
            gone = self._windows.popleft()
            del self._sorted[bisect_left(self._sorted, gone.p95_ms)]

    @property
    def middle(self) -> float | None:
        """The median in milliseconds; None while there are too few."""
        number = len(self._sorted)
        if number < FEWEST_WINDOWS:
            return None
        return (self._sorted[number // 2] + self._sorted[(number - 1) // 2]) / 2

    def far_above(self, ms: float) -> bool:
        """Whether it is further above the median than three times the middle deviation from it."""
        middle = self.middle
        if middle is None:
            return False
        return ms > middle + DEVIATIONS * median(abs(each - middle) for each in self._sorted)
