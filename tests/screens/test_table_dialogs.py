"""The order, the columns and the row to go to are chosen with the keys of every list, and the last line says which."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from screens.waiting import until
from traintui.app import TraintuiApp
from traintui.data.engine import Database
from traintui.data.fields import FIELDS
from traintui.data.listing import NEWEST, order_of
from traintui.screens.base import BaseDialog
from traintui.screens.columns import ColumnsDialog
from traintui.screens.jump import JumpDialog
from traintui.screens.sorting import SortDialog
from traintui.settings import Settings
from traintui.table_layout import TableLayout
from traintui.widgets.keybar import KeyBar


class Shown:
    """A dialog over an app, and what it answered."""

    def __init__(self, pilot: Pilot[None], dialog: BaseDialog[Any]) -> None:
        self.pilot, self.dialog = pilot, dialog
        self.answers: list[Any] = []

    @property
    def keys(self) -> list[str]:
        return [key.label for _, key in self.dialog.query_one(KeyBar).shown]

    async def answered(self, *keys: str) -> Any:
        await self.pilot.press(*keys)
        await until(self.pilot, lambda: self.answers)
        return self.answers[0]


@asynccontextmanager
async def opened(
    db: Database, tmp_path: Path, dialog: BaseDialog[Any], size: tuple[int, int] = (120, 36)
) -> AsyncIterator[Shown]:
    app = TraintuiApp(Settings(home=tmp_path), workspace=db)
    async with app.run_test(size=size) as pilot:
        shown = Shown(pilot, dialog)
        await app.push_screen(dialog, shown.answers.append)
        await until(pilot, lambda: dialog.focused is not None and shown.keys)
        yield shown


async def test_an_order_is_chosen_like_a_row(db: Database, tmp_path: Path) -> None:
    async with opened(db, tmp_path, SortDialog(FIELDS, NEWEST)) as shown:
        assert shown.keys == ["Sort", "Back"]
        assert await shown.answered("j", "j", "k", "enter") == next(iter(FIELDS))


async def test_the_present_order_is_under_the_cursor_with_its_own_arrow_and_turns_around(
    db: Database, tmp_path: Path
) -> None:
    dialog = SortDialog(FIELDS, order_of("-score", FIELDS))
    async with opened(db, tmp_path, dialog) as shown:
        choice = dialog.table.current
        assert choice is not None and (choice.title, choice.shown, choice.is_current) == ("Score", "-score", True)
        assert await shown.answered("enter") == "score"


async def test_enter_shows_a_column_or_hides_it_like_space(db: Database, tmp_path: Path) -> None:
    async with opened(db, tmp_path, ColumnsDialog(FIELDS, TableLayout((), {}, ""))) as shown:
        assert "Open" not in shown.keys and "Show" in shown.keys
        layout = await shown.answered("enter", "j", "space", "ctrl+s")
        assert layout.columns[0] == "persona"


async def test_the_last_column_can_be_seen_in_the_smallest_terminal(db: Database, tmp_path: Path) -> None:
    dialog = ColumnsDialog(FIELDS, TableLayout((), {}, ""))
    async with opened(db, tmp_path, dialog, (80, 24)) as shown:
        await shown.pilot.press("G")
        table, panel = dialog.table, dialog.query_one(".dialog")
        line = table.region.y + 1 + table.cursor - table.scroll_offset.y
        assert table.cursor == table.total - 1 and panel.content_region.contains(table.region.x, line)


async def test_the_last_line_says_that_enter_goes_to_the_row(db: Database, tmp_path: Path) -> None:
    async with opened(db, tmp_path, JumpDialog(4_000, 0)) as shown:
        assert shown.keys == ["Go", "Back"]
        assert await shown.answered("5", "0", "%", "enter") == 2_000


async def test_where_there_are_no_rows_enter_just_goes_back(db: Database, tmp_path: Path) -> None:
    async with opened(db, tmp_path, JumpDialog(0, 0)) as shown:
        assert await shown.answered("5", "enter") is None
