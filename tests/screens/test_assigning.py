"""Shares are given from the table: who gets how many is said before, and all of it can be taken back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from textual.pilot import Pilot

from screens.waiting import until, written
from support import Conninfo, approved, fetch, imported, logged_in
from traintui.app import TraintuiApp
from traintui.data import assignments
from traintui.data.engine import Database
from traintui.screens.assigning import AssignDialog, ShareRow
from traintui.screens.conversations import ConversationsScreen
from traintui.settings import Settings

SIZE = (130, 40)


async def opened(pilot: Pilot[None], app: TraintuiApp, filter_text: str = "") -> AssignDialog:
    table = app.get_screen_stack("conversations")[0]
    assert isinstance(table, ConversationsScreen)
    await until(pilot, lambda: app.live is not None and app.live.mirror is not None and table.table.total)
    if filter_text:
        table.apply(filter_text, top=True)
    await pilot.press("A")
    await until(pilot, lambda: isinstance(app.screen, AssignDialog) and app.screen.state == "asking")
    assert isinstance(app.screen, AssignDialog)
    return app.screen


def rows(dialog: AssignDialog) -> dict[str, ShareRow]:
    return {row.has.reviewer_id: row for row in dialog.table.rows}


def said(dialog: AssignDialog) -> str:
    return str(dialog.answer.content).strip()


async def who(db: Database) -> Counter[str]:
    return Counter(row[0] for row in await fetch(db, "SELECT reviewer_id FROM assignments"))


async def test_all_that_match_go_to_reviewers_by_their_weights_and_come_back(app: TraintuiApp, db: Database) -> None:
    await imported(db, 8, quality_score="3.0")
    await imported(db, 3, quality_score="9.0")
    async with app.run_test(size=SIZE) as pilot:
        dialog = await opened(pilot, app, "score<5")
        assert "8 conversations that match score<5" in str(dialog.query_one(".dialog").border_title)
        assert {name: row.gets for name, row in rows(dialog).items()} == {"ada": 2, "arthur": 2, "rita": 2, "ron": 2}
        await pilot.press("0", "j", "0", "j", "3", "j", "1")
        assert {name: row.gets for name, row in rows(dialog).items()} == {"ada": 0, "arthur": 0, "rita": 6, "ron": 2}
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "8 assigned" in said(dialog))
        assert await who(db) == {"rita": 6, "ron": 2}
        assert rows(dialog)["rita"].has.waiting == 6
        await pilot.press("t")
        await until(pilot, lambda: "8 taken back" in said(dialog))
        assert await who(db) == {}
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ConversationsScreen))
    assert {entry.filter_text for entry in await assignments.record(db)} == {"score<5"}


async def test_what_is_selected_goes_to_one_and_what_is_decided_stays(app: TraintuiApp, db: Database) -> None:
    first, *_ = await imported(db, 3)
    await approved(db, first)
    async with app.run_test(size=SIZE) as pilot:
        table = app.get_screen_stack("conversations")[0]
        assert isinstance(table, ConversationsScreen)
        await until(pilot, lambda: table.table.total == 3 and app.live is not None and app.live.mirror is not None)
        await pilot.press("asterisk")
        dialog = await opened(pilot, app)
        assert sum(row.gets for row in rows(dialog).values()) == 2
        assert "2 of 3 conversations to 4 reviewers" in said(dialog) and "1 is decided or failed, and stays" in said(
            dialog
        )
        await pilot.press("G", "space")
        assert {name: row.weight for name, row in rows(dialog).items()} == {"ada": 0, "arthur": 0, "rita": 0, "ron": 1}
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "2 assigned" in said(dialog))
        await pilot.press("escape")
        await until(pilot, lambda: not table.table.selected)
    assert await who(db) == {"ron": 2}


async def test_nobody_with_a_weight_is_answered_and_nothing_is_done(app: TraintuiApp, db: Database) -> None:
    await imported(db)
    async with app.run_test(size=SIZE) as pilot:
        dialog = await opened(pilot, app)
        await pilot.press(*"0j0j0j0", "ctrl+s")
        await until(pilot, lambda: "Nobody has a weight: a digit" in said(dialog))
        await written(app)
        assert await who(db) == {}


async def test_a_reviewer_gives_nothing(conninfo: Conninfo, tmp_path: Path, db: Database) -> None:
    await imported(db)
    async with logged_in(conninfo("rita")) as rita:
        app = TraintuiApp(Settings(home=tmp_path), workspace=rita)
        async with app.run_test(size=SIZE) as pilot:
            table = app.get_screen_stack("conversations")[0]
            assert isinstance(table, ConversationsScreen)
            await until(pilot, lambda: table.table.total == 1)
            await pilot.press("A")
            await pilot.pause()
            assert app.screen is table
