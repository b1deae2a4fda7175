"""Columns, and how the cells of a row become one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.segment import Segment
from rich.style import Style as LineStyle
from textual.cache import LRUCache
from textual.content import Content
from textual.strip import Strip
from textual.style import Style

RowT = TypeVar("RowT")

GAP = 2
"""Cells behind each column."""
READABLE = 24
"""Cells from which on a column that takes what the others leave says something."""
SHORT = 24
"""Characters up to which a drawn cell is kept: status, score and labels come again in other rows, openings do not."""
KEPT = 2_048
"""Drawn cells that are kept."""


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """A column: `width` in cells, 0 for what the others leave; shown when the table is at least `from_width` wide.

    `name` is what sorting calls it; a column without one cannot be sorted by. `least` is how narrow a column without a
    width of its own may get, in cells. `slim` is the width that does where such a column has less room than `READABLE`:
    its cells are cut there without a sign. `most` is up to how wide it may get where that has more.
    """

    title: str
    width: int
    cell: Callable[[RowT], Content]
    right: bool = False
    from_width: int = 0
    name: str = ""
    least: int = 8
    slim: int = 0
    most: int = 0


Laid = Sequence[tuple[Column[RowT], int]]
"""Columns with their widths."""


def laid_out(columns: Iterable[Column[RowT]], view: int, edge: int) -> list[tuple[Column[RowT], int]]:
    """The columns that a view of so many cells shows, with their widths."""
    shown = [column for column in columns if view >= column.from_width]
    widths = [column.width for column in shown]
    room = view - edge - GAP * len(shown)
    open_ended = [place for place, column in enumerate(shown) if not column.width]
    if open_ended:
        for place, column in enumerate(shown):
            if column.slim and (room - sum(widths)) // len(open_ended) < READABLE:
                widths[place] = column.slim
        for place, column in enumerate(shown):
            spare = room - sum(widths) - READABLE * len(open_ended)
            if column.most > widths[place] and spare > 0:
                widths[place] = min(column.most, widths[place] + spare)
        rest = (room - sum(widths)) // len(open_ended)
        for place in open_ended:
            widths[place] = max(shown[place].least, rest)
    return list(zip(shown, widths, strict=True))


def cell_of(column: Column[RowT], row: RowT, cells: int) -> Content:
    """What a column of that width shows of a row."""
    content = column.cell(row)
    return content[:cells] if column.slim and cells == column.slim else content


def extent(laid: Laid[RowT]) -> int:
    """Cells of a line of these columns."""
    return sum(cells + GAP for _, cells in laid)


class Cells:
    """Draws cells on one background. Cells that were drawn before are not drawn again: most of a page is like another.

    `ground` is the style of a row that nothing is special about.
    """

    def __init__(self, ground: Style) -> None:
        self._ground = ground
        self.ground: LineStyle = ground.rich_style
        self._drawn: LRUCache[tuple[object, ...], list[Segment]] = LRUCache(KEPT)

    def line(self, cells: Iterable[tuple[Content, int, bool]]) -> Strip:
        """Cells with their widths, and whether each is set to the right, as one line."""
        segments: list[Segment] = []
        length = 0
        for content, width, right in cells:
            length += width + GAP
            for segment in self._cell(content, width, right):
                if segments and segments[-1].style is segment.style:
                    segments[-1] = Segment(segments[-1].text + segment.text, segment.style)
                else:
                    segments.append(segment)
        return Strip(segments, length)

    def _cell(self, content: Content, width: int, right: bool) -> list[Segment]:
        plain = content.plain
        if len(plain) > SHORT:
            return self._draw(content, width, right)
        key = (plain, *content.spans, width, right)
        drawn = self._drawn.get(key)
        if drawn is None:
            drawn = self._drawn[key] = self._draw(content, width, right)
        return drawn

    def _draw(self, content: Content, width: int, right: bool) -> list[Segment]:
        gap = " " * GAP
        if not content.spans and content.plain.isascii() and len(content.plain) <= width:
            plain = content.plain
            return [Segment((plain.rjust(width) if right else plain.ljust(width)) + gap, self.ground)]
        cell = content.truncate(width, ellipsis=True, pad=not right)
        ahead = [Segment(" " * (width - cell.cell_length), self.ground)] if cell.cell_length < width else []
        drawn = [
            Segment(segment.text, self.ground if segment.style == self.ground else segment.style)
            for segment in cell.render_segments(self._ground)
        ]
        return [*ahead, *drawn, Segment(gap, self.ground)]


def on_background(strip: Strip, ground: LineStyle, background: LineStyle) -> Strip:
    """The same line on another background; what has a background of its own keeps it."""
    return Strip(
        [
            Segment(segment.text, segment.style + background)
            if segment.style is not None and segment.style.bgcolor == ground.bgcolor
            else segment
            for segment in strip
        ],
        strip.cell_length,
    )
