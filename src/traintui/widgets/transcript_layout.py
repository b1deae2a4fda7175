"""A conversation as lines of a given width: cut into small blocks, of which only those in view are wrapped.

Light Markdown only: bold, italic, inline code, code fences, lists, headings and links. Everything else is text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from textual.content import Content, Span

from traintui import text
from traintui.data.records import Turn

LONGEST = 8_000
"""Characters of one block: a longer line of the text is cut, so that no block takes long to wrap."""
EAGER = 20_000
"""Characters up to which a whole conversation is wrapped at once, which takes some milliseconds."""

Kind = Literal["head", "text", "code", "fence", "gap"]

SYSTEM = -1
"""The place of the system prompt, before the turns."""

_FENCE = re.compile(r"^\s{0,3}(```|~~~)")
_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"^(\s*)([-*+]|\d{1,3}[.)])\s+(?=\S)")
_QUOTE = re.compile(r"^\s{0,3}>\s?")
_INLINE = re.compile(
    r"(?P<tick>`+)(?P<code>[^`]+)(?P=tick)"
    r"|\*\*(?=\S)(?P<bold>(?:[^*]|\*(?!\*))+?)(?<=\S)\*\*"
    r"|(?<![\w*])\*(?=[^\s*])(?P<italic>[^*]+)(?<=\S)\*(?![\w*])"
    r"|(?<!\w)__(?=\S)(?P<bold2>[^_]+)(?<=\S)__(?!\w)"
    r"|(?<!\w)_(?=\S)(?P<italic2>[^_]+)(?<=\S)_(?!\w)"
    r"|\[(?P<link>[^\[\]]+)\]\((?P<url>[^()\s]+)\)"
)
_STYLES = {"code": "$code", "bold": "bold", "bold2": "bold", "italic": "italic", "italic2": "italic"}


def inline(plain: str) -> Content:
    """A line of stored text with its inline Markdown as styles; the gate has made it safe before a style is added."""
    safe = text.visible(plain)
    parts: list[str] = []
    spans: list[Span] = []
    length = place = 0
    for match in _INLINE.finditer(safe):
        before = safe[place : match.start()]
        kind = match.lastgroup or "code"
        inner = match["link"] if kind == "url" else match[kind]
        parts += [before, inner]
        start = length + len(before)
        length = start + len(inner)
        if kind == "url":
            spans.append(Span(start, length, "underline"))
            address = f" ({match['url']})"
            parts.append(address)
            spans.append(Span(length, length + len(address), "$muted"))
            length += len(address)
        else:
            spans.append(Span(start, length, _STYLES[kind]))
        place = match.end()
    parts.append(safe[place:])
    return Content("".join(parts), spans)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece that is wrapped on its own: a line of a turn, the head of a turn, or the gap after it."""

    turn: int
    kind: Kind
    raw: str = ""

    def wrapped(self, width: int) -> list[Content]:
        """Its lines. The head's line is drawn by the widget, which knows what is marked."""
        match self.kind:
            case "head" | "gap":
                return [Content("")]
            case "code":
                line = Content(text.visible(self.raw)).stylize("$code")
                return [part.truncate(width, pad=True).stylize("on $surface") for part in line.fold(width) or [line]]
            case "fence":
                return [Content.styled(text.visible(self.raw, limit=width), "$faint")]
        return self._wrapped_text(width)

    def _wrapped_text(self, width: int) -> list[Content]:
        first, rest, body, style = "", "", self.raw, ""
        if heading := _HEADING.match(self.raw):
            body, style = heading[2], "bold $accent"
        elif item := _ITEM.match(self.raw):
            bullet = "•" if item[2] in "-*+" else item[2]
            first = " " * min(len(item[1].expandtabs(4)), width // 3) + bullet + " "
            rest, body = " " * len(first), self.raw[item.end() :]
        elif quote := _QUOTE.match(self.raw):
            first = rest = "│ "
            body, style = self.raw[quote.end() :], "$muted italic"
        content = inline(body)
        if style:
            content = content.stylize(style)
        if not content.plain.strip():
            return [Content(first.rstrip())]
        lines = content.wrap(max(8, width - len(first)))
        if not first:
            return lines
        return [Content.assemble((rest if index else first, "$muted"), line) for index, line in enumerate(lines)]

    def estimate(self, width: int) -> int:
        """How many lines it will have, without wrapping it."""
        return 1 + len(self.raw) * 21 // 20 // width if self.kind in {"text", "code"} else 1


def blocks_of(turns: Sequence[Turn], system_prompt: str | None) -> Iterator[Block]:
    """The blocks of a conversation, in order."""
    if system_prompt:
        yield from _blocks(SYSTEM, system_prompt)
    for place, turn in enumerate(turns):
        yield from _blocks(place, turn.content)


def _blocks(turn: int, content: str) -> Iterator[Block]:
    yield Block(turn, "head")
    fence = ""
    for line in content.split("\n"):
        opened = _FENCE.match(line)
        if opened and (not fence or opened[1] == fence):
            fence = "" if fence else opened[1]
            yield Block(turn, "fence", line)
            continue
        kind: Kind = "code" if fence else "text"
        while len(line) > LONGEST:
            cut = line.rfind(" ", LONGEST // 2, LONGEST) + 1 or LONGEST
            yield Block(turn, kind, line[:cut])
            line = line[cut:]
        yield Block(turn, kind, line)
    yield Block(turn, "gap")


class Layout:
    """Where each block stands at one width. Blocks out of view have an estimated height until they are settled."""

    def __init__(self, blocks: Sequence[Block], width: int) -> None:
        self.blocks = tuple(blocks)
        self.width = max(8, width)
        self._lines: dict[int, list[Content]] = {}
        self._heights = [block.estimate(self.width) for block in self.blocks]
        self._tops: list[int] = []
        self._heads = {block.turn: index for index, block in enumerate(self.blocks) if block.kind == "head"}
        if sum(len(block.raw) for block in self.blocks) <= EAGER:
            for index in range(len(self.blocks)):
                self._settle(index)
        self._measure()

    @property
    def height(self) -> int:
        """Lines of the whole conversation, as far as is known."""
        return self._tops[-1]

    def turn_top(self, turn: int) -> int:
        """The line on which a turn begins."""
        return self._tops[self._heads[turn]]

    def turn_end(self, turn: int) -> int:
        """The line after the last one of a turn."""
        following = self._heads.get(turn + 1)
        return self.height if following is None else self._tops[following]

    def block_at(self, line: int) -> int:
        """The index of the block that a line belongs to."""
        return min(max(0, bisect_right(self._tops, line) - 1), max(0, len(self.blocks) - 1))

    def line(self, number: int) -> tuple[Block, Content] | None:
        """A line with its block; None after the end."""
        if not 0 <= number < self.height:
            return None
        index = self.block_at(number)
        within = number - self._tops[index]
        lines = self._lines.get(index) or self.blocks[index].wrapped(self.width)
        return self.blocks[index], lines[within] if within < len(lines) else Content("")

    def settle(self, top: int, lines: int) -> int:
        """Wraps what a view of `lines` lines from `top` on shows. Returns how far the view has to move so that what was
        at its upper edge, counted from the end of its block, stays where it was."""
        if not self.blocks:
            return 0
        first = self.block_at(top)
        covered = self._tops[first] + self._heights[first] - top
        shift = self._settle(first)
        index = first + 1
        changed = bool(shift)
        while covered < lines and index < len(self.blocks):
            changed |= bool(self._settle(index))
            covered += self._heights[index]
            index += 1
        if changed:
            self._measure()
        return max(shift, -top)  # never above the first line

    def settle_end(self, lines: int) -> None:
        """Wraps what a view at the very end shows."""
        index = len(self.blocks) - 1
        covered = 0
        while covered < lines and index >= 0:
            self._settle(index)
            covered += self._heights[index]
            index -= 1
        self._measure()

    def _settle(self, index: int) -> int:
        if index in self._lines or not self.blocks:
            return 0
        lines = self._lines[index] = self.blocks[index].wrapped(self.width)
        change = len(lines) - self._heights[index]
        self._heights[index] = len(lines)
        return change

    def _measure(self) -> None:
        self._tops = [0, *accumulate(self._heights)]
