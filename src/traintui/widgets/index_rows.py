"""Indexes as rows: size, use and density, and what is wrong with one, with the statement that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.widgets.facts import heading
from traintui.widgets.log_detail import NOTHING, fact
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.observing.standing import IndexState

WRONG = {
    "missing": ("missing", "$error"), "invalid": ("unfinished", "$error"), "foreign_key": ("wanted", "$warning"),
    "sparse": ("half empty", "$warning"), "redundant": ("redundant", "$warning"), "unused": ("unused", "$warning"),
    "slow_plan": ("proposed", "$accent"),
}  # fmt: skip
"""What is wrong in a word, and its colour."""
UNKNOWN = Content.styled("·", "$faint")


def index_columns() -> list[Column[IndexState]]:
    """An index in a row."""
    return [
        Column("Index", 0, lambda row: text.shown(row.name, single_line=True, limit=80), least=24),
        Column("", 10, wrong),
        Column("Table", 22, lambda row: text.shown(row.table, single_line=True, limit=60), from_width=96),
        Column("Size", 8, size, right=True),
        Column("Scans", 8, scans, right=True, from_width=60),
        Column("Hits", 7, hits, right=True, from_width=70),
        Column("Filled", 6, filled, right=True, from_width=78),
    ]


def wrong(row: IndexState) -> Content:
    """What is wrong, in a word."""
    if row.finding is None:
        return Content.styled("●", "$success")
    word, colour = WRONG[row.finding.kind]
    return Content.styled(word, colour)


def size(row: IndexState) -> Content:
    """How large it is."""
    return UNKNOWN if row.fact is None else Content(text.size(row.fact.index_bytes))


def scans(row: IndexState) -> Content:
    """How often it was scanned over the days that samples cover."""
    return UNKNOWN if row.use is None else Content(text.count(row.use.scans))


def hits(row: IndexState) -> Content:
    """The share of blocks that was in memory."""
    rate = row.use.hit_rate if row.use is not None else None
    return UNKNOWN if rate is None else Content(f"{rate:.1%}")


def filled(row: IndexState) -> Content:
    """The share of its leaves that it fills, where somebody may read that."""
    return UNKNOWN if row.density is None else Content(f"{row.density:.0%}")


def index_lines(row: IndexState, serves: Sequence[str]) -> Iterator[Content]:
    """All that is known about an index: what is wrong, what mends it, which statements it serves, how it is made."""
    yield text.shown(row.name, single_line=True, limit=100, style="bold")
    yield NOTHING
    if row.finding is not None:
        says = f"{row.finding.says}: {row.finding.means}."
        yield text.shown(says, limit=500, style="$warning")
        if row.finding.statement is not None:
            yield NOTHING
            yield heading("What mends it")
            yield text.shown(row.finding.statement, limit=2_000)
            yield text.shown(f"What it may cost: {row.finding.risk}.", limit=500, style="$muted")
        yield NOTHING
    yield from fact("Table", row.table)
    if row.fact is not None:
        yield from fact("Size", text.size(row.fact.index_bytes))
        kept = "a key or a constraint stands on it" if row.fact.is_key else "unique" if row.fact.is_unique else None
        yield from fact("Holds", kept)
    if row.use is None:
        yield from fact("Scans", "no sample was taken yet", style="$muted")
    else:
        days = text.plural(row.use.days, "day")
        yield from fact("Scans", f"{row.use.scans:,} in what the samples of {days} tell")
        rate = row.use.hit_rate
        yield from fact(
            "Hits", "none of its blocks was asked for" if rate is None else f"{rate:.2%} of blocks in memory"
        )
        yield from fact("Serves", ", ".join(serves) or "no plan that is kept uses it")
    if row.fact is not None:
        yield NOTHING
        yield heading("How it is made")
        yield text.shown(f"{row.fact.definition};", limit=2_000, style="$muted")
