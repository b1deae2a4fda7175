"""What is taken out of the logs before they are stored: kinds, on or off."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from traintui import commands
from traintui.audit.kinds import KINDS, Kind
from traintui.screens.settings_dialog import SettingsDialog
from traintui.widgets.row_table import Column


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


class RedactionDialog(SettingsDialog[Row]):
    """The kinds, and below them what the one under the cursor takes out."""

    PLACES = ("redaction", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("redaction")
    CSS_PATH = ["settings_dialog.tcss", "redaction.tcss"]  # noqa: RUF012
    TITLED = "What is taken out of the logs", "of calls, errors and notes, before they are stored"
    READING = "Reading what is taken out"
    READ_ONLY = "Read only: administrators say what is taken out."
    CHANGES = ("switch",)
    COLUMNS = COLUMNS

    async def read_rows(self) -> None:
        """Reads which are on."""
        from traintui.audit import kinds

        on = await kinds.read(self.db)
        self.show(tuple(Row(kind, kind.name in on) for kind in KINDS))

    def key_of(self, row: Row) -> object:
        """Its name."""
        return row.name

    def about_of(self, row: Row) -> Content:
        """What a kind takes out, and since when."""
        if row.kind.always:
            then = "Secrets and cards are never stored in a log, so this cannot be switched off."
        elif row.on:
            then = "A token stands in its place, the same one for the same thing in one record."
        else:
            then = (
                "Stored as it is. Once it is on, it is taken out of what is stored from then on; what is there stays."
            )
        return Content.assemble((row.kind.title, "bold"), "\n", row.kind.recognised, "\n", (then, "$muted"))

    def rests(self, action: str, row: Row | None) -> bool:
        """Some kinds are always on."""
        return row is None or row.kind.always

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
        self.say(Content.assemble(("● ", "$success"), f"{row.kind.title} are {became}, in what is logged from now on."))
        self.action_look()
