"""The text of a source as a narrow column can show it: its Markdown without the signs, marks kept."""

from __future__ import annotations

import re
from itertools import pairwise

from textual.content import Content

_HEADING = re.compile(r"#{1,6}[ \t]+(?=\S)")
_BULLET = re.compile(r"[ \t]*[-*+][ \t]+(?=\S)")
_ROW = re.compile(r"[ \t]*\|.*\|[ \t]*$")
_RULE = re.compile(r"[ \t]*\|(?:[ \t]*:?-{1,}:?[ \t]*\|)+[ \t]*$")
_CELL_ENDS = re.compile(r"(?<!\\)\|")
_SIGNS = re.compile(r"\*\*(?P<bold>[^*\n]+)\*\*|\\(?P<kept>[*_|#`\\])")
_BETWEEN = Content.styled(" │ ", "$faint")
_DOT = ("• ", "$faint")


def readable(source: Content, heading: str | None) -> Content:
    """Headings bold, rows of tables and lists behind a dot, since they may be wrapped. A first line that only says
    the last of the headings (`Loans > Deferral`), which stand above it, is left out."""
    lines = source.split("\n", allow_blank=True)
    first = lines[0].plain if lines else ""
    if heading and _HEADING.match(first) and first.lstrip("#").strip() == heading.rpartition(" > ")[2].strip():
        del lines[0]
        while lines and not lines[0].plain.strip():
            del lines[0]
    made: list[Content] = []
    for number, line in enumerate(lines):
        if _RULE.match(line.plain):
            continue
        under = lines[number + 1].plain if number + 1 < len(lines) else ""
        made.append(_line(line, titles=_RULE.match(under) is not None))
    return Content("\n").join(made)


def _line(line: Content, *, titles: bool) -> Content:
    if _ROW.match(line.plain):
        row = _BETWEEN.join([_inline(cell) for cell in _cells(line) if cell.plain])
        return row.stylize("bold") if titles else Content.assemble(_DOT, row)
    if heading := _HEADING.match(line.plain):
        return _inline(line[heading.end() :]).stylize("bold")
    if bullet := _BULLET.match(line.plain):
        return Content.assemble(_DOT, _inline(line[bullet.end() :]))
    return _inline(line)


def _cells(line: Content) -> list[Content]:
    """What stands between the bars of a row, without the blanks around it."""
    bars = [match.start() for match in _CELL_ENDS.finditer(line.plain)]
    cells = []
    for begin, end in pairwise(bars):
        said = line.plain[begin + 1 : end]
        begin += 1 + len(said) - len(said.lstrip())
        cells.append(line[begin : max(begin, end - len(said) + len(said.rstrip()))])
    return cells


def _inline(line: Content) -> Content:
    parts: list[Content] = []
    at = 0
    for match in _SIGNS.finditer(line.plain):
        kind = match.lastgroup or "kept"
        inner = line[match.start(kind) : match.end(kind)]
        parts += [line[at : match.start()], inner.stylize("bold") if kind == "bold" else inner]
        at = match.end()
    return Content("").join([*parts, line[at:]]) if parts else line
