"""Performance."""

from __future__ import annotations

from textual.app import ComposeResult

from traintui.screens.base import BaseScreen
from traintui.widgets.notice import Notice


class PerformanceScreen(BaseScreen):
    """Performance."""

    PLACES = ("performance",)

    def compose_body(self) -> ComposeResult:
        """Nothing yet."""
        yield Notice("empty", "Performance", "This screen is not here yet.", "1 goes to the conversations.")
