"""Live in Performance: who waits for whom, and the end of what somebody runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from textual.pilot import Pilot

from data.test_activity import running
from screens.waiting import on_screen, until, written
from support import Conninfo
from traintui.app import TraintuiApp
from traintui.data import activity
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.screens.performance import PerformanceScreen
from traintui.screens.performance_live import LivePane
from traintui.screens.session_ending import EndSession
from traintui.settings import Settings


@pytest.fixture
async def reviewers_app(reviewer_db: Database, tmp_path: Path) -> AsyncIterator[TraintuiApp]:
    yield TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)


async def opened(pilot: Pilot[None], app: TraintuiApp) -> LivePane:
    """What runs now."""
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("5", "left", "left", "left")
    await until(pilot, lambda: isinstance(app.screen, PerformanceScreen) and app.screen.which == "live")
    return app.screen.query_one(LivePane)


def applications(pane: LivePane) -> list[str]:
    return [row.session.application for row in pane.table.rows]


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_a_blocking_chain_stands_root_first_as_a_tree(
    app: TraintuiApp, conninfo: Conninfo, size: tuple[int, int]
) -> None:
    with psycopg.connect(conninfo("rita"), application_name="root") as root:
        root.execute("SELECT FROM coverage_targets")
        lock = "BEGIN; LOCK TABLE coverage_targets IN ACCESS EXCLUSIVE MODE"
        async with (
            running(conninfo(SUPERUSER), lock, "middle"), running(conninfo("ron"), application="aside"),
            app.run_test(size=size) as pilot,
        ):  # fmt: skip
            pane = await opened(pilot, app)
            await until(pilot, lambda: applications(pane)[:2] == ["root", "middle"] and "aside" in applications(pane))
            for said in ("└─ ", "blocks", "wants coverage_targets"):
                await until(pilot, lambda said=said: said in on_screen(app))  # type: ignore[misc]
            await pilot.press("down")
            await until(pilot, lambda: "Waits for     rita, root" in pane.detail.plain)
            assert "coverage_targets (AccessExclusiveLock)" in pane.detail.plain
            screen = app.screen
            assert isinstance(screen, PerformanceScreen)
            await until(pilot, lambda: screen.tabs.remarks.get("live") == "1 waiting")


async def test_a_row_stays_under_the_cursor_and_a_pause_keeps_all_of_them(app: TraintuiApp, conninfo: Conninfo) -> None:
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        async with running(conninfo("ron"), application="stays"):
            async with running(conninfo("rita"), application="leaves"):
                await until(pilot, lambda: {"stays", "leaves"} <= set(applications(pane)))
                await pilot.press(*["down"] * applications(pane).index("leaves"), "up", "down")
                while pane.table.current is not None and pane.table.current.session.application != "stays":
                    await pilot.press("up" if pane.table.cursor else "down")
            await until(pilot, lambda: "leaves" not in applications(pane))
            assert pane.table.current is not None and pane.table.current.session.application == "stays"
            await pilot.press("p")
            await until(pilot, lambda: "p goes on" in str(pane.counted.content))
        before = pane.table.rows
        pane.look()
        assert not pane.reading_now("listed") and pane.table.rows == before and "stays" in applications(pane)
        await pilot.press("p")
        await until(pilot, lambda: "stays" not in applications(pane))


async def test_c_cancels_a_statement_after_saying_whose_it_is(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    async with running(conninfo("rita"), application="by hand") as task, app.run_test(size=(120, 40)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: applications(pane) == ["by hand"])
        await pilot.press("c")
        for said in ("Cancel the statement of rita?", "SELECT pg_sleep(?), '?'", "by hand"):
            await until(pilot, lambda said=said: isinstance(app.screen, EndSession) and said in on_screen(app))  # type: ignore[misc]
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, PerformanceScreen))
        assert not task.done() and await activity.ended(db) == ()
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, EndSession))
        await pilot.press("y")
        await written(app)
        await until(pilot, lambda: [each.message for each in app._notifications])
        assert next(iter(app._notifications)).message.startswith("The statement was cancelled: rita (")
        assert [each.ended_by for each in await activity.ended(db)] == ["ada"]
        with pytest.raises(psycopg.errors.QueryCanceled):
            await task


async def test_a_reviewer_sees_who_is_there_and_is_told_which_grant_shows_more(
    reviewers_app: TraintuiApp, conninfo: Conninfo
) -> None:
    app = reviewers_app
    async with running(conninfo("ron"), application="by hand") as task, app.run_test(size=(80, 24)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: "by hand" in applications(pane))
        await pilot.press("p")
        await until(pilot, lambda: "p goes on" in str(pane.counted.content))
        await pilot.press("g", *["down"] * applications(pane).index("by hand"))
        grant = 'GRANT pg_read_all_stats, pg_signal_backend TO "rita";'
        await until(pilot, lambda: "reduced" in on_screen(app) and grant in " ".join(on_screen(app).split()))
        assert "pg_sleep" not in on_screen(app)
        await pilot.press("c")
        await until(pilot, lambda: app._notifications)
        assert next(iter(app._notifications)).message.startswith("The login rita may not end what ron runs.")
        assert not task.done() and not isinstance(app.screen, EndSession)


async def test_sessions_that_rest_are_counted_and_shown_when_asked_for(app: TraintuiApp, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo("rita"), application_name="resting", autocommit=True) as resting:
        resting.execute("SELECT 1")
        async with app.run_test(size=(120, 40)) as pilot:
            pane = await opened(pilot, app)
            await until(pilot, lambda: "idle, not shown" in str(pane.counted.content))
            assert "resting" not in applications(pane)
            await pilot.press("i")
            await until(pilot, lambda: "resting" in applications(pane))
