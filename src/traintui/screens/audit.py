"""Audit."""

from __future__ import annotations

from textual.app import ComposeResult

from traintui.screens.base import BaseScreen
from traintui.widgets.notice import Notice


class AuditScreen(BaseScreen):
    """Audit."""

    PLACES = ("audit",)

    def compose_body(self) -> ComposeResult:
        """Nothing yet."""
        yield Notice("empty", "Audit", "This screen is not here yet.", "1 goes to the conversations.")
