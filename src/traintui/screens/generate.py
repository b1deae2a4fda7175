"""Generate."""

from __future__ import annotations

from textual.app import ComposeResult

from traintui.screens.base import BaseScreen
from traintui.widgets.notice import Notice


class GenerateScreen(BaseScreen):
    """Generate."""

    PLACES = ("generate",)

    def compose_body(self) -> ComposeResult:
        """Nothing yet."""
        yield Notice("empty", "Generate", "This screen is not here yet.", "1 goes to the conversations.")
