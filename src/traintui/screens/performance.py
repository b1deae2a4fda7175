"""Performance: how the database is, what its statements take, where its bytes are, what runs now, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType

from traintui import commands
from traintui.screens.performance_alerts import AlertsPane
from traintui.screens.performance_indexes import IndexesPane
from traintui.screens.performance_live import LivePane
from traintui.screens.performance_overview import OverviewPane
from traintui.screens.performance_queries import QueriesPane
from traintui.screens.performance_report import ReportPane
from traintui.screens.performance_tables import TablesPane
from traintui.screens.tabs import TabbedScreen
from traintui.widgets.rights_line import RightsLine

if TYPE_CHECKING:
    from traintui.data.rights import Rights


class PerformanceScreen(TabbedScreen):
    """The server, the statements, the indexes, the tables, the sessions, the alerts, and what each month came to; below
    them how much of that one is shown."""

    PANES = (OverviewPane, QueriesPane, IndexesPane, TablesPane, LivePane, AlertsPane, ReportPane)
    PLACES = ("performance", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("performance")
    CSS_PATH = "performance.tcss"
    AUTO_FOCUS = "#sizes"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (36, "-tall")]  # noqa: RUF012

    rights_line = getters.query_one(RightsLine)

    def __init__(self) -> None:
        super().__init__()
        self._rights: Rights | None = None

    def compose_body(self) -> ComposeResult:
        """The tabs, and how much of the one that is shown is left out."""
        yield from super().compose_body()
        yield RightsLine()

    def on_workspace_ready(self) -> None:
        """Reads what is shown, and what may be."""
        super().on_workspace_ready()
        self.read(self._read_rights, name="rights")

    def go(self, name: str) -> None:
        """Shows a tab, with what is left out of it."""
        super().go(name)
        self._show_rights()

    def action_look_again(self) -> None:
        """Reads what is shown again, and what may be."""
        super().action_look_again()
        if self.ready:
            self.read(self._read_rights, name="rights")

    async def _read_rights(self) -> None:
        from traintui.data.rights import rights

        self._rights = await rights(self.db)
        self._show_rights()

    def _show_rights(self) -> None:
        from traintui.observing.panels import panel

        if self._rights is not None:
            self.rights_line.show(panel(self.which, self._rights))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Where the rights are not known, nothing is said of what is shown."""
        if name == "rights":
            self.rights_line.fail(self.app.answer(error))
        else:
            super().work_failed(name, error)
