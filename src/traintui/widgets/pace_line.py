"""How fast a reviewer is and how far: one line beside the place in the queue."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from traintui.data.pace import Pace

WIDE = 110
"""Cells of a screen from which on the figures have their words."""


class PaceLine(Static):
    """Decisions an hour, what the rest takes at that pace, and today's number against one's target."""

    DEFAULT_CSS = """
    PaceLine { width: auto; height: 1; padding: 0 1; color: $muted; background: $surface; text-wrap: nowrap; }
    """

    def show(self, pace: Pace | None, waiting: int, target: int | None) -> None:
        """Shows other figures; nothing before the pace is known. The screen is arranged anew only where they need
        another room."""
        before = self.content
        shown = Content("") if pace is None else line(pace, waiting, target, wide=self.screen.size.width >= WIDE)
        if shown != before:
            same = isinstance(before, Content) and before.cell_length == shown.cell_length
            self.update(shown, layout=not same)


def line(pace: Pace, waiting: int, target: int | None, *, wide: bool) -> Content:
    """The figures in one line: `9 an hour, about 2 h left   today 12 of 60`, or with fewer words."""
    parts: list[Content] = []
    if pace.per_hour is not None:
        hour = f"{pace.per_hour:,.0f} an hour" if wide else f"{pace.per_hour:,.0f}/h"
        left = pace.hours_for(waiting)
        rest = "" if not waiting or left is None else f", about {span(left)} left" if wide else f" {span(left)}"
        parts.append(Content(hour + rest))
    if pace.today or target:
        reached = target is not None and pace.today >= target
        number = f"{pace.today:,} of {target:,}" if target else f"{pace.today:,}"
        parts.append(
            Content.assemble("today " if wide or not target else "", (number, "$success" if reached else "$foreground"))
        )
    return Content("   " if wide else "  ").join(parts)


def span(hours: float) -> str:
    """A span of work as one plans by it: minutes, hours, and from forty on hours by the thousand."""
    if hours < 1:
        return f"{max(1, round(hours * 60))} min"
    return f"{hours:.1f} h".replace(".0", "") if hours < 10 else f"{hours:,.0f} h"
