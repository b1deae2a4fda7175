"""A map of cells, drawn by lines: headings stay, a cell shows its number and how much of its target it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as LineStyle
from textual.binding import BindingType
from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from traintui import commands, text
from traintui.widgets.line_view import LineView

LEAST, MOST = 9, 14
"""Cells of the terminal that a cell of the map takes, the gap behind it among them: more where there is room."""
HEAD = 2
"""Lines of the heading."""
SIGNS = " ░▒▓█"
"""How much of the target is held: nothing, a third, two, more, all. It is readable without colours."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; it rests where new plans cannot use its value."""

    label: str
    rests: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """A cell: its number, and the share of the target that is held, from 0; None where there is no target."""

    number: int
    share: float | None


def level(share: float | None) -> int | None:
    """How much of the target is held, 0 to 4; 4 only where all of it is, 0 only where nothing is."""
    if share is None:
        return None
    return 4 if share >= 1 else 0 if share <= 0 else 1 + min(2, int(share * 3))


class HeatMap(LineView, can_focus=True, inherit_bindings=False):
    """Rows and columns of `Spot`s under headings that stay; a cursor moves over them."""

    DEFAULT_CSS = """
    HeatMap {
        height: 1fr; background: $surface; color: $foreground; overflow-x: hidden;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        & > .map--heading { color: $muted; background: $surface; text-style: bold; }
        & > .map--resting { color: $faint; background: $surface; text-style: italic; }
        & > .map--here { color: $accent; background: $surface; text-style: bold; }
        & > .map--untold { color: $muted; background: $surface; }
        & > .map--level0 { color: $foreground; background: $error 42%; }
        & > .map--level1 { color: $foreground; background: $error 28%; }
        & > .map--level2 { color: $foreground; background: $warning 28%; }
        & > .map--level3 { color: $foreground; background: $warning 16%; }
        & > .map--level4 { color: $foreground; background: $success 26%; }
    }
    """
    LEVELS: ClassVar[tuple[str, ...]] = tuple(f"map--level{level}" for level in range(5))
    COMPONENT_CLASSES = {"map--heading", "map--resting", "map--here", "map--untold", *LEVELS}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("heat_map")

    cursor: reactive[tuple[int, int]] = reactive((0, 0), repaint=False, init=False)
    """The row and the column of the cell under the cursor; (0, 0) where there are none."""

    class Moved(Message):
        """The cursor is on another cell."""

    class Opened(Message):
        """Somebody asked for the cell under the cursor: `enter`, or a click on it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: tuple[Heading, ...] = ()
        self._columns: tuple[Heading, ...] = ()
        self._spots: Sequence[Sequence[Spot]] = ()
        self._left = 0
        """The first column in view; only whole ones are."""

    def show(self, rows: Sequence[Heading], columns: Sequence[Heading], spots: Sequence[Sequence[Spot]]) -> None:
        """Shows other cells; the cursor stays where it is, as far as there is something."""
        self._rows, self._columns, self._spots = tuple(rows), tuple(columns), spots
        self.cursor = self.validate_cursor(self.cursor)
        self._measure()
        self.refresh()

    # Measures

    @property
    def _view(self) -> Size:
        return self.scrollable_content_region.size

    @property
    def _edge(self) -> int:
        """Cells of the headings of the rows: as wide as the widest, up to a third of the view."""
        widest = max((Content(row.label).cell_length for row in self._rows), default=0)
        return min(widest + 3, max(14, self._view.width // 3))

    @property
    def _wide(self) -> int:
        """Cells of the terminal that a cell takes."""
        return max(LEAST, min(MOST, (self._view.width - self._edge) // max(1, len(self._columns))))

    @property
    def page(self) -> Size:
        """How many columns and rows the view shows whole."""
        return Size(max(1, (self._view.width - self._edge) // self._wide), max(1, self._view.height - HEAD))

    def _measure(self) -> None:
        self.virtual_size = Size(self._view.width, len(self._rows) + HEAD)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """A line of the view: a line of the heading, or a row."""
        width = self._view.width
        row = self.scroll_offset.y + y - HEAD
        ground = self.rich_style
        if y < HEAD:
            segments = self._head(y)
        elif row < len(self._rows):
            segments = self._row(row)
        else:
            segments = []
        return Strip(segments).adjust_cell_length(width, ground)

    def _look(self, name: str) -> LineStyle:
        return self.get_visual_style(name).rich_style

    def _seen(self) -> range:
        """The columns in view, whole."""
        return range(self._left, min(len(self._columns), self._left + self.page.width))

    def _head(self, line: int) -> list[Segment]:
        plain, here, rests = (self._look(f"map--{name}") for name in ("heading", "here", "resting"))
        hidden = len(self._columns) - len(self._seen())
        sign = ""
        if line == HEAD - 1 and hidden:
            before, behind = self._left, hidden - self._left
            sign = f"{f'◂{before}' if before else ''} {f'{behind}▸' if behind else ''}".strip()
        segments = [Segment(f"{sign} ".rjust(self._edge), plain)]
        for place in self._seen():
            heading = self._columns[place]
            look = here if place == self.cursor[1] else rests if heading.rests else plain
            segments.append(Segment(fitted(in_two(heading.label, self._wide - 1)[line], self._wide), look))
        return segments

    def _row(self, row: int) -> list[Segment]:
        heading = self._rows[row]
        name = "here" if row == self.cursor[0] else "resting" if heading.rests else "heading"
        mark = "▌" if row == self.cursor[0] else " "
        segments = [Segment(f"{mark}{fitted(heading.label, self._edge - 1)}", self._look(f"map--{name}"))]
        ground = self.rich_style
        for place in self._seen():
            segments += self._spot(self._spots[row][place], (row, place) == self.cursor)
            segments.append(Segment(" ", ground))
        return segments

    def _spot(self, spot: Spot, on_cursor: bool) -> list[Segment]:
        step = level(spot.share)
        sign = "·" if step is None else SIGNS[step]
        style = self._look("map--untold" if step is None else self.LEVELS[step])
        number = fitted(text.count(spot.number), self._wide - 5, right=True)
        if on_cursor:
            style += LineStyle(reverse=self.has_focus, bold=True)
            return [Segment(f"[{sign}{number} ]", style)]
        return [Segment(f" {sign}{number}  ", style)]

    def notify_style_update(self) -> None:
        """Other colours: all is drawn anew."""
        self.refresh()
        super().notify_style_update()

    def on_resize(self, event: Resize) -> None:
        """Another number of cells is in view."""
        self._measure()
        self._keep_in_view()
        self.refresh()

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks different without."""
        self.refresh()

    # Cursor

    def validate_cursor(self, cursor: tuple[int, int]) -> tuple[int, int]:
        """Keeps the cursor on a cell."""
        row, column = cursor
        return max(0, min(row, len(self._rows) - 1)), max(0, min(column, len(self._columns) - 1))

    def watch_cursor(self, old: tuple[int, int], new: tuple[int, int]) -> None:
        """Draws what changed: two rows, or all where the view moved or another column is the cursor's."""
        moved = self._keep_in_view()
        if moved or old[1] != new[1]:
            self.refresh()
        else:
            lines = [row + HEAD - self.scroll_offset.y for row in (old[0], new[0])]
            self.refresh(*(Region(0, line, self._view.width, 1) for line in lines if line >= HEAD))
        self.post_message(self.Moved())

    def _keep_in_view(self) -> bool:
        """Brings the cursor into view. Whether other columns are in view."""
        row, column = self.cursor
        top, page = self.scroll_offset.y, self.page
        if row < top:
            self.scroll_to(y=row, animate=False, force=True)
        elif row >= top + page.height:
            self.scroll_to(y=row - page.height + 1, animate=False, force=True)
        left = max(min(self._left, column, len(self._columns) - page.width), column - page.width + 1, 0)
        moved, self._left = left != self._left, left
        return moved

    def action_move(self, rows: int, columns: int) -> None:
        """Moves the cursor by cells."""
        self.cursor = self.cursor[0] + rows, self.cursor[1] + columns

    def action_page(self, pages: int) -> None:
        """Moves the cursor by pages of rows."""
        self.cursor = self.cursor[0] + pages * max(1, self.page.height - 1), self.cursor[1]

    def action_edge(self, end: int) -> None:
        """Moves the cursor to the first cell of the row (0) or the last (1)."""
        self.cursor = self.cursor[0], end * (len(self._columns) - 1)

    def action_open(self) -> None:
        """Asks for the cell under the cursor."""
        if self._rows and self._columns:
            self.post_message(self.Opened())

    def on_click(self, event: Click) -> None:
        """A click on a cell puts the cursor there; a second one opens it."""
        row, column = self.scroll_offset.y + event.y - HEAD, self._left + (event.x - self._edge) // self._wide
        if event.y < HEAD or event.x < self._edge or row >= len(self._rows) or column not in self._seen():
            return
        again = (row, column) == self.cursor and event.chain > 1
        self.cursor = row, column
        if again:
            self.action_open()


def fitted(words: str, width: int, *, right: bool = False) -> str:
    """A text in exactly so many cells."""
    content = text.shown(words, single_line=True).truncate(width, ellipsis=True)
    room = " " * (width - content.cell_length)
    return f"{room}{content.plain}" if right else f"{content.plain}{room}"


def in_two(words: str, width: int) -> tuple[str, str]:
    """A label in two lines, broken at a blank where both parts are whole then; one line stands below."""
    shown = text.visible(words, single_line=True)
    if Content(shown).cell_length <= width:
        return "", shown
    parts = shown.split(" ")
    starts = [" ".join(parts[:count]) for count in range(1, len(parts))]
    for first, longer in pairwise([*starts, shown]):
        if Content(first).cell_length <= width < Content(longer).cell_length:
            return first, shown[len(first) + 1 :]
    return "", fitted(shown, width).rstrip()
