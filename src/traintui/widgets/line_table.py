"""What tables drawn by lines share: columns under a heading that stays, a cursor, and its keys and clicks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
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


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """A column: `width` in cells, 0 for what the others leave; shown when the table is at least `from_width` wide.

    `name` is what rows are sorted by with it; empty where they are not.
    """

    title: str
    width: int
    cell: Callable[[RowT], Content]
    right: bool = False
    from_width: int = 0
    name: str = ""


class LineTable(ScrollView, Generic[RowT], can_focus=True, inherit_bindings=False):
    """Rows of one kind under a heading that stays; only what is visible is drawn."""

    DEFAULT_CSS = """
    LineTable {
        height: 1fr; background: $background; color: $foreground;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; scrollbar-gutter: stable;
        & > .table--heading { color: $muted; background: $background; text-style: bold; }
        & > .table--cursor { background: $cursor; }
        & > .table--blurred { background: $cursor-blurred; }
        & > .table--selected { background: $selected; }
    }
    """
    COMPONENT_CLASSES = {"table--heading", "table--cursor", "table--blurred", "table--selected"}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("table")
    EDGE = 1
    """Cells left of the first column, in which the cursor has its mark."""

    cursor: reactive[int] = reactive(0, repaint=False, init=False)

    @dataclass
    class Moved(Message, Generic[SomeRow]):
        """The cursor is on another row, or the row under it is another; None when there is none, or not yet."""

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

    def __init__(self, columns: Sequence[Column[RowT]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._stays = False

    # Rows

    @property
    @abstractmethod
    def count(self) -> int:
        """How many rows there are."""

    @abstractmethod
    def row_at(self, index: int) -> RowT | None:
        """The row at a place; None when there is none, or it is not here yet."""

    @property
    def current(self) -> RowT | None:
        """The row under the cursor."""
        return self.row_at(self.cursor)

    def stay(self) -> None:
        """Somebody is busy with the row under the cursor: it is followed from now on."""
        self._stays = True

    def redraw(self) -> None:
        """Draws the same rows again, for what changes with time or labels."""
        self.forget_strips()
        self.refresh()

    # Drawing

    @property
    def view_width(self) -> int:
        """Cells of a line of the view."""
        return self.scrollable_content_region.width or self.size.width

    @property
    def line_width(self) -> int:
        """Cells of a whole row; more than the view has where the table scrolls sideways."""
        return self.view_width

    def forget_strips(self) -> None:
        """Nothing that was drawn before is used again."""

    def _shown(self) -> list[tuple[Column[RowT], int]]:
        """The columns that there is room for, with their cells."""
        width, view = self.line_width, self.view_width
        columns = [column for column in self._columns if view >= column.from_width]
        open_ended = sum(not column.width for column in columns)
        rest = width - self.EDGE - sum(column.width + GAP for column in columns)
        return [(column, column.width or max(8, rest // (open_ended or 1))) for column in columns]

    def _heading(self) -> Strip:
        style = self.get_visual_style("table--heading")
        line = Content(" " * self.EDGE)
        for column, cells in self._shown():
            title = self.title_of(column)
            if column.right:
                line += Content(" " * max(0, cells - title.cell_length)) + title
            else:
                line += title.truncate(cells, ellipsis=True, pad=True)
            line += Content(" " * GAP)
        return Strip(line.truncate(self.line_width, pad=True).render_segments(style), self.line_width)

    def title_of(self, column: Column[RowT]) -> Content:
        """The heading of a column."""
        return Content(column.title)

    def _line(self, row: RowT, edge: Content, classes: Sequence[str]) -> Strip:
        """A row as a line. One segment after the other: joining contents costs more than all the rest."""
        style = self.get_visual_style(*classes) if classes else self.visual_style
        blank = style.rich_style
        segments: list[Segment] = list(edge.render_segments(style))
        used = self.EDGE
        for column, cells in self._shown():
            cell = column.cell(row)
            length = cell.cell_length
            if length > cells:
                cell, length = cell.truncate(cells, ellipsis=True), cells
                length = cell.cell_length
            if column.right and length < cells:
                segments.append(Segment(" " * (cells - length), blank))
            segments += cell.render_segments(style)
            padding = GAP if column.right else cells - length + GAP
            segments.append(Segment(" " * padding, blank))
            used += cells + GAP
        return Strip(segments, used).adjust_cell_length(self.line_width, blank)

    def edge_of(self, *, on_cursor: bool) -> Content:
        """What stands left of the first column."""
        return Content.styled("▌", "$accent") if on_cursor else Content(" ")

    def classes_of(self, *, on_cursor: bool) -> list[str]:
        """The classes of a line."""
        return ["table--cursor" if self.has_focus else "table--blurred"] if on_cursor else []

    def notify_style_update(self) -> None:
        """Other colours: everything is drawn anew."""
        self.forget_strips()
        super().notify_style_update()

    def on_resize(self, event: Resize) -> None:
        """Another width means other columns."""
        self.forget_strips()
        self.virtual_size = Size(self.line_width, self.count + 1)
        self.keep_in_view()

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self.redraw()

    def on_blur(self) -> None:
        """The cursor looks different without."""
        self.redraw()

    # Cursor

    @property
    def page(self) -> int:
        """Rows that are visible."""
        return max(1, self.scrollable_content_region.height - 1)

    def validate_cursor(self, place: int) -> int:
        """Keeps the cursor on a row."""
        return max(0, min(place, self.count - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Moves the mark, and the view where needed."""
        self._stays = True
        top = self.scroll_offset.y
        self.keep_in_view()
        if self.scroll_offset.y == top:
            self.refresh_rows(old, new)
        self.post_message(self.Moved(self, self.current))

    def refresh_rows(self, *places: int) -> None:
        """Draws these rows again, those of them that are visible."""
        for index in places:
            line = index + 1 - self.scroll_offset.y
            if 0 < line < self.size.height:
                self.refresh(Region(0, line, self.size.width, 1))

    def keep_in_view(self) -> None:
        """Scrolls to the cursor where it is out of sight."""
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + self.page:
            self.scroll_to(y=self.cursor - self.page + 1, animate=False, force=True)

    def action_move(self, rows: int) -> None:
        """Moves the cursor by rows."""
        self.cursor += rows

    def action_page(self, pages: int) -> None:
        """Moves the cursor by pages."""
        self.cursor += pages * max(1, self.page - 1)

    def action_edge(self, end: int) -> None:
        """Moves the cursor to the first row (0) or the last (1)."""
        self.cursor = end * (self.count - 1)

    def action_open(self) -> None:
        """Asks for the row under the cursor."""
        if (row := self.current) is not None:
            self.post_message(self.Opened(self, row))

    def on_click(self, event: Click) -> None:
        """Puts the cursor on the row under the pointer; a second click opens it."""
        index = self.scroll_offset.y + event.y - 1
        if event.y > 0 and index < self.count:
            again = index == self.cursor and event.chain > 1
            self.cursor = index
            if again:
                self.action_open()
