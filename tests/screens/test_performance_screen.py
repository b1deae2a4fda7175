"""Performance says what each figure means, and where the bytes are."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from screens.waiting import until
from support import imported
from traintui.app import TraintuiApp
from traintui.data import health
from traintui.data.engine import Database
from traintui.data.records import ServerFacts
from traintui.errors import TraintuiError
from traintui.screens.performance import PerformanceScreen
from traintui.screens.performance_overview import OverviewPane


async def opened(pilot: Pilot[None], app: TraintuiApp) -> OverviewPane:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("5")
    await until(pilot, lambda: isinstance(app.screen, PerformanceScreen) and app.screen.is_mounted)
    return app.screen.query_one(OverviewPane)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_server_and_its_tables_are_shown_largest_first(
    app: TraintuiApp, db: Database, size: tuple[int, int]
) -> None:
    await imported(db, 2)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: screen.sizes.rows)
        await until(pilot, lambda: "schema revision" in str(screen.figures.content))
        shown = str(screen.figures.content)
        for name in ("PostgreSQL", "Up for", "Database", "Connections", "Cache hits"):
            assert name in shown
        totals = [row.total_bytes for row in screen.sizes.rows]
        assert totals == sorted(totals, reverse=True)
        assert next(row.rows for row in screen.sizes.rows if row.name == "conversations") == 2
        assert "again every 5 s" in str(screen.said.content)


async def test_r_measures_again(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: screen.sizes.rows)
        await imported(db, 1)
        await pilot.press("r")
        await until(pilot, lambda: any(row.name == "conversations" and row.rows == 1 for row in screen.sizes.rows))


async def test_a_measurement_that_fails_is_answered_and_tried_again(
    app: TraintuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = health.server_facts

    async def fails(_: Database) -> ServerFacts:
        raise TraintuiError("Database not reached", "nobody answers.", "Check the server.")

    monkeypatch.setattr(health, "server_facts", fails)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "Nobody answers." in str(screen.notice.content))
        assert "r measures again" in str(screen.notice.content) and screen.notice.display
        monkeypatch.setattr(health, "server_facts", works)
        await pilot.press("r")
        await until(pilot, lambda: screen.sizes.rows and screen.sizes.display)
        monkeypatch.setattr(health, "server_facts", fails)
        await pilot.press("r")
        await until(pilot, lambda: "Nobody answers." in str(screen.said.content))
        assert screen.sizes.display
