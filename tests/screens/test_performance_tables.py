"""Tables in Performance: sizes, growth in words, and parts with their ranges."""

from __future__ import annotations

import psycopg
import pytest
from textual.pilot import Pilot

from screens.waiting import on_screen, until
from support import Conninfo, imported
from traintui import clock
from traintui.app import TraintuiApp
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.screens.performance import PerformanceScreen
from traintui.screens.performance_tables import TablesPane

GROWS = """
    INSERT INTO table_samples (at, table_name, live_rows, dead_rows, table_bytes, toast_bytes, index_bytes, inserted,
                               updated, hot_updated, deleted, whole_scans, whole_scan_rows, index_scans)
    SELECT %(now)s - day * interval '1 day', 'plans', 0, 0, 900000000 - day * 40000000, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM generate_series(0, 10) AS day
"""


async def opened(pilot: Pilot[None], app: TraintuiApp) -> TablesPane:
    """The tables, read."""
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("5", "right", "right", "right")
    await until(pilot, lambda: isinstance(app.screen, PerformanceScreen) and app.screen.which == "tables")
    pane = app.screen.query_one(TablesPane)
    await until(pilot, lambda: pane.table.rows)
    return pane


def names(pane: TablesPane) -> list[str]:
    return [row.name for row in pane.table.rows]


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_growth_is_said_in_words_and_drawn(
    app: TraintuiApp, db: Database, conninfo: Conninfo, size: tuple[int, int]
) -> None:
    await imported(db, 2)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(GROWS, {"now": clock.now()})
    async with app.run_test(size=size) as pilot:
        pane = await opened(pilot, app)
        await pilot.press("s")
        await until(pilot, lambda: "by growth" in str(pane.counted.content))
        await pilot.press("g")
        await until(pilot, lambda: pane.table.current is not None and pane.table.current.name == "plans")
        await until(pilot, lambda: "about 40 MB a day; in 30 days 2.1 GB" in pane.detail.plain)
        await pilot.press("enter")
        await until(pilot, lambda: pane.detail.has_focus)
        assert (
            "█" in pane.detail.plain and "10 days ago" in pane.detail.plain and "40.0 MB more a day" in on_screen(app)
        )
        await pilot.press("escape")
        await until(pilot, lambda: pane.table.has_focus)


async def test_enter_unfolds_the_parts_of_a_table_with_their_ranges(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        place = names(pane).index("generation_logs")
        await pilot.press(*["down"] * place, "enter")
        await until(pilot, lambda: len(pane.table.rows) > place + 1 and pane.table.rows[place + 1].is_part)
        part = pane.table.rows[place + 1].fact
        await until(pilot, lambda: f"{part.begins} to {part.ends}" in on_screen(app))
        assert not pane.detail.has_focus
        await pilot.press("down")
        await until(pilot, lambda: f"a part of generation_logs, {part.begins} to {part.ends}" in pane.detail.plain)
        await pilot.press("space")
        await until(pilot, lambda: not any(row.is_part for row in pane.table.rows))
        assert pane.table.current is not None and pane.table.current.name == "generation_logs"
        await pilot.press("enter", "enter")
        await until(pilot, lambda: pane.detail.has_focus)


async def test_a_table_that_somebody_holds_is_named_and_not_waited_for(app: TraintuiApp, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as holding:
        holding.execute("LOCK TABLE coverage_targets IN ACCESS EXCLUSIVE MODE")
        async with app.run_test(size=(160, 45)) as pilot:
            pane = await opened(pilot, app)
            await until(pilot, lambda: "1 held by somebody and not measured" in str(pane.counted.content))
            screen = app.screen
            assert isinstance(screen, PerformanceScreen)
            await until(pilot, lambda: screen.tabs.remarks.get("tables") == "1 held")
            await pilot.press("G")
            while pane.table.current is not None and pane.table.current.name != "coverage_targets":
                await pilot.press("up")
            assert pane.table.current is not None and pane.table.current.fact.total_bytes is None
            await until(pilot, lambda: "coverage_targets: somebody has it for themselves" in pane.detail.plain)


async def test_tables_stand_by_what_is_asked_for(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await opened(pilot, app)
        totals = [row.fact.total_bytes or 0 for row in pane.table.rows]
        assert totals == sorted(totals, reverse=True)
        await pilot.press("s", "s", "s", "s")
        await until(pilot, lambda: names(pane) == sorted(names(pane)) and "by name" in str(pane.counted.content))
