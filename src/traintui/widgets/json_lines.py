"""A payload as lines to read: JSON, indented, through the gate for stored text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from textual.content import Content, Span

from traintui import text

MOST = 60_000
"""Characters of a payload that are shown."""

_BREAK = re.compile(r'(?<!\\)((?:\\\\)*\\n)(?=[^"])')
_KEY = re.compile(r'\s*"(?:[^"\\]|\\.)*":')
_PLAIN = re.compile(r"(?:-?\d[\d.eE+-]*|true|false|null)(?=,?$)")


def json_lines(payload: Mapping[str, Any], *, most: int = MOST) -> Iterator[Content]:
    """The payload as indented JSON. A line break inside a string is shown, and a new line begins after it.

    What is longer than `most` characters is cut, and the last line says how much there is more.
    """
    written = json.dumps(payload, indent=2, ensure_ascii=False, default=str)
    for line in written[:most].split("\n"):
        indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
        first, *rest = _BREAK.sub(r"\1" + "\n", line).split("\n")
        yield _styled(first)
        for part in rest:
            yield Content(indent + text.visible(part))
    if len(written) > most:
        yield Content.styled(f"… {len(written) - most:,} more characters", "$warning")


def _styled(line: str) -> Content:
    safe = text.visible(line)
    spans = []
    start = 0
    if key := _KEY.match(safe):
        start = key.end()
        spans.append(Span(0, start, "$muted"))
    if plain := _PLAIN.search(safe, start):
        spans.append(Span(plain.start(), plain.end(), "$code"))
    return Content(safe, spans)
