"""Queries in Performance: what statements take, by what they are for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from traintui import clock, commands, text
from traintui.data.query_records import QueryTimes
from traintui.screens.performance_listed import ListedPane
from traintui.screens.server_statements import ServerStatementsDialog
from traintui.widgets.query_rows import query_columns, query_lines
from traintui.widgets.row_table import Column

SPANS = (("hour", timedelta(hours=1)), ("day", timedelta(days=1)), ("week", timedelta(days=7)))


class QueriesPane(ListedPane[QueryTimes]):
    """The labels, those first that took longest in all."""

    NAME = "queries"
    TITLE = "Queries"
    PLACES = ("queries", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("queries")

    def __init__(self) -> None:
        super().__init__()
        self._span = 1
        self._total_us = 0

    def columns(self) -> Sequence[Column[QueryTimes]]:
        """Calls, percentiles and the share of all."""
        return query_columns(lambda: self._total_us)

    def key_of(self, row: QueryTimes) -> object:
        """Its label."""
        return row.label

    async def rows(self) -> Sequence[QueryTimes]:
        """The labels of the time that is chosen."""
        from traintui.data import query_times

        end = clock.now()
        found = await query_times.by_label(self.db, end - SPANS[self._span][1], end)
        self._total_us = sum(each.total_us for each in found)
        return found

    async def lines(self, row: QueryTimes) -> Sequence[Content]:
        """Its times, its slow statements, and its plans."""
        from traintui.data import health, query_times
        from traintui.observing.latency import MEMORY, judged, windows

        end = clock.now()
        week = await query_times.times(self.db, end - MEMORY, end, label=row.label)
        last = next(reversed(tuple(judged(windows(week)))), None)
        plans = await query_times.plans(self.db, label=row.label)
        slow = await query_times.slow_queries(self.db, end - SPANS[self._span][1], end, label=row.label)
        expected = await health.expected_rows(self.db) if plans else {}
        slower = last.says if last is not None and last.open else None
        return tuple(query_lines(row, self._total_us, plans, slow, expected, slower=slower))

    def sums(self, rows: Sequence[QueryTimes]) -> Content:
        """Statements, failures, and of which time."""
        calls, failed = sum(row.calls for row in rows), sum(row.errors for row in rows)
        return Content.assemble(
            (text.count(calls), "bold"), (" statements in the last ", "$muted"), (SPANS[self._span][0], "bold"),
            (", ", "$muted"), (text.count(failed), "bold $error" if failed else "bold"), (" failed", "$muted"),
        )  # fmt: skip

    def nothing(self) -> tuple[str, str]:
        """Statements are added up once a minute."""
        return "No statement on record", "What statements take is added up once a minute while Traintui runs."

    def action_server_statements(self) -> None:
        """Shows what the server itself counted."""
        self.app.push_screen(ServerStatementsDialog())

    def action_span(self) -> None:
        """The next longer time, and after the longest the shortest."""
        self._span = (self._span + 1) % len(SPANS)
        self.look_again()
