"""All of a row whose payloads are long: lines that fold, are searched, and are drawn as they come into view."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from traintui import commands
from traintui.widgets.detail_view import MARGIN, DetailView
from traintui.widgets.json_lines import INDENT, Line, around, cuts, foldable, folded_below, in_view, ready


class PayloadView(DetailView):
    """Lines with a cursor. A line that begins something folds it away and back; what is looked for is marked, counted,
    and unfolded when one goes there."""

    DEFAULT_CSS = """
    PayloadView {
        & > .payload--cursor { background: $accent 16%; }
    }
    """
    COMPONENT_CLASSES = {"payload--cursor"}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("payload")

    class Sought(Message):
        """Somebody wants to look for something."""

    class Searched(Message):
        """Another match is shown, from 1, of how many; 0 where there is none."""

        def __init__(self, place: int, total: int) -> None:
            self.place = place
            self.total = total
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: Sequence[Line] = ()
        self._folded: set[int] = set()
        self._rows: list[tuple[int, int, int]] = []
        """What each line of the view shows: a line, from where to where in it."""
        self._row = 0
        self._sought: re.Pattern[str] | None = None
        self._found: list[tuple[int, int, int]] = []
        """Where it stands: a line, from where to where."""
        self._match = -1

    # What is shown

    def show(self, lines: Iterable[Content], *, key: object) -> None:
        """Shows other lines, none of which fold."""
        self.show_parts(ready(tuple(lines)), depth=None, key=key)

    def show_parts(self, parts: Sequence[Line], *, depth: int | None, key: object) -> None:
        """Shows other lines, folded below a depth; those of the same key from where one was."""
        stays = key == self.key and len(parts) == len(self._parts)
        self._parts, self.key = parts, key
        if not stays:
            self._folded, self._row, self._match = folded_below(parts, depth), 0, -1
            self.scroll_to(y=0, animate=False)
        self._find()
        self._wrap()

    def fold_to(self, depth: int | None) -> None:
        """Shows so many levels."""
        self._fold(folded_below(self._parts, depth))

    @property
    def plain(self) -> str:
        """The text of all lines that are not folded away."""
        return "\n".join(
            " " * INDENT * self._parts[place].indent + self._parts[place].content(place in self._folded).plain
            for place in in_view(self._parts, self._folded)
        )

    def _wrap(self) -> None:
        self._width = max(16, self.size.width - 2 * MARGIN)
        self._rows = []
        for place in in_view(self._parts, self._folded):
            line = self._parts[place]
            room = self._room(line)
            said = line.content(True).plain if place in self._folded else line.plain
            self._rows += [(place, start, end) for start, end in cuts(said, room, line.hang)]
        self.virtual_size = Size(self.size.width, len(self._rows) + 1)
        self._row = max(0, min(self._row, len(self._rows) - 1))
        self.refresh()

    def _room(self, line: Line) -> int:
        return max(12, self._width - self._indent(line))

    def _indent(self, line: Line) -> int:
        return min(INDENT * line.indent, self._width // 2)

    def render_line(self, y: int) -> Strip:
        """A line of the view."""
        number, width = self.scroll_offset.y + y, self.size.width
        if number >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        place, start, end = self._rows[number]
        line = self._parts[place]
        content = line.content(place in self._folded, start, end)
        for rank in range(bisect_left(self._found, (place, 0, 0)), len(self._found)):
            at, first, last = self._found[rank]
            if at != place:
                break
            if first < end and last > start:
                style = "reverse bold $accent" if rank == self._match else "bold $accent underline"
                content = content.stylize(style, max(0, first - start), last - start)
        drawn = content.pad_left(MARGIN + self._indent(line) + (line.hang if start else 0)).truncate(width, pad=True)
        on_cursor = number == self._row and self.has_focus
        look = self.get_visual_style("payload--cursor") if on_cursor else self.visual_style
        return Strip(drawn.render_segments(look), width)

    # Moving

    def on_focus(self) -> None:
        """The cursor is seen."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor is hidden."""
        self.refresh()

    def action_line(self, lines: int) -> None:
        """Moves the cursor."""
        self._go(self._row + lines)

    def action_page(self, pages: int) -> None:
        """Moves the cursor by pages."""
        self._go(self._row + pages * max(1, self.size.height - 2))

    def action_edge(self, end: int) -> None:
        """To the first line (0) or the last (1)."""
        self._go(end * len(self._rows))

    def _go(self, row: int) -> None:
        self._row = max(0, min(row, len(self._rows) - 1))
        top, page = self.scroll_offset.y, max(1, self.size.height)
        if not top <= self._row < top + page:
            self.scroll_to(y=self._row if self._row < top else self._row - page + 1, animate=False)
        self.refresh()

    def on_click(self, event: Click) -> None:
        """A click puts the cursor there; a second one folds."""
        row = self.scroll_offset.y + event.y
        if row < len(self._rows):
            self._row = row
            self.refresh()
            if event.chain > 1:
                self.action_fold_here()

    # Folding

    def _fold(self, folded: set[int]) -> None:
        """Folds other lines; the cursor stays on its line, or goes to what folds that away."""
        kept = self._rows[self._row][0] if self._rows else 0
        above = self._row - self.scroll_offset.y
        self._folded = folded
        self._wrap()
        while (outer := next((each for each in around(self._parts, kept) if each in folded), None)) is not None:
            kept = outer
        self._row = self._row_of(kept)
        self.scroll_to(y=max(0, self._row - above), animate=False)

    def _row_of(self, place: int, at: int = 0) -> int:
        """The line of the view that has a character of a line."""
        row = bisect_left(self._rows, (place, at + 1, 0)) - 1
        return max(0, min(row, len(self._rows) - 1))

    def action_fold_here(self) -> None:
        """Folds what begins at the cursor, or what it is in; or shows it again."""
        if not self._rows:
            return
        place = self._rows[self._row][0]
        if not self._parts[place].more:
            place = next(around(self._parts, place), -1)
        if place >= 0:
            self._fold(self._folded ^ {place})

    def action_fold_all(self) -> None:
        """Shows all of it; where all of it is shown, folds it."""
        self._fold(set() if self._folded else foldable(self._parts))

    # Searching

    def action_seek(self) -> None:
        """Asks what to look for."""
        self.post_message(self.Sought())

    def seek(self, pattern: re.Pattern[str] | None) -> None:
        """Looks for something else, from the cursor on; None for nothing."""
        self._sought = pattern
        self._find()
        here = self._rows[self._row][0] if self._rows else 0
        self._match = bisect_left(self._found, (here, 0, 0)) - 1
        self.action_match(1)

    def _find(self) -> None:
        self._found = [] if self._sought is None else [
            (place, *match.span())
            for place, line in enumerate(self._parts)
            for match in self._sought.finditer(line.plain)
            if match[0]
        ]  # fmt: skip
        self._match = min(self._match, len(self._found) - 1)

    def action_match(self, step: int) -> None:
        """Goes to the next match, or the one before, and unfolds what it is in."""
        total = len(self._found)
        if total:
            self._match = (self._match + step) % total
            place, start, _ = self._found[self._match]
            hidden = {each for each in around(self._parts, place) if each in self._folded}
            if hidden:
                self._folded -= hidden
                self._wrap()
            self._go(self._row_of(place, start))
        self.refresh()
        self.post_message(self.Searched(self._match + 1 if total else 0, total))
