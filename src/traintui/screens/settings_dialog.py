"""A list of settings of the workspace, with what the one under the cursor means below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import Notice, failure
from traintui.widgets.row_table import Column, RowTable

RowT = TypeVar("RowT")


class SettingsDialog(BaseDialog[None], Generic[RowT]):
    """Rows, one of them explained, and what was done. Administrators change them, others read: a subclass says how a
    row looks (`COLUMNS`, `key_of`, `about_of`), what is read, and whose keys rest (`CHANGES`, the first of them needs
    the role)."""

    AUTO_FOCUS = "RowTable"
    TITLED: ClassVar[tuple[str, str]]
    """What stands on the frame, above and below."""
    READING: ClassVar[str]
    """What is said while they are read."""
    READ_ONLY: ClassVar[str]
    """What those are told who may change nothing."""
    CHANGES: ClassVar[tuple[str, ...]]
    """The actions that change something."""
    COLUMNS: ClassVar[Sequence[Column[Any]]]
    AGAIN: ClassVar[str] = ""
    """Which key reads again, if one does."""

    notice = getters.query_one(Notice)
    about = getters.query_one("#about", Static)
    said = getters.query_one("#said", Static)

    @property
    def table(self) -> RowTable[RowT]:
        """The rows."""
        return self.query_one(RowTable)

    def compose(self) -> ComposeResult:
        """Table, one row, and what was done or can be done now."""
        with Vertical(classes="dialog") as panel:
            panel.border_title, panel.border_subtitle = self.TITLED
            yield RowTable[RowT](self.COLUMNS, key=self.key_of, opens="")
            yield Notice("loading", self.READING)
            yield Static(id="about")
            yield Static(id="offered")
            yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads them."""
        self.set_class(True, "-nothing")
        if not self._may:
            self.say(Content.assemble(("○ ", "$accent"), self.READ_ONLY))
        self.action_look()

    def action_look(self) -> None:
        """Reads them again."""
        self.read(self.read_rows, name="rows")

    # What a subclass says

    async def read_rows(self) -> None:
        """Reads the rows and shows them."""
        raise NotImplementedError

    def key_of(self, row: RowT) -> object:
        """What a row is found by when others take its place."""
        raise NotImplementedError

    def about_of(self, row: RowT) -> Content:
        """What a row means."""
        raise NotImplementedError

    def rests(self, action: str, row: RowT | None) -> bool:
        """Whether an action has nothing to change in a row."""
        return row is None

    # Showing

    @property
    def _may(self) -> bool:
        return self.allowed(self.PLACES[0], self.CHANGES[0])

    def show(self, rows: Sequence[RowT]) -> None:
        """Shows other rows."""
        self.set_class(False, "-nothing")
        self.table.show(rows)
        self._show_about()
        self.refresh_bindings()

    @on(RowTable.Moved)
    def _show_about(self) -> None:
        row = self.table.current
        self.about.update("" if row is None else self.about_of(row))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What changes something needs an administrator, and something to change."""
        if action not in self.CHANGES:
            return True
        if not self.is_mounted or not self.allowed(self.PLACES[0], action):
            return None
        return None if self.rests(action, self.table.current) else True

    def say(self, said: Content) -> None:
        """Says below the rows what was done."""
        self.said.update(said)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in place of the rows while there are none, else below them."""
        answer = self.app.answer(error)
        if self.has_class("-nothing"):
            self.notice.fail(answer, self.AGAIN)
        else:
            self.say(failure(answer, gap=" ", mild=answer is error))
