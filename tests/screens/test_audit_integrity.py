"""Integrity shows how far the logs are sealed, and a key looks at the whole record and says what it found."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path

import psycopg
import pytest
from textual.pilot import Pilot

from screens.waiting import until
from support import Conninfo, add_vocabulary, approved, fetch, generated, imported, logged_in
from traintui.app import TraintuiApp
from traintui.audit import sealing, verifying
from traintui.audit.findings import Verdict
from traintui.data import exports, seals
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.screens.audit import AuditScreen
from traintui.screens.audit_integrity import IntegrityPane
from traintui.screens.log_pane import LogPane
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
            touched = "UPDATE review_logs SET reviewer_id = 'nobody' WHERE action = 'approve' AND id = 3"
            await asyncio.to_thread(connection.execute, touched)
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


def told(app: TraintuiApp, said: str) -> bool:
    return any(said in note.message for note in app._notifications)


async def test_a_finding_leads_to_its_row_or_says_that_it_is_gone(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    await add_vocabulary(db)
    one, two = await imported(db, 2)
    await approved(db, one, two)
    (written,) = await generated(db)
    await exports.record(db, "e-1", "started", count=2, filter_state={}, format="trl", metadata={})
    await exports.record(db, "e-1", "failed", count=2, filter_state={}, format="trl", metadata={})
    assert await seals.seal(db, everything=True)
    changed, removed = await fetch(db, "SELECT id FROM review_logs WHERE action = 'approve' ORDER BY id")
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE review_logs SET reason = 'forged' WHERE id = %s", [changed.id])
        connection.execute("DELETE FROM review_logs WHERE id = %s", [removed.id])
        connection.execute("UPDATE export_logs SET format = 'forged' WHERE state = 'failed'")
        connection.execute("UPDATE generation_logs SET model = 'forged'")
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        assert pane.check_action("open", ()) is False, "there is no finding yet"
        await pilot.press("v")
        await until(pilot, lambda: "it does not hold" in pane.view.plain)
        findings = pane._findings
        screen = app.screen
        assert isinstance(screen, AuditScreen)
        leads = {
            ("review_logs", "changed"): ("reviews", f"row:{changed.id}"),
            ("export_logs", "changed"): ("exports", "row:2"),
            ("generation_logs", "changed"): ("generations", "call:"),
        }
        met = set()
        for place, finding in enumerate(findings):
            screen.go("integrity")
            await until(pilot, lambda: pane.view.has_focus)
            if place:
                await pilot.press("n")
            await until(pilot, partial(lambda place: pane._marked == place, place))
            assert f"▸ {finding.kind}: {finding.where}" in pane.view.plain
            await pilot.press("enter")
            if finding.log is None:
                await until(pilot, lambda: told(app, "This finding is about no row"))
            elif finding.kind == "removed":
                await until(pilot, lambda: told(app, "It is gone: row"))
                met.add("removed")
            else:
                name, words = leads[finding.log, finding.kind]
                await until(pilot, partial(lambda name: screen.which == name, name))
                log = screen.pane
                assert isinstance(log, LogPane)
                await until(pilot, partial(lambda log: len(log.table.rows) == 1, log))
                assert log.filter_text.startswith(words)
                met.add(name)
        assert met == {"reviews", "exports", "generations", "removed"} and written
