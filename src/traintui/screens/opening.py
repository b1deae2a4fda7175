"""The answer when the workspace does not open."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.errors import TraintuiError, sentence
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar


class FailedToOpen(BaseDialog[bool]):
    """What happened, what it means, what to do; answers whether to try again."""

    PLACES = ("opening",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("opening")

    def __init__(self, error: TraintuiError) -> None:
        super().__init__()
        self.error = error

    def compose(self) -> ComposeResult:
        """A panel, and the two keys that work."""
        with Vertical(classes="dialog -failed") as panel:
            panel.border_title = Content.assemble("! ", text.shown(self.error.title, single_line=True))
            yield Static(text.shown(sentence(self.error.message), limit=1_200))
            yield Static("")
            yield Static(text.shown(self.error.remedy, limit=1_200, style="$muted"))
        yield KeyBar()

    def action_retry(self) -> None:
        """Opens it again."""
        self.dismiss(True)
