"""What the server itself counted of statements, beside the query log: of every program, not of Traintui alone."""

from __future__ import annotations

from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from traintui import commands
from traintui.screens.base import BaseDialog
from traintui.widgets.detail_view import DetailView
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.server_statement_lines import server_statement_lines


class ServerStatementsDialog(BaseDialog[None]):
    """The statements that took most time in all, by pg_stat_statements."""

    PLACES = ("server_statements", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("server_statements")
    AUTO_FOCUS = "DetailView"
    DEFAULT_CSS = """
    ServerStatementsDialog {
        align: center middle;
        & .dialog { width: 96%; height: 90%; }
        & DetailView { width: 1fr; }
    }
    """

    view = getters.query_one(DetailView)

    def compose(self) -> ComposeResult:
        """The statements."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Counted by the server"
            panel.border_subtitle = "pg_stat_statements"
            yield DetailView()
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads them."""
        self.action_look()

    def action_look(self) -> None:
        """Reads them again."""
        self.read(self._read, name="server statements")

    async def _read(self) -> None:
        from traintui.data import server_statements

        self.view.show(server_statement_lines(await server_statements.read(self.db)), key="statements")

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in place of the statements."""
        answer = self.app.answer(error)
        self.view.show((failure(answer, gap=" ", mild=answer is error),), key="failed")
