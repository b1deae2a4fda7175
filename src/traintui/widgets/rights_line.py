"""How much of what could be shown is shown, and what would change that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from traintui import text

if TYPE_CHECKING:
    from traintui.errors import TraintuiError
    from traintui.observing.panels import Panel

GLYPHS = {"full": ("●", "$success"), "reduced": ("○", "$warning"), "unavailable": ("!", "$error")}


class RightsLine(Static):
    """One line where all is shown, else as many as it takes to say what is not."""

    DEFAULT_CSS = """
    RightsLine { width: 1fr; height: auto; max-height: 4; padding: 0 1; background: $background; }
    """

    def show(self, panel: Panel) -> None:
        """Says how much of a panel is shown."""
        glyph, colour = GLYPHS[panel.level]
        why = f"{panel.why[:1].upper()}{panel.why[1:]}. " if panel.why else "Nothing here is kept from you."
        said = Content.assemble((f"{glyph} ", colour), (panel.level, "bold"), "  ")
        self.update(said + text.shown(why, limit=400, style="$muted") + text.shown(panel.change, limit=300))

    def fail(self, answer: TraintuiError) -> None:
        """Says why it cannot be told."""
        glyph, colour = GLYPHS["unavailable"]
        said = f"{answer.title}: {answer.message}"
        self.update(
            Content.assemble(
                (f"{glyph} ", colour), ("unavailable", "bold"), "  ", text.shown(said, limit=300, style="$muted")
            )
        )
