"""What the server did in the last day, as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal

from traintui.widgets.day_bars import DayBars

if TYPE_CHECKING:
    from traintui.observing.throughput import Span


class ServerBars(Horizontal):
    """Throughput, how long statements took, what was in memory, and connections, in spans of a day."""

    DEFAULT_CSS = """
    ServerBars { height: 6; width: 1fr; }
    """

    def compose(self) -> ComposeResult:
        """Four plots beside each other."""
        yield DayBars("Transactions a second", "$accent", id="throughput")
        yield DayBars("95 of 100 within", "$warning", id="latency")
        yield DayBars("Blocks in memory", "$success", id="cache")
        yield DayBars("Connections", "$accent", id="connections")

    def show(self, spans: Sequence[Span], took: Sequence[float]) -> None:
        """Shows other spans, one bar each; `took` are the milliseconds that 95 of 100 statements of each were within, 0
        where there was none."""
        ends = (f"{spans[0].begins_at.astimezone():%H:%M}", "now") if spans else ("", "")
        rates = [each.hit_rate for each in spans if each.hit_rate is not None]
        busiest = max((each.per_second for each in spans), default=0.0)
        longest = max(took, default=0.0)
        asked = f"{min(rates):.1%} at least" if rates else "none asked for"
        most = max((each.connections for each in spans), default=0)
        for place, values, remark in (
            ("throughput", [each.per_second for each in spans], f"{busiest:,.1f} at most"),
            ("latency", took, f"{longest:,.1f} ms at most" if longest else "none on record"),
            ("cache", [each.hit_rate or 0.0 for each in spans], asked),
            ("connections", [float(each.connections) for each in spans], f"{most:,} at most"),
        ):
            self.query_one(f"#{place}", DayBars).show_between(ends, values, remark)
