"""Days as they are without a fault: quicker and slower hours, quiet nights, and windows that are slow by chance."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from traintui.observing import latency
from traintui.observing.latency import Window

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
PER_DAY = timedelta(days=1) // latency.WINDOW


def days(number: int, normal_ms: float, seed: int) -> Iterator[Window]:
    """Windows of a label over so many days."""
    luck = random.Random(seed)
    for place in range(number * PER_DAY):
        hour = place % PER_DAY * 24 / PER_DAY
        busy = 8 <= hour < 19
        p95 = normal_ms * (1.25 if busy else 1.0) * luck.lognormvariate(0, 0.18)
        if luck.random() < 0.01:
            p95 *= luck.uniform(1.5, 6)
        yield Window(BEGIN + place * latency.WINDOW, luck.randint(30, 400) if busy else luck.randint(0, 40), p95)
