"""Rows put together from texts that are JSON already: what stands around the texts is the same in most rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import orjson

from traintui.data.fetched import ROLES
from traintui.data.records import Turn
from traintui.export.formats.model import Format
from traintui.export.record import Shape, TrainingRecord, has_text

Fill = Callable[[Sequence[bytes]], bytes]
KEPT = 1_000
"""System prompts that are kept as JSON: most conversations share a few."""


class Skeletons:
    """The rows of a format in an export of a shape, for conversations that only differ in their texts: as many turns,
    all trained on, and a system prompt or none.

    What stands around the texts is what the format itself writes around marks in their places, so no rule of a format
    is known here. A format that does not write each text once, as it is, has no skeleton.
    """

    def __init__(self, format: Format, shape: Shape) -> None:
        self._format = format
        self._shape = shape
        self._known: dict[tuple[int, bool], Fill | None] = {}
        self._prompts: dict[str, bytes] = {}

    def row(self, system_prompt: str | None, texts: Sequence[bytes]) -> bytes | None:
        """The row as JSON, as `orjson` writes it. `texts` are those of the turns, as they stand between the quotes.
        None where there is no skeleton."""
        written = has_text(system_prompt)
        key = (len(texts), written)
        if key not in self._known:
            self._known[key] = skeleton(self._format, self._shape, len(texts), system=written)
        fill = self._known[key]
        if fill is None:
            return None
        return fill([self._prompt(system_prompt), *texts] if written and system_prompt else texts)

    def _prompt(self, content: str) -> bytes:
        if content not in self._prompts:
            if len(self._prompts) == KEPT:
                self._prompts.clear()
            self._prompts[content] = orjson.dumps(content)[1:-1]
        return self._prompts[content]


def skeleton(format: Format, shape: Shape, count: int, *, system: bool) -> Fill | None:
    """What makes a row of texts: the system prompt first where there is one, then so many turns."""
    marks = [f"@text {number}@" for number in range(count + system)]
    turns = tuple(Turn(number, ROLES[number & 1], mark) for number, mark in enumerate(marks[system:], 1))
    written = format.write(TrainingRecord("", 1, "approved", marks[0] if system else None, turns), shape)
    if len(written.rows) != 1 or written.reasons:
        return None
    row = orjson.dumps(written.rows[0])
    quoted = [f'"{mark}"'.encode() for mark in marks]
    if any(row.count(mark) != 1 for mark in quoted):
        return None
    order = sorted(range(len(marks)), key=lambda place: row.index(quoted[place]))
    form = row.replace(b"%", b"%%")
    for mark in quoted:
        form = form.replace(mark, b'"%b"')
    if order == list(range(len(marks))):
        return lambda texts: form % tuple(texts)
    chosen: Callable[[Any], tuple[bytes, ...]] = itemgetter(*order)
    return lambda texts: form % chosen(texts)
