"""What the server did in the last day, as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal

from traintui import text
from traintui.widgets.day_bars import DayBars

if TYPE_CHECKING:
    from traintui.observing.throughput import Span


class ServerBars(Horizontal):
    """Throughput, what was in memory, connections, and temporary files. Takes the spans of a day."""

    DEFAULT_CSS = """
    ServerBars { height: 6; width: 1fr; }
    """

    def compose(self) -> ComposeResult:
        """Four plots beside each other."""
        yield DayBars("Transactions a second", "$accent", id="throughput")
        yield DayBars("Blocks in memory", "$success", id="cache")
        yield DayBars("Connections", "$accent", id="connections")
        yield DayBars("Temporary files", "$warning", id="temporary")

    def show(self, spans: Sequence[Span]) -> None:
        """Shows other spans, one bar each."""
        ends = (f"{spans[0].begins_at.astimezone():%H:%M}", "now") if spans else ("", "")
        rates = [each.hit_rate for each in spans if each.hit_rate is not None]
        busiest = max((each.per_second for each in spans), default=0.0)
        spilled = sum(each.temp_bytes for each in spans)
        asked = f"{min(rates):.1%} at least" if rates else "none asked for"
        most = max((each.connections for each in spans), default=0)
        for place, values, remark in (
            ("throughput", [each.per_second for each in spans], f"{busiest:,.1f} at most"),
            ("cache", [each.hit_rate or 0.0 for each in spans], asked),
            ("connections", [float(each.connections) for each in spans], f"{most:,} at most"),
            ("temporary", [float(each.temp_bytes) for each in spans], text.size(spilled) if spilled else "none"),
        ):
            self.query_one(f"#{place}", DayBars).show_between(ends, values, remark)
