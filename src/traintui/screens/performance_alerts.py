"""Alerts in Performance: what is wrong, what was, and who looks after it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content

from traintui import commands, text
from traintui.data.alert_records import Alert
from traintui.screens.performance_listed import ListedPane
from traintui.widgets.alert_rows import alert_columns, alert_lines
from traintui.widgets.row_table import Column, RowTable

REDUCED = "reduced: no long transactions of others without GRANT pg_read_all_stats TO traintui_owner"
"""What is missing where the owner of the schema may not see it, and the grant that would change that."""


class AlertsPane(ListedPane[Alert]):
    """The alerts that are not over, and behind them those that are where somebody wants to see them."""

    NAME = "alerts"
    TITLE = "Alerts"
    PLACES = ("alerts", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("alerts")

    def __init__(self) -> None:
        super().__init__()
        self._all = False
        self._sees_all = True

    def columns(self) -> Sequence[Column[Alert]]:
        """What is wrong, its state, since when."""
        return alert_columns()

    def key_of(self, row: Alert) -> object:
        """Its id."""
        return row.id

    async def rows(self) -> Sequence[Alert]:
        """Those that are not over, or all."""
        from traintui.data import alerts

        await self.app.read_alerts()
        found = await alerts.read(self.db, cleared=self._all)
        self._sees_all = await alerts.sees_all(self.db)
        number = sum(each.cleared_at is None for each in found)
        self.remark(str(number) if number else "")
        return found

    async def lines(self, row: Alert) -> Sequence[Content]:
        """What it means, what to do, what changed, and what became of it."""
        from traintui.data import alerts

        return tuple(alert_lines(row, await alerts.events(self.db, row.id)))

    def sums(self, rows: Sequence[Alert]) -> Content:
        """How many of which."""
        number = sum(row.cleared_at is None for row in rows)
        over = f", {len(rows) - number:,} over" if self._all else "   h shows those that are over too"
        rights = "" if self._sees_all else f"   {REDUCED}"
        return Content.assemble(
            (text.count(number), "bold $warning" if number else "bold"), (" not over", "$muted"), (over, "$muted"),
            (rights, "$warning"),
        )  # fmt: skip

    def nothing(self) -> tuple[str, str]:
        """Nothing is wrong, which is not the same as that nothing was."""
        if self._all:
            return "No alert on record", "Nothing was wrong since the database is watched."
        return "Nothing is wrong", "What was stands in the history: h shows it."

    @on(RowTable.Moved)
    def _other_row(self) -> None:
        self.screen.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what nobody acknowledged yet can be acknowledged."""
        if action == "acknowledge":
            row = self.table.current if self.is_mounted else None
            if row is None or row.state != "open":
                return None
        return super().check_action(action, parameters)

    def action_acknowledge(self) -> None:
        """Says that somebody looks after it."""
        if (row := self.table.current) is not None:
            self.write(partial(self._acknowledge, row.id), name="acknowledge")

    async def _acknowledge(self, alert_id: int) -> None:
        from traintui.data import alerts

        await alerts.acknowledge(self.db, alert_id)
        self.look_again()

    def action_history(self) -> None:
        """Shows those that are over too, or no longer."""
        self._all = not self._all
        self.look_again()

    def action_hook(self) -> None:
        """Opens what is run when an alert opens or clears."""
        from traintui.screens.alert_hook import AlertHookForm

        self.app.push_screen(AlertHookForm())

    def work_failed(self, name: str, error: BaseException) -> None:
        """What cannot be acknowledged is told beside the rows, which are as they were."""
        if name == "acknowledge":
            self.app.tell(error)
            self.look_again()
        else:
            super().work_failed(name, error)
