"""What the server did in a day comes out of counters that may begin anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from traintui.data.sample_records import ServerAt
from traintui.observing.throughput import spans

SINCE = datetime(2026, 11, 20, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=4)
FIRST = ServerAt(
    SINCE, SINCE, 3, 100, 1, 0, 0.0, 1_000, 0, 500, 500, 0, 0, 0, Decimal(0), 10_000_000, None, None
)  # fmt: skip


def at(minutes: int, **values: Any) -> ServerAt:
    return replace(FIRST, at=SINCE + timedelta(minutes=minutes), **values)


def test_counters_become_what_was_done_in_each_span() -> None:
    taken = [
        FIRST,
        at(30, commits=1_000 + 900, rollbacks=900, blocks_hit=590, blocks_read=510, connections=7),
        at(90, commits=1_900 + 3_600, rollbacks=900, blocks_hit=590, blocks_read=510, temp_bytes=4_000),
    ]
    first, second, third, fourth = spans(taken, SINCE, UNTIL, 4)
    assert (first.per_second, first.hit_rate, first.connections, first.temp_bytes) == (1.0, 0.9, 7, 0)
    assert (second.per_second, second.hit_rate, second.temp_bytes) == (1.0, None, 4_000)
    assert (third.per_second, third.connections, fourth.per_second) == (0.0, 0, 0.0)


def test_a_crash_makes_no_negative_throughput() -> None:
    taken = [FIRST, at(10, commits=600, blocks_hit=30, blocks_read=10)]
    (only,) = spans(taken, SINCE, UNTIL, 1)
    assert (only.per_second, only.hit_rate) == (1.0, 0.75)
