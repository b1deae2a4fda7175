"""The overview: what the server did in the last day, how long statements took, and what each figure means."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
from textual.pilot import Pilot

from screens.waiting import on_screen, until
from support import Conninfo
from traintui import clock
from traintui.app import TraintuiApp
from traintui.data import query_times
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.query_records import QueryTimes
from traintui.observing.days import Day, last_day
from traintui.screens.performance import PerformanceScreen
from traintui.screens.performance_overview import OverviewPane
from traintui.widgets.server_facts import disk, statements

DAY = """
    INSERT INTO server_samples
    SELECT %(now)s - n * interval '10 minutes', now(), 5, 100, 1, 0, 0, 100000 - n * 600, 0, 100000 - n * 90,
           10000 - n * 10, 0, 0, 0, 0, 10000000, 50000000000, 100000000000
    FROM generate_series(0, 143) AS n
"""


async def opened(pilot: Pilot[None], app: TraintuiApp) -> OverviewPane:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("5")
    await until(pilot, lambda: isinstance(app.screen, PerformanceScreen) and app.screen.ready)
    return app.screen.query_one(OverviewPane)


async def noted(db: Database, *, minutes: int, calls: int, bucket: int, us: int, errors: int = 0) -> None:
    at = (clock.now() - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
    await query_times.note(db, [QueryTimes("aside", at, 60, calls, errors, 0, calls, us * calls, us, {bucket: calls})])


async def test_the_last_day_of_the_server_stands_in_the_overview(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: "Statements" in on_screen(app))
        assert not pane.plots.display  # nothing was sampled
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            connection.execute(DAY, {"now": clock.now() - timedelta(seconds=30)})
        await noted(db, minutes=5, calls=1_000_000, bucket=80, us=15_000)
        await pilot.press("r")
        await until(pilot, lambda: pane.plots.display)
        for said in (
            "Transactions a second  1.0 at most", "Blocks in memory  90.0% at least",
            "95 of 100 within  15.0 ms at most", "50.0 GB", "free, 50% of the disk",
        ):  # fmt: skip
            await until(pilot, lambda said=said: said in on_screen(app))  # type: ignore[misc]
        await pilot.press("p")
        await until(pilot, lambda: not pane.plots.display)


async def test_an_index_that_is_missing_stands_in_the_overview_and_beside_the_name_of_its_tab(
    app: TraintuiApp, conninfo: Conninfo
) -> None:
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "all that Traintui relies on are there" in on_screen(app))
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            await asyncio.to_thread(connection.execute, "DROP INDEX ix_review_logs_xid8")
        await pilot.press("r")
        await until(pilot, lambda: "ix_review_logs_xid8 is not there, and Traintui relies on it" in on_screen(app))
        screen = app.screen
        assert isinstance(screen, PerformanceScreen)
        await until(pilot, lambda: screen.tabs.remarks.get("indexes") == "1 to mend")


async def test_a_day_has_the_statements_of_each_half_hour_and_of_the_last_hour(db: Database) -> None:
    await noted(db, minutes=10, calls=99, bucket=80, us=15_000)
    await noted(db, minutes=50, calls=1, bucket=130, us=1_200_000)
    day = await last_day(db, clock.now())
    assert [round(ms) for ms in day.took_ms if ms] == [1_194, 15]
    assert day.last_hour is not None and day.last_hour.calls == 100 and round(day.last_hour.milliseconds(0.95)) == 16
    assert not day.sampled


def of(hour: QueryTimes | None = None, free: int | None = None) -> Day:
    return Day(clock.now(), (), (), hour, free, 100, sampled=True)


def times(*, calls: int = 1_000, errors: int = 0, slow: int = 0, bucket: int = 60) -> QueryTimes:
    return QueryTimes("all", clock.now(), 3_600, calls, errors, slow, 0, 0, 10**9, {bucket: calls})


def test_a_figure_says_whether_something_is_wrong() -> None:
    assert statements(of()).verdict == "plain"
    assert statements(of(times())).verdict == "good"
    assert statements(of(times(slow=20))).verdict == "watch"
    failing, slow = statements(of(times(errors=20))), statements(of(times(bucket=125)))
    assert failing.verdict == slow.verdict == "bad" and "20 of them failed" in failing.meaning and slow.to_do
    assert [each.verdict for free in (50, 10, 2) for each in disk(of(free=free))] == ["good", "watch", "bad"]
    assert list(disk(of())) == []
