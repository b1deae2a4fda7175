"""A box to tick."""

from __future__ import annotations

from textual.widgets import Checkbox


class Tick(Checkbox):
    """A checkbox that is empty when it is off."""

    BUTTON_LEFT = "▐"
    BUTTON_INNER = "✓"
    BUTTON_RIGHT = "▌"
