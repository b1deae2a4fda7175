"""The one place that reads the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


_source: Callable[[], datetime] = _system


def now() -> datetime:
    """This moment, in UTC."""
    return _source()


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
