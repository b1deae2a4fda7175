"""Bars of days or hours: one figure over time, to be looked at rather than read."""

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
    """The values in so many columns: days that share one have their mean, since not all columns have as many."""
    if len(values) <= columns:
        return list(values)
    ends = [len(values) * place // columns for place in range(columns + 1)]
    return [sum(values[start:end]) / (end - start) for start, end in pairwise(ends)]


def bars(values: Sequence[float], lines: int) -> list[str]:
    """The lines of bars as high as the values, the highest first. What is above nothing is seen."""
    most = max(values, default=0.0)
    heights = [0 if not value else max(1, round(value / most * lines * 8)) for value in values]
    return [
        "".join(EIGHTHS[max(0, min(8, height - 8 * below))] for height in heights) for below in range(lines - 1, -1, -1)
    ]


def titled(title: str, remark: str, width: int) -> Content:
    """The first line: a title, and a remark where there is room for all of it."""
    whole = Content.assemble((title, "bold"), (f"  {remark}", "$muted"))
    return whole if whole.cell_length <= width else Content.styled(title, "bold").truncate(width, ellipsis=True)


class DayBars(Widget):
    """A title, bars, and what the first and the last of them are below."""

    DEFAULT_CSS = """
    DayBars { height: 6; width: 1fr; padding: 0 1; background: $surface; color: $foreground; }
    """
    ALLOW_SELECT = False

    def __init__(self, title: str, colour: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = title
        self._colour = colour
        self._ends = ("", "")
        self._values: Sequence[float] = ()
        self._remark = ""

    def show(self, days: Sequence[date], values: Sequence[float], remark: str) -> None:
        """Shows other values, one a day; `remark` stands beside the title."""
        ends = (f"{days[0]:%b} {days[0].day}", f"{days[-1]:%b} {days[-1].day}") if days else ("", "")
        self.show_between(ends, values, remark)

    def show_between(self, ends: tuple[str, str], values: Sequence[float], remark: str) -> None:
        """Shows other values; below the first and the last of them stand the `ends`."""
        self._ends = ends
        self._values = values
        self._remark = remark
        self.refresh()

    def render(self) -> Content:
        """Six lines."""
        width = max(8, self.content_size.width)
        wide = max(1, min(6, width // max(1, len(self._values))))
        values = shared(self._values, width)
        lines = ["".join(sign * wide for sign in line) for line in bars(values, LINES)]
        head = titled(self._title, self._remark, width)
        first, last = self._ends
        room = min(width, wide * len(values)) - len(first) - len(last)
        foot = Content.styled(f"{first}{' ' * room}{last}" if room > 0 else first, "$muted")
        return Content("\n").join([head, *(Content.styled(line, self._colour) for line in lines), foot])
