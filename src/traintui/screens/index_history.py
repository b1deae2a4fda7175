"""What was done to indexes: by whom or by itself, what became of it, and undoing a drop."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands
from traintui.screens.base import BaseDialog
from traintui.screens.mend_index import MendIndex
from traintui.widgets.detail_view import DetailView
from traintui.widgets.index_action_rows import action_columns, action_lines
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import Notice, failure
from traintui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from traintui.data.index_actions import LoggedAction


class IndexHistory(BaseDialog[bool]):
    """Actions, the newest first, and all about the one under the cursor; True when one was undone."""

    PLACES = ("index_history", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("index_history")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "RowTable"

    table: getters.query_one[RowTable[LoggedAction]] = getters.query_one(RowTable)
    detail = getters.query_one(DetailView)
    notice = getters.query_one(Notice)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._changed = False

    def compose(self) -> ComposeResult:
        """Rows, and the one under the cursor."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "What was done to indexes"
            panel.border_subtitle = "newest first"
            yield RowTable(action_columns(), key=lambda row: row.id, opens="")
            yield Notice("loading", "Reading what was done")
            yield DetailView()
            yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads them."""
        self.set_class(True, "-nothing")
        self.read(self._read, name="history")

    async def _read(self) -> None:
        from traintui.data import index_actions

        found = await index_actions.newest(self.db)
        self.set_class(not found, "-nothing")
        if not found:
            self.notice.say("empty", "Nothing was done yet", "Actions on the Indexes tab, and rebuilds by themselves.")
        self.table.show(found)
        self._show_detail()

    @on(RowTable.Moved)
    def _show_detail(self) -> None:
        row = self.table.current
        if row is not None:
            self.detail.show(tuple(action_lines(row)), key=row.id)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A drop that nobody took back can be undone, by an administrator."""
        if action != "undo":
            return True
        row = self.table.current if self.is_mounted else None
        return True if row is not None and row.can_be_undone and self.allowed("index_history", action) else None

    def action_undo(self) -> None:
        """Asks whether what was dropped is to be made again."""
        self.read(self._plan, name="undo")

    async def _plan(self) -> None:
        from traintui.data import index_facts
        from traintui.observing.mending import undoing

        row = self.table.current
        if row is not None:
            planned = undoing(row, await index_facts.indexes(self.db))
            self.app.push_screen(MendIndex([planned]), self._mended)

    def _mended(self, begun: bool | None) -> None:
        if begun:
            self._changed = True
            self.read(self._read, name="history")

    def work_failed(self, name: str, error: BaseException) -> None:
        """Says below the rows what went wrong, or in their place when there are none."""
        answer = self.app.answer(error)
        if self.has_class("-nothing"):
            self.notice.fail(answer)
            return
        self.said.update(Content.assemble(failure(answer, gap=" ")))

    def action_back(self) -> None:
        """Closes it."""
        self.dismiss(self._changed)
