"""Closing the app while something that was pressed is not saved yet."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.outbox.outcomes import Standing
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar


class LeavingUnsent(BaseDialog[bool]):
    """What waits, what becomes of it, and whether to leave."""

    PLACES = ("leaving",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("leaving")
    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = ""

    def __init__(self, standing: Standing) -> None:
        super().__init__(classes="sheet")
        self._standing = standing

    def compose(self) -> ComposeResult:
        """How many, why, and what leaving means for them."""
        standing = self._standing
        number = text.plural(standing.number, "press", "presses")
        meaning = (
            Content.styled(f"This machine cannot keep them ({standing.unkept}): if you leave, they are lost.", "$error")
            if standing.unkept
            else Content("They are kept on this machine. The next start here sends them, in order and each once.")
        )
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(("! ", "$error"), f"{number} not saved yet")
            yield Static(text.shown(standing.why, single_line=True, limit=200))
            yield Static(meaning)
        yield KeyBar()

    def action_leave(self) -> None:
        """Leaves; they wait for the next start."""
        self.dismiss(True)
