"""Lines to scroll through: what is known about a row, however long it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from traintui import commands

MARGIN = 2
"""Cells left and right of the text."""
HANG = 2
"""Cells by which the rest of a wrapped line is indented further than its beginning."""


class DetailView(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines, wrapped below their own indent and drawn as they come into view."""

    DEFAULT_CSS = """
    DetailView {
        height: 1fr; width: 1fr; background: $surface; color: $foreground;
        overflow-x: hidden; scrollbar-size-vertical: 1;
        scrollbar-background: $surface; scrollbar-background-hover: $surface; scrollbar-background-active: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("detail")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[Content, ...] = ()
        self._wrapped: list[Content] = []
        self._width = 0
        self.key: object = None
        """What is shown."""

    def show(self, lines: Iterable[Content], *, key: object) -> None:
        """Shows other lines, from their beginning; those of the same key from where they were scrolled to."""
        self._lines = tuple(lines)
        top = self.scroll_offset.y if key == self.key else 0
        self.key = key
        self._wrap()
        self.scroll_to(y=top, animate=False)

    @property
    def plain(self) -> str:
        """The text of all lines."""
        return "\n".join(line.plain for line in self._lines)

    def _wrap(self) -> None:
        self._width = max(16, self.size.width - 2 * MARGIN)
        self._wrapped = [part for line in self._lines for part in wrapped(line, self._width)]
        self.virtual_size = Size(self.size.width, len(self._wrapped) + 1)
        self.refresh()

    def on_resize(self, event: Resize) -> None:
        """Another width wraps anew."""
        if self._width != max(16, self.size.width - 2 * MARGIN):
            self._wrap()

    def render_line(self, y: int) -> Strip:
        """A line of the view."""
        number, width = self.scroll_offset.y + y, self.size.width
        if number >= len(self._wrapped):
            return Strip.blank(width, self.rich_style)
        line = self._wrapped[number].pad_left(MARGIN).truncate(width, pad=True)
        return Strip(line.render_segments(self.visual_style), width)

    def bring(self, line: int) -> None:
        """Scrolls as far as it takes to have a line, and what follows it, in view."""
        before = sum(len(wrapped(each, self._width)) for each in self._lines[:line])
        if not self.scroll_offset.y <= before < self.scroll_offset.y + self.size.height - 4:
            self.scroll_to(y=max(0, before - 1), animate=False)

    def action_line(self, lines: int) -> None:
        """Scrolls by lines."""
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Scrolls by pages."""
        self.action_line(pages * max(1, self.size.height - 2))

    def action_edge(self, end: int) -> None:
        """Scrolls to the first line (0) or the last (1)."""
        self.scroll_to(y=end * len(self._wrapped), animate=False)


def wrapped(line: Content, width: int) -> list[Content]:
    """A line as lines of a width, the rest below its own indent."""
    if line.cell_length <= width:
        return [line]
    indent = min(len(line.plain) - len(line.plain.lstrip(" ")), width // 2)
    first, *rest = line[indent:].wrap(width - indent - HANG)
    return [first.pad_left(indent), *(part.pad_left(indent + HANG) for part in rest)]
