"""What is drawn line by line and scrolls: how many lines there are changes nothing around it."""

from __future__ import annotations

from typing import Any

from textual._styles_cache import StylesCache
from textual.geometry import Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip


class PlainLines(StylesCache):
    """Keeps lines as they are drawn where nothing stands around them. What Textual looks up for each line (border,
    outline, tint, opacity, hatch) costs as much as all the rest, and a line has none of it."""

    def render_line(self, *args: Any) -> Strip:
        """A line with what its widget has around it."""
        _, y, size, content_size, _, base, background, content_line, *_ = args
        if size != content_size:
            return super().render_line(*args)
        ground, _ = self.get_inner_outer(base, background)
        line: Strip = content_line(y)
        return line.adjust_cell_length(size.width, ground.rich_style)


class LineView(ScrollView):
    """A scroll view whose length may change with every key: only its scrollbar follows, and the screen is arranged
    anew only when a scrollbar comes or goes."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0), repaint=False)
    """Whoever has other lines draws them, perhaps later; their number alone draws nothing."""
    _fitted: tuple[Size, Size] | None = None

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._styles_cache = PlainLines()

    def watch_virtual_size(self) -> None:
        """The scrollbar follows, and what is in view stays within the lines that there are."""
        self._fit_scrollbars()

    def _fit_scrollbars(self) -> None:
        room, size = self.scrollable_content_region, self.virtual_size
        across = self.styles.overflow_x == "auto" and size.width > room.width
        if (size.height > room.height, across) != (self.show_vertical_scrollbar, self.show_horizontal_scrollbar):
            self.refresh(layout=True)
            return
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = size.height
        if self.show_horizontal_scrollbar:
            self.horizontal_scrollbar.window_virtual_size = size.width
        if self.scroll_y > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)

    def _scroll_update(self, virtual_size: Size) -> None:
        """Draws the scrollbars anew only for another length or another size: whatever else was arranged anew, they cost
        as much as all the lines."""
        if self._fitted != (virtual_size, self.container_size):
            self._fitted = (virtual_size, self.container_size)
            super()._scroll_update(virtual_size)
