"""A table of rows that are all in memory: up to a few hundred. The cursor stays on its row when the rows change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.geometry import Size
from textual.strip import Strip

from traintui.widgets.line_table import Column, LineTable, RowT

__all__ = ["Column", "RowTable"]


class RowTable(LineTable[RowT], inherit_bindings=True):
    """Rows of one kind. `key` names a row, so that it is found again in new rows."""

    DEFAULT_CSS = """
    RowTable { overflow-x: hidden; }
    """

    def __init__(
        self, columns: Sequence[Column[RowT]], *, key: Callable[[RowT], object], id: str | None = None
    ) -> None:
        super().__init__(columns, id=id)
        self._key = key
        self._rows: tuple[RowT, ...] = ()
        self._strips: dict[tuple[int, bool], Strip] = {}

    @property
    def rows(self) -> tuple[RowT, ...]:
        """The rows, in order."""
        return self._rows

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def row_at(self, index: int) -> RowT | None:
        """The row at a place; None when there is none."""
        return self._rows[index] if 0 <= index < len(self._rows) else None

    def show(self, rows: Sequence[RowT], *, top: bool = False) -> None:
        """Shows other rows. `top` puts the cursor on top, where it is until somebody moves it; from then on it follows
        its row, or keeps its place where that is gone."""
        before = self.current
        self._stays = self._stays and not top
        top = not self._stays
        self._rows = tuple(rows)
        self._strips.clear()
        place = 0 if top else min(self.cursor, max(0, len(self._rows) - 1))
        if before is not None and not top:
            wanted = self._key(before)
            place = next((index for index, row in enumerate(self._rows) if self._key(row) == wanted), place)
        shift = place - self.cursor
        self.virtual_size = Size(self.line_width, len(self._rows) + 1)
        if shift and not top:
            self.scroll_to(y=self.scroll_offset.y + shift, animate=False, force=True)
        self.set_reactive(RowTable.cursor, place)
        self.keep_in_view()
        self.refresh()
        if self.current != before:
            self.post_message(self.Moved(self, self.current))

    def forget_strips(self) -> None:
        """Nothing that was drawn before is used again."""
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """A line of the view: the heading, a row, or nothing."""
        index = self.scroll_offset.y + y - 1
        if y == 0:
            return self._heading()
        if index >= len(self._rows):
            return Strip.blank(self.view_width, self.rich_style)
        on_cursor = index == self.cursor
        strip = self._strips.get((index, on_cursor))
        if strip is None:
            edge, classes = self.edge_of(on_cursor=on_cursor), self.classes_of(on_cursor=on_cursor)
            strip = self._strips[index, on_cursor] = self._line(self._rows[index], edge, classes)
        return strip
