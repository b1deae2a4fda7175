"""Which columns the table has, in which order, and how wide they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from traintui import commands, text
from traintui.data.fields import Field
from traintui.screens.base import BaseDialog
from traintui.table_layout import TableLayout
from traintui.widgets.conversation_columns import LEAST, MOST, USUAL, columns_of
from traintui.widgets.keybar import KeyBar
from traintui.widgets.row_table import Column, RowTable

ABOUT = {"marks": "the flag, R for rehearsal, ≠ for stale", "id": "its public id", "opening": "how it begins"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that can be shown; `width` 0 takes what the others leave."""

    name: str
    title: str
    about: str
    width: int
    is_shown: bool


class ColumnsDialog(BaseDialog[TableLayout]):
    """Every column, those that are shown first; answers a layout."""

    PLACES = ("columns", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("columns")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "RowTable"

    table: getters.query_one[RowTable[Choice]] = getters.query_one("#choices", RowTable)

    def __init__(self, fields: Mapping[str, Field], layout: TableLayout) -> None:
        super().__init__(classes="choice")
        self._layout = layout
        made = columns_of(fields, dict, lambda row: Content(row.opening), lambda _: None)
        self._made = {
            name: Choice(
                name,
                column.title or "Marks",
                fields[name].about if name in fields else ABOUT[name],
                column.width,
                False,
            )
            for name, column in made.items()
        }

    def compose(self) -> ComposeResult:
        """The columns in a list."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Columns"
            yield RowTable[Choice](
                [
                    Column("", 2, lambda choice: Content.styled("✓" if choice.is_shown else " ", "bold $accent")),
                    Column("Column", 18, lambda choice: text.shown(choice.title, single_line=True, limit=40)),
                    Column("Cells", 5, self._width, right=True),
                    Column("", 0, lambda choice: text.shown(choice.about, single_line=True, limit=60, style="$muted")),
                ],
                key=lambda choice: choice.name,
                opens="",
                id="choices",
            )
        yield KeyBar()

    def _width(self, choice: Choice) -> Content:
        return Content(str(choice.width)) if choice.width else Content.styled("rest", "$faint")

    def on_mount(self) -> None:
        """Begins with what the table has."""
        self._arrange(self._layout.columns or USUAL, self._layout.widths)

    def _arrange(self, names: tuple[str, ...], widths: Mapping[str, int]) -> None:
        shown = [name for name in names if name in self._made]
        choices = [
            replace(self._made[name], is_shown=name in shown, width=widths.get(name, self._made[name].width))
            for name in (*shown, *(name for name in self._made if name not in shown))
        ]
        self._show(choices)

    def _show(self, choices: list[Choice]) -> None:
        self.table.styles.height = min(len(choices), 18) + 1
        self.table.stay()
        self.table.show(choices)

    @on(RowTable.Opened)
    def _opened(self) -> None:
        self.action_show()

    def action_show(self) -> None:
        """Shows the column, or hides it."""
        choices, at = list(self.table.rows), self.table.cursor
        choices[at] = replace(choices[at], is_shown=not choices[at].is_shown)
        self._show(choices)

    def action_shift(self, places: int) -> None:
        """Moves the column among the others."""
        choices, at = list(self.table.rows), self.table.cursor
        to = max(0, min(len(choices) - 1, at + places))
        choices.insert(to, choices.pop(at))
        self._show(choices)

    def action_widen(self, cells: int) -> None:
        """Makes the column wider or narrower."""
        choices, at = list(self.table.rows), self.table.cursor
        if choices[at].width:
            choices[at] = replace(choices[at], width=max(LEAST, min(MOST, choices[at].width + cells)))
            self._show(choices)

    def action_usual(self) -> None:
        """Back to what a new table has."""
        self._arrange(USUAL, {})

    def action_keep(self) -> None:
        """Shows the table like this, if it has a column at all."""
        shown = tuple(choice.name for choice in self.table.rows if choice.is_shown)
        if not shown:
            self.app.bell()
            return
        widths = {
            choice.name: choice.width for choice in self.table.rows if choice.width != self._made[choice.name].width
        }
        self.dismiss(TableLayout(() if shown == USUAL else shown, widths, self._layout.sort))
