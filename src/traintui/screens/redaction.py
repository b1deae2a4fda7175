"""What is taken out of the logs before they are stored: kinds, on or off."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands
from traintui.audit.kinds import KINDS, Kind
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import Notice, failure
from traintui.widgets.row_table import Column, RowTable


@dataclass(frozen=True, slots=True)
class Row:
    """A kind, and whether it is taken out."""

    kind: Kind
    on: bool

    @property
    def name(self) -> str:
        """Its name in settings and counts."""
        return self.kind.name


def _state(row: Row) -> Content:
    if row.kind.always:
        return Content.styled("✓ always", "$muted")
    return Content.styled("✓ on", "bold $success") if row.on else Content.styled("○ off", "bold $warning")


COLUMNS: tuple[Column[Row], ...] = (
    Column("", 9, _state),
    Column("Kind", 18, lambda row: Content.styled(row.kind.title, "" if row.on else "$muted")),
    Column("What is recognised", 0, lambda row: Content.styled(row.kind.recognised, "$muted"), from_width=100),
)


class RedactionDialog(BaseDialog[None]):
    """The kinds, and below them what the one under the cursor takes out. Administrators switch them, others read."""

    PLACES = ("redaction", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("redaction")
    CSS_PATH = "redaction.tcss"
    AUTO_FOCUS = "#kinds"

    table: getters.query_one[RowTable[Row]] = getters.query_one("#kinds", RowTable)
    notice = getters.query_one(Notice)
    about = getters.query_one("#about", Static)
    said = getters.query_one("#said", Static)

    def compose(self) -> ComposeResult:
        """Table, one kind, and what was done."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "What is taken out of the logs"
            panel.border_subtitle = "of calls, errors and notes, before they are stored"
            yield RowTable(COLUMNS, key=lambda row: row.name, opens="", id="kinds")
            yield Notice("loading", "Reading what is taken out")
            yield Static(id="about")
            yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads them."""
        self.set_class(True, "-nothing")
        if not self.allowed("redaction", "switch"):
            self._say(Content.assemble(("○ ", "$accent"), "Read only: administrators say what is taken out."))
        self.read(self._read, name="kinds")

    async def _read(self) -> None:
        from traintui.audit import kinds

        on = await kinds.read(self.db)
        self.set_class(False, "-nothing")
        self.table.show(tuple(Row(kind, kind.name in on) for kind in KINDS))
        self._show_about()
        self.refresh_bindings()

    @on(RowTable.Moved)
    def _show_about(self) -> None:
        row = self.table.current
        if row is None:
            self.about.update("")
            return
        if row.kind.always:
            then = "Secrets and cards are never stored in a log, so this cannot be switched off."
        elif row.on:
            then = "A token stands in its place, the same one for the same thing in one record."
        else:
            then = (
                "Stored as it is. Once it is on, it is taken out of what is stored from then on; what is there stays."
            )
        self.about.update(Content.assemble((row.kind.title, "bold"), "\n", row.kind.recognised, "\n", (then, "$muted")))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What changes something needs an administrator; some kinds are always on."""
        if action != "switch":
            return True
        if not self.is_mounted or not self.allowed("redaction", action):
            return None
        row = self.table.current
        return True if row is not None and not row.kind.always else None

    def action_switch(self) -> None:
        """Switches the kind under the cursor on or off, for everybody."""
        row = self.table.current
        if row is not None:
            self.write(partial(self._switch, row), name="switch")

    async def _switch(self, row: Row) -> None:
        from traintui.audit import kinds
        from traintui.audit.rules import follow_workspace

        await kinds.change(self.db, row.name, on=not row.on)
        await follow_workspace(self.db)
        became = "stored as they are" if row.on else "taken out"
        self._say(
            Content.assemble(("● ", "$success"), f"{row.kind.title} are {became}, in what is logged from now on.")
        )
        self.read(self._read, name="kinds")

    def _say(self, said: Content) -> None:
        self.said.update(said)

    def work_failed(self, name: str, error: BaseException) -> None:
        """Says below the table what went wrong, or in its place when there is none."""
        answer = self.app.answer(error)
        if name == "kinds" and self.has_class("-nothing"):
            self.notice.fail(answer)
            return
        self._say(failure(answer))

    def action_back(self) -> None:
        """Closes it."""
        self.dismiss(None)
