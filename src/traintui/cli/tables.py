"""Tables on standard output: headings, and columns as wide as a terminal allows; in a pipe nothing is cut."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence

from traintui.cli.running import harmless

GAP = "  "
LEAST = 24
"""Cells that the last column has on the narrowest terminal."""


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset(),
          most: Sequence[int] | None = None) -> Iterator[str]:  # fmt: skip
    """The lines of a table, its headings first; columns whose place is in `right` end at their right. On a terminal a
    cell of column n is cut at `most[n]` characters (0: what is left of the line), else all of it is there."""
    told = [[" ".join(harmless(cell).split()) for cell in row] for row in (headings, *rows)]
    if most is not None and sys.stdout.isatty():
        told = [[fitted(cell, limit) if limit else cell for cell, limit in zip(row, most, strict=True)] for row in told]
    last = len(headings) - 1
    widths = [max(len(row[place]) for row in told) for place in range(len(headings))]
    room = max(LEAST, shutil.get_terminal_size().columns - sum(widths[:last]) - len(GAP) * last)
    for row in told:
        cells = [cell.rjust(width) if place in right else cell.ljust(width)
                 for place, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        if most is not None and sys.stdout.isatty():
            cells[last] = fitted(cells[last].rstrip(), room)
        yield GAP.join(cells).rstrip()


def fitted(cell: str, width: int) -> str:
    """A cell in so many characters; what is cut says so."""
    return cell if len(cell) <= width else f"{cell[: width - 1]}…"
