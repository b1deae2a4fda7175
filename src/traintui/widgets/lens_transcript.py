"""A conversation as a training target sees it: what is not trained on is dim, a line stands where the target stops."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from traintui.data.records import Turn
from traintui.export.lens import Fate, Lens
from traintui.widgets.marked_transcript import MarkedTranscript
from traintui.widgets.transcript import MARGIN
from traintui.widgets.transcript_layout import Block

READ = "$muted"
"""How what a target reads and does not learn from is drawn."""
LOST = "$faint"
"""How what it does not even read is drawn."""


class LensTranscript(MarkedTranscript):
    """A transcript that may be looked at through a lens. What is known already is drawn as ever only without one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lens: Lens | None = None
        self._following: Lens | None = None
        """The lens of the text that is shown next, where that is known: it is wrapped once."""

    def show(self, turns: Sequence[Turn], system_prompt: str | None, *, key: object, keep: bool = False) -> None:
        """As any transcript; the lens was for the text before."""
        self._lens, self._following = self._following, None
        super().show(turns, system_prompt, key=key, keep=keep)

    def expect(self, lens: Lens | None) -> None:
        """Says through which lens the text is looked at that is shown next."""
        self._following = lens

    def look_through(self, lens: Lens | None) -> None:
        """Shows the same text through a lens, or without one. What stands at the upper edge stays there."""
        self._following = None
        if lens is self._lens:
            return
        before = self._lines_above()
        self._lens = lens
        self._layout.rule({} if lens is None else {stop.place: stop.character for stop in lens.stops})
        self._measure()
        if shift := self._lines_above() - before:
            self.scroll_to(y=self.scroll_offset.y + shift, animate=False, force=True)
        self._settle()
        self.repaint()

    def _lines_above(self) -> int:
        """How many lines are drawn above the view."""
        top = self.scroll_offset.y
        stops = () if self._lens is None or not top else self._lens.stops
        return sum(line is not None and line < top for line in (self._layout.rule_top(stop.place) for stop in stops))

    def next_complaint(self) -> tuple[int, tuple[str, ...]] | None:
        """As ever; in a turn in which the target stops, to the line there."""
        found = super().next_complaint()
        if found is not None and (line := self._layout.rule_top(found[0])) is not None:
            self._measure()
            top, page = self.scroll_offset.y, self.size.height
            if not top <= line < top + page - 1:
                self.scroll_to(y=max(0, line - page // 2), animate=False, force=True)
        return found

    def _lay_out(self, top: int) -> None:
        super()._lay_out(top)
        if self._lens is not None:
            self._layout.rule({stop.place: stop.character for stop in self._lens.stops})
            self._measure()

    # Drawing

    def _fate(self, turn: int) -> Fate | None:
        return None if self._lens is None else self._lens.fate(turn)

    def dim(self, block: Block, content: Content) -> Content:
        """What the target reads and does not learn from is quiet, what it does not read is faint."""
        if self._lens is None:
            return super().dim(block, content)
        fate = self._lens.fate(block.turn)
        if fate is None:
            return content
        if not fate.trained:
            content = content.stylize(READ)
        if fate.read is not None and fate.read < block.at + len(block.raw):
            content = content.stylize(LOST, self._layout.said_before(block, fate.read))
        return content

    def size_of(self, turn: int) -> Content:
        """The tokens of a turn as the target counts them, and how many there are up to its end."""
        fate = self._fate(turn)
        if fate is None or self._lens is None:
            return super().size_of(turn)
        count, limit = self._lens.count, self._lens.limit
        whole = f" of {limit:,}" if limit is not None else " so far"
        over = limit is not None and fate.until > limit
        return Content.assemble(
            (f"  {count(fate.tokens)} tokens", "$faint"), (", ", "$faint"),
            (f"{count(fate.until)}{whole}", "$warning" if over else "$faint"),
        )  # fmt: skip

    def training_of(self, turn: int) -> Content:
        """Whether the target learns from a turn, and whether it reads it."""
        fate = self._fate(turn)
        if fate is None:
            return super().training_of(turn)
        if fate.is_lost:
            return Content.styled("  lost", "bold $error")
        said = "  cut" if fate.read is not None else ""
        if fate.overrides:
            return Content.styled(f"{said}  trained on all the same", "$warning")
        if fate.trained:
            return Content.styled(said, "$warning")
        marked = turn >= 0 and self._turns[turn].role == "assistant" and not self._turns[turn].train
        return Content.assemble((said, "$warning"), ("  not trained on", "$warning" if marked else "$faint"))

    def rule_of(self, turn: int) -> Content:
        """Where the target stops, and what that loses."""
        stop = None if self._lens is None else next((each for each in self._lens.stops if each.place == turn), None)
        if stop is None:
            return Content("")
        room = self._width - MARGIN
        said = Content(f"┄ {stop.says} ").truncate(room, ellipsis=True)
        return Content.styled(said.plain + "┄" * max(0, room - said.cell_length), "$error")
