"""Boxes to tick, alone and in a list: a sign when ticked, blank when not."""

from __future__ import annotations

from typing import TypeVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import Checkbox, SelectionList

ValueT = TypeVar("ValueT")

TICKED = "✓"
BLANK = " "


class Tick(Checkbox):
    """A checkbox that is empty when it is off."""

    BUTTON_INNER = BLANK

    def watch_value(self) -> None:
        """Ticks the box, or empties it."""
        self.BUTTON_INNER = TICKED if self.value else BLANK
        super().watch_value()


class Ticks(SelectionList[ValueT]):
    """A list whose boxes look like `Tick`."""

    DEFAULT_CSS = """
    Ticks {
        & > .selection-list--button, & > .selection-list--button-highlighted,
        &:focus > .selection-list--button-highlighted { color: $accent; background: $background; }
        & > .selection-list--button-selected, & > .selection-list--button-selected-highlighted,
        &:focus > .selection-list--button-selected-highlighted { color: $accent; background: $background; }
    }
    """

    def render_line(self, y: int) -> Strip:
        """The line of the list, with the sign of a tick in its box."""
        segments = list(super().render_line(y))
        index = self.scroll_offset.y + y
        if index >= self.option_count or len(segments) < 2:
            return Strip(segments)
        ticked = self.get_option_at_index(index).value in self.selected
        segments[1] = Segment(TICKED if ticked else BLANK, segments[1].style)
        return Strip(segments)
