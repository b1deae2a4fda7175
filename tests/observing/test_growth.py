"""How a table grows is said in words that one odd day does not change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from support import Conninfo
from traintui.data import samples
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.sample_records import SizeAt
from traintui.observing.growth import growth
from traintui.observing.tables import table_states

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
MB = 1_000_000


def sizes(megabytes: Iterable[float], *, apart: timedelta = timedelta(days=1)) -> list[SizeAt]:
    """Sizes so far apart, the last of them now."""
    listed = list(megabytes)
    return [SizeAt(NOW - apart * (len(listed) - place), round(each * MB)) for place, each in enumerate(listed, start=1)]


@pytest.mark.parametrize(
    ("megabytes", "says"),
    [
        ([900 + 40 * day for day in range(11)], "about 40 MB a day; in 30 days 2.5 GB"),
        # A week of the log was retired, and its table is smaller than before: it grows as it did.
        ([900, 940, 980, 1020, 1060, 1100, 860, 900], "about 40 MB a day; in 30 days 2.1 GB"),
        # Once a whole archive was imported.
        ([100, 101, 102, 103, 2103, 2104, 2105, 2106], "about 1.0 MB a day; in 30 days 2.1 GB"),
        ([500, 490, 480, 470, 460], "about 10 MB less a day; in 30 days 160 MB"),
        ([50, 50, 50, 50, 50], "hardly grows"),
        ([100, 100, 100, 160, 160, 160, 220, 220], "not evenly: 120 MB more than 7 days ago"),
        ([100, 140], "not known yet: samples cover 1 of the 3 days that it takes"),
        ([], "not known yet: no sample"),
    ],
)  # fmt: skip
def test_growth_and_forecast_are_said_in_words(megabytes: list[float], says: str) -> None:
    assert growth(sizes(megabytes)).says == says


def test_days_on_which_nothing_ran_have_their_share_of_what_came_meanwhile() -> None:
    weekly = [SizeAt(NOW - timedelta(days=days), round(each * MB)) for days, each in ((14, 100), (7, 170), (0, 240))]
    assert growth(weekly).per_day == pytest.approx(10 * MB)


def test_an_hour_says_nothing_of_a_day() -> None:
    assert growth(sizes([100, 140, 180, 220, 260], apart=timedelta(hours=1))).per_day is None


SAMPLE = """
    INSERT INTO table_samples (at, table_name, live_rows, dead_rows, table_bytes, toast_bytes, index_bytes, inserted,
                               updated, hot_updated, deleted, whole_scans, whole_scan_rows, index_scans)
    VALUES (%s, %s, 0, 0, %s, 1, 2, 0, 0, 0, 0, 0, 0, 0)
"""


async def test_a_forecast_comes_out_of_stored_samples(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for hours in range(0, 12 * 24, 6):
            at = NOW - timedelta(hours=hours)
            connection.execute(SAMPLE, [at, "conversations", 1_300 * MB - hours * 40 * MB // 24])
            connection.execute(SAMPLE, [at, "plans", 10])
    by_day = (await samples.sizes_by_day(db, 31, NOW))["conversations"]
    assert [each.at for each in by_day] == [NOW - timedelta(days=days) for days in range(11, -1, -1)]
    states = {each.name: each for each in await table_states(db, NOW)}
    assert states["conversations"].growth.says == "about 40 MB a day; in 30 days 2.5 GB"
    assert states["plans"].growth.says == "hardly grows"
    assert states["documents"].growth.says == "not known yet: no sample"
