"""The one place that reads the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from datetime import time as TimeOfDay
from datetime import tzinfo as TimeZone


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """This moment, in UTC."""
    return _source()


def midnight(day: date, zone: TimeZone | None = None) -> datetime:
    """When a day begins on the wall of who asks, in UTC; `zone` None is the system's, as it was on that day."""
    begins = datetime.combine(day, TimeOfDay(), zone)
    return (begins if zone is not None else begins.astimezone()).astimezone(UTC)


@contextmanager
def fixed(moment: datetime) -> Iterator[None]:
    """Inside the block the clock stands at `moment`, for everybody: a test's time of day."""
    global _source
    before = _source
    _source = lambda: moment  # noqa: E731
    try:
        yield
    finally:
        _source = before


def ticks() -> float:
    """Seconds of a clock that only runs forward: for spans of time, not for moments."""
    return time.monotonic()
