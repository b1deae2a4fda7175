"""Cells of CSV that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from traintui.data.log_lines import FORMULAS


def harmless(cell: str) -> str:
    """A cell that stays text: what would be a formula has an apostrophe before it."""
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def line_of(cells: Sequence[str]) -> bytes:
    """A line of CSV as RFC 4180 has it, in UTF-8."""
    line = io.StringIO(newline="")
    csv.writer(line).writerow([harmless(cell) for cell in cells])
    return line.getvalue().encode()
