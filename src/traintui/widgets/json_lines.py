"""A payload as lines to read: JSON, indented, each part of which can be folded, through the gate for stored text.

Lines are made of the whole payload at once, as plain text: a megabyte takes a fraction of a second. Only those in view
become `Content`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from textual.content import Content

from traintui import text

DEPTHS: tuple[int | None, ...] = (1, 2, 3, 4, 6, 9, None)
"""Levels that are shown; None is all of it."""
USUAL_DEPTH = 4
INDENT = 2
"""Cells of a level."""


@dataclass(slots=True)
class Line:
    """A line: `said` behind its `label`. One that begins something with more lines has `more`, how many those are, and
    `folded`, what stands behind it in their place. A line of ours is `ready` as it is."""

    indent: int
    label: str
    said: str
    style: str = ""
    more: int = 0
    folded: str = ""
    is_text: bool = False
    ready: Content | None = None
    hang: int = 2
    """Cells by which its rest is indented further, where it does not fit."""

    @property
    def plain(self) -> str:
        """All that it says, without its indent."""
        return self.ready.plain if self.ready is not None else self.label + self.said

    def content(self, is_folded: bool, start: int = 0, end: int | None = None) -> Content:
        """The line as it is drawn, from a character to another: of a long one the rest is not looked at."""
        if self.ready is not None:
            return self.ready[start:end]
        parts, at = [], 0
        for said, style in ((self.label, "$muted"), (self.said, self.style), (self.folded * is_folded, "$accent")):
            first, last = max(0, start - at), len(said) if end is None else max(0, end - at)
            parts.append((said[first:last], style))
            at += len(said)
        return Content.assemble(*parts)


def ready(lines: Sequence[Content], *, hang: int = 2) -> list[Line]:
    """Lines that are no JSON, as they are."""
    return [Line(0, "", "", ready=line, hang=hang) for line in lines]


def json_lines(payload: Any) -> list[Line]:
    """A payload as indented JSON. A line break inside a string is shown, and a new line begins after it."""
    lines: list[Line] = []
    _add(lines, payload, 0, "", "")
    return lines


def _add(lines: list[Line], value: Any, indent: int, label: str, after: str) -> None:
    """A value, behind its name if it has one, with the comma that follows it."""
    if isinstance(value, (Mapping, list, tuple)) and value:
        is_object = isinstance(value, Mapping)
        begins, ends = "{}" if is_object else "[]"
        number = text.plural(len(value), "key" if is_object else "item")
        first = Line(indent, label, begins, folded=f" {number} {ends}{after}")
        place = len(lines)
        lines.append(first)
        inside = value.items() if isinstance(value, Mapping) else ((None, each) for each in value)
        for rank, (key, each) in enumerate(inside, 1):
            name = "" if key is None else text.visible(json.dumps(str(key), ensure_ascii=False)) + ": "
            _add(lines, each, indent + 1, name, "," if rank < len(value) else "")
        lines.append(Line(indent, "", ends + after))
        first.more = len(lines) - place - 1
    elif isinstance(value, str):
        broken = value.split("\n")
        if len(broken) > 1 and not broken[-1]:  # nothing is behind the last break
            broken[-2:] = [broken[-2] + "\n"]
        quoted = [encode_basestring(part)[1:-1] for part in broken]
        said = [text.visible(part) for part in ("\\n\n".join(quoted)).split("\n")]
        said[0] = f'"{said[0]}'
        said[-1] += f'"{after}'
        rest = len(said) - 1
        folded = f" … {text.plural(rest, 'more line')}"
        lines.append(Line(indent, label, said[0], more=rest, folded=folded, is_text=True))
        lines += [Line(indent + 1, "", part) for part in said[1:]]
    else:
        written = text.visible(json.dumps(value, ensure_ascii=False, default=str))
        lines.append(Line(indent, label, written + after, style="$code"))


def folded_below(lines: Sequence[Line], depth: int | None) -> set[int]:
    """Which lines are folded where so many levels are shown: objects and lists, while text stays."""
    if depth is None:
        return set()
    return {place for place, line in enumerate(lines) if line.more and not line.is_text and line.indent >= depth}


def foldable(lines: Sequence[Line]) -> set[int]:
    """All that can be folded, but for the outermost of each payload."""
    return {place for place, line in enumerate(lines) if line.more and line.indent}


def in_view(lines: Sequence[Line], folded: Collection[int]) -> Iterator[int]:
    """The lines that are shown where some are folded."""
    place = 0
    while place < len(lines):
        yield place
        place += 1 + (lines[place].more if place in folded else 0)


def around(lines: Sequence[Line], place: int) -> Iterator[int]:
    """What a line is in: the lines that fold it away."""
    for before in range(place - 1, -1, -1):
        if lines[before].more >= place - before:
            yield before


def cuts(plain: str, room: int, hang: int) -> Iterator[tuple[int, int]]:
    """Where a line is cut to fit into `room` cells, from its second part on behind a `hang`; at a blank where there is
    one further on than that."""
    if plain.isascii():
        widths: Sequence[int] | None = None
        if len(plain) <= room:
            yield 0, len(plain)
            return
    else:
        from rich.cells import get_character_cell_size

        widths = [get_character_cell_size(sign) for sign in plain]
    start = 0
    while True:
        end = start + room
        if widths is not None:
            end, used = start, 0
            while end < len(plain) and used + widths[end] <= room:
                used += widths[end]
                end += 1
        if end >= len(plain):
            yield start, len(plain)
            return
        blank = plain.rfind(" ", start + (hang if not start else 1), end + 1)
        end = blank + 1 if blank > start and plain[start:blank].strip() else max(end, start + 1)
        yield start, end
        if not start:
            room = max(8, room - hang)
        start = end
