"""Reports drawn: a row for each, what one says, and numbers that one would rather look at than read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual.content import Content

from traintui import text
from traintui.audit.reports.model import Kind, Plot, Report
from traintui.widgets.columns import Column
from traintui.widgets.facts import heading

SHOWN = 100
"""Rows of a report that are shown; saving writes all of them."""
CELL = 40
"""Characters of a cell that are shown."""
BARS = " ▁▂▃▄▅▆▇█"
HEIGHT = 4
"""Lines of a plot."""
WIDEST = 5
"""Cells of a bar, with the one behind it."""
FIGURE = frozenset("0123456789.,% ")
"""What figures are written with."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report of the list: what came of it the last time, and how much is dealt with of how much while it is made."""

    kind: Kind
    report: Report | None = None
    under_way: tuple[int, int] | None = None


def verdict(row: ReportRow) -> Content:
    """Whether it passes, or how far it is."""
    if row.under_way is not None:
        done, total = row.under_way
        return Content.styled(f"◐ {done / total * 100:.0f} %" if total else "◐ begins", "$generating")
    if row.report is None:
        return Content.styled("○ not made", "$muted")
    return verdict_of(row.report)


def verdict_of(report: Report) -> Content:
    """Pass or fail."""
    return (
        Content.styled("● pass", "bold $success") if report.answer.passed else Content.styled("✕ fail", "bold $error")
    )


def said(row: ReportRow) -> Content:
    """What it says, or what it would."""
    if row.report is None:
        return Content.styled(row.kind.claim, "$muted")
    return text.shown(row.report.answer.says, single_line=True, limit=200)


def when(row: ReportRow) -> Content:
    """When it was made."""
    return Content.styled(text.NOTHING if row.report is None else text.second(row.report.made_at), "$muted")


def report_columns() -> list[Column[ReportRow]]:
    """A report in a row."""
    return [
        Column("Report", 24, lambda row: Content(row.kind.title)),
        Column("Verdict", 10, verdict),
        Column("Made", 19, when, from_width=100),
        Column("Says", 0, said),
    ]


def report_lines(report: Report, width: int) -> Iterator[Content]:
    """All that a report says, in lines of some `width` cells."""
    answer = report.answer
    yield Content.assemble(verdict_of(report), "  ", (report.kind.claim, "bold"))
    yield Content.styled(report.period.says, "$muted")
    yield text.shown(answer.says, single_line=True, limit=400)
    yield Content()
    yield heading("From what data")
    names = max((len(name) for name, _ in answer.facts), default=0)
    for name, value in answer.facts:
        yield Content.assemble((f"{name:<{names}}  ", "$muted"), text.shown(value, single_line=True, limit=200))
    if report.seal is not None:
        yield Content.assemble(
            (f"{'newest seal':<{names}}  ", "$muted"), f"{report.seal.number:,} ", (report.seal.hash.hex(), "$muted")
        )
    for plot in answer.plots:
        if any(plot.values):
            yield Content()
            yield from plotted(plot, width)
    yield Content()
    yield heading(report.kind.rows_are, Content.styled(f"{report.number:,}", "$muted"))
    yield from rows_of(report)
    if answer.notes:
        yield Content()
        yield heading("To know")
    for note in answer.notes:
        yield text.shown(note, single_line=True, limit=400, style="$muted")


def rows_of(report: Report) -> Iterator[Content]:
    """The first rows, below each other."""
    if not report.number:
        yield Content.styled("None.", "$muted")
        return
    titles = tuple(name.replace("_", " ") for name in report.kind.columns)
    shown = [tuple(text.visible(cell, single_line=True, limit=CELL) for cell in row) for row in report.rows[:SHOWN]]
    # What no row has takes no room.
    used = [place for place in range(len(titles)) if any(row[place] for row in shown)]
    widths = {place: max(len(row[place]) for row in (titles, *shown)) for place in used}
    figures = {place for place in used if all(set(row[place]) <= FIGURE for row in shown)}

    def line(row: Sequence[str]) -> str:
        cells = (
            row[place].rjust(widths[place]) if place in figures else row[place].ljust(widths[place]) for place in used
        )
        return "  ".join(cells).rstrip()

    yield Content.styled(line(titles), "bold $muted")
    for row in shown:
        yield Content(line(row))
    if report.number > len(shown):
        yield Content.styled(f"and {report.number - len(shown):,} more, which s saves", "$muted")


def plotted(plot: Plot, width: int) -> Iterator[Content]:
    """Numbers as bars, the newest where there is no room for all, with the largest of them and the ends of the axis."""
    wide = max(1, min(WIDEST, width // len(plot.values)))
    kept = max(1, width // wide)
    values, labels = plot.values[-kept:], plot.labels[-kept:]
    most = max(values)
    left_out = "" if kept >= len(plot.values) else f", the newest {kept}"
    largest = f"most {most:,}: {labels[values.index(most)]}" if most else "none"
    yield heading(plot.title, Content.styled(f"{largest}{left_out}", "$muted"))
    gap = 1 if wide > 1 else 0
    heights = [bar_of(value, most) for value in values]
    for row in range(HEIGHT - 1, -1, -1):
        bars = (BARS[max(0, min(8, height - 8 * row))] * (wide - gap) + " " * gap for height in heights)
        yield Content.styled("".join(bars).rstrip(), "$accent")
    yield Content.styled(axis(labels, wide * len(values) - gap), "$muted")


def axis(labels: Sequence[str], width: int) -> str:
    """The ends of an axis under their bars, or beside each other where there is no room for both."""
    first, last = labels[0], labels[-1]
    if len(labels) == 1:
        return first
    return first + last.rjust(width - len(first)) if len(first) + len(last) < width else f"{first} to {last}"


def bar_of(value: int, most: int) -> int:
    """The height of a bar in eighths of a line; what is there is never drawn as nothing."""
    return max(1, round(value / most * 8 * HEIGHT)) if value and most else 0
