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
from traintui.data.records import Attempt, ExportEntry, ReviewEntry
from traintui.export.formats import FORMATS
from traintui.screens.base import BaseScreen
from traintui.widgets.detail_view import DetailView
from traintui.widgets.log_detail import call_facts, call_lines, export_lines, review_lines
from traintui.widgets.log_rows import call_columns, export_columns, review_columns
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
    "exports": ("Nothing was exported", "Each file that leaves the house has its rows here.", "ctrl+e writes one"),
}
"""What stands where a log has no rows."""

LogRow = Attempt | ReviewEntry | ExportEntry


class AuditScreen(BaseScreen):
    """The newest rows of one of the three logs."""

    PLACES = ("audit", "table", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("audit")
    CSS_PATH = "audit.tcss"
    AUTO_FOCUS = "#generations"

    tabs = getters.query_one(TabLine)
    switcher = getters.query_one(ContentSwitcher)
    detail = getters.query_one(DetailView)
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
                yield RowTable[ExportEntry](export_columns(), key=lambda row: row.id, id="exports")
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
        from traintui.data import attempts, exports, review_log

        rows: tuple[LogRow, ...]
        if log == "generations":
            rows = await attempts.newest(self.db, limit=NEWEST)
        elif log == "reviews":
            rows = await review_log.newest(self.db, limit=NEWEST)
        else:
            rows = await exports.newest(self.db, limit=NEWEST)
        self._show(log, rows)

    def _show(self, log: str, rows: tuple[LogRow, ...]) -> None:
        self._read_once.add(log)
        said = f"newest {NEWEST}" if len(rows) == NEWEST else f"{len(rows):,}"
        self.tabs.remarks = {**self.tabs.remarks, log: said}
        table = self.query_one(f"#{log}", RowTable)
        if rows != table.rows:
            table.show(rows)
        if log == self.which:
            self.set_class(not rows, "-nothing")
            if not rows:
                self.notice.say("empty", *EMPTY[log])

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
        if isinstance(row, ReviewEntry):
            self.detail.show(review_lines(row), key=("review", row.id))
        elif isinstance(row, ExportEntry):
            self.detail.show(export_lines(row), key=("export", row.id))
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

    # Exporting again

    def action_export_again(self) -> None:
        """Opens the export dialog for what the export under the cursor was of, as it is now."""
        row = self.table.current
        if isinstance(row, ExportEntry):
            self.read(partial(self._read_again, row), name="again")

    async def _read_again(self, row: ExportEntry) -> None:
        from traintui.data import export_reading, workspace_filters
        from traintui.screens.export import ExportDialog
        from traintui.screens.export_said import Again

        selected = row.filter_state.get("selected") is not None
        ids = await export_reading.still_here(self.db, row.export_id) if selected else None
        rehearsal = row.filter_state.get("rehearsal") == "include"
        wanted = await workspace_filters.read_filter(self.db, row.filter_text)
        scope = export_reading.Scope(wanted, rehearsal, ids)
        found = await export_reading.since(self.db, row.export_id, scope)
        self.app.push_screen(
            ExportDialog(row.filter_text, ids, again=Again(row.export_id, row.format, rehearsal, found))
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """An export can be made again where one is shown, and one that held something."""
        if action != "export_again":
            return super().check_action(action, parameters)
        row = self.table.current if self.which == "exports" and self.is_mounted else None
        again = isinstance(row, ExportEntry) and row.state == "succeeded" and row.format in FORMATS
        return super().check_action(action, parameters) if again else False

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
        self.set_class(False, "-detail")
        self.table.focus()

    def action_refresh_log(self) -> None:
        """Reads the log again."""
        self._load()
