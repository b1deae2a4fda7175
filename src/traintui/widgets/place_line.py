"""Where one is: parts in one line, the most important first."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

BETWEEN = "   "


LEAST = 8
"""Cells from which on a part that is cut still says something."""


class PlaceLine(Static):
    """What does not fit whole is left out, but for what must be said."""

    DEFAULT_CSS = """
    PlaceLine { width: 1fr; height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: tuple[Content, ...] = ()
        self._needed = 1

    def say(self, parts: Sequence[Content], needed: int = 1) -> None:
        """Says other parts, the first so many of them cut where they do not fit; empty ones are none."""
        self._parts = tuple(part for part in parts if part)
        self._needed = sum(1 for part in parts[:needed] if part)
        self._fit()

    def on_resize(self) -> None:
        """More or fewer fit."""
        self._fit()

    def _fit(self) -> None:
        shown = Content(BETWEEN).join(fitting(self._parts, self.content_size.width, self._needed))
        if shown != self.content:
            self.update(shown, layout=False)


def fitting(parts: Sequence[Content], room: int, needed: int = 1) -> list[Content]:
    """The parts that fit into so many cells, in their order; all of them where the room is not known yet (0). Of the
    first, as many as are needed, one that does not fit is cut."""
    if not room:
        return list(parts)
    shown: list[Content] = []
    for number, part in enumerate(parts):
        if room >= part.cell_length:
            shown.append(part)
        elif number < needed and (room >= LEAST or not shown):
            shown.append(part.truncate(room, ellipsis=True))
        else:
            continue
        room -= shown[-1].cell_length + len(BETWEEN)
    return shown
