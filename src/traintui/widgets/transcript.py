"""A conversation to be read: drawn by lines, so that a long one is there as fast as a short one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from traintui import commands, text
from traintui.data.records import Turn
from traintui.importing.chunks import estimate_tokens
from traintui.widgets.transcript_layout import SYSTEM, Block, Layout, blocks_of

MEASURE = 96
"""Cells of the longest line of text: longer ones are hard to read."""
MARGIN = 3
"""Cells left of the text: the edge and its gap."""
GAP = 2
"""Cells between the text and the scrollbar."""
FOLDED = 160
"""Characters of a folded system prompt."""


class Transcript(ScrollView, can_focus=True, inherit_bindings=False):
    """Turns with a coloured edge. `turn` is the current one, `wrong` the one marked as wrong; both count from 0."""

    DEFAULT_CSS = """
    Transcript {
        height: 1fr; width: 1fr; background: $background; color: $foreground;
        overflow-x: hidden; scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        & > .transcript--current { background: $surface; }
    }
    """
    COMPONENT_CLASSES = {"transcript--current"}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("transcript")

    turn: reactive[int] = reactive(0, repaint=False, init=False)
    wrong: reactive[int | None] = reactive[int | None](None, init=False)
    system_folded: reactive[bool] = reactive(True, repaint=False, init=False)

    @dataclass
    class Painted(Message):
        """What `key` names is on the terminal now."""

        key: object

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._turns: tuple[Turn, ...] = ()
        self._system: str | None = None
        self._painted_as: object | None = None
        self._layout = Layout((), MEASURE)
        self._strips: dict[tuple[int, bool], Strip] = {}

    def show(self, turns: Sequence[Turn], system_prompt: str | None, *, key: object, keep: bool = False) -> None:
        """Shows a conversation from its beginning, or with `keep` from where the last one stood.

        `Painted` with this key follows once it is on the terminal.
        """
        self._turns, self._system = tuple(turns), system_prompt
        self._painted_as = key
        self.set_reactive(Transcript.turn, min(self.turn, max(0, len(turns) - 1)) if keep else 0)
        if not keep:
            self.set_reactive(Transcript.wrong, None)
            self.set_reactive(Transcript.system_folded, True)
        self._lay_out(self.scroll_offset.y if keep else 0)

    def paint_again(self, key: object) -> None:
        """Has the same text drawn once more: `Painted` with this key follows."""
        self._painted_as = key
        self.refresh()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns that are shown."""
        return self._turns

    def place_of(self, turn: int) -> Region:
        """Where the view has a turn, on the screen; a line at the nearest edge for one out of view."""
        view = Region(self.region.x, self.region.y, self._width, self.size.height)
        if turn < 0 or not self._turns:
            return Region(view.x, view.y, view.width, 1)
        top = view.y + self._layout.turn_top(turn) - self.scroll_offset.y
        begin, end = max(view.y, top), min(view.bottom, top + self._layout.turn_end(turn) - self._layout.turn_top(turn))
        return Region(view.x, min(begin, view.bottom - 1), view.width, max(1, end - begin))

    # Layout

    @property
    def _width(self) -> int:
        """Cells of a line; the scrollbar has its own."""
        return self.scrollable_content_region.width

    def _lay_out(self, top: int) -> None:
        prompt = self._system
        if prompt and self.system_folded:
            prompt = text.visible(prompt, single_line=True, limit=FOLDED)
        blocks = blocks_of(self._turns, prompt)
        self._layout = Layout(list(blocks), min(MEASURE, self._width - MARGIN - GAP), self.paint)
        self._strips.clear()
        self._measure()
        self.scroll_to(y=top, animate=False, force=True)
        self._settle()
        self.refresh()

    def _measure(self) -> None:
        self.virtual_size = Size(self._width, self._layout.height)

    def _settle(self) -> None:
        """Wraps what is in view; what stood at its upper edge stays there."""
        before = self._layout.height
        shift = self._layout.settle(self.scroll_offset.y, self.size.height)
        if shift or self._layout.height != before:
            self._strips.clear()
            self._measure()
            if shift:
                self.scroll_to(y=max(0, self.scroll_offset.y + shift), animate=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """What comes into view is wrapped before it is drawn."""
        super().watch_scroll_y(old_value, new_value)
        self._settle()

    def on_resize(self, event: Resize) -> None:
        """Another width is another layout; the current turn stays in view."""
        if min(MEASURE, self._width - MARGIN - GAP) != self._layout.width:
            self._lay_out(0)
            if self.turn:
                self._reveal(self.turn)
        else:
            self._measure()
            self._settle()

    # Drawing

    def paint(self, index: int, block: Block, content: Content) -> Content:
        """Adds styles to what a block says, given its index."""
        return content

    def rule_of(self, turn: int) -> Content:
        """What the line says that is drawn in a turn."""
        return Content("")

    def repaint(self) -> None:
        """Other styles are wanted: what is in view is drawn anew."""
        self._layout.repaint()
        self._strips.clear()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draws the view, and says once that what it shows has been drawn."""
        strips = super().render_lines(crop)
        if self._painted_as is not None:
            key, self._painted_as = self._painted_as, None
            self.call_after_refresh(self.post_message, self.Painted(key))
        return strips

    def render_line(self, y: int) -> Strip:
        """A line of the view."""
        number = self.scroll_offset.y + y
        found = self._layout.line(number)
        if found is None:
            return Strip.blank(self._width, self.rich_style)
        block, line = found
        current = block.turn == self.turn and block.kind != "gap"
        strip = self._strips.get((number, current))
        if strip is None:
            strip = self._strips[number, current] = self._strip(block, line, current)
        return strip

    def _strip(self, block: Block, line: Content, current: bool) -> Strip:
        style = self.get_visual_style("transcript--current") if current else self.visual_style
        if block.kind == "gap":
            return Strip.blank(self._width, self.rich_style)
        colour = self._colour(block.turn)
        edge = Content.styled(" ▌ " if current else " ▎ ", colour)
        if block.kind == "rule":
            line = self.rule_of(block.turn)
        content = edge + (self._head(block.turn, current) if block.kind == "head" else line)
        fitted = content.truncate(self._width, pad=True, ellipsis=block.kind == "head")
        return Strip(fitted.render_segments(style), self._width)

    def _colour(self, turn: int) -> str:
        if turn == SYSTEM:
            return "$faint"
        if turn == self.wrong:
            return "$error"
        return "$user" if self._turns[turn].role == "user" else "$assistant"

    def _head(self, turn: int, current: bool) -> Content:
        if turn == SYSTEM:
            more = "  p shows it whole" if self.system_folded and len(self._system or "") > FOLDED else ""
            return Content.assemble(
                ("System prompt", "bold $muted"), self.size_of(turn), (more, "$faint"), self.training_of(turn)
            )
        shown = self._turns[turn]
        name = "User" if shown.role == "user" else "Assistant"
        return Content.assemble(
            (name, f"bold {self._colour(turn)}"),
            (f"  {shown.number}", "bold" if current else "$muted"),
            self.size_of(turn),
            self.training_of(turn),
            ("  ✕ wrong" if turn == self.wrong else "", "bold $error"),
        )

    def size_of(self, turn: int) -> Content:
        """How long a turn is, for its head."""
        said = (self._system or "") if turn == SYSTEM else self._turns[turn].content
        return Content.styled(f"  ~{text.plural(estimate_tokens(said), 'token')}", "$faint")

    def training_of(self, turn: int) -> Content:
        """What to know of a turn for the training, for its head."""
        trained = turn == SYSTEM or self._turns[turn].train
        return Content.styled("" if trained else "  not trained on", "$warning")

    def notify_style_update(self) -> None:
        """Other colours: everything is drawn anew."""
        self._strips.clear()
        super().notify_style_update()

    def watch_wrong(self) -> None:
        """The mark moves."""
        self._strips.clear()

    def watch_system_folded(self) -> None:
        """The system prompt is whole, or folded."""
        self._lay_out(0)

    # Moving

    def validate_turn(self, turn: int) -> int:
        """Keeps the current turn in the conversation."""
        return max(0, min(turn, len(self._turns) - 1))

    def watch_turn(self) -> None:
        """Draws the marker anew."""
        self.refresh()

    def _reveal(self, turn: int) -> None:
        """Brings a turn into view: whole where it fits, else from its first line on."""
        top, page = self.scroll_offset.y, self.size.height
        begin = self._layout.turn_top(turn)
        if turn == 0:
            begin = 0
        self._layout.settle(begin, page)
        self._measure()
        end = self._layout.turn_end(turn)
        if begin < top or end - begin >= page:
            self.scroll_to(y=begin, animate=False, force=True)
        elif end > top + page:
            self.scroll_to(y=end - page, animate=False, force=True)

    def action_turn(self, step: int) -> None:
        """Goes on or back by turns."""
        if self._turns:
            self.turn += step
            self._reveal(self.turn)

    def action_line(self, lines: int) -> None:
        """Scrolls by lines."""
        self._scroll(lines)

    def action_page(self, pages: int) -> None:
        """Scrolls by pages."""
        self._scroll(pages * max(1, self.size.height - 2))

    def _scroll(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_offset.y + lines, animate=False, force=True)
        self._follow()

    def _follow(self) -> None:
        """The current turn is one that can be seen."""
        if not self._turns:
            return
        top, page = self.scroll_offset.y, self.size.height
        if self._layout.turn_end(self.turn) <= top + 1 or self._layout.turn_top(self.turn) >= top + page:
            seen = self._layout.line(top + 1)
            self.turn = max(0, seen[0].turn) if seen else 0

    def action_edge(self, end: int) -> None:
        """Goes to the beginning (0) or the end (1)."""
        if not self._turns:
            return
        self.turn = end * (len(self._turns) - 1)
        if end:
            self._layout.settle_end(self.size.height)
            self._strips.clear()
            self._measure()
        self.scroll_to(y=end * self._layout.height, animate=False, force=True)

    def on_click(self, event: Click) -> None:
        """Makes the turn under the pointer the current one."""
        if found := self._layout.line(self.scroll_offset.y + event.y):
            self.turn = max(0, found[0].turn)
