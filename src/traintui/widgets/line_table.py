"""What every table is made of: a heading that stays, lines of rows, a cursor, keys and mouse."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style as LineStyle
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from traintui import commands
from traintui.widgets import columns as drawing
from traintui.widgets.columns import GAP, Cells, Column
from traintui.widgets.line_view import LineView

RowT = TypeVar("RowT")
SomeRow = TypeVar("SomeRow")

LINES = 1_000
"""Drawn lines that are kept."""


class LineTable(LineView, Generic[RowT], can_focus=True, inherit_bindings=False):
    """Rows by rank under a heading. A subclass says which rows there are: `total`, `row_at`, `name_at`."""

    DEFAULT_CSS = """
    LineTable {
        height: 1fr; background: $background; color: $foreground; overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        & > .table--heading { color: $muted; background: $background; text-style: bold; }
        & > .table--cursor { background: $cursor; }
        & > .table--blurred { background: $cursor-blurred; }
    }
    """
    COMPONENT_CLASSES = {"table--heading", "table--cursor", "table--blurred"}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("table")
    EDGE: ClassVar[int] = 1
    """Cells left of the first column, in which the cursor has its mark."""

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """The rank of the row under the cursor; 0 when there are no rows."""

    @dataclass
    class Moved(Message, Generic[SomeRow]):
        """The cursor is on another row, or the row under it is another; None when there is no row."""

        table: LineTable[SomeRow]
        row: SomeRow | None

        @property
        def control(self) -> LineTable[SomeRow]:
            """The table."""
            return self.table

    @dataclass
    class Opened(Message, Generic[SomeRow]):
        """Somebody asked for a row: `enter`, or a click on the row under the cursor."""

        table: LineTable[SomeRow]
        row: SomeRow

        @property
        def control(self) -> LineTable[SomeRow]:
            """The table."""
            return self.table

    opens: str = "Open"
    """What `enter` does with a row, as the line of keys says it; empty where a key of the screen says the same."""

    def __init__(self, columns: Sequence[Column[RowT]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._stays = False
        self._cells: Cells | None = None
        self._bodies: LRUCache[Hashable, Strip] = LRUCache(LINES)
        self._lines: LRUCache[tuple[Hashable, bool, bool], Strip] = LRUCache(LINES)
        self._head: Strip | None = None

    # Rows

    @property
    def total(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row_at(self, rank: int) -> RowT | None:
        """The row of a rank; None where it is not here."""
        raise NotImplementedError

    def name_at(self, rank: int) -> Hashable:
        """What the drawn line of a rank is kept under; None while there is no row to draw."""
        raise NotImplementedError

    @property
    def current(self) -> RowT | None:
        """The row under the cursor."""
        return self.row_at(self.cursor) if self.cursor < self.total else None

    def stay(self) -> None:
        """Somebody is busy with the row under the cursor: it is followed from now on."""
        self._stays = True

    def redraw(self) -> None:
        """Draws the same rows again, for what changes with time or labels."""
        self._bodies.clear()
        self._draw_lines_again()

    def _draw_lines_again(self) -> None:
        self._head = None
        self._lines.clear()
        self.refresh()

    def _drop(self, name: Hashable) -> None:
        """A row is another one: its lines are not to be used any more."""
        self._bodies.discard(name)
        for on_cursor in (False, True):
            for marked in (False, True):
                self._lines.discard((name, on_cursor, marked))

    # Drawing

    @property
    def _width(self) -> int:
        """Cells of a line; the scrollbar has its own."""
        return self.scrollable_content_region.width

    @property
    def _page(self) -> int:
        """Rows that the view shows."""
        return max(1, self.size.height - 1)

    def _measure(self) -> None:
        """Tells the scrollbars how large all rows are."""
        self.virtual_size = Size(self._extent(), self.total + 1)

    def _extent(self) -> int:
        return self._width

    def _laid(self) -> list[tuple[Column[RowT], int]]:
        return drawing.laid_out(self._columns, self._width, self.EDGE)

    def render_line(self, y: int) -> Strip:
        """A line of the view: the heading, a row, or nothing."""
        width = self._width
        rank = self.scroll_offset.y + y - 1
        if y == 0:
            if self._head is None:
                self._head = self._heading(width)
            return self._head
        if rank >= self.total:
            return Strip.blank(width, self.rich_style)
        return self._line(rank, width)

    def _heading(self, width: int) -> Strip:
        style = self.get_visual_style("table--heading")
        title = Content("").join([self._title(column, cells) for column, cells in self._laid()])
        strip = Strip(title.render_segments(style), title.cell_length)
        return self._beside([Segment(" " * self.EDGE, style.rich_style)], strip, width, style.rich_style)

    def _title(self, column: Column[RowT], cells: int) -> Content:
        """The title of a column, with the gap behind it."""
        title = Content(column.title)
        if column.right:
            title = title.pad_left(max(0, cells - title.cell_length))
        return title.truncate(cells + GAP, pad=True)

    def _line(self, rank: int, width: int) -> Strip:
        on_cursor = rank == self.cursor
        name = self.name_at(rank)
        key = (name, on_cursor, self._marked(rank))
        strip = None if name is None else self._lines.get(key)
        if strip is None:
            strip = self._drawn(rank, on_cursor, width)
            if name is not None:
                self._lines[key] = strip
        return strip

    def _drawn(self, rank: int, on_cursor: bool, width: int) -> Strip:
        ground = self._ink().ground
        edge = Content("").join(self._edge(rank, on_cursor)).render_segments(self.visual_style)
        strip = self._beside(edge, self._body(rank), width, ground)
        look = self._background(rank, on_cursor)
        if look:
            background = LineStyle(bgcolor=self.get_visual_style(look).rich_style.bgcolor)
            strip = drawing.on_background(strip, ground, background)
        return strip

    def _background(self, rank: int, on_cursor: bool) -> str:
        """The component class whose background a row has; empty for a row like the others."""
        return ("table--cursor" if self.has_focus else "table--blurred") if on_cursor else ""

    def _marked(self, rank: int) -> bool:
        """Whether a row is drawn as one of several that are marked."""
        return False

    def _edge(self, rank: int, on_cursor: bool) -> list[Content]:
        """What stands left of the first column, `EDGE` cells."""
        return [Content.styled("▌", "$accent") if on_cursor else Content(" ")]

    def _beside(self, edge: list[Segment], body: Strip, width: int, ground: LineStyle) -> Strip:
        """The edge, which stays, and what of a line is in view beside it."""
        left = self.scroll_offset.x
        body = body.crop_extend(left, left + width - self.EDGE, ground)
        return Strip([*edge, *body], width)

    def _ink(self) -> Cells:
        if self._cells is None:
            self._cells = Cells(self.visual_style)
        return self._cells

    def _body(self, rank: int) -> Strip:
        """The cells of a row, as wide as the columns are."""
        row = self.row_at(rank)
        if row is None:
            return self._ink().line((self._absent(rank), cells, column.right) for column, cells in self._laid())
        name = self.name_at(rank)
        strip = self._bodies.get(name)
        if strip is None:
            strip = self._ink().line(
                (drawing.cell_of(column, row, cells), cells, column.right) for column, cells in self._laid()
            )
            self._bodies[name] = strip
        return strip

    def _absent(self, rank: int) -> Content:
        """What a cell shows where the row is not here."""
        return Content.styled("·", "$faint")

    def notify_style_update(self) -> None:
        """Other colours: everything is drawn anew."""
        self._cells = None
        self.redraw()
        super().notify_style_update()

    def on_resize(self, event: Resize) -> None:
        """Another width means other columns."""
        self._resized()

    def _resized(self) -> None:
        self.redraw()
        self._measure()
        self._keep_in_view()

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self._focus_changed()

    def on_blur(self) -> None:
        """The cursor looks different without."""
        self._focus_changed()

    def _focus_changed(self) -> None:
        name = self.name_at(self.cursor) if self.total else None
        for marked in (False, True):
            self._lines.discard((name, True, marked))
        self._draw_again(self.cursor)

    def _draw_again(self, rank: int) -> None:
        line = rank + 1 - self.scroll_offset.y
        if 0 < line < self.size.height:
            self.refresh(Region(0, line, self._width, 1))

    # Cursor

    def validate_cursor(self, rank: int) -> int:
        """Keeps the cursor on a row."""
        return max(0, min(rank, self.total - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Moves the mark, and the view where needed."""
        self._stays = True
        self._keep_in_view()
        self._draw_again(old)
        self._draw_again(new)
        self._cursor_moved()

    def _cursor_moved(self) -> None:
        self.post_message(self.Moved(self, self.current))

    def _keep_in_view(self) -> None:
        top = self.scroll_offset.y
        if self.cursor < top:
            self._scroll_to_rank(self.cursor)
        elif self.cursor >= top + self._page:
            self._scroll_to_rank(self.cursor - self._page + 1)

    def _scroll_to_rank(self, rank: int) -> None:
        """Puts a row on the first line."""
        self.scroll_to(y=rank, animate=False, force=True)

    def action_move(self, rows: int) -> None:
        """Moves the cursor by rows."""
        self.cursor += rows

    def action_page(self, pages: int) -> None:
        """Moves the cursor by pages."""
        self.cursor += pages * max(1, self._page - 1)

    def action_edge(self, end: int) -> None:
        """Moves the cursor to the first row (0) or the last (1)."""
        self.cursor = end * (self.total - 1)

    def action_open(self) -> None:
        """Asks for the row under the cursor."""
        if self.current is not None:
            self.post_message(self.Opened(self, self.current))

    # Mouse

    def on_click(self, event: Click) -> None:
        """A click on a row or on the title of a column."""
        rank = self.scroll_offset.y + event.y - 1
        if event.y == 0:
            self._title_clicked(self._column_at(event.x))
        elif rank < self.total:
            self._row_clicked(rank, event)

    def _row_clicked(self, rank: int, event: Click) -> None:
        """Puts the cursor on the row under the pointer; a second click opens it."""
        again = rank == self.cursor and event.chain > 1
        self.cursor = rank
        if again:
            self.action_open()

    def _title_clicked(self, column: Column[RowT] | None) -> None:
        """Somebody clicked the title of a column, or beside all of them."""

    def _column_at(self, x: int) -> Column[RowT] | None:
        """The column at a cell of the view."""
        left = self.EDGE - self.scroll_offset.x
        for column, cells in self._laid():
            if x >= self.EDGE and left <= x < left + cells + GAP:
                return column
            left += cells + GAP
        return None
