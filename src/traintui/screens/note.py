"""A note that goes with the next decision."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import TextArea

from traintui import commands
from traintui.errors import TraintuiError
from traintui.screens.corner import CornerSheet
from traintui.widgets.keybar import KeyBar
from traintui.widgets.text_editor import TextEditor

LONGEST = 500
"""Characters that the review log keeps of a note."""
MOST = 5_000
"""Characters that can be pasted, so that one can shorten them here."""


class NoteDialog(CornerSheet[str]):
    """A few lines of text over the lower edge, counted; answers the text, or None when it stays as it was."""

    PLACES = ("note",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("note")

    field = getters.query_one(TextEditor)
    panel = getters.query_one(".dialog", Vertical)

    def __init__(self, note: str) -> None:
        super().__init__()
        self._note = note

    def compose(self) -> ComposeResult:
        """The field; how long the text is stands on the frame."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Note for the decision"
            yield TextEditor(soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Goes on where the note ended."""
        self.field.longest = MOST
        self.field.load(self._note)
        self.field.move_cursor(self.field.document.end)
        self._count()
        self.read(self._follow, name="redaction")

    async def _follow(self) -> None:
        """What is to be taken out of a note is known by the time that it is written."""
        from traintui.audit.rules import follow_workspace

        with suppress(TraintuiError):  # a database that is away leaves what was known, which is all of it at first
            await follow_workspace(self.db)

    @on(TextArea.Changed)
    def _count(self) -> None:
        length = len(self.field.written)
        counted = f"{length} of {LONGEST} characters"
        self.panel.border_subtitle = (
            Content.styled(f"{counted}: too long to keep by {length - LONGEST}", "bold $error")
            if length > LONGEST
            else Content.styled(counted, "$muted")
        )

    @on(TextEditor.TooLong)
    def _too_long(self, event: TextEditor.TooLong) -> None:
        self.panel.border_subtitle = Content.styled(
            f"nothing was pasted: {event.characters:,} characters, and a note has {LONGEST}", "bold $error"
        )
        self.app.bell()

    def action_line(self) -> None:
        """Begins another line."""
        self.field.replace("\n", *self.field.selection, maintain_selection_offset=False)

    def action_save(self) -> None:
        """Keeps the note, unless it is too long."""
        written = self.field.written
        if len(written) <= LONGEST:
            self.dismiss(written.strip())
        else:
            self.app.bell()
