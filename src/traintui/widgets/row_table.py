"""A table drawn by lines: only what is visible is drawn, the cursor stays on its row when the rows change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from traintui import commands

RowT = TypeVar("RowT")
SomeRow = TypeVar("SomeRow")

GAP = 2
"""Cells between columns."""
EDGE = 1
"""Cells left of the first column, in which the cursor has its mark."""


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """A column: `width` in cells, 0 for what the others leave; shown when the table is at least `from_width` wide."""

    title: str
    width: int
    cell: Callable[[RowT], Content]
    right: bool = False
    from_width: int = 0


class RowTable(ScrollView, Generic[RowT], can_focus=True, inherit_bindings=False):
    """Rows of one kind under a heading that stays. `key` names a row, so that it is found again in new rows."""

    DEFAULT_CSS = """
    RowTable {
        height: 1fr; background: $background; color: $foreground; overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        & > .table--heading { color: $muted; background: $background; text-style: bold; }
        & > .table--cursor { background: $cursor; }
        & > .table--blurred { background: $cursor-blurred; }
    }
    """
    COMPONENT_CLASSES = {"table--heading", "table--cursor", "table--blurred"}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("table")

    cursor: reactive[int] = reactive(0, repaint=False, init=False)

    @dataclass
    class Moved(Message, Generic[SomeRow]):
        """The cursor is on another row, or the row under it is another; None when there are no rows."""

        table: RowTable[SomeRow]
        row: SomeRow | None

        @property
        def control(self) -> RowTable[SomeRow]:
            """The table."""
            return self.table

    @dataclass
    class Opened(Message, Generic[SomeRow]):
        """Somebody asked for a row: `enter`, or a click on the row under the cursor."""

        table: RowTable[SomeRow]
        row: SomeRow

        @property
        def control(self) -> RowTable[SomeRow]:
            """The table."""
            return self.table

    def __init__(
        self, columns: Sequence[Column[RowT]], *, key: Callable[[RowT], object], id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._key = key
        self._rows: tuple[RowT, ...] = ()
        self._strips: dict[tuple[int, bool], Strip] = {}
        self._stays = False

    # Rows

    @property
    def rows(self) -> tuple[RowT, ...]:
        """The rows, in order."""
        return self._rows

    @property
    def current(self) -> RowT | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

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
        self.virtual_size = Size(self._width, len(self._rows) + 1)
        if shift and not top:
            self.scroll_to(y=self.scroll_offset.y + shift, animate=False, force=True)
        self.set_reactive(RowTable.cursor, place)
        self._keep_in_view()
        self.refresh()
        if self.current != before:
            self.post_message(self.Moved(self, self.current))

    def stay(self) -> None:
        """Somebody is busy with the row under the cursor: it is followed from now on."""
        self._stays = True

    def redraw(self) -> None:
        """Draws the same rows again, for what changes with time or labels."""
        self._strips.clear()
        self.refresh()

    # Drawing

    @property
    def _width(self) -> int:
        """Cells of a line; the scrollbar has its own."""
        return self.scrollable_content_region.width

    def _shown(self) -> list[tuple[Column[RowT], int]]:
        """The columns that there is room for, with their widths."""
        width = self._width
        columns = [column for column in self._columns if width >= column.from_width]
        rest = width - EDGE - sum(column.width for column in columns) - GAP * len(columns)
        open_ended = sum(1 for column in columns if not column.width) or 1
        return [(column, column.width or max(8, rest // open_ended)) for column in columns]

    def render_line(self, y: int) -> Strip:
        """A line of the view: the heading, a row, or nothing."""
        width = self._width
        index = self.scroll_offset.y + y - 1
        if y == 0:
            return self._heading(width)
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        on_cursor = index == self.cursor
        strip = self._strips.get((index, on_cursor))
        if strip is None:
            strip = self._strips[index, on_cursor] = self._row(self._rows[index], on_cursor, width)
        return strip

    def _heading(self, width: int) -> Strip:
        style = self.get_visual_style("table--heading")
        line = Content(" " * EDGE)
        for column, cells in self._shown():
            title = Content(column.title)
            line += title.pad_left(max(0, cells - title.cell_length)) if column.right else title
            line = line.truncate(line.cell_length - title.cell_length + cells, pad=True) if not column.right else line
            line += Content(" " * GAP)
        return Strip(line.truncate(width, pad=True).render_segments(style), width)

    def _row(self, row: RowT, on_cursor: bool, width: int) -> Strip:
        names = ["table--cursor" if self.has_focus else "table--blurred"] if on_cursor else []
        style = self.get_visual_style(*names) if names else self.visual_style
        parts: list[Content] = [Content.styled("▌", "$accent") if on_cursor else Content(" ")]
        for column, cells in self._shown():
            cell = column.cell(row)
            if column.right:
                cell = cell.truncate(cells, ellipsis=True)
                parts += [Content(" " * (cells - cell.cell_length)), cell]
            else:
                parts.append(cell.truncate(cells, ellipsis=True, pad=True))
            parts.append(Content(" " * GAP))
        line = Content("").join(parts).truncate(width, pad=True)
        return Strip(line.render_segments(style), width)

    def notify_style_update(self) -> None:
        """Other colours: everything is drawn anew."""
        self._strips.clear()
        super().notify_style_update()

    def on_resize(self, event: Resize) -> None:
        """Another width means other columns."""
        self._strips.clear()
        self.virtual_size = Size(self._width, len(self._rows) + 1)
        self._keep_in_view()

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self.redraw()

    def on_blur(self) -> None:
        """The cursor looks different without."""
        self.redraw()

    # Cursor

    def validate_cursor(self, place: int) -> int:
        """Keeps the cursor on a row."""
        return max(0, min(place, len(self._rows) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Moves the mark, and the view where needed."""
        self._stays = True
        self._keep_in_view()
        for index in (old, new):
            line = index + 1 - self.scroll_offset.y
            if 0 < line < self.size.height:
                self.refresh(Region(0, line, self._width, 1))
        self.post_message(self.Moved(self, self.current))

    def _keep_in_view(self) -> None:
        page = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False, force=True)

    def action_move(self, rows: int) -> None:
        """Moves the cursor by rows."""
        self.cursor += rows

    def action_page(self, pages: int) -> None:
        """Moves the cursor by pages."""
        self.cursor += pages * max(1, self.size.height - 2)

    def action_edge(self, end: int) -> None:
        """Moves the cursor to the first row (0) or the last (1)."""
        self.cursor = end * (len(self._rows) - 1)

    def action_open(self) -> None:
        """Asks for the row under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened(self, self.current))

    def on_click(self, event: Click) -> None:
        """Puts the cursor on the row under the pointer; a second click opens it."""
        index = self.scroll_offset.y + event.y - 1
        if event.y > 0 and index < len(self._rows):
            again = index == self.cursor and event.chain > 1
            self.cursor = index
            if again:
                self.action_open()
