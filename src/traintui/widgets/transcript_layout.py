"""A conversation as lines of a given width: cut into small blocks, of which only those in view are wrapped.

Light Markdown only: bold, italic, inline code, code fences, lists, headings and links. Everything else is text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
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

Kind = Literal["head", "text", "code", "fence", "gap", "rule"]

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
    """A piece that is wrapped on its own: a line of a turn, the head of a turn, or the gap after it; `rule` is a line
    that is drawn between them. `at` is the place of its text in that of the turn."""

    turn: int
    kind: Kind
    raw: str = ""
    at: int = 0

    @property
    def content(self) -> Content:
        """What it says, before it is wrapped: its Markdown as styles, its bullet or bar left out."""
        match self.kind:
            case "head" | "gap" | "rule":
                return Content("")
            case "fence":
                return Content.styled(text.visible(self.raw), "$faint")
            case "code":
                return Content(text.visible(self.raw)).stylize("$code")
        _, _, body, style = self._text_parts(80)
        return inline(body).stylize(style) if style else inline(body)

    def wrapped(self, width: int, content: Content | None = None) -> list[Content]:
        """Its lines, of `content` where that is given: the same with more styles. The head's line is drawn by the
        widget, which knows what is marked."""
        content = self.content if content is None else content
        match self.kind:
            case "head" | "gap" | "rule":
                return [content]
            case "code":
                return [
                    part.truncate(width, pad=True).stylize_before("on $surface")
                    for part in content.fold(width) or [content]
                ]
            case "fence":
                return [content.truncate(width, ellipsis=True)]
        first, rest, _, _ = self._text_parts(width)
        if not content.plain.strip():
            return [Content(first.rstrip())]
        lines = content.wrap(max(8, width - len(first)))
        if not first:
            return lines
        return [Content.assemble((rest if index else first, "$muted"), line) for index, line in enumerate(lines)]

    def _text_parts(self, width: int) -> tuple[str, str, str, str]:
        """What stands before the first line and before the others, what it says, and in which style."""
        if heading := _HEADING.match(self.raw):
            return "", "", heading[2], "bold $accent"
        if item := _ITEM.match(self.raw):
            bullet = "•" if item[2] in "-*+" else item[2]
            first = " " * min(len(item[1].expandtabs(4)), width // 3) + bullet + " "
            return first, " " * len(first), self.raw[item.end() :], ""
        if quote := _QUOTE.match(self.raw):
            return "│ ", "│ ", self.raw[quote.end() :], "$muted italic"
        return "", "", self.raw, ""

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
    fence, at = "", 0
    for line in content.split("\n"):
        end = at + len(line) + 1
        opened = _FENCE.match(line)
        if opened and (not fence or opened[1] == fence):
            fence = "" if fence else opened[1]
            yield Block(turn, "fence", line, at)
            at = end
            continue
        kind: Kind = "code" if fence else "text"
        while len(line) > LONGEST:
            cut = line.rfind(" ", LONGEST // 2, LONGEST) + 1 or LONGEST
            yield Block(turn, kind, line[:cut], at)
            line, at = line[cut:], at + cut
        yield Block(turn, kind, line, at)
        at = end
    yield Block(turn, "gap")


Paint = Callable[[int, Block, Content], Content]
"""Adds styles to what a block says, given its index; it never changes the text."""


@dataclass(frozen=True, slots=True)
class Match:
    """Where something that was looked for stands: a block by its index, and the place in what it says."""

    block: int
    start: int
    end: int


RULE = Content("")
"""The line of a rule: whoever draws it knows what it says."""


class Layout:
    """Where each block stands at one width. Blocks out of view have an estimated height until they are settled.

    `paint` styles what is in view, each time that it is wrapped.
    """

    def __init__(self, blocks: Sequence[Block], width: int, paint: Paint | None = None) -> None:
        self.blocks = tuple(blocks)
        self.width = max(8, width)
        self._paint = paint
        self._settled: set[int] = set()
        self._lines: dict[int, list[Content]] = {}
        self._rules: dict[int, int] = {}
        self._plains: dict[int, str] = {}
        self._heights = [block.estimate(self.width) for block in self.blocks]
        self._tops: list[int] = []
        self._heads = {block.turn: index for index, block in enumerate(self.blocks) if block.kind == "head"}
        if self.size <= EAGER:
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
        lines = self._wrapped(index)
        line = lines[within] if within < len(lines) else Content("")
        return (Block(self.blocks[index].turn, "rule") if line is RULE else self.blocks[index]), line

    # Rules

    def place_in(self, turn: int, character: int) -> tuple[int, int]:
        """Where a character of a turn's text stands: a block by its index, and the place in what it says."""
        head = index = self._heads[turn]
        while self.blocks[index + 1].kind != "gap" and (
            index == head or self.blocks[index + 1].at <= character
        ):  # fmt: skip
            index += 1
        return index, self.said_before(self.blocks[index], character)

    @staticmethod
    def said_before(block: Block, character: int) -> int:
        """How much of what a block says comes before a character of its turn's text."""
        before = Block(block.turn, block.kind, block.raw[: max(0, character - block.at)])
        return min(len(block.content.plain), len(before.content.plain))

    def rule(self, stops: Mapping[int, int]) -> None:
        """Draws a line in turns, each below the line of text that holds a character of it; for the character 0 above
        the turn. Only what is in view is wrapped anew."""
        rules = dict(
            self.place_in(turn, character) if character else (self._heads[turn], -1)
            for turn, character in stops.items()
            if turn in self._heads
        )
        touched = (set(rules) | set(self._rules)) - {index for index in rules if rules[index] == self._rules.get(index)}
        for index in touched:
            self._lines.pop(index, None)
            self._heights[index] += (index in rules) - (index in self._rules)
        self._rules = rules
        if touched:
            self._measure()

    def rule_top(self, turn: int) -> int | None:
        """The line on which the rule of a turn is drawn, None where it has none. Its block is settled then."""
        index = next((index for index in self._rules if self.blocks[index].turn == turn), None)
        if index is None:
            return None
        if self._settle(index):
            self._measure()
        return self._tops[index] + next(number for number, line in enumerate(self._wrapped(index)) if line is RULE)

    def repaint(self) -> None:
        """Other styles are wanted: what is in view is painted anew when it is drawn. Nothing moves."""
        self._lines.clear()

    @property
    def size(self) -> int:
        """Characters of the whole conversation."""
        return sum(len(block.raw) for block in self.blocks)

    def find(self, pattern: re.Pattern[str]) -> list[Match]:
        """Where a pattern stands in what is said, Markdown aside, in order. The first time takes half a second for a
        megabyte."""
        found = []
        for index, block in enumerate(self.blocks):
            if block.kind in {"text", "code"}:
                found += [Match(index, *match.span()) for match in pattern.finditer(self._plain(index)) if match[0]]
        return found

    def _plain(self, index: int) -> str:
        plain = self._plains.get(index)
        if plain is None:
            plain = self._plains[index] = self.blocks[index].content.plain
        return plain

    def line_of(self, match: Match) -> int:
        """The line on which a match begins; its block is settled then."""
        if self._settle(match.block):
            self._measure()
        lines = self._wrapped(match.block)
        number = self._line_with(match.block, [line for line in lines if line is not RULE], match.start)
        return self._tops[match.block] + number + any(line is RULE for line in lines[: number + 1])

    def _line_with(self, index: int, lines: Sequence[Content], start: int) -> int:
        """Which of the lines of a block has a place of what it says."""
        plain, at = self._plain(index), 0
        for number, line in enumerate(lines):
            # Wrapping leaves out blanks, and puts a bullet before the first line.
            said = line.plain.strip().removeprefix("• ").removeprefix("│ ")
            place = plain.find(said, at) if said else at
            at = (place if place >= 0 else at) + len(said)
            if start < at:
                return number
        return max(0, len(lines) - 1)

    def _wrapped(self, index: int) -> list[Content]:
        lines = self._lines.get(index)
        if lines is None:
            block = self.blocks[index]
            content = None if self._paint is None else self._paint(index, block, block.content)
            lines = block.wrapped(self.width, content)
            if (start := self._rules.get(index)) is not None:
                below = 0 if start < 0 else self._line_with(index, lines, start) + 1
                lines = [*lines[:below], RULE, *lines[below:]]
            self._lines[index] = lines
        return lines

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
        if index in self._settled or not self.blocks:
            return 0
        self._settled.add(index)
        lines = self._wrapped(index)
        change = len(lines) - self._heights[index]
        self._heights[index] = len(lines)
        return change

    def _measure(self) -> None:
        self._tops = [0, *accumulate(self._heights)]
