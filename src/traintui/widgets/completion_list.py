"""What can be written where one types, in a list below the place: only the visible lines are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.reactive import var
from textual.strip import Strip
from textual.widget import Widget

from traintui import text

if TYPE_CHECKING:
    from traintui.data.filter_completion import Candidate

LINES = 10
"""Candidates that are seen at once."""
WIDEST = 76
"""Cells of the list."""
NAME_WIDEST = 34


class CompletionList(Widget, can_focus=False):
    """Candidates with label, detail and count. No line is highlighted until somebody moves to one."""

    DEFAULT_CSS = """
    CompletionList {
        overlay: screen; constrain: inside inflect; width: auto; height: auto; display: none;
        background: $panel; color: $foreground;
        & > .list--highlighted { background: $cursor; }
    }
    """
    COMPONENT_CLASSES = {"list--highlighted"}  # noqa: RUF012

    is_open: var[bool] = var(False)
    """Whether it is seen."""

    @dataclass
    class Picked(Message):
        """A click on a candidate."""

        index: int

    def __init__(self) -> None:
        super().__init__()
        self._items: tuple[Candidate, ...] = ()
        self._top = 0
        self._widths = (0, 0, 0)
        self._box = (0, 0, 0)
        self.highlighted: int | None = None

    def show(self, items: tuple[Candidate, ...], column: int) -> None:
        """Shows candidates, from a column of the screen on; closes with none. The highlight stays on its candidate."""
        kept = self._items[self.highlighted].insert if self.highlighted is not None else None
        self._items = items
        self.highlighted = next((place for place, item in enumerate(items) if item.insert == kept), None)
        self._top = 0
        if not items:
            self.close()
            return
        self._measure()
        self._keep_in_view()
        width = sum(self._widths) + 2
        lines = min(len(items), LINES) + (len(items) > LINES)
        column = max(0, min(column, self.screen.size.width - width))
        if (width, lines, column) != self._box:
            self._box = (width, lines, column)
            self.styles.width, self.styles.height, self.styles.offset = width, lines, (column, 0)
        self.is_open = True
        self.refresh()

    def close(self) -> None:
        """Is seen no longer."""
        self.highlighted = None
        self.is_open = False

    def move(self, lines: int) -> None:
        """Moves the highlight, round at the ends; above the first candidate there is none."""
        places = len(self._items) + 1
        place = (0 if self.highlighted is None else self.highlighted + 1) + lines
        self.highlighted = None if place % places == 0 else place % places - 1
        self._keep_in_view()
        self.refresh()

    def _keep_in_view(self) -> None:
        place = self.highlighted or 0
        self._top = max(min(self._top, place), place - LINES + 1)

    # Drawing

    def watch_is_open(self, is_open: bool) -> None:
        """Is seen, or not."""
        self.display = is_open

    def _measure(self) -> None:
        """The widths of name, description and count."""
        widest = min(WIDEST, self.screen.size.width) - 2
        count = max((len(f"{item.count:,}") + 2 for item in self._items if item.count is not None), default=0)
        name = min(NAME_WIDEST, max(len(item.insert) for item in self._items) + 2)
        said = max(self._said(item).cell_length for item in self._items)
        self._widths = (name, max(0, min(said + 1, widest - name - count)), count)

    def _said(self, item: Candidate) -> Content:
        same = {item.insert, item.insert.rstrip(":"), item.insert.replace("_", " ")}
        label = "" if item.label.casefold() in same else item.label
        return Content.assemble(
            text.shown(label, single_line=True, limit=60), "  " if label and item.detail else "",
            text.shown(item.detail, single_line=True, limit=WIDEST, style="$muted"),
        )  # fmt: skip

    def render_line(self, y: int) -> Strip:
        """A candidate, or how many more there are."""
        width = self.size.width
        place = self._top + y
        if y >= LINES or place >= len(self._items):
            hidden = len(self._items) - LINES
            line = Content.assemble((f" {hidden:,} more: ↓, or type on", "$muted"))
            return Strip(line.truncate(width, pad=True).render_segments(self.visual_style), width)
        item, on_it = self._items[place], place == self.highlighted
        name, said, count = self._widths
        counted = "" if item.count is None else f"{item.count:,}"
        dim = item.count == 0
        line = Content.assemble(
            ("▌", "$accent") if on_it else " ",
            text.shown(item.insert, single_line=True, style="$muted" if dim else "").truncate(
                name, ellipsis=True, pad=True
            ),
            self._said(item).truncate(said, ellipsis=True, pad=True),
            (counted.rjust(count), "$faint" if dim else "$accent"), " ",
        )  # fmt: skip
        style = self.get_visual_style("list--highlighted") if on_it else self.visual_style
        return Strip(line.truncate(width, pad=True).render_segments(style), width)

    # Mouse

    def on_click(self, event: Click) -> None:
        """Takes the candidate under the pointer."""
        event.stop()
        if event.y < LINES and self._top + event.y < len(self._items):
            self.post_message(self.Picked(self._top + event.y))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Further down the list."""
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Further up."""
        self._scroll(event, -1)

    def _scroll(self, event: MouseScrollDown | MouseScrollUp, lines: int) -> None:
        event.stop()
        self._top = max(0, min(self._top + lines, len(self._items) - LINES))
        self.refresh()
