"""Where one is: parts in one line, the most important first, none of them cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.widgets import Static

BETWEEN = "   "


class PlaceLine(Static):
    """What does not fit whole is left out, but for the first part, which is always there."""

    DEFAULT_CSS = """
    PlaceLine { width: 1fr; height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: tuple[Content, ...] = ()

    def say(self, parts: Iterable[Content]) -> None:
        """Says other parts; empty ones are none."""
        self._parts = tuple(part for part in parts if part)
        self._fit()

    def on_resize(self) -> None:
        """More or fewer fit."""
        self._fit()

    def _fit(self) -> None:
        shown = Content(BETWEEN).join(fitting(self._parts, self.content_size.width))
        if shown != self.content:
            self.update(shown, layout=False)


def fitting(parts: Sequence[Content], room: int) -> list[Content]:
    """The parts that fit into so many cells, in their order; all of them where the room is not known yet (0)."""
    shown: list[Content] = []
    used = -len(BETWEEN)
    for part in parts:
        if not shown or not room or used + len(BETWEEN) + part.cell_length <= room:
            shown.append(part)
            used += len(BETWEEN) + part.cell_length
    return shown
