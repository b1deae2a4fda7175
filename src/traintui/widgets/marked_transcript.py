"""A conversation with what helps to read it: what was looked for, what checks complain about, what is known already."""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.worker import Worker

from traintui import commands, text
from traintui.data.records import Turn
from traintui.quality.words import sentences
from traintui.widgets.transcript import Transcript
from traintui.widgets.transcript_layout import SYSTEM, Block, Layout, Match, blocks_of

FOUND = "$foreground on $warning 40%"
FOUND_HERE = "bold $background on $warning"
AT_ONCE = 60_000
"""Characters that are searched at once; more of them are searched beside the painting."""
KNOWN = "$muted"
"""How what is known already is drawn."""


def what_is_said(turns: Sequence[Turn]) -> frozenset[str]:
    """The sentences of turns as they are drawn, Markdown aside."""
    return frozenset(said for block in blocks_of(turns, None) for said in _said(block))


def unchanged(turns: Sequence[Turn], known: Set[str]) -> frozenset[int]:
    """The places of the turns of which every sentence is known."""
    others = {block.turn for block in blocks_of(turns, None) if any(said not in known for said in _said(block))}
    return frozenset(range(len(turns))) - others


def _said(block: Block) -> list[str]:
    plain = block.content.plain
    return [plain[begin:end] for begin, end in sentences(plain)] if block.kind in {"text", "code"} else []


class MarkedTranscript(Transcript):
    """A transcript with matches, complaints at the heads of the turns, and what is known already drawn quietly."""

    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("matches")

    class Matched(Message):
        """Another match is shown: its number from 1, 0 for none, and of how many; or it is still being looked for."""

        def __init__(self, place: int, total: int, *, around: bool = False, looking: bool = False) -> None:
            self.place, self.total, self.around, self.looking = place, total, around, looking
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._filtered: re.Pattern[str] | None = None
        self._typed: re.Pattern[str] | None = None
        self._matches: list[Match] = []
        self._of_block: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        self._here: Match | None = None
        self._looking = False
        self._begun_at = 0
        self._complaints: Mapping[int, tuple[str, ...]] = {}
        self._objections: Mapping[int, tuple[str, ...]] = {}
        self._known: Set[str] = frozenset()
        self._unchanged: Set[int] = frozenset()

    def show(self, turns: Sequence[Turn], system_prompt: str | None, *, key: object, keep: bool = False) -> None:
        """As any transcript; a search ends, and what helps has to be given anew."""
        self._typed = None
        self._complaints, self._known, self._unchanged = {}, frozenset(), frozenset()
        self._objections = {}
        super().show(turns, system_prompt, key=key, keep=keep)

    def _lay_out(self, top: int) -> None:
        self._forget_matches()  # they name blocks that are about to be others
        super()._lay_out(top)
        if self._sought is not None:
            self._find(self.repaint)

    # What is looked for

    @property
    def _sought(self) -> re.Pattern[str] | None:
        return self._typed or self._filtered

    @property
    def is_sought(self) -> bool:
        """Whether anything is looked for, found or not."""
        return self._sought is not None

    def mark_filter(self, sought: re.Pattern[str] | None) -> None:
        """Marks what the filter of the table looks for, while nothing else is looked for."""
        if sought != self._filtered:
            self._filtered = sought
            self._find(self.repaint)

    def begin_search(self) -> None:
        """A search begins: from here on the first match is looked for, and here one is back when it ends without."""
        self._begun_at = self.scroll_offset.y

    def search(self, sought: re.Pattern[str] | None) -> None:
        """Marks what is looked for and goes to its first match from where the search began."""
        self._typed = sought
        self._find(self._go_to_first)

    def _go_to_first(self) -> None:
        if self._typed is not None and self._matches:
            self._go(self._first_from(self._begun_at), around=False)
        else:
            self.repaint()
            self.post_message(self.Matched(0, 0))

    def end_search(self, *, found: bool) -> None:
        """Ends the search: with `found` where the match is, else where it began, with nothing marked but the filter."""
        if not found:
            self.search(None)
            self.scroll_to(y=self._begun_at, animate=False, force=True)

    def say_match(self) -> None:
        """Says again which match is shown."""
        at = 0 if self._here is None else self._matches.index(self._here) + 1
        self.post_message(self.Matched(at, len(self._matches) if at else 0, looking=self._looking))

    def _forget_matches(self) -> None:
        self._matches, self._here, self._looking = [], None, False
        self._of_block.clear()

    def _find(self, then: Callable[[], None]) -> None:
        self._forget_matches()
        sought, layout = self._sought, self._layout
        if sought is None or layout.size <= AT_ONCE:
            self._take([] if sought is None else layout.find(sought))
            then()
        else:
            self._looking = True
            self.post_message(self.Matched(0, 0, looking=True))
            beside = partial(self._find_beside, layout, sought, then)
            _: Worker[None] = self.run_worker(beside, name="search", group="search", exclusive=True)

    async def _find_beside(self, layout: Layout, sought: re.Pattern[str], then: Callable[[], None]) -> None:
        found = await asyncio.to_thread(layout.find, sought)
        if layout is self._layout and sought is self._sought:
            self._take(found)
            then()

    def _take(self, matches: list[Match]) -> None:
        self._matches, self._looking = matches, False
        for match in matches:
            self._of_block[match.block].append((match.start, match.end))

    def _first_from(self, line: int) -> int:
        block = self._layout.block_at(line)
        return bisect_left(self._matches, block, key=lambda match: match.block) % len(self._matches)

    def action_match(self, step: int) -> None:
        """Goes to the next match, or the one before."""
        if not self._matches:
            self.post_message(self.Matched(0, 0))
            return
        if self._here is not None:
            at = self._matches.index(self._here) + step
        else:
            at = self._first_from(self.scroll_offset.y) - (step < 0)
        self._go(at % len(self._matches), around=not 0 <= at < len(self._matches))

    def _go(self, at: int, *, around: bool) -> None:
        match = self._here = self._matches[at]
        line = self._layout.line_of(match)
        self._measure()
        top, page = self.scroll_offset.y, self.size.height
        if not top <= line < top + page - 1:
            self.scroll_to(y=max(0, line - page // 3), animate=False, force=True)
        self.turn = max(0, self._layout.blocks[match.block].turn)
        self.repaint()
        self.post_message(self.Matched(at + 1, len(self._matches), around=around))

    def action_unmark(self) -> None:
        """Takes the marks of a search away."""
        self.search(None)

    # What checks complain about

    def complain(self, complaints: Mapping[int, tuple[str, ...]]) -> None:
        """Says at the heads of the turns, by their places, what is wrong there."""
        self._complaints = complaints
        self._strips.clear()
        self.refresh()

    def take_objections(self, objections: Mapping[int, tuple[str, ...]]) -> None:
        """Has the next complaint stop at what others object to in turns too, by their places. Nothing is drawn."""
        self._objections = objections

    def next_complaint(self) -> tuple[int, tuple[str, ...]] | None:
        """Goes to the next turn that something is wrong with, after the last one to the first; what that is. None where
        there is no such turn."""
        places = sorted(place for place in {*self._complaints, *self._objections} if place < len(self._turns))
        if not places:
            return None
        self.turn = places[bisect_right(places, self.turn) % len(places)]
        self._reveal(self.turn)
        return self.turn, (*self._objections.get(self.turn, ()), *self._complaints.get(self.turn, ()))

    # What is known already

    def quieten(self, known: Set[str], whole: Set[int]) -> None:
        """Draws sentences that are known quietly; `whole` are the places of the turns that have no others."""
        if (known, whole) != (self._known, self._unchanged):
            self._known, self._unchanged = known, whole
            self.repaint()

    # Drawing

    def paint(self, index: int, block: Block, content: Content) -> Content:
        """Quiet what is known, then bright what was found."""
        if block.kind not in {"text", "code"}:
            return content
        content = self.dim(block, content)
        for begin, end in self._of_block.get(index, ()):
            here = self._here is not None and (index, begin) == (self._here.block, self._here.start)
            content = content.stylize(FOUND_HERE if here else FOUND, begin, end)
        return content

    def dim(self, block: Block, content: Content) -> Content:
        """Draws quietly what need not be read."""
        if self._known and block.turn != SYSTEM:
            plain = content.plain
            for begin, end in sentences(plain):
                if plain[begin:end] in self._known:
                    content = content.stylize(KNOWN, begin, end)
        return content

    def _head(self, turn: int, current: bool) -> Content:
        head = super()._head(turn, current)
        if turn in self._unchanged:
            head += Content.styled("  the same", "$faint")
        if says := self._complaints.get(turn):
            head += text.shown(f"  ! {'; '.join(says)}", style="$warning")
        return head
