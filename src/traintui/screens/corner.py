"""Sheets that are answered while one reads: over the facts at the right, or, on a narrow screen, clear of the turn."""

from __future__ import annotations

from typing import TypeVar

from traintui.screens.base import BaseDialog
from traintui.widgets.transcript import Transcript

Result = TypeVar("Result")


class CornerSheet(BaseDialog[Result]):
    """Where it would lie over the current turn, at the lower edge of a narrow screen, it stands at the upper one."""

    CSS_PATH = "dialogs.tcss"

    def __init__(self) -> None:
        super().__init__(classes="sheet corner")

    def on_mount(self) -> None:
        """Looks where the turn is."""
        below = self.app.screen_stack[-2]
        for transcript in below.query(Transcript):
            turn = transcript.place_of(transcript.turn)
            self.set_class(transcript.display and turn.y + turn.height // 2 > below.size.height // 2, "-above")
