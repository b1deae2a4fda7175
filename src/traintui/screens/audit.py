"""Audit: every call to a model, every decision and every export, and the proof that nobody touched them."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from traintui import commands
from traintui.screens.audit_exports import ExportsPane
from traintui.screens.audit_generations import GenerationsPane
from traintui.screens.audit_integrity import IntegrityPane
from traintui.screens.audit_reports import ReportsPane
from traintui.screens.audit_reviews import ReviewsPane
from traintui.screens.log_pane import LogPane
from traintui.screens.tabs import TabbedScreen


class AuditScreen(TabbedScreen):
    """The logs, the reports and the proof."""

    PANES = (GenerationsPane, ReviewsPane, ExportsPane, ReportsPane, IntegrityPane)
    PLACES = ("audit", "table", "filter", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("audit")
    CSS_PATH = "audit.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (36, "-tall")]  # noqa: RUF012
    AUTO_FOCUS = "#generations LogTable"

    def visit(self, log: str, filter_text: str) -> None:
        """Shows the rows of a log that a filter names, asked for elsewhere."""
        self.go(log)
        pane = self.pane
        if isinstance(pane, LogPane):
            pane.visit(filter_text)
