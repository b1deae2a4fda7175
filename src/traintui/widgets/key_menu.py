"""Choices with a key each, in as few lines as the room allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

GUTTER = 4
"""Cells of the key, and of the blanks around it."""
LEAST = 30
"""Cells from which on a column of choices can be read."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A key and what it does; `rests` where it does nothing here."""

    key: str
    says: Content
    rests: bool = False


class KeyMenu(Widget):
    """The choices in one column, or in two, read down and then across, where those take fewer lines. What does not fit
    into a line goes on below its beginning."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "KeyMenu { width: 1fr; height: auto; color: $foreground; }"

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._choices = tuple(choices)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as they take in that width."""
        return len(lines(self._choices, width))

    def render(self) -> Content:
        """All of them."""
        return Content("\n").join(lines(self._choices, self.content_size.width))

    @property
    def said(self) -> str:
        """The choices with their keys, a line each, however wide."""
        return "\n".join(f"{choice.key} {choice.says.plain}" for choice in self._choices)


def lines(choices: Sequence[Choice], width: int) -> list[Content]:
    """The choices as lines of `width` cells."""
    one = _column(choices, width)
    half = (width - 2) // 2
    if half < LEAST:
        return one
    middle = (len(choices) + 1) // 2
    left, right = _column(choices[:middle], half), _column(choices[middle:], half)
    if max(len(left), len(right)) >= len(one):
        return one
    return [
        Content.assemble(beside, " " * (width - half - beside.cell_length), other)
        for beside, other in zip_longest(left, right, fillvalue=Content(""))
    ]


def _column(choices: Sequence[Choice], width: int) -> list[Content]:
    made: list[Content] = []
    for choice in choices:
        key = Content.styled(f" {choice.key} ".ljust(GUTTER), "$faint" if choice.rests else "bold $accent")
        for line in choice.says.wrap(max(1, width - GUTTER)):
            made.append(Content.assemble(key, line.rstrip()))
            key = Content(" " * GUTTER)
    return made
