"""How long rows of the logs are kept, what falls due of them and when, and whether that goes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import clock, commands
from traintui.screens.base import BaseDialog
from traintui.screens.retention_form import RetentionForm
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import Notice, failure
from traintui.widgets.retention_words import (
    AUTOMATIC,
    LOGS,
    WHO,
    days_in_words,
    default_in_words,
    outlook_in_words,
    removed_in_words,
    round_in_words,
)
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.data.retention import RetiredLog
    from traintui.data.retention_outlook import KeptWeek
    from traintui.data.retention_rounds import Rounds

Name = Literal["generation_logs", "export_logs", "review_logs", "automatic"]


@dataclass(frozen=True, slots=True)
class Row:
    """A log with the days that it is kept, None for good; or whether what is due is removed without a command."""

    name: Name
    days: int | None = None
    on: bool = False

    @property
    def title(self) -> str:
        """What it is called."""
        return AUTOMATIC if self.name == "automatic" else LOGS[self.name].capitalize()


def _value(row: Row) -> Content:
    if row.name == "automatic":
        return Content.styled("✓ on", "bold $success") if row.on else Content.styled("○ off", "bold $warning")
    return Content.styled(days_in_words(row.days), "$muted" if row.name == "review_logs" else "bold $accent")


COLUMNS: tuple[Column[Row], ...] = (
    Column("What", 22, lambda row: Content(row.title)),
    Column("Kept", 12, _value),
    Column("", 0, lambda row: Content.styled(WHO[row.name], "$muted"), from_width=76),
)


class RetentionDialog(BaseDialog[None]):
    """The logs, and below them what falls due of the one under the cursor. Administrators change it, others read."""

    PLACES = ("retention", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("retention")
    CSS_PATH = "retention.tcss"
    AUTO_FOCUS = "#kept"

    table: getters.query_one[RowTable[Row]] = getters.query_one("#kept", RowTable)
    notice = getters.query_one(Notice)
    about = getters.query_one("#about", Static)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self._weeks: Sequence[KeptWeek] | None = None
        """The weeks that the logs have; None until they are counted."""
        self._rounds: Rounds | None = None

    def compose(self) -> ComposeResult:
        """Table, one row, and what was done."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "What is kept, and for how long"
            panel.border_subtitle = "then it leaves the log for the archive"
            yield RowTable(COLUMNS, key=lambda row: row.name, opens="", id="kept")
            yield Notice("loading", "Reading what is kept")
            yield Static(id="about")
            yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads them, and counts what the logs have beside that."""
        self.set_class(True, "-nothing")
        if not self.allowed("retention", "edit"):
            self._say(Content.assemble(("○ ", "$accent"), "Read only: administrators say how long rows are kept."))
        self.read(self._read, name="kept")
        self.read(self._count, name="weeks")

    async def _read(self) -> None:
        from traintui.data import retention, retention_rounds

        kept = await retention.read(self.db)
        removes = await retention_rounds.removes(self.db)
        self._rounds = await retention_rounds.read(self.db)
        self.set_class(False, "-nothing")
        self.table.show((
            Row("generation_logs", kept.generations_days), Row("export_logs", kept.exports_days), Row("review_logs"),
            Row("automatic", on=removes),
        ))  # fmt: skip
        self._show_about()
        self.refresh_bindings()

    async def _count(self) -> None:
        from traintui.data.retention_outlook import kept_weeks

        self._weeks = await kept_weeks(self.db)
        self._show_about()

    @on(RowTable.Moved)
    def _show_about(self) -> None:
        row = self.table.current
        if row is None:
            return
        if row.name == "automatic":
            self.about.update(round_in_words(row.on, self._rounds))
            return
        if row.name == "review_logs":
            self.about.update("Never removed: decisions, edits and all else that people did are kept for good.")
            return
        said = Content.styled("◌ counting", "$muted")
        if self._weeks is not None:
            said = outlook_in_words(self._weeks, row.name, row.days, clock.now())
        removes = any(each.on for each in self.table.rows)
        parts = [
            Content(removed_in_words(row.name)),
            said,
            Content.styled(default_in_words(row.name), "$muted"),
            round_in_words(removes, self._rounds),
        ]
        self.about.update(Content("\n").join(parts))

    @on(RowTable.Opened)
    def _opened(self) -> None:
        if self.check_action("edit", ()):
            self.action_edit()
        elif self.check_action("switch", ()):
            self.action_switch()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What changes something needs an administrator, and a row that it can be done to."""
        if action not in {"edit", "switch"}:
            return True
        if not self.is_mounted or not self.allowed("retention", action):
            return None
        row = self.table.current
        if row is None or row.name == "review_logs":
            return None
        return True if (row.name == "automatic") == (action == "switch") else None

    def action_edit(self) -> None:
        """Asks for another number of days."""
        row = self.table.current
        if row is not None and row.name in ("generation_logs", "export_logs"):
            form = RetentionForm(row.name, row.days, self._weeks)
            self.app.push_screen(form, partial(self._changed, row.name))

    def _changed(self, log: RetiredLog, stored: bool | None) -> None:
        if stored:
            self._say(Content.assemble(("● ", "$success"), f"Stored for everybody, for {LOGS[log]}; it is on record."))
            self.read(self._read, name="kept")

    def action_switch(self) -> None:
        """Removes what is due once a day without a command, or no longer, for everybody."""
        row = self.table.current
        if row is not None and row.name == "automatic":
            self.write(partial(self._switch, row), name="switch")

    async def _switch(self, row: Row) -> None:
        from traintui.data import retention_rounds

        await retention_rounds.set_removes(self.db, not row.on)
        became = "is archived, and stays until traintui audit retire" if row.on else "is archived and removed by itself"
        self._say(Content.assemble(("● ", "$success"), f"What is due {became}; the change is on record."))
        self.read(self._read, name="kept")

    def _say(self, said: Content) -> None:
        self.said.update(said)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Says below the table what went wrong, or in its place when there is none."""
        answer = self.app.answer(error)
        if name == "kept" and self.has_class("-nothing"):
            self.notice.fail(answer)
            return
        self._say(failure(answer))

    def action_back(self) -> None:
        """Closes it."""
        self.dismiss(None)
