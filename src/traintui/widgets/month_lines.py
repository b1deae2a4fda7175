"""A page of Performance's report as lines: the same sections as in the files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.widgets.facts import heading

if TYPE_CHECKING:
    from traintui.observing.month_page import Page, Section

WIDEST = 48
"""Cells of a column at the most; the files have all of it."""


def page_lines(shown: Page) -> Iterator[Content]:
    """All of a page."""
    yield text.shown(shown.title, single_line=True, limit=200, style="bold")
    yield text.shown(shown.says, single_line=True, limit=300, style="$muted")
    for section in shown.sections:
        yield Content()
        yield heading(text.visible(section.title, single_line=True, limit=160))
        for said in section.says:
            yield text.shown(said, single_line=True, limit=300, style="$muted")
        yield from advice_lines(section) if section.columns[:1] == ("finding",) else table_lines(section)
        for line in section.code:
            yield text.shown(line, single_line=True, limit=400)


def advice_lines(section: Section) -> Iterator[Content]:
    """Recommendations, each below the other, since they are sentences."""
    for finding, evidence, statement, risk in section.rows:
        yield Content.assemble(("● ", "$warning"), text.shown(finding, single_line=True, limit=200, style="bold"))
        yield Content.assemble("  ", text.shown(evidence, single_line=True, limit=400))
        if statement != "-":
            yield Content.assemble("  ", text.shown(statement, single_line=True, limit=300, style="$accent"))
        yield Content.assemble("  ", text.shown(f"risk: {risk}", single_line=True, limit=300, style="$muted"))


def table_lines(section: Section) -> Iterator[Content]:
    """A table, its columns as wide as what is in them."""
    if not section.rows:
        return
    rows = [tuple(text.visible(cell, single_line=True, limit=WIDEST) for cell in row) for row in section.rows]
    widths = [max(len(row[place]) for row in (section.columns, *rows)) for place in range(len(section.columns))]
    right = [name in section.figures for name in section.columns]

    def line(row: tuple[str, ...]) -> str:
        cells = (
            cell.rjust(wide) if figure else cell.ljust(wide)
            for cell, wide, figure in zip(row, widths, right, strict=True)
        )  # fmt: skip
        return "  ".join(cells).rstrip()

    yield Content.styled(line(section.columns), "bold $muted")
    for row in rows:
        yield Content(line(row))
