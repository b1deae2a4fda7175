"""The rows of a log: a windowed table in which nothing is selected."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Click

from traintui import commands
from traintui.widgets.line_table import LineTable
from traintui.widgets.windowed_table import WindowedTable

RowT = TypeVar("RowT")


class LogTable(WindowedTable[RowT], Generic[RowT], inherit_bindings=False):
    """What is done to rows of conversations is not done here: a log only grows. So `←` and `→` are left to the tabs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *commands.bindings("table"),
        *(command.binding for command in commands.of("listing") if command.id == "listing.jump"),
    ]
    EDGE: ClassVar[int] = 1

    def _edge(self, rank: int, on_cursor: bool) -> list[Content]:
        return LineTable._edge(self, rank, on_cursor)

    def _row_clicked(self, rank: int, event: Click) -> None:
        if self._held is None:
            LineTable._row_clicked(self, rank, event)
