"""Views are applied, saved and deleted from one list, and nothing is replaced or deleted unasked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from textual.pilot import Pilot

from screens.waiting import until
from support import Conninfo, logged_in
from traintui.app import TraintuiApp
from traintui.data import views
from traintui.data.engine import Database
from traintui.data.views import BUILT_IN, SavedView
from traintui.screens.views import ViewsDialog
from traintui.settings import Settings

SIZE = (120, 36)


class Dialog:
    """The dialog over an app, and what it answered."""

    def __init__(self, app: TraintuiApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot
        self.screen = ViewsDialog("status:failed [b]", "-score", ["score"])
        self.answers: list[SavedView | None] = []

    @property
    def names(self) -> list[str]:
        return [view.name for view in self.screen.table.rows][len(BUILT_IN) :]

    @property
    def said(self) -> str:
        return str(self.screen.answer.content).strip()

    async def typed(self, name: str) -> None:
        self.screen.field.value = name
        await self.pilot.press("enter")


@asynccontextmanager
async def opened(db: Database, tmp_path: Path, waiting_for: int = 0) -> AsyncIterator[Dialog]:
    app = TraintuiApp(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=SIZE) as pilot:
        dialog = Dialog(app, pilot)
        await app.push_screen(dialog.screen, dialog.answers.append)
        await until(pilot, lambda: dialog.screen.table.has_focus and len(dialog.names) == waiting_for)
        yield dialog


async def test_enter_applies_a_built_in_view_and_escape_none(db: Database, tmp_path: Path) -> None:
    async with opened(db, tmp_path) as dialog:
        await dialog.pilot.press("j", "enter")
        await until(dialog.pilot, lambda: dialog.answers)
        assert dialog.answers == [BUILT_IN[1]]
    async with opened(db, tmp_path) as dialog:
        await dialog.pilot.press("escape")
        await until(dialog.pilot, lambda: dialog.answers)
        assert dialog.answers == [None]


async def test_the_present_filter_is_saved_under_a_name_and_replaced_only_when_asked_twice(
    reviewer_db: Database, tmp_path: Path
) -> None:
    async with opened(reviewer_db, tmp_path) as dialog:
        await dialog.pilot.press("n")
        assert "status:failed [b]" in str(dialog.screen.scope.content) and "score ▼" in str(dialog.screen.scope.content)
        await dialog.pilot.press("enter")
        assert "Give it a name" in dialog.said
        await dialog.typed("Broken [/b] ones")
        await until(dialog.pilot, lambda: dialog.names == ["Broken [/b] ones"])
        await until(dialog.pilot, lambda: dialog.screen.table.current == dialog.screen.table.rows[-1])
        assert "Saved as Broken" in dialog.said and dialog.screen.table.has_focus
        before = dialog.screen.table.rows[-1]
        assert (before.filter_text, before.sort, before.columns) == ("status:failed [b]", "-score", ("score",))
        await dialog.pilot.press("n")
        dialog.screen.shared.value = True
        await dialog.typed("Broken [/b] ones")
        assert "enter again replaces it" in dialog.said
        assert not (await views.views(reviewer_db))[-1].shared
        await dialog.pilot.press("enter")
        await until(dialog.pilot, lambda: dialog.screen.table.rows[-1].shared)
        assert dialog.screen.table.rows[-1].id == before.id


async def test_a_view_is_deleted_when_asked_twice_and_a_built_in_one_never(
    reviewer_db: Database, tmp_path: Path
) -> None:
    await views.save(reviewer_db, "Mine", "is:mine")
    async with opened(reviewer_db, tmp_path, waiting_for=1) as dialog:
        await dialog.pilot.press("d", "d")
        assert "is built in, and stays" in dialog.said
        await dialog.pilot.press("G", "d")
        assert "d again deletes it" in dialog.said
        await dialog.pilot.press("escape")
        assert dialog.said == "" and dialog.names == ["Mine"]
        await dialog.pilot.press("d", "k")
        assert dialog.said == ""
        await dialog.pilot.press("j", "d", "d")
        await until(dialog.pilot, lambda: dialog.names == [])
    assert await views.views(reviewer_db) == BUILT_IN


async def test_what_is_refused_is_answered_in_the_dialog(
    reviewer_db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    async with logged_in(conninfo("ron")) as ron:
        await views.save(ron, "Of ron", "", shared=True)
    async with opened(reviewer_db, tmp_path, waiting_for=1) as dialog:
        await dialog.pilot.press("G", "d", "d")
        await until(dialog.pilot, lambda: "belongs to ron" in dialog.said)
        assert dialog.names == ["Of ron"]


async def test_an_auditor_applies_and_saves_none(conninfo: Conninfo, tmp_path: Path) -> None:
    async with logged_in(conninfo("audrey")) as auditor, opened(auditor, tmp_path) as dialog:
        await dialog.pilot.press("n", "d", "ctrl+s")
        assert not dialog.screen.has_class("-saving") and dialog.said == ""
        await dialog.pilot.press("enter")
        await until(dialog.pilot, lambda: dialog.answers)
        assert dialog.answers == [BUILT_IN[0]]


@pytest.mark.parametrize(("of", "may"), [("generations", True), ("conversations", None)])
async def test_an_auditor_keeps_views_of_a_log_and_none_of_conversations(
    conninfo: Conninfo, tmp_path: Path, of: Literal["generations", "conversations"], may: bool | None
) -> None:
    async with logged_in(conninfo("audrey")) as auditor:
        app = TraintuiApp(Settings(home=tmp_path), workspace=auditor)
        async with app.run_test(size=SIZE) as pilot:
            dialog = ViewsDialog("", of=of)
            await app.push_screen(dialog)
            await until(pilot, lambda: dialog.table.has_focus)
            assert dialog.check_action("new", ()) is may
