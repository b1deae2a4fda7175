"""The emptiest cells of a coverage, each with what to do, and what is known of one cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.widgets import marks

if TYPE_CHECKING:
    from traintui.data.coverage import Cell, Coverage

MEASURES: Mapping[str, str] = {
    "held": "all that counts",
    "planned": "planned",
    "generated": "to review",
    "approved": "approved",
    "rejected": "rejected",
    "missing": "missing",
    "target": "target",
}
"""What the number of a cell can be, and how it is called."""
BY = "\N{MULTIPLICATION SIGN}"
"""What stands between two dimensions, and between two of their values."""
COUNTED = ("planned", "generated", "approved", "rejected", "failed")


def measured(cell: Cell, measure: str) -> int:
    """The number of a cell."""
    return int(getattr(cell, measure) or 0)


def named(cell: Cell, coverage: Coverage, labels: marks.Labels) -> Content:
    """The labels of both values."""
    row, column = (
        marks.label(labels, dimension, value)
        for dimension, value in ((coverage.rows, cell.row), (coverage.columns, cell.column))
    )
    return Content.assemble(row, (f" {BY} ", "$faint"), column)


def of_target(cell: Cell) -> str:
    """How many count, of how many."""
    return f"{cell.held:,}" if cell.target is None else f"{cell.held:,} of {cell.target:,}"


def advice(cell: Cell, missing: int) -> str:
    """What to do about a cell; `missing` is what all cells lack together, which is what `g` plans."""
    if cell.target is None:
        return "no target yet: t sets one"
    if cell.missing and cell.rejected > cell.held:
        return f"{cell.rejected:,} were rejected: enter shows them; see why before g plans more"
    if cell.missing:
        return f"g plans {'the' if cell.missing == missing else 'all'} {missing:,} missing"
    if cell.generated:
        return f"{cell.generated:,} wait for review: enter shows them"
    if cell.planned:
        return f"{cell.planned:,} are on their way"
    return "has what it needs" if cell.can_plan else "new plans leave an inactive value out"


def described(cell: Cell, coverage: Coverage, labels: marks.Labels) -> Content:
    """All that is known of one cell, in two lines."""
    counts = [
        Content.assemble(marks.status(name, word=False), f" {measured(cell, name):,} ", (word, "$muted"))
        for name, word in ((name, marks.STATUS[name][1]) for name in COUNTED)
        if name != "failed" or cell.failed
    ]
    target = Content.assemble(
        ("target ", "$muted"), "none" if cell.target is None else text.count(cell.target),
        (f"  {cell.missing:,} missing" if cell.missing else "", "$warning"),
    )  # fmt: skip
    first = Content.assemble(
        named(cell, coverage, labels).stylize("bold"),
        "   ",
        target,
        "   ",
        (advice(cell, sum(coverage.missing.values())), "$muted"),
    )
    return Content("\n").join([first, Content("   ").join(counts)])


def listed(cells: Sequence[Cell], coverage: Coverage, labels: marks.Labels, width: int) -> Content:
    """The emptiest cells, one a line, with the digit that goes there; where it is narrow, on two lines each."""
    heading = Content.styled("EMPTIEST", "bold $muted")
    if not cells:
        said = (
            "nothing: every cell has its target" if coverage.has_targets else "nothing: no active value in one of both"
        )
        return Content.assemble(heading, "  ", (said, "$muted"))
    missing = sum(coverage.missing.values())
    beside = width >= 76
    name_width = min(44, width - 46) if beside else max(20, width - 16)
    lines = [heading]
    for place, cell in enumerate(cells, start=1):
        name = named(cell, coverage, labels).truncate(name_width, ellipsis=True, pad=True)
        line = Content.assemble((f"{place} ", "$accent"), name, f" {of_target(cell):>10}  ")
        if beside:
            lines.append(Content.assemble(line, (advice(cell, missing), "$muted")))
        else:
            lines += [line, Content.styled(f"  {advice(cell, missing)}", "$muted")]
    return Content("\n").join(lines)
