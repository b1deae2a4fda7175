"""Alerts stand in the header of every screen, and Performance says what each means and who looks after it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from textual.pilot import Pilot

from churned import as_owner
from screens.waiting import until
from support import Conninfo, eventually, scalar
from traintui.app import TraintuiApp
from traintui.data import alerts, samples
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.observing import alert_hook, sampling
from traintui.screens import background
from traintui.screens.alert_hook import AlertHookForm
from traintui.screens.performance import PerformanceScreen
from traintui.screens.performance_alerts import AlertsPane
from traintui.screens.performance_overview import OverviewPane
from traintui.settings import Settings
from traintui.widgets.header import HeaderBar

CHAIN = {
    "pid": 4711, "login": "arthur", "application": "psql", "state": "idle in transaction", "number": 3,
    "seconds": 42.0, "relation": ", for conversations",
}  # fmt: skip
GREW = {"at": "2026-11-28T10:00:00+00:00", "what": "growth", "says": "conversations grew from 20000 to 90000 rows"}


async def planted(db: Database, kind: str = "blocking", subject: str = "arthur, process 4711 (psql)") -> int:
    """An alert."""
    await samples.hold(db, "one", 600)
    says = f"{subject} keeps 3 waiting, the longest for 42 s, for conversations"
    opened = await alerts.open_one(db, "one", kind, subject, "urgent", says, CHAIN, [GREW])
    assert opened is not None
    return opened


def header(app: TraintuiApp) -> str:
    """The first line of the screen."""
    return app.screen.query_one(HeaderBar).render().plain


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_header_of_every_screen_counts_what_is_wrong_by_itself(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(background, "LOOK_AT_ALERTS", 0.05)
    said = "!1" if size[0] == 80 else "! 1 alert"
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        assert said not in header(app)
        opened = await planted(db)
        for key in "12345":
            await pilot.press(key)
            await until(pilot, lambda: said in header(app))
        await alerts.clear(db, "one", opened)
        await until(pilot, lambda: said not in header(app))


async def opened_alerts(pilot: Pilot[None], app: TraintuiApp) -> AlertsPane:
    """The alerts, by their key."""
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("exclamation_mark")
    await until(pilot, lambda: isinstance(app.screen, PerformanceScreen) and app.screen.which == "alerts")
    pane = app.screen.query_one(AlertsPane)
    await until(pilot, lambda: pane._read_at is not None)
    return pane


async def test_what_the_sampler_cannot_do_is_told_once_and_it_goes_on(
    app: TraintuiApp, db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "WATCHED_AFTER", 0.0)
    monkeypatch.setattr(sampling, "SERVER_SECONDS", 0.1)
    monkeypatch.setattr(sampling, "THIN_SECONDS", 0.0)
    as_owner(conninfo, "REVOKE EXECUTE ON FUNCTION thin_samples() FROM traintui_admin, traintui_author,"
                       " traintui_auditor, traintui_reviewer")  # fmt: skip

    async def sampled() -> bool:
        return bool(await scalar(db, "SELECT count(*) FROM server_samples") >= 3)

    async with app.run_test(size=(120, 40)):
        await eventually(sampled)
        told = [each.message for each in app._notifications if "thin_samples" in each.message]
    assert len(told) == 1


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_an_alert_says_what_it_means_what_to_do_and_what_changed(
    app: TraintuiApp, db: Database, size: tuple[int, int]
) -> None:
    await planted(db)
    async with app.run_test(size=size) as pilot:
        pane = await opened_alerts(pilot, app)
        await until(pilot, lambda: "WHAT CHANGED" in pane.detail.plain)
        for said in (
            "Somebody keeps others waiting", "are not stored until it ends", "traintui db live --cancel 4711",
            "conversations grew from 20000 to 90000 rows", "opened, ada",
        ):  # fmt: skip
            assert said in " ".join(pane.detail.plain.split())


async def test_a_says_that_somebody_looks_after_it_and_the_header_is_quiet(app: TraintuiApp, db: Database) -> None:
    opened = await planted(db)
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened_alerts(pilot, app)
        await until(pilot, lambda: "! 1 alert" in header(app))
        await pilot.press("a")
        await until(pilot, lambda: pane.table.rows[0].state == "acknowledged")
        await until(pilot, lambda: "1 alert seen" in header(app))
        await until(pilot, lambda: "acknowledged, ada" in pane.detail.plain)
        await alerts.clear(db, "one", opened)
        await pilot.press("r")
        await until(pilot, lambda: not pane.table.rows)
        assert "Nothing is wrong" in str(pane.notice.content)
        await pilot.press("h")
        await until(pilot, lambda: [row.state for row in pane.table.rows] == ["cleared"])
        assert "alert" not in header(app)


async def test_a_reviewer_sees_alerts_and_acknowledges_none(
    db: Database, reviewer_db: Database, tmp_path: Path
) -> None:
    await planted(db)
    app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)
    async with app.run_test(size=(120, 30)) as pilot:
        pane = await opened_alerts(pilot, app)
        await pilot.press("a", "H")
        assert [row.state for row in await alerts.read(db)] == ["open"] and not pane.check_action("hook", ())
        assert not isinstance(app.screen, AlertHookForm)


async def test_what_is_not_seen_is_said_with_the_grant_that_would_change_it(
    app: TraintuiApp, conninfo: Conninfo
) -> None:
    def grant(sql: bytes) -> None:
        with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute(sql)

    grant(b"REVOKE pg_read_all_stats FROM traintui_owner")
    try:
        async with app.run_test(size=(160, 45)) as pilot:
            pane = await opened_alerts(pilot, app)
            await until(pilot, lambda: "GRANT pg_read_all_stats TO traintui_owner" in str(pane.counted.content))
            grant(b"GRANT pg_read_all_stats TO traintui_owner")
            await pilot.press("r")
            await until(pilot, lambda: "reduced" not in str(pane.counted.content))
    finally:
        grant(b"GRANT pg_read_all_stats TO traintui_owner")


async def test_the_overview_names_what_is_wrong_with_what_to_do(app: TraintuiApp, db: Database) -> None:
    await planted(db)
    async with app.run_test(size=(160, 45)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        await pilot.press("5")
        await until(pilot, lambda: isinstance(app.screen, PerformanceScreen))
        pane = app.screen.query_one(OverviewPane)
        await until(pilot, lambda: pane.wrong.display)
        shown = str(pane.wrong.content)
        assert "keeps 3 waiting" in shown and "5 Live, c cancels what it runs and X ends it" in shown
        await alerts.clear(db, "one", (await alerts.read(db))[0].id)
        await pilot.press("r")
        await until(pilot, lambda: not pane.wrong.display)


async def test_the_hook_is_set_and_confirmed_on_screen(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINTUI_CONFIG", str(tmp_path / "config.toml"))
    async with app.run_test(size=(120, 30)) as pilot:
        await opened_alerts(pilot, app)
        await pilot.press("H")
        await until(pilot, lambda: isinstance(app.screen, AlertHookForm) and not app.screen.typed.disabled)
        form = app.screen
        assert isinstance(form, AlertHookForm) and "Nothing is run" in str(form.said.content)
        form.typed.value = "mail 'the team"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: form.field.has_class("-mistaken"))
        assert "Close the quotes" in str(form.field.answer.content)
        form.typed.value = "true 'the team'"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is not form)
    assert await alert_hook.of_workspace(db) == "true 'the team'"
    assert await alert_hook.is_confirmed(db, "true 'the team'")


async def test_what_is_wrong_is_told_while_it_keeps_the_sizes_waiting(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    await planted(db)
    with psycopg.connect(conninfo(SUPERUSER)) as holding:
        holding.execute("LOCK TABLE templates")
        async with app.run_test(size=(120, 30)) as pilot:
            await until(pilot, lambda: app.workspace is not None)
            await pilot.press("5")
            await until(pilot, lambda: isinstance(app.screen, PerformanceScreen))
            pane = app.screen.query_one(OverviewPane)
            await until(pilot, lambda: pane.wrong.display and "keeps 3 waiting" in str(pane.wrong.content))
            assert pane._measured_at is None
            holding.rollback()
            await until(pilot, lambda: pane._measured_at is not None)
