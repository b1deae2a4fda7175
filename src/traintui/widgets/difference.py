"""What differs between two texts, line by line: side by side where there is room, else one below the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from textual.content import Content
from textual.geometry import Size

from traintui import text
from traintui.quality.words import Places
from traintui.widgets.detail_view import MARGIN, DetailView

SIDE_BY_SIDE = 88
"""Cells from which two texts stand beside each other."""
AROUND = 3
"""Lines of what is the same that are shown around what is not."""
ALIKE = 0.4
"""How much of two lines must be the same for what differs within them to be marked."""
LONGEST = 2_000
"""Characters up to which a line is looked at word by word."""
NUMBER = 4
"""Cells of a line's number."""

Kind = Literal["same", "removed", "added", "skipped"]
SIGNS: dict[Kind, tuple[str, str]] = {
    "same": (" ", ""), "removed": ("-", "$error"), "added": ("+", "$success"), "skipped": ("⋯", "$faint"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Side:
    """A line of one of the texts; `marked` are the places within it, from and to, that the other one does not have."""

    kind: Kind
    number: int
    line: str
    marked: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """What stands beside each other. None where one text has no such line."""

    old: Side | None
    new: Side | None


def compared(old: str, new: str) -> tuple[Pair, ...]:
    """Both texts by lines, those that are the same left out where nothing near them differs; nothing for equal ones."""
    before, after = old.splitlines(), new.splitlines()
    pairs: list[Pair] = []
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(AROUND):
        first = group[0]
        if first[1] or first[3]:
            pairs.append(Pair(Side("skipped", first[1], ""), Side("skipped", first[3], "")))
        for kind, i1, i2, j1, j2 in group:
            if kind == "equal":
                pairs += [
                    Pair(Side("same", i + 1, before[i]), Side("same", j + 1, after[j]))
                    for i, j in zip(range(i1, i2), range(j1, j2), strict=True)
                ]
            else:
                pairs += _changed(before[i1:i2], after[j1:j2], i1, j1)
    return tuple(pairs)


def _changed(before: Sequence[str], after: Sequence[str], i: int, j: int) -> Iterator[Pair]:
    for place, (old, new) in enumerate(zip_longest(before, after)):
        gone, come = ((), ()) if old is None or new is None else _within(old, new)
        yield Pair(
            None if old is None else Side("removed", i + place + 1, old, gone),
            None if new is None else Side("added", j + place + 1, new, come),
        )


def _within(old: str, new: str) -> tuple[Places, Places]:
    """Which words of two lines differ, unless the lines have little in common."""
    if max(len(old), len(new)) > LONGEST:
        return (), ()
    left, right = _words(old), _words(new)
    matcher = SequenceMatcher(None, [word for word, _ in left], [word for word, _ in right], autojunk=False)
    if matcher.ratio() < ALIKE:
        return (), ()
    gone, come = [], []
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind != "equal":
            if i1 < i2:
                gone.append((left[i1][1], left[i2 - 1][1] + len(left[i2 - 1][0])))
            if j1 < j2:
                come.append((right[j1][1], right[j2 - 1][1] + len(right[j2 - 1][0])))
    return tuple(gone), tuple(come)


def _words(line: str) -> list[tuple[str, int]]:
    return [(found[0], found.start()) for found in re.finditer(r"\w+|\s+|[^\w\s]", line)]


class DifferenceView(DetailView):
    """Two versions of one or more texts; keys as in any long text."""

    DEFAULT_CSS = """
    DifferenceView { background: $background; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: tuple[tuple[str, tuple[Pair, ...]], ...] = ()
        self._titles = ("", "")

    def compare(self, titles: tuple[str, str], parts: Iterable[tuple[str, tuple[Pair, ...]]], *, key: object) -> None:
        """Shows what differs in each part, a title over each; `titles` are what the two versions are called."""
        self._titles, self._parts = titles, tuple(parts)
        self.show((), key=key)

    @property
    def plain(self) -> str:
        """The text of all lines."""
        return "\n".join(line.plain for line in self._wrapped)

    def _wrap(self) -> None:
        self._width = max(16, self.size.width - 2 * MARGIN)
        beside = self._width >= SIDE_BY_SIDE
        lines = list(self._heading(beside))
        for title, pairs in self._parts:
            lines += [Content(""), Content.styled(title, "bold")]
            if not pairs and any(self._titles):
                lines.append(Content.styled("the same", "$muted"))
            lines += _beside(pairs, self._width) if beside else _below(pairs, self._width)
        self._wrapped = lines
        self.virtual_size = Size(self.size.width, len(lines) + 1)
        self.refresh()

    def _heading(self, beside: bool) -> Iterator[Content]:
        old, new = (text.shown(title, single_line=True) for title in self._titles)
        gone, come = Content.styled("- ", "$error"), Content.styled("+ ", "$success")
        if beside:
            yield Content.assemble(gone + old).truncate(_half(self._width), pad=True) + Content("   ") + come + new
        else:
            margin = " " * (NUMBER + 1)  # the signs stand over those of the lines
            yield Content.assemble(margin, gone, old)
            yield Content.assemble(margin, come, new)


def _half(width: int) -> int:
    return (width - 3) // 2


def _beside(pairs: Iterable[Pair], width: int) -> Iterator[Content]:
    half = _half(width)
    for pair in pairs:
        for left, right in zip_longest(_drawn(pair.old, half), _drawn(pair.new, half)):
            old = Content("") if left is None else left
            line = old.truncate(half, pad=True) + Content.styled(" │ ", "$faint")
            yield line if right is None else line + right


def _below(pairs: Sequence[Pair], width: int) -> Iterator[Content]:
    """What is gone, then what has come in its place; what is the same once."""
    come: list[Side] = []
    for pair in pairs:
        if pair.new is not None and pair.new.kind == "added":
            come.append(pair.new)
        else:
            yield from _each(come, width)
            come = []
        if pair.old is not None:
            yield from _drawn(pair.old, width)
    yield from _each(come, width)


def _each(sides: Iterable[Side], width: int) -> Iterator[Content]:
    for side in sides:
        yield from _drawn(side, width)


def _drawn(side: Side | None, width: int) -> list[Content]:
    """A line with its number and its sign, wrapped to a width."""
    if side is None:
        return []
    sign, style = SIGNS[side.kind]
    if side.kind == "skipped":
        return [Content.styled(f"{sign:>{NUMBER}}", style)]
    body = Content("")
    end = 0
    for start, stop in side.marked:
        body += text.shown(side.line[end:start], style=style)
        body += text.shown(side.line[start:stop], style=f"bold {style} reverse")
        end = stop
    body += text.shown(side.line[end:], style=style)
    lead = NUMBER + 3
    first, *rest = body.wrap(max(8, width - lead)) or [Content("")]
    head = Content.assemble((f"{side.number:>{NUMBER}} ", "$faint"), (f"{sign} ", style))
    return [head + first, *(part.pad_left(lead) for part in rest)]
