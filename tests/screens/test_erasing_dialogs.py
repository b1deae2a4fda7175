"""Erasing from calls: it says what goes and what stays, asks why and once more, and the call says so afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from aging import aged
from screens.test_audit_screen import audit, detail, opened, pane
from screens.waiting import until, written
from support import ANSWERED, Conninfo, fetch, logged_in, scalar, started
from traintui.app import TraintuiApp
from traintui.audit import holding
from traintui.audit.holding import call
from traintui.audit.retiring import retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.data import attempts, erasures, retention
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.screens.erase_calls import EraseDialog
from traintui.screens.erase_holding import HoldingDialog
from traintui.settings import Settings


async def logged(db: Database, said: str = "Jane Doe") -> int:
    """A call that failed and names somebody in each of its parts."""
    attempt = await started(db, None, None, kind="probe", request_payload={"ask": said})
    outcome = replace(ANSWERED, state="error", response_payload={"t": said}, error_message=f"No {said} here")
    await attempts.finish(db, attempt, outcome)
    return attempt.id


async def asked(pilot: Pilot[None], app: TraintuiApp) -> EraseDialog:
    await until(pilot, lambda: isinstance(app.screen, EraseDialog) and app.screen.reason.has_focus)
    dialog = app.screen
    assert isinstance(dialog, EraseDialog)
    return dialog


async def test_a_call_is_erased_with_a_reason_after_asking_once_more_and_says_so(
    app: TraintuiApp, db: Database
) -> None:
    id = await logged(db)
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: "RESPONSE" in detail(app))
        await pilot.press("X")
        dialog = await asked(pilot, app)
        assert f"call {id}" in str(dialog.panel.border_title)
        assert "Gone for good: nothing brings it back" in str(dialog.answer.content)
        await pilot.press("enter")
        assert dialog.state == "asking", "there is no reason yet"
        await pilot.press(*"ask", "enter")
        await until(pilot, lambda: dialog.state == "confirming")
        await pilot.press("escape")
        await until(pilot, lambda: dialog.state == "asking")
        assert await scalar(db, "SELECT count(*) FROM erasures") == 0
        await pilot.press("enter")
        await until(pilot, lambda: dialog.state == "confirming")
        await pilot.press("y")
        await until(pilot, lambda: dialog.state == "over" and "● erased from 1 call" in str(dialog.answer.content))
        await pilot.press("escape")
        await until(pilot, lambda: detail(app).count("erased by ada on ") == 3)
        assert "Jane" not in detail(app) and detail(app).count(": ask") == 3
        await pilot.press("X")
        await until(
            pilot,
            lambda: any(
                "has no request, response or error text any more" in note.message for note in app._notifications
            ),
        )
    assert await fetch(db, "SELECT row_id, reason FROM erasures") == [(id, "ask")]


async def test_all_calls_that_hold_a_text_are_listed_and_erased_those_in_the_archive_too(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    await logged(db)
    aged(conninfo)
    await seal_and_anchor(db, everything=True)
    assert not (await retire_due(db, await retention.due(db))).left
    for said in ("Jane\nDoe", "John Roe"):
        await logged(db, said)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: pane(app).table.total == 2)
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, HoldingDialog) and app.screen.wanted.has_focus)
        dialog = app.screen
        assert isinstance(dialog, HoldingDialog)
        await pilot.press(*"ja", "enter")
        await until(pilot, lambda: dialog.field.has_class("-mistaken"))
        dialog.query_one("#wanted", Input).value = "jane doe"
        await pilot.press("enter")
        await until(pilot, lambda: "2 calls hold it, 1 of them in the archive" in str(dialog.answer.content))
        assert "archive" in dialog.listed.plain and "request, response, error" in dialog.listed.plain
        await pilot.press("ctrl+s")
        erasing = await asked(pilot, app)
        assert "2 calls" in str(erasing.panel.border_title)
        await pilot.press(*"ask", "enter")
        await until(pilot, lambda: erasing.state == "confirming")
        await pilot.press("y")
        await until(pilot, lambda: erasing.state == "over" and "erased from 2 calls" in str(erasing.answer.content))
        await pilot.press("escape")
        await until(pilot, lambda: "No call holds it" in str(dialog.answer.content))
        await written(app)
    assert await erasures.number_pending(db) == 0
    assert await scalar(db, "SELECT count(*) FROM generation_logs WHERE request_payload IS NOT NULL") == 1


async def test_what_a_downgrade_put_aside_and_holds_the_text_is_said_and_erased_also_without_a_call(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    await logged(db, "John Roe")
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET ROLE traintui_owner")
        connection.execute("CREATE TABLE put_aside_0006_saved_views AS SELECT name FROM saved_views WITH NO DATA")
        connection.execute("INSERT INTO put_aside_0006_saved_views VALUES ('Of Jane Doe'), ('Others')")
    async with app.run_test(size=(100, 24)) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: pane(app).table.total == 1)
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, HoldingDialog) and app.screen.wanted.has_focus)
        dialog = app.screen
        assert isinstance(dialog, HoldingDialog)
        dialog.query_one("#wanted", Input).value = "jane doe"
        await pilot.press("enter")
        says = "No call holds it, but 1 row that a downgrade put aside holds it."
        await until(pilot, lambda: says in str(dialog.answer.content))
        await pilot.press("ctrl+s")
        erasing = await asked(pilot, app)
        assert "what was put aside" in str(erasing.panel.border_title)
        await pilot.press(*"ask", "enter")
        await until(pilot, lambda: erasing.state == "confirming")
        assert "Erase the parts that hold the text of 1 row put aside? " in str(erasing.answer.content)
        await pilot.press("y")
        await until(pilot, lambda: erasing.state == "over" and "erased 1 row put aside" in str(erasing.answer.content))
        await pilot.press("escape")
        await until(pilot, lambda: "No call holds it. " in str(dialog.answer.content))
    assert await fetch(db, "SELECT place, row_count, reason FROM aside_erasures") == [
        ("put_aside_0006_saved_views", 1, "ask")
    ]


async def test_what_was_found_of_another_text_than_stands_there_is_not_erased(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await logged(db)
    works, go_on = holding.calls_holding, asyncio.Event()

    async def looks(*given: Any, **named: Any) -> list[holding.Target] | None:
        await go_on.wait()
        return await works(*given, **named)

    monkeypatch.setattr(holding, "calls_holding", looks)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app)
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, HoldingDialog) and app.screen.wanted.has_focus)
        dialog = app.screen
        assert isinstance(dialog, HoldingDialog)
        await pilot.press(*"jane doe", "enter")
        dialog.wanted.value = "john roe"
        go_on.set()
        await until(pilot, lambda: "The text is another now" in str(dialog.answer.content))
        await pilot.press("ctrl+s")
        assert isinstance(app.screen, HoldingDialog)
        await pilot.press("enter")
        await until(pilot, lambda: "No call holds it" in str(dialog.answer.content))


@pytest.mark.parametrize("login", ["rita", "arthur", "audrey"])
async def test_only_administrators_have_the_keys(db: Database, conninfo: Conninfo, tmp_path: Path, login: str) -> None:
    await logged(db)
    async with logged_in(conninfo(login)) as other:
        app = TraintuiApp(Settings(home=tmp_path), workspace=other)
        async with app.run_test(size=(160, 45)) as pilot:
            await opened(pilot, app)
            await until(pilot, lambda: pane(app).table.current is not None)
            for action in ("erase", "holding"):
                assert not pane(app).check_action(action, ())
            await pilot.press("X", "W")
            await pilot.pause()
            assert app.screen is audit(app)


async def test_what_was_cut_off_is_finished_at_an_administrators_next_start_and_noted(
    app: TraintuiApp, db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    id = await logged(db)
    aged(conninfo)
    await seal_and_anchor(db, everything=True)
    assert not (await retire_due(db, await retention.due(db))).left
    target = await call(db, id)
    await erasures.erase(db, id, target.created_at, ("request",), "She asked", archived=target.digests)
    assert (await call(db, id)).there == ("request", "response", "error"), "the app ended here"
    log = tmp_path / "logs" / "traintui.log"
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: log.exists() and "Erased from the archive: 1 erasure" in log.read_text())
        await until(pilot, lambda: any("1 frame written anew" in note.message for note in app._notifications))
    assert (await call(db, id)).there == ("response", "error")
    assert await erasures.number_pending(db) == 0
