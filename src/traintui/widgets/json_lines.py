"""A payload as lines to read: JSON, indented, folded where it goes deep, through the gate for stored text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from textual.content import Content

from traintui import text

MOST = 60_000
"""Characters of a payload that are shown."""
DEPTHS: tuple[int | None, ...] = (1, 2, 3, 4, 6, 9, None)
"""Levels that are shown; None is all of it."""
USUAL_DEPTH = 4
LONG = 2_000
"""Characters of a string that are shown while not all of the payload is."""
INDENT = "  "

_BREAK = re.compile(r'(?<!\\)((?:\\\\)*\\n)(?=[^"])')


def json_lines(payload: Mapping[str, Any], *, most: int = MOST, depth: int | None = None) -> Iterator[Content]:
    """The payload as indented JSON. A line break inside a string is shown, and a new line begins after it.

    What lies deeper than `depth` is folded: a line says how much there is, and strings are cut at `LONG` characters.
    What is longer than `most` characters is cut, and the last line says so.
    """
    shown = 0
    for line in _lines(payload, "", Content(""), "", depth):
        shown += len(line.plain)
        if shown > most:
            yield line[: max(0, len(line.plain) - (shown - most))]
            whole = len(json.dumps(payload, indent=2, ensure_ascii=False, default=str))
            yield Content.styled(f"… {max(1, whole - most):,} more characters", "$warning")
            return
        yield line


def _lines(value: Any, indent: str, before: Content, after: str, depth: int | None) -> Iterator[Content]:
    """A value, behind its name if it has one, with the comma that follows it."""
    if isinstance(value, (Mapping, list, tuple)) and value:
        yield from _container(value, indent, before, after, depth)
    elif isinstance(value, str):
        cut = depth is not None and len(value) > LONG
        written = json.dumps(value[:LONG] if cut else value, ensure_ascii=False)
        first, *rest = _BREAK.sub(r"\1" + "\n", written).split("\n")
        folded = Content.styled(f" … {len(value) - LONG:,} more characters, + unfolds", "$accent") if cut else ""
        parts = [Content(first), *(Content(indent + INDENT + part) for part in rest)]
        parts = [Content(text.visible(part.plain)) for part in parts]
        parts[0] = Content.assemble(indent, before, parts[0])
        parts[-1] = Content.assemble(parts[-1], after, folded)
        yield from parts
    else:
        written = json.dumps(value, ensure_ascii=False, default=str)
        yield Content.assemble(indent, before, (text.visible(written), "$code"), after)


def _container(
    value: Mapping[str, Any] | Sequence[Any], indent: str, before: Content, after: str, depth: int | None
) -> Iterator[Content]:
    is_object = isinstance(value, Mapping)
    begins, ends = "{}" if is_object else "[]"
    if depth is not None and depth <= 0:
        number = text.plural(len(value), "key" if is_object else "item")
        yield Content.assemble(indent, before, begins, (f" {number}, + unfolds ", "$accent"), ends, after)
        return
    yield Content.assemble(indent, before, begins)
    deeper = None if depth is None else depth - 1
    inside = [
        (Content.styled(text.visible(json.dumps(str(key), ensure_ascii=False)) + ":", "$muted") + Content(" "), each)
        for key, each in value.items()
    ] if isinstance(value, Mapping) else [(Content(""), each) for each in value]  # fmt: skip
    for place, (name, each) in enumerate(inside, 1):
        yield from _lines(each, indent + INDENT, name, "," if place < len(inside) else "", deeper)
    yield Content.assemble(indent, ends, after)
