"""The colours of vocabulary values: a shade of each name for both themes, and the chip that shows it."""

from __future__ import annotations

from textual.content import Content

from traintui.data.records import COLOURS

DARK: dict[str, str] = {
    "value-red": "#e07a74",
    "value-orange": "#dc9460",
    "value-yellow": "#d8c46a",
    "value-green": "#7fbf7f",
    "value-teal": "#55bdb0",
    "value-blue": "#6f9fdc",
    "value-purple": "#b08ad6",
    "value-grey": "#87929e",
}
LIGHT: dict[str, str] = {
    "value-red": "#b3342d",
    "value-orange": "#b85c14",
    "value-yellow": "#a08500",
    "value-green": "#2c7434",
    "value-teal": "#0b7a70",
    "value-blue": "#2a5fae",
    "value-purple": "#7444a8",
    "value-grey": "#666e75",
}


def chip(colour: str | None) -> Content:
    """A colour as two cells; a faint frame where a value has none."""
    if colour in COLOURS:
        return Content.styled("■ ", f"$value-{colour}")
    return Content.styled("■ ", colour) if colour else Content.styled("□ ", "$faint")
