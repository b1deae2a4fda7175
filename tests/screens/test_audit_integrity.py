"""Integrity shows how far the logs are sealed, and a key looks at the whole record and says what it found."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest
from textual.pilot import Pilot

from screens.waiting import until
from support import Conninfo, approved, imported, logged_in
from traintui.app import TraintuiApp
from traintui.audit import sealing, verifying
from traintui.audit.findings import Verdict
from traintui.data import seals
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.screens.audit import AuditScreen
from traintui.screens.audit_integrity import IntegrityPane
from traintui.settings import Settings


async def opened(pilot: Pilot[None], app: TraintuiApp) -> IntegrityPane:
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, AuditScreen) and app.screen.is_mounted)
    screen = app.screen
    assert isinstance(screen, AuditScreen)
    await pilot.press("left")
    pane = screen.query_one(IntegrityPane)
    await until(pilot, lambda: pane.view.has_focus and "under seals" in pane.view.plain)
    return pane


async def test_a_look_says_that_all_holds_or_names_the_row_that_was_touched(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    await approved(db, *await imported(db, 2))
    sealed = await seals.seal(db, everything=True)
    assert sealed is not None
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: sealed.hash.hex() in pane.view.plain or "Newest" in pane.view.plain)
        await pilot.press("v")
        await until(pilot, lambda: "● it holds" in pane.view.plain)
        with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("UPDATE review_logs SET reviewer_id = 'nobody' WHERE action = 'approve' AND id = 3")
        await pilot.press("v")
        await until(pilot, lambda: "it does not hold" in pane.view.plain and "changed: " in pane.view.plain)
        assert pane.view.plain.index("it does not hold") < pane.view.plain.index("SEALS"), (
            "what was found is read first"
        )


async def test_a_seal_that_was_taken_away_is_told_and_keeps_nobody_from_leaving(
    app: TraintuiApp, db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "AWAY_SECONDS", 0.1)
    await approved(db, *await imported(db, 2))
    assert await seals.seal(db, everything=True)
    await approved(db, *await imported(db))
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM audit_seals")
    with pytest.raises(Refused, match="A seal is gone"):
        await seals.seal(db, everything=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "a seal is gone" in app.stays.lower())
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_escape_stops_a_look(app: TraintuiApp, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_db: Database, *, progress: verifying.Progress, stop: threading.Event) -> Verdict:
        progress(1, 4)
        stop.wait(180)
        raise TraintuiError("Stopped", "stopped.", "Begin again.")

    monkeypatch.setattr(verifying, "verify", slow)
    async with app.run_test(size=(80, 24)) as pilot:
        pane = await opened(pilot, app)
        await pilot.press("v")
        await until(pilot, lambda: "looked at 1 of some 4 rows" in pane.view.plain)
        await pilot.press("escape")
        await until(pilot, lambda: "stopped before the end" in pane.view.plain)


async def test_who_may_not_verify_has_no_key_for_it(conninfo: Conninfo, tmp_path: Path) -> None:
    async with logged_in(conninfo("rita")) as db:
        app = TraintuiApp(Settings(home=tmp_path), workspace=db)
        async with app.run_test(size=(120, 40)) as pilot:
            pane = await opened(pilot, app)
            assert pane.check_action("verify", ()) is None
