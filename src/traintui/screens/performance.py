"""Performance: how the database is, what its statements take, where its bytes are, and what is wrong."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from traintui import commands
from traintui.screens.performance_alerts import AlertsPane
from traintui.screens.performance_indexes import IndexesPane
from traintui.screens.performance_overview import OverviewPane
from traintui.screens.performance_queries import QueriesPane
from traintui.screens.performance_report import ReportPane
from traintui.screens.tabs import TabbedScreen


class PerformanceScreen(TabbedScreen):
    """The server and its tables, the statements, the indexes, the alerts, and what each month came to."""

    PANES = (OverviewPane, QueriesPane, IndexesPane, AlertsPane, ReportPane)
    PLACES = ("performance", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("performance")
    CSS_PATH = "performance.tcss"
    AUTO_FOCUS = "#sizes"
