"""Administrators say what is taken out of the logs; cards and secrets always are."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from screens.waiting import until, written
from traintui.app import TraintuiApp
from traintui.audit import kinds
from traintui.audit.kinds import ALL, KINDS
from traintui.audit.notes import redacted_note
from traintui.audit.personal import look_for_kinds
from traintui.data.engine import Database
from traintui.screens import background
from traintui.screens.redaction import RedactionDialog


async def opened(pilot: Pilot[None], app: TraintuiApp) -> RedactionDialog:
    await until(pilot, lambda: app.workspace is not None)
    app.action_redaction()
    await until(pilot, lambda: isinstance(app.screen, RedactionDialog) and app.screen.table.rows)
    assert isinstance(app.screen, RedactionDialog)
    return app.screen


async def at(pilot: Pilot[None], dialog: RedactionDialog, name: str) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    dialog.table.cursor = KINDS.index(kind)
    await until(pilot, lambda: kind.title in str(dialog.about.content))


async def test_a_kind_is_switched_off_and_on_for_everybody_and_a_card_never_is(app: TraintuiApp, db: Database) -> None:
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            dialog = await opened(pilot, app)
            await at(pilot, dialog, "ip_address")
            await pilot.press("space")
            await until(pilot, lambda: "stored as they are" in str(dialog.said.content))
            await until(pilot, lambda: not dialog.table.rows[-1].on)
            assert await kinds.read(db) == ALL - {"ip_address"}
            await pilot.press("space")
            await until(pilot, lambda: "are taken out" in str(dialog.said.content) and dialog.table.rows[-1].on)
            assert await kinds.read(db) == ALL
            await at(pilot, dialog, "card")
            assert dialog.check_action("switch", ()) is None
            await pilot.press("space")
            await written(app)
            assert await kinds.read(db) == ALL
    finally:
        look_for_kinds(ALL)


async def test_what_is_taken_out_of_a_note_is_known_before_one_is_opened(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "ROWS_FIRST", 0.0)
    await kinds.change(db, "ip_address", on=False)
    try:
        assert redacted_note("from 203.0.113.7") == "from [IP address 1]"
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: redacted_note("from 203.0.113.7") == "from 203.0.113.7")
    finally:
        look_for_kinds(ALL)
