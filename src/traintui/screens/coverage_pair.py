"""Which two dimensions coverage is about."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from traintui import commands
from traintui.screens.base import BaseDialog
from traintui.widgets.facts import DIMENSIONS
from traintui.widgets.keybar import KeyBar
from traintui.widgets.row_table import Column, RowTable


@dataclass(frozen=True, slots=True)
class Pair:
    """Two dimensions, and how many cells they have."""

    rows: str
    columns: str
    cells: int
    is_current: bool


class PairDialog(BaseDialog[tuple[str, str]]):
    """Every pair; the dimension with more values makes the rows. Answers rows and columns."""

    PLACES = ("coverage_pair", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("coverage_pair")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "RowTable"

    table: getters.query_one[RowTable[Pair]] = getters.query_one("#pairs", RowTable)

    def __init__(self, rows: str, columns: str) -> None:
        super().__init__(classes="choice")
        self._current = {rows, columns}

    def compose(self) -> ComposeResult:
        """The pairs in a list."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Coverage of"
            yield RowTable[Pair](
                [
                    Column("", 1, lambda pair: Content.styled("●" if pair.is_current else " ", "$accent")),
                    Column("Rows", 12, lambda pair: Content(pair.rows)),
                    Column("Columns", 12, lambda pair: Content(pair.columns)),
                    Column("Cells", 8, lambda pair: Content.styled(f"{pair.cells:,}", "$muted"), right=True),
                ],
                key=lambda pair: {pair.rows, pair.columns},
                opens="Show",
                id="pairs",
            )
        yield KeyBar()

    def on_mount(self) -> None:
        """The list begins at the present pair."""
        active = [value.dimension for value in self.app.labels.values() if value.active]
        pairs = []
        for first, second in combinations(DIMENSIONS, 2):
            rows, columns = sorted((first, second), key=active.count, reverse=True)
            pairs.append(
                Pair(rows, columns, active.count(rows) * active.count(columns), {rows, columns} == self._current)
            )
        self.table.styles.height = len(pairs) + 1
        self.table.show(pairs)
        self.table.cursor = next(rank for rank, pair in enumerate(pairs) if pair.is_current)

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened[Pair]) -> None:
        event.stop()
        self.dismiss((event.row.rows, event.row.columns))
