"""A table whose columns may be wider than the view, can be replaced, and say by which of them the rows are sorted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from textual.content import Content
from textual.events import MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.strip import Strip

from traintui.widgets import columns as drawing
from traintui.widgets.columns import GAP, Column
from traintui.widgets.line_table import LineTable

RowT = TypeVar("RowT")


class WideTable(LineTable[RowT], Generic[RowT]):
    """The edge stays where it is; heading and rows go sideways together, a column at a time."""

    EDGE: ClassVar[int] = 3

    @dataclass
    class SortRequested(Message):
        """Somebody clicked the title of a column that can be sorted by."""

        table: WideTable[Any]
        column_name: str

        @property
        def control(self) -> WideTable[Any]:
            """The table."""
            return self.table

    def __init__(self, columns: Sequence[Column[RowT]], *, id: str | None = None) -> None:
        super().__init__(columns, id=id)
        self._sorted: tuple[str, bool] | None = None

    def set_columns(self, columns: Sequence[Column[RowT]]) -> None:
        """Shows other columns, or the same in another order or width."""
        self._columns = tuple(columns)
        self._measure()
        self.scroll_to(x=self.scroll_offset.x, animate=False, force=True)
        self.redraw()

    def set_sort(self, column_name: str | None, descending: bool = False) -> None:
        """Marks the column that the rows are sorted by; None marks none."""
        self._sorted = None if column_name is None else (column_name, descending)
        self._draw_lines_again()

    def _extent(self) -> int:
        return max(self._width, self.EDGE + drawing.extent(self._laid()) - GAP)

    def _title(self, column: Column[RowT], cells: int) -> Content:
        if self._sorted is None or not column.name or column.name != self._sorted[0]:
            return super()._title(column, cells)
        mark = Content.styled("▼" if self._sorted[1] else "▲", "$accent")
        title = Content(column.title).truncate(cells, ellipsis=True)
        if column.right:
            return Content("").join([title.pad_left(cells - title.cell_length), mark]).truncate(cells + GAP, pad=True)
        between = " " if title.cell_length + 2 <= cells + 1 else ""
        return Content("").join([title, Content(between), mark]).truncate(cells + GAP, pad=True)

    def _heading(self, width: int) -> Strip:
        """The titles; a sign on either side says that there are more columns."""
        strip = super()._heading(width)
        look = self.get_visual_style("table--heading").rich_style
        left, right = self.scroll_offset.x > 0, self.scroll_offset.x < self.max_scroll_x
        if left:
            strip = Strip.join([Strip([Segment("◂", look)]), strip.crop(1)])
        if right:
            strip = Strip.join([strip.crop(0, width - 1), Strip([Segment("▸", look)])])
        return strip

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """What is in view of each line is another part."""
        super().watch_scroll_x(old_value, new_value)
        self._draw_lines_again()

    def action_sideways(self, columns: int) -> None:
        """Shows what is further right, or with a negative number further left, to the beginning of a column."""
        starts = [0]
        for _, cells in self._laid():
            starts.append(starts[-1] + cells + GAP)
        here = self.scroll_offset.x
        further = [start for start in starts if (start > here if columns > 0 else start < here)]
        if further:
            self.scroll_to(x=further[0] if columns > 0 else further[-1], animate=False, force=True)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel with `shift` goes sideways."""
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel with `shift` goes sideways."""
        self._wheel(event, -1)

    def _wheel(self, event: MouseScrollDown | MouseScrollUp, columns: int) -> None:
        if event.shift:
            event.prevent_default().stop()
            self.action_sideways(columns)

    def _title_clicked(self, column: Column[RowT] | None) -> None:
        if column is not None and column.name:
            self.post_message(self.SortRequested(self, column.name))
