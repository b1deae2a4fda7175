"""Submissions to the Message Batches API: what is out, what came back, what it cost, and calling one off."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import Notice, failure
from traintui.widgets.row_table import RowTable
from traintui.widgets.submission_rows import OUT, SUBMISSION_COLUMNS, SubmissionRow, about, row_of

POLL = 1.0
"""Seconds between two looks while something is out."""


class SubmissionsDialog(BaseDialog[None]):
    """The newest submissions, those that are out first, and below them what is known of one."""

    PLACES = ("submissions", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("submissions")
    CSS_PATH = "submissions.tcss"
    AUTO_FOCUS = "#submissions"

    table: getters.query_one[RowTable[SubmissionRow]] = getters.query_one("#submissions", RowTable)
    notice = getters.query_one(Notice)
    about = getters.query_one("#about", Static)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._working = False

    def compose(self) -> ComposeResult:
        """Table, one row, and what was done."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "At half price"
            panel.border_subtitle = "Message Batches"
            yield RowTable(SUBMISSION_COLUMNS, key=lambda row: row.view.id, opens="", id="submissions")
            yield Notice("loading", "Reading the submissions")
            yield Static(id="about")
            yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads them, and again while something is out."""
        self.set_class(True, "-nothing")
        self.set_interval(POLL, self._poll)
        self.action_look()

    def _poll(self) -> None:
        if not self.reading_now("submissions"):  # also while none is out: a worker may send one at any time
            self.action_look()

    def action_look(self) -> None:
        """Reads them again."""
        self.read(self._read, name="submissions")

    async def _read(self) -> None:
        from traintui.data import prices, submission_views, work

        known = await prices.in_effect(self.db)
        rows = tuple(row_of(view, known) for view in await submission_views.recent(self.db))
        self._working = bool(await work.workers(self.db))
        self.set_class(not rows, "-nothing")
        if not rows:
            self.notice.say(
                "empty",
                "Nothing was submitted yet",
                "A plan that runs as message batches costs half, and is done within a day, mostly within the hour.",
                "n on Generate, then f3: Runs as.",
            )
        self.table.show(rows)
        self._show_about()

    @on(RowTable.Moved)
    def _show_about(self) -> None:
        row = self.table.current
        self.about.update(about(row, working=self._working) if row is not None else "")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is out can be called off, by an author."""
        if action != "call_off":
            return True
        row = self.table.current if self.is_mounted else None
        able = row is not None and row.view.state in OUT and row.view.unwanted_at is None
        return True if able and self.allowed("submissions", action) else None

    def action_call_off(self) -> None:
        """Calls one off, after asking."""
        row = self.table.current
        if row is not None:
            self.app.push_screen(CallOff(row), partial(self._asked, row))

    def _asked(self, row: SubmissionRow, sure: bool | None) -> None:
        if sure:
            self.write(partial(self._call_off, row), name="call off")

    async def _call_off(self, row: SubmissionRow) -> None:
        from traintui.data import submission_views

        await submission_views.call_off(self.db, row.view.id)
        self.said.update(Content.assemble(("✕ ", "$warning"), "It is called off as soon as a worker looks."))
        self.action_look()

    def work_failed(self, name: str, error: BaseException) -> None:
        """Answers in place of the rows while there are none, else below them."""
        answer = self.app.answer(error)
        if self.table.rows:
            self.said.update(failure(answer, gap=" ", mild=answer is error))
        else:
            self.notice.fail(answer, "r reads again.")


class CallOff(BaseDialog[bool]):
    """What calling one off means, and one key that does it."""

    PLACES = ("calling_off",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("calling_off")
    CSS_PATH = "dialogs.tcss"

    def __init__(self, row: SubmissionRow) -> None:
        super().__init__(classes="sheet")
        self._view = row.view

    def compose(self) -> ComposeResult:
        """The question, and what becomes of its requests."""
        view = self._view
        again = (
            "goes back into the queue and into another submission; to have it wait, pause the batch instead (p)"
            if view.batch_state == "running"
            else "goes back into the queue of its batch"
        )
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(
                ("✕ ", "$error"), f"Call off {text.plural(view.requests, 'request')} of ",
                text.shown(view.batch, single_line=True, limit=50), "?",
            )  # fmt: skip
            yield Static(f"What the provider has written by then is kept and paid for. What it has not begun {again}.")
        yield KeyBar()

    def action_end(self) -> None:
        """Calls it off."""
        self.dismiss(True)
