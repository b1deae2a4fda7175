"""Audit: every call to a model, every decision and every export, and the proof that nobody touched them.

Each tab is a pane of its own; `PANES` has them in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.events import ScreenResume, ScreenSuspend
from textual.widgets import ContentSwitcher

from traintui import commands
from traintui.screens.audit_exports import ExportsPane
from traintui.screens.audit_generations import GenerationsPane
from traintui.screens.audit_integrity import IntegrityPane
from traintui.screens.audit_pane import AuditPane
from traintui.screens.audit_reports import ReportsPane
from traintui.screens.audit_reviews import ReviewsPane
from traintui.screens.base import BaseScreen
from traintui.screens.log_pane import LogPane
from traintui.widgets.tab_line import TabLine

PANES: tuple[type[AuditPane], ...] = (GenerationsPane, ReviewsPane, ExportsPane, ReportsPane, IntegrityPane)
"""The tabs, in order."""
POLL = 2.0
"""Seconds between two looks at what is shown."""


class AuditScreen(BaseScreen):
    """The tabs, of which one is shown."""

    PLACES = ("audit", "table", "filter", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("audit")
    CSS_PATH = "audit.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (36, "-tall")]  # noqa: RUF012
    AUTO_FOCUS = "#generations LogTable"

    tabs = getters.query_one(TabLine)
    switcher = getters.query_one(ContentSwitcher)

    def __init__(self) -> None:
        super().__init__()
        self.which: str = PANES[0].NAME
        """The name of the tab that is shown."""

    def compose_body(self) -> ComposeResult:
        """The names of the tabs, and the pane of one."""
        yield TabLine({pane.NAME: pane.TITLE for pane in PANES})
        with ContentSwitcher(initial=self.which):
            for pane in PANES:
                yield pane()

    def on_mount(self) -> None:
        """Keeps up with what is shown."""
        self.set_interval(POLL, self._poll)

    def on_workspace_ready(self) -> None:
        """Reads what is shown."""
        self.pane.shown()

    @property
    def pane(self) -> AuditPane:
        """The pane that is shown."""
        return self.query_one(f"#{self.which}", AuditPane)

    def offered(self) -> Iterable[tuple[DOMNode, str]]:
        """The places of the screen, and those of the pane that is shown."""
        own, *widgets = super().offered()
        pane = self.pane
        return (own, *((pane, place) for place in pane.PLACES), *widgets)

    def visit(self, log: str, filter_text: str) -> None:
        """Shows the rows of a log that a filter names, asked for elsewhere."""
        self._go(log)
        pane = self.pane
        if isinstance(pane, LogPane):
            pane.visit(filter_text)

    @on(ScreenResume)
    def _resumed(self) -> None:
        if self.ready:
            self.pane.shown()

    @on(ScreenSuspend)
    def _suspended(self) -> None:
        if self.ready:
            self.pane.left()

    def _poll(self) -> None:
        if self.ready and self.app.screen is self and self.app.outage is None:
            self.pane.look()

    @on(AuditPane.Remarked)
    def _remarked(self, event: AuditPane.Remarked) -> None:
        self.tabs.remarks = {**self.tabs.remarks, event.pane.NAME: event.remark}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key leads back where there is something to go back from."""
        if action == "rows":
            return self.is_mounted and self.pane.leads_back
        return super().check_action(action, parameters)

    # Moving

    def action_log(self, step: int) -> None:
        """Goes to the next tab, or the one before."""
        names = [pane.NAME for pane in PANES]
        self._go(names[(names.index(self.which) + step) % len(names)])

    @on(TabLine.Chosen)
    def _tab_of_log_chosen(self, event: TabLine.Chosen) -> None:
        self._go(event.name)

    def _go(self, name: str) -> None:
        if name != self.which:
            self.pane.left()
            self.which = self.tabs.chosen = self.switcher.current = name
        self.pane.enter()
        self.refresh_bindings()
        if self.ready:
            self.pane.shown()

    def action_rows(self) -> None:
        """Goes back, as far as there is something to go back from."""
        self.pane.back()

    def action_refresh_log(self) -> None:
        """Reads what is shown again."""
        if self.ready:
            self.pane.look_again()
