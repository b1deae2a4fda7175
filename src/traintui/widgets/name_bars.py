"""Bars beside names: who did most, to be looked at rather than read."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget

from traintui import text
from traintui.widgets.day_bars import titled

LINES = 5
"""Names that are shown."""
NAME = 12
"""Cells of a name."""
SHORTEST = 6
"""Cells of a bar that says something; where a remark leaves it fewer, there is no remark."""


class NameBars(Widget):
    """A title, and below it names with a bar, a number, and a remark."""

    DEFAULT_CSS = """
    NameBars { height: 6; width: 1fr; padding: 0 1; background: $surface; color: $foreground; }
    """
    ALLOW_SELECT = False

    def __init__(self, title: str, colour: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._colour = colour
        self._rows: Sequence[tuple[str, int, str]] = ()

    def show(self, rows: Sequence[tuple[str, int, str]]) -> None:
        """Shows other names, each with its number and a remark; the names are stored text."""
        self._rows = rows
        self.refresh()

    def render(self) -> Content:
        """Six lines."""
        width, shown = self.content_size.width, self._rows[:LINES]
        others = len(self._rows) - LINES
        lines = [titled(self._title, f"and {text.plural(others, 'other')}" if others > 0 else "", width)]
        most = max((number for _, number, _ in shown), default=0)
        figures = max((len(f"{number:,}") for _, number, _ in shown), default=0)
        remarks = max((len(said) for _, _, said in shown), default=0)
        room = width - NAME - figures - 2
        with_remarks = room - remarks - 2 >= SHORTEST
        if with_remarks:
            room -= remarks + 2
        for name, number, said in shown:
            full, empty = text.bar(number, most, max(0, room))
            named = text.shown(name, single_line=True, limit=NAME)
            line = Content.assemble(
                named.pad_right(max(0, NAME - named.cell_length)), " ", (full, self._colour), (empty, "$rule"),
                (f" {number:>{figures},}", "bold"), (f"  {said:>{remarks}}" if with_remarks else "", "$muted"),
            )  # fmt: skip
            lines.append(line.truncate(width))
        return Content("\n").join(lines)
