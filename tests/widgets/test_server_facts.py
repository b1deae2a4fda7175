"""Each figure of the server says what it means and, where something is wrong, what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from traintui import clock
from traintui.data.records import ServerFacts, TableSize
from traintui.widgets.server_facts import Verdict, cache, connections, drawn, readings, rows, size_bar

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FACTS = ServerFacts(
    version="18.1 (Debian)", database_bytes=12_000_000, connections=7, max_connections=100,
    started_at=NOW - timedelta(hours=3, minutes=10), cache_hit_ratio=0.998, schema_revision="0001",
)  # fmt: skip
TABLE = TableSize("conversations", 1_234, True, 1_000, 3_000, 4_000)


@pytest.mark.parametrize(
    ("used", "verdict"), [(7, "good"), (69, "good"), (70, "watch"), (89, "watch"), (90, "bad"), (100, "bad")]
)
def test_connections_are_judged_by_what_is_left(used: int, verdict: Verdict) -> None:
    reading = connections(replace(FACTS, connections=used))
    assert (reading.verdict, bool(reading.to_do)) == (verdict, verdict != "good")


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(0.999, "good"), (0.99, "good"), (0.97, "watch"), (0.5, "bad"), (None, "plain")]
)
def test_cache_hits_say_what_they_mean(ratio: float | None, verdict: Verdict) -> None:
    reading = cache(replace(FACTS, cache_hit_ratio=ratio))
    assert reading.verdict == verdict and reading.meaning
    assert bool(reading.to_do) == (verdict in {"watch", "bad"})


def test_version_uptime_and_sizes_are_there() -> None:
    with clock.fixed(NOW):
        found = {reading.name: reading for reading in readings(FACTS, [TABLE])}
    assert found["PostgreSQL"].figure == "18.1" and "0001" in found["PostgreSQL"].meaning
    assert found["Up for"].figure == "3 h 10 min"
    assert found["Database"].figure == "12.0 MB" and "indexes 3.0 kB" in found["Database"].meaning


@pytest.mark.parametrize("width", [60, 76, 120])
def test_a_meaning_is_wrapped_beside_its_figure(width: int) -> None:
    reading = cache(replace(FACTS, cache_hit_ratio=0.5))
    first, *rest = drawn(reading, width).plain.split("\n")
    assert "50.0 %" in first and len(first) <= width
    assert all(line.startswith(" " * 20) and len(line) <= width for line in rest)


def test_an_estimate_is_marked() -> None:
    assert rows(TABLE).plain == "1,234"
    assert rows(replace(TABLE, rows_exact=False)).plain == "~1,234"


def test_a_bar_is_as_long_as_its_share_of_the_largest() -> None:
    assert size_bar(TABLE, 4_000, 20).cell_length == 20
    assert size_bar(TABLE, 8_000, 20).cell_length == 10
    assert size_bar(TABLE, 4_000_000, 20).cell_length == 1
