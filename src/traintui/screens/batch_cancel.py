"""Whether a batch is really to be ended."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data.records import BatchProgress
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar


class CancelBatch(BaseDialog[bool]):
    """What ending a batch means, and one key that does it."""

    PLACES = ("cancelling",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("cancelling")
    CSS_PATH = "dialogs.tcss"

    def __init__(self, batch: BatchProgress) -> None:
        super().__init__(classes="sheet")
        self._batch = batch

    def compose(self) -> ComposeResult:
        """The question, and what becomes of each part."""
        batch = self._batch
        kept = f"{text.plural(batch.done, 'conversation')} of it {'is' if batch.done == 1 else 'are'} kept"
        under_way = f"; {text.plural(batch.running, 'call')} under way may still finish" if batch.running else ""
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(
                ("✕ ", "$error"), "End ", text.shown(batch.name, single_line=True, limit=50),
                f" at {batch.done:,} of {batch.total:,}?",
            )  # fmt: skip
            yield Static(
                Content.assemble(
                    f"{kept}{under_way}. {text.plural(batch.queued, 'planned one')} will not be written, and count as"
                    " failed; r plans them anew. ",
                    ("p only pauses it.", "bold"),
                )
            )
        yield KeyBar()

    def action_end(self) -> None:
        """Ends it."""
        self.dismiss(True)
