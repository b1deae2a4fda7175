"""Bars of days: one figure over time, to be looked at rather than read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from textual.content import Content
from textual.widget import Widget

EIGHTHS = " ▁▂▃▄▅▆▇█"
LINES = 4
"""Lines of the highest bar."""


def shared(values: Sequence[float], columns: int) -> list[float]:
    """The values in so many columns: days that share one are added up."""
    if len(values) <= columns:
        return list(values)
    ends = [len(values) * place // columns for place in range(columns + 1)]
    return [sum(values[start:end]) for start, end in pairwise(ends)]


def bars(values: Sequence[float], lines: int) -> list[str]:
    """The lines of bars as high as the values, the highest first. What is above nothing is seen."""
    most = max(values, default=0.0)
    heights = [0 if not value else max(1, round(value / most * lines * 8)) for value in values]
    return [
        "".join(EIGHTHS[max(0, min(8, height - 8 * below))] for height in heights) for below in range(lines - 1, -1, -1)
    ]


class DayBars(Widget):
    """A title, bars, and the first and the last day below them."""

    DEFAULT_CSS = """
    DayBars { height: 6; width: 1fr; padding: 0 1; background: $surface; color: $foreground; }
    """
    ALLOW_SELECT = False

    def __init__(self, title: str, colour: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._colour = colour
        self._days: tuple[date, date] | None = None
        self._values: Sequence[float] = ()
        self._remark = ""

    def show(self, days: Sequence[date], values: Sequence[float], remark: str) -> None:
        """Shows other values, one a day; `remark` stands beside the title."""
        self._days = (days[0], days[-1]) if days else None
        self._values = values
        self._remark = remark
        self.refresh()

    def render(self) -> Content:
        """Six lines."""
        width = max(8, self.content_size.width)
        wide = max(1, min(6, width // max(1, len(self._values))))
        values = shared(self._values, width)
        lines = ["".join(sign * wide for sign in line) for line in bars(values, LINES)]
        head = Content.assemble((self._title, "bold"), (f"  {self._remark}", "$muted"))
        foot = Content("")
        if self._days is not None:
            first, last = (f"{day:%b} {day.day}" for day in self._days)
            room = max(0, min(width, wide * len(values)) - len(first) - len(last))
            foot = Content.styled(f"{first}{' ' * room}{last}" if room else first, "$muted")
        return Content("\n").join([head, *(Content.styled(line, self._colour) for line in lines), foot])
