"""Audit: every call to a model, every decision and every export, newest first, and all that is known of each."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.events import ScreenResume
from textual.timer import Timer
from textual.widgets import ContentSwitcher
from textual.worker import Worker

from traintui import commands
from traintui.data.records import Attempt, Export, ReviewEntry
from traintui.screens.audit_exports import ExportsAudit
from traintui.widgets.detail_view import DetailView
from traintui.widgets.export_rows import export_columns
from traintui.widgets.log_detail import call_facts, call_lines, review_lines
from traintui.widgets.log_rows import call_columns, review_columns
from traintui.widgets.notice import Notice
from traintui.widgets.row_table import RowTable
from traintui.widgets.tab_line import TabLine

POLL = 2.0
"""Seconds between two looks at the log."""
NEWEST = 200
"""Rows that are shown."""
REST = 0.08
"""Seconds that the cursor rests on a call before its payloads are read."""

LOGS: dict[str, str] = {"generations": "Generations", "reviews": "Reviews", "exports": "Exports"}
EMPTY: dict[str, tuple[str, str, str]] = {
    "generations": ("No call yet", "Each request to a model has its row here before it is sent.", "3 plans a batch"),
    "reviews": ("No decision yet", "Each approval, rejection and change has its row here.", "2 reads and decides"),
    "exports": ("Nothing was exported", "Each file that leaves the house has its row here.", "ctrl+e writes one"),
}
"""What stands where a log has no rows."""

LogRow = Attempt | ReviewEntry | Export


class AuditScreen(ExportsAudit):
    """The newest rows of one of the three logs."""

    PLACES = ("audit", "table", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("audit")
    CSS_PATH = "audit.tcss"
    AUTO_FOCUS = "#generations"

    tabs = getters.query_one(TabLine)
    switcher = getters.query_one(ContentSwitcher)
    notice = getters.query_one(Notice)

    def __init__(self) -> None:
        super().__init__()
        self.which = "generations"
        """The log that is shown."""
        self._read_once: set[str] = set()
        self._reading: Worker[None] | None = None
        self._rest: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """The names of the logs, the rows of one, and the detail of the row under the cursor."""
        yield TabLine(LOGS)
        with Horizontal(id="parts"):
            with Container(id="rows"), ContentSwitcher(initial="generations"):
                yield RowTable[Attempt](call_columns(), key=lambda row: row.id, id="generations")
                yield RowTable[ReviewEntry](review_columns(), key=lambda row: row.id, id="reviews")
                yield RowTable[Export](export_columns(), key=lambda row: row.id, id="exports")
            yield DetailView()
        yield Notice("loading", "Opening the workspace")

    def on_mount(self) -> None:
        """Nothing is there before the workspace is."""
        self.set_class(True, "-nothing")
        self.set_interval(POLL, self._poll)

    def on_workspace_ready(self) -> None:
        """Reads the log."""
        self._load()

    @on(ScreenResume)
    def _resumed(self) -> None:
        if self.app.workspace is not None:
            self._load()

    @property
    def table(self) -> RowTable[Any]:
        """The rows of the log that is shown."""
        return self.query_one(f"#{self.which}", RowTable)

    # Reading

    def _poll(self) -> None:
        under_way = self._reading is not None and not self._reading.is_finished
        if self.app.workspace is not None and self.app.screen is self and not under_way:
            self._load()

    def _load(self) -> None:
        self._reading = self.read(partial(self._read, self.which), name="rows")

    async def _read(self, log: str) -> None:
        from traintui.data import attempts, review_log

        rows: tuple[LogRow, ...]
        if log == "generations":
            rows = await attempts.newest(self.db, limit=NEWEST)
        elif log == "reviews":
            rows = await review_log.newest(self.db, limit=NEWEST)
        else:
            rows = await self.read_exports()
        self._show(log, rows)

    def _show(self, log: str, rows: tuple[LogRow, ...]) -> None:
        self._read_once.add(log)
        said = f"newest {NEWEST}" if len(rows) == NEWEST else f"{len(rows):,}"
        if log == "exports":
            said = self.said_of_exports(len(rows))
        self.tabs.remarks = {**self.tabs.remarks, log: said}
        table = self.query_one(f"#{log}", RowTable)
        if rows != table.rows:
            table.show(rows)
        if log == self.which:
            self.set_class(not rows, "-nothing")
            if not rows:
                self.notice.say("empty", *EMPTY[log])

    def show_exports(self, rows: tuple[Export, ...]) -> None:
        """Shows these exports."""
        self._show("exports", rows)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Reading that fails is answered where the rows would be; beside rows that are there, beside them."""
        answer = self.app.answer(error)
        if name == "rows" and not self.table.rows:
            self.set_class(True, "-nothing")
            self.notice.fail(answer, "r reads again.")
        elif name == "rows":
            self.tabs.remarks = {**self.tabs.remarks, self.which: f"! {answer.title.lower()}, r reads again"}
        else:
            self.app.tell(answer)

    # The detail

    @on(RowTable.Moved)
    def _moved(self) -> None:
        self._show_detail()

    def _show_detail(self) -> None:
        self.refresh_bindings()
        if self._rest is not None:
            self._rest.stop()
        row = self.table.current
        if not isinstance(row, Export) or self.detail.key != ("export", row.id):
            self.leave_export()
        if isinstance(row, ReviewEntry):
            self.detail.show(review_lines(row), key=("review", row.id))
        elif isinstance(row, Export):
            self.show_export(row)
        elif isinstance(row, Attempt) and self.detail.key != (row.id, row.state):
            self.detail.show(call_facts(row), key=row.id)
            self._rest = self.set_timer(REST, partial(self._read_later, row))
        elif row is None:
            self.detail.show((), key=None)

    def _read_later(self, row: Attempt) -> None:
        self.read(partial(self._read_detail, row), name="detail")

    async def _read_detail(self, row: Attempt) -> None:
        from traintui.data import attempts

        found = await attempts.detail(self.db, row)
        if self.table.current == row:
            self.detail.show(call_lines(found), key=(row.id, row.state))

    # Moving

    def action_log(self, step: int) -> None:
        """Goes to the next log, or the one before."""
        names = list(LOGS)
        self._go(names[(names.index(self.which) + step) % len(names)])

    @on(TabLine.Chosen)
    def _tab_chosen_here(self, event: TabLine.Chosen) -> None:
        self._go(event.name)

    def _go(self, log: str) -> None:
        if self._rest is not None:
            self._rest.stop()
        self.which = self.tabs.chosen = self.switcher.current = log
        self.action_rows()
        self.set_class(not self.table.rows, "-nothing")
        if log not in self._read_once:
            self.notice.say("loading", "Reading")
        elif not self.table.rows:
            self.notice.say("empty", *EMPTY[log])
        self._show_detail()
        self._load()

    @on(RowTable.Opened)
    def _opened(self) -> None:
        self.set_class(True, "-detail")
        self.detail.focus()

    def action_rows(self) -> None:
        """Goes back to the rows."""
        self.leave_export()
        self.set_class(False, "-detail")
        self.table.focus()

    def action_refresh_log(self) -> None:
        """Reads the log again."""
        self._load()
