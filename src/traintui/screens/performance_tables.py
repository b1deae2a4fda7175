"""Tables in Performance: how large each is, how it grows, and what vacuum left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from traintui import clock, commands, text
from traintui.screens.performance_listed import ListedPane
from traintui.widgets.row_table import Column, RowTable
from traintui.widgets.server_bars import ServerBars
from traintui.widgets.table_rows import TableRow, table_columns, table_lines

if TYPE_CHECKING:
    from traintui.observing.tables import TableState

DAY = timedelta(days=1)
SPANS = 48
"""Bars of the last day."""
ORDERS = ("size", "growth", "dead rows", "rows", "name")


class TablesPane(ListedPane[TableRow]):
    """The tables, the largest first; those in parts fold them. Above them what the server did in the last day."""

    NAME = "tables"
    TITLE = "Tables"
    PLACES = ("tables", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("tables")

    server_bars = getters.query_one(ServerBars)

    def __init__(self) -> None:
        super().__init__()
        self._order = 0
        self._unfolded: set[str] = set()
        self._states: tuple[TableState, ...] = ()

    def compose(self) -> ComposeResult:
        """The server above, the tables below."""
        yield ServerBars()
        yield from super().compose()

    def columns(self) -> Sequence[Column[TableRow]]:
        """Sizes, growth, dead rows."""
        return table_columns()

    def key_of(self, row: TableRow) -> object:
        """Its name."""
        return row.name

    async def rows(self) -> Sequence[TableRow]:
        """All of them, with the parts of those that are open."""
        from traintui.data import samples
        from traintui.observing.tables import table_states
        from traintui.observing.throughput import spans

        now = clock.now()
        self._states = await table_states(self.db, now)
        taken = await samples.server(self.db, now - DAY, now)
        self.server_bars.show(spans(taken, now - DAY, now, SPANS))
        self.set_class(len(taken) < 2, "-unsampled")
        held = sum(each.fact.held for each in self._states)
        self.remark(f"{held} held" if held else "")
        return self._laid_out()

    def _laid_out(self) -> list[TableRow]:
        found: list[TableRow] = []
        for state in sorted(self._states, key=self._place):
            opened = state.name in self._unfolded
            found.append(TableRow(state.fact, state, opened=opened))
            if opened:
                found += [TableRow(part, state, is_part=True) for part in state.fact.parts]
        return found

    def _place(self, state: TableState) -> tuple[float, str]:
        by = (state.fact.total_bytes or 0, state.growth.per_day or 0, state.fact.dead_rows, state.fact.rows, 0)
        return -by[self._order], state.name

    async def lines(self, row: TableRow) -> Sequence[Content]:
        """What is known with the row."""
        return tuple(table_lines(row))

    def sums(self, rows: Sequence[TableRow]) -> Content:
        """How many, how large in all, how they grow, and by what they stand."""
        whole = sum(state.fact.total_bytes or 0 for state in self._states)
        per_day = sum(state.growth.per_day or 0 for state in self._states)
        grows = f", about {text.size(round(per_day))} more a day" if per_day >= 1_000 else ""
        held = sum(state.fact.held for state in self._states)
        return Content.assemble(
            (text.count(len(self._states)), "bold"), (" tables, ", "$muted"), (text.size(whole), "bold"),
            (grows, "$muted"), (f", {held:,} held by somebody and not measured" if held else "", "$warning"),
            (", by ", "$muted"), (ORDERS[self._order], "bold"), ("   ~ ", "$warning"), ("estimated", "$muted"),
        )  # fmt: skip

    def nothing(self) -> tuple[str, str]:
        """There always are some."""
        return "No table", "The schema of this workspace is not there."

    @on(RowTable.Opened)
    def _row_opened(self, event: RowTable.Opened[TableRow]) -> None:
        """A table in parts shows them first; what has none, or shows them, its detail."""
        if event.row.fact.parts and not event.row.opened:
            event.prevent_default()
            self.action_fold()

    def action_fold(self) -> None:
        """Shows the parts of a table, or folds them; from one of them too."""
        row = self.table.current
        if row is None or not row.state.fact.parts:
            self.app.bell()
            return
        self._unfolded ^= {row.state.name}
        if row.is_part:
            self.table.cursor = next(place for place, each in enumerate(self.table.rows) if each.name == row.state.name)
        self.table.stay()
        self._show_again()

    def action_sort(self) -> None:
        """The next order."""
        self._order = (self._order + 1) % len(ORDERS)
        self._show_again()

    def action_plots(self) -> None:
        """Shows or hides what the server did."""
        self.toggle_class("-plots-toggled")

    def _show_again(self) -> None:
        found = self._laid_out()
        self.table.show(found)
        self.say_sums(found)
        self.screen.refresh_bindings()
