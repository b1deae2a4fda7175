"""How far something long is: a bar, how many of how many, how many a second, and the time left."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from traintui import clock, text

BAR = 30
"""Cells of the bar."""
SETTLED = 2.0
"""Seconds after which a rate says something."""


class RateBar(Static):
    """One line, measured from when what is done was last named anew."""

    DEFAULT_CSS = "RateBar { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._doing = ""
        self._began = 0.0
        self._first = 0

    def show(self, doing: str, done: int, total: int) -> None:
        """`doing` names it, as in `stored`. A `total` of 0 is not known."""
        now = clock.ticks()
        if doing != self._doing:
            self._doing, self._began, self._first = doing, now, done
        seconds = now - self._began
        rate = (done - self._first) / seconds if seconds >= SETTLED else 0.0
        parts: list[Content | tuple[str, str]] = []
        if total:
            full, empty = text.bar(done, total, BAR)
            parts += [(full, "$accent"), (empty, "$rule"), Content("  ")]
        of = f" of {total:,}" if total else ""
        parts.append((f"{done:,}{of} {doing}", "bold"))
        if rate:
            parts.append((f"   {rate:,.0f} a second", "$muted"))
            if done < total:
                left = text.duration((total - done) / rate * 1_000)
                parts.append((f"   {left} left", "$muted"))
        self.update(Content.assemble(*parts))

    def clear(self) -> None:
        """Nothing is under way."""
        self._doing = ""
        self.update("")
