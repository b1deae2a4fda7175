"""Performance lists what statements take, with plans, and the indexes, with what mends them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg
import pytest
from textual.pilot import Pilot

from screens.waiting import until
from support import Conninfo, imported
from traintui import clock
from traintui.app import TraintuiApp
from traintui.data import query_times, samples, vocabulary
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.query_records import QueryTimes
from traintui.errors import TraintuiError
from traintui.observing import recording, standing
from traintui.screens.performance import PerformanceScreen
from traintui.screens.performance_indexes import IndexesPane
from traintui.screens.performance_queries import QueriesPane
from traintui.screens.performance_report import ReportPane


async def opened(pilot: Pilot[None], app: TraintuiApp, tabs: int) -> PerformanceScreen:
    """Performance with a tab so far to the right."""
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("5", *["right"] * tabs)
    await until(pilot, lambda: isinstance(app.screen, PerformanceScreen) and app.screen.ready)
    assert isinstance(app.screen, PerformanceScreen)
    return app.screen


async def noted(db: Database, label: str, *, ago: timedelta, us: int) -> None:
    """A statement that took so long, noted so long ago."""
    at = (clock.now() - ago).replace(second=0, microsecond=0)
    await query_times.note(db, [QueryTimes(label, at, 60, 10, 0, 0, 10, us * 10, us, {60: 10})])


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_queries_stand_by_the_time_that_they_took_with_their_plans(
    app: TraintuiApp, db: Database, size: tuple[int, int]
) -> None:
    await imported(db)
    await vocabulary.labels(db)
    await recording.note_times(db)
    while (asked := db.queries.to_explain()) is not None:
        await recording.planned(db, asked)
    await noted(db, "aside.long", ago=timedelta(minutes=2), us=60_000_000)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app, 1)
        pane = screen.query_one(QueriesPane)
        await until(pilot, lambda: pane.table.rows)
        assert pane.table.rows[0].label == "aside.long"
        await until(pilot, lambda: "aside.long" in pane.detail.plain and "Longest" in pane.detail.plain)
        place = [row.label for row in pane.table.rows].index("vocabulary.values")
        await pilot.press(*["down"] * place)
        await until(pilot, lambda: "A STATEMENT, AND ITS PLAN" in pane.detail.plain)
        assert "vocabulary" in pane.detail.plain and "▶" in pane.detail.plain
        await pilot.press("enter")
        await until(pilot, lambda: pane.detail.has_focus)
        await pilot.press("escape")
        await until(pilot, lambda: pane.table.has_focus)


async def test_a_label_that_became_slower_says_so(app: TraintuiApp, db: Database) -> None:
    for minutes in (31, 16, 1):
        at = (clock.now() - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
        await query_times.note(db, [QueryTimes("aside.long", at, 60, 40, 0, 0, 40, 40_000_000, 1_000_000, {128: 40})])
    async with app.run_test(size=(160, 45)) as pilot:
        pane = (await opened(pilot, app, 1)).query_one(QueriesPane)
        await until(pilot, lambda: "slower than it should be: 95 of 100 within" in pane.detail.plain)
        assert "longer than 500 ms" in pane.detail.plain


async def test_t_changes_the_time_whose_statements_are_listed_also_while_they_are_read(
    app: TraintuiApp, db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QueriesPane, "EVERY", 900.0)
    await noted(db, "long.ago", ago=timedelta(minutes=50), us=1_000)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE query_times SET begins_at = begins_at - interval '3 days' WHERE label = 'long.ago'")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app, 1)
        pane = screen.query_one(QueriesPane)
        await until(pilot, lambda: "in the last day" in str(pane.counted.content))
        assert "long.ago" not in [row.label for row in pane.table.rows]
        with psycopg.connect(conninfo(SUPERUSER)) as holding:
            await asyncio.to_thread(holding.execute, "LOCK TABLE query_times IN ACCESS EXCLUSIVE MODE")
            await pilot.press("r")
            assert pane.reading_now("listed")
            await pilot.press("t")
        await until(pilot, lambda: "in the last week" in str(pane.counted.content))
        assert "long.ago" in [row.label for row in pane.table.rows]
        await pilot.press("t")
        await until(pilot, lambda: "in the last hour" in str(pane.counted.content))


async def test_an_index_to_mend_stands_first_with_the_statement(app: TraintuiApp, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("DROP INDEX ix_review_logs_xid8")
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await opened(pilot, app, 2)
        pane = screen.query_one(IndexesPane)
        await until(pilot, lambda: pane.table.rows and "What mends it".upper() in pane.detail.plain)
        assert (
            "CREATE INDEX CONCURRENTLY ix_review_logs_xid8" in pane.detail.plain
            and "reads whole tables" in pane.detail.plain
        )
        assert "1 to mend" in str(pane.counted.content)
        await until(pilot, lambda: screen.tabs.remarks.get("indexes") == "1 to mend")


async def test_indexes_are_read_as_often_as_they_are_sampled_and_whatever_stands_under_the_cursor(
    app: TraintuiApp, db: Database
) -> None:
    plan = [{"Plan": {"Node Type": "Index Scan", "Index Name": "ix_review_logs_xid8", "Total Cost": 1, "Plan Rows": 1}}]
    await query_times.note_plan(db, "review.queue", "SELECT 1", "a" * 16, plan)
    await samples.hold(db, "one", 60)
    await samples.take(db, "one", relations=True)
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await opened(pilot, app, 2)
        pane = screen.query_one(IndexesPane)
        await until(pilot, lambda: "again every 15 min" in str(pane.counted.content))
        db.queries.taken()
        await pilot.press("left", "right")
        place = [row.name for row in pane.table.rows].index("ix_review_logs_xid8")
        await pilot.press(*["down"] * place)
        await until(pilot, lambda: "review.queue" in pane.detail.plain)
        pane.look()
        assert not pane.reading_now("listed")
        asked = {times.label for times in db.queries.taken()}
        assert not [label for label in asked if label.startswith(("samples.", "query_times.served"))]
        await pilot.press("r")
        await until(pilot, lambda: "query_times.served" in {times.label for times in db.queries.taken()})


async def test_a_list_that_cannot_be_read_says_why_and_is_tried_again(
    app: TraintuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = standing.index_states

    async def fails(*_: object) -> tuple[standing.IndexState, ...]:
        raise TraintuiError("Database not reached", "nobody answers.", "Check the server.")

    monkeypatch.setattr(standing, "index_states", fails)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app, 2)
        pane = screen.query_one(IndexesPane)
        await until(pilot, lambda: "Nobody answers." in str(pane.notice.content))
        monkeypatch.setattr(standing, "index_states", works)
        await pilot.press("r")
        await until(pilot, lambda: pane.table.rows and not pane.notice.display)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_a_month_is_read_on_the_screen_and_saved_in_the_home(
    app: TraintuiApp, db: Database, size: tuple[int, int]
) -> None:
    await imported(db)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app, screen_tabs(ReportPane))
        pane = screen.query_one(ReportPane)
        await until(pilot, lambda: "RECOMMENDATIONS" in pane.detail.plain and "new conversations" in pane.detail.plain)
        await pilot.press("s")
        await until(pilot, lambda: ".md and .html" in str(pane.counted.content))
        assert len(list((app.settings.home / "reports").iterdir())) == 2


def screen_tabs(pane: type) -> int:
    """How many tabs stand before one."""
    return [each.__name__ for each in PerformanceScreen.PANES].index(pane.__name__)
