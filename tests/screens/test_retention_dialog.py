"""Administrators say how long the logs keep rows, and see what falls due of them and when before they store it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from textual.pilot import Pilot

from aging import calls_of
from screens.waiting import until, written
from support import Conninfo, scalar
from traintui.app import TraintuiApp
from traintui.audit import retention_rounds as rounds
from traintui.data import retention, retention_rounds
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.retention import Retention
from traintui.screens.retention import RetentionDialog
from traintui.screens.retention_form import RetentionForm
from traintui.settings import Settings
from traintui.widgets.unsent import UnsentLine


async def opened(pilot: Pilot[None], app: TraintuiApp) -> RetentionDialog:
    await until(pilot, lambda: app.workspace is not None)
    app.action_retention()
    await until(pilot, lambda: isinstance(app.screen, RetentionDialog) and app.screen.table.rows)
    assert isinstance(app.screen, RetentionDialog)
    return app.screen


def about(dialog: RetentionDialog) -> str:
    return str(dialog.about.content)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_it_says_what_is_due_and_what_follows_and_when(
    app: TraintuiApp, conninfo: Conninfo, size: tuple[int, int]
) -> None:
    calls_of(conninfo, "2024-01-10 12:00+00", 4)
    calls_of(conninfo, "now", 5)
    async with app.run_test(size=size) as pilot:
        dialog = await opened(pilot, app)
        assert [row.days for row in dialog.table.rows] == [90, 365, None, None]
        await until(pilot, lambda: "Leaves the log with the next round: 1 week, 4 rows, " in about(dialog))
        assert ", 5 rows, " in about(dialog) and "leaves on 2" in about(dialog)
        assert "Once a day an administrator's app or worker archives what is due and removes it." in about(dialog)
        await pilot.press("j")
        await until(
            pilot, lambda: "Nothing leaves the log now." in about(dialog) and "chose: 365 days" in about(dialog)
        )
        await pilot.press("j")
        await until(pilot, lambda: "kept for good" in about(dialog))
        assert dialog.check_action("edit", ()) is None


async def test_other_days_are_stored_after_it_was_said_what_they_mean(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    calls_of(conninfo, "2024-01-10 12:00+00", 4)
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app)
        await until(pilot, lambda: "with the next round" in about(dialog))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, RetentionForm) and app.screen.is_mounted)
        form = app.screen
        assert isinstance(form, RetentionForm)
        await until(pilot, lambda: "Leaves the log with the next round: 1 week, 4 rows" in str(form.outlook.content))
        form.typed.value = "9000"
        await until(
            pilot, lambda: "Nothing leaves the log now. The week of 2024-01-08, 4 rows" in str(form.outlook.content)
        )
        form.typed.value = "3"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: form.field.has_class("-mistaken"))
        form.typed.value = "many"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "no number of days" in str(form.field.answer.content))
        form.typed.value = "none"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is dialog and "Stored for everybody" in str(dialog.said.content))
        await until(pilot, lambda: "kept for good" in about(dialog))
    assert await retention.read(db) == Retention(generations_days=None)
    logged = "SELECT changed_by FROM workspace_setting_changes WHERE key = 'retention_generations_days'"
    assert await scalar(db, logged) == "ada"


async def test_what_is_due_goes_by_itself_or_not(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press("G")
        await until(pilot, lambda: dialog.check_action("switch", ()))
        await pilot.press("space")
        await until(pilot, lambda: "stays until traintui audit retire" in str(dialog.said.content))
        await until(pilot, lambda: not dialog.table.rows[-1].on and "audit retire removes it" in about(dialog))
        assert not await retention_rounds.removes(db)
        await pilot.press("space")
        await written(app)
        await until(pilot, lambda: dialog.table.rows[-1].on)
        assert await retention_rounds.removes(db)


async def test_others_read_it(reviewer_db: Database, tmp_path: Path) -> None:
    app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer_db)
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app)
        assert "Read only" in str(dialog.said.content) and dialog.check_action("edit", ()) is None


async def test_what_a_round_could_not_do_stands_under_the_header_until_one_could(
    app: TraintuiApp, db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "LOOK_SECONDS", 0.05)
    holder = uuid4()
    assert await retention_rounds.take(db, holder, seconds=60)
    await retention_rounds.end(db, holder, again_in=3600, removed=0, failure="The week of 2024-01-08 stays.")
    async with app.run_test(size=(80, 24)) as pilot:
        line = app.screen.query_one(UnsentLine)
        await until(pilot, lambda: line.display and "Retention: The week of 2024-01-08" in str(line.content))
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            await asyncio.to_thread(connection.execute, "UPDATE retention_rounds SET due_at = NULL")
        await until(pilot, lambda: not line.display)
    assert not (await retention_rounds.read(db)).is_due
