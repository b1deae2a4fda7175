"""Tables as rows: size, growth and what vacuum left, and all that is known about one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import text
from traintui.widgets.day_bars import bars, shared
from traintui.widgets.facts import heading
from traintui.widgets.index_rows import UNKNOWN
from traintui.widgets.log_detail import NOTHING, fact
from traintui.widgets.row_table import Column

if TYPE_CHECKING:
    from traintui.data.table_facts import TableFact
    from traintui.observing.growth import Growth
    from traintui.observing.tables import TableState

MANY_DEAD, DEAD_SHARE = 10_000, 0.2
"""Dead rows, and their share, from which on vacuum has fallen behind."""
PLOT, PLOT_LINES = 44, 5
"""Columns and lines of the plot of a size."""
HELD = "somebody has it for themselves"


@dataclass(frozen=True, slots=True)
class TableRow:
    """A table, or a part of one below it, which has no growth of its own. `opened` says that its parts are shown."""

    fact: TableFact
    state: TableState
    is_part: bool = False
    opened: bool = False

    @property
    def name(self) -> str:
        """The name of the table or the part."""
        return self.fact.name


def table_columns() -> list[Column[TableRow]]:
    """A table in a row."""
    return [
        Column("Table", 0, name, least=28),
        Column("Rows", 9, lambda row: estimate(row.fact), right=True),
        Column("Data", 8, lambda row: size(row.fact.table_bytes, "$muted"), right=True, from_width=102),
        Column("TOAST", 8, lambda row: size(row.fact.toast_bytes, "$muted"), right=True, from_width=112),
        Column("Indexes", 8, lambda row: size(row.fact.index_bytes, "$muted"), right=True, from_width=92),
        Column("Total", 8, lambda row: size(row.fact.total_bytes), right=True),
        Column("A day", 9, a_day, right=True),
        Column("Dead", 8, lambda row: dead(row.fact), right=True),
        Column("HOT", 4, lambda row: hot(row.fact), right=True, from_width=118),
        Column("Vacuum", 6, vacuumed, right=True, from_width=82),
    ]


def name(row: TableRow) -> Content:
    """Its name, of a part its range, and a sign where it has parts."""
    if row.is_part:
        between = f"{row.fact.begins} to {row.fact.ends}" if row.fact.begins else row.fact.name
        return text.shown(f"    {between}", limit=80, style="$muted")
    plain = text.shown(row.fact.name, single_line=True, limit=60)
    if not row.fact.parts:
        return Content.assemble("  ", plain)
    parts = f"  {text.plural(len(row.fact.parts), 'part')}"
    return Content.assemble(("▾ " if row.opened else "▸ ", "$accent"), plain, (parts, "$muted"))


def estimate(found: TableFact) -> Content:
    """How many rows; all of them are estimates, and are marked so."""
    return Content.assemble(("~", "$warning"), text.count(found.rows))


def size(number: int | None, style: str = "") -> Content:
    """Bytes; a sign where somebody has the table for themselves."""
    return Content.styled("held", "$warning") if number is None else Content.styled(text.size(number), style)


def a_day(row: TableRow) -> Content:
    """By how much it grows on a usual day."""
    per_day = None if row.is_part else row.state.growth.per_day
    if per_day is None:
        return UNKNOWN
    return Content.styled(
        f"{'-' if per_day < 0 else '+'}{text.size(round(abs(per_day)))}", "$muted" if per_day <= 0 else ""
    )


def behind(found: TableFact) -> bool:
    """Whether vacuum has fallen behind there."""
    return found.dead_rows >= MANY_DEAD and found.dead_share >= DEAD_SHARE


def dead(found: TableFact) -> Content:
    """Dead rows; coloured where vacuum has fallen behind."""
    if not found.dead_rows:
        return Content.styled("·", "$faint")
    return Content.styled(text.count(found.dead_rows), "$warning" if behind(found) else "")


def hot(found: TableFact) -> Content:
    """The share of updates that changed no index."""
    return UNKNOWN if found.hot_share is None else Content(f"{found.hot_share:.0%}")


def vacuumed(row: TableRow) -> Content:
    """How long ago vacuum was there, by hand or by itself."""
    moments = (row.fact.vacuumed_at, row.fact.auto_vacuumed_at)
    newest = max((at for at in moments if at is not None), default=None)
    return UNKNOWN if newest is None else Content(text.ago(newest))


def table_lines(row: TableRow) -> Iterator[Content]:
    """All that is known about a table, or about a part of one."""
    found = row.fact
    yield text.shown(found.name, single_line=True, limit=100, style="bold")
    if row.is_part:
        yield text.shown(f"a part of {row.state.name}, {found.begins} to {found.ends}", limit=200, style="$muted")
    yield NOTHING
    if found.held:
        held = [part.name for part in found.parts if part.held] or [found.name]
        yield text.shown(f"! {', '.join(held)}: {HELD}, and a size would wait for them.", limit=400, style="$warning")
        yield Content.styled("  Live says who. What stands here leaves it out.", "$muted")
        yield NOTHING
    yield from fact("Rows", f"about {found.rows:,}, as the server estimates")
    if found.total_bytes is not None:
        yield from fact("Size", text.size(found.total_bytes))
        yield from fact("  data", text.size(found.table_bytes or 0))
        yield from fact("  TOAST", f"{text.size(found.toast_bytes or 0)}, long values and maps of free space")
        yield from fact("  indexes", text.size(found.index_bytes or 0))
    if not row.is_part:
        yield from growth_lines(row.state.growth, [each.total_bytes for each in row.state.sizes])
    yield NOTHING
    yield from vacuum_lines(found)
    if found.parts:
        yield NOTHING
        yield heading("Parts")
        yield from part_lines(found.parts)


def growth_lines(found: Growth, sizes: Sequence[int]) -> Iterator[Content]:
    """How it grows, in words and as a plot."""
    yield from fact("Growth", found.says)
    if len(sizes) > 1:
        yield NOTHING
        yield heading("Size", Content.styled(f"{text.size(max(sizes))} at most", "$muted"))
        wide = max(1, min(4, PLOT // len(sizes)))
        for line in bars(shared(sizes, PLOT), PLOT_LINES):
            yield Content.styled("".join(sign * wide for sign in line), "$accent")
        first, today = f"{found.days:.0f} days ago", "now"
        room = wide * min(len(sizes), PLOT) - len(first) - len(today)
        yield Content.styled(f"{first}{' ' * max(1, room)}{today}", "$muted")


def vacuum_lines(found: TableFact) -> Iterator[Content]:
    """What was changed, what that left, and when somebody cleaned up."""
    said = f"{found.dead_rows:,}, {found.dead_share:.0%} of all"
    yield from fact("Dead rows", said, style="$warning" if behind(found) else "")
    if behind(found):
        yield Content.styled("! vacuum has fallen behind: scans read what nobody sees any more", "$warning")
        yield text.shown(f"  VACUUM (ANALYZE) {found.name};", limit=200)
    yield from fact("Vacuum", _moment(found.vacuumed_at))
    yield from fact("  automatic", _moment(found.auto_vacuumed_at))
    yield from fact("Analyze", _moment(found.analyzed_at))
    yield from fact("  automatic", _moment(found.auto_analyzed_at))
    yield NOTHING
    yield from fact("Inserted", f"{found.inserted:,} since the server counts")
    yield from fact("Updated", f"{found.updated:,}")
    if found.hot_share is not None:
        yield from fact("  HOT", f"{found.hot_share:.1%} of them changed no index")
    yield from fact("Deleted", f"{found.deleted:,}")


def part_lines(parts: Iterable[TableFact]) -> Iterator[Content]:
    """Each part with its range and its size."""
    for part in parts:
        between = f"{part.begins} to {part.ends}" if part.begins else part.name
        yield Content.assemble(
            text.shown(f"{between:<26}", limit=60, style="$muted"),
            size(part.total_bytes).pad_left(max(0, 9 - size(part.total_bytes).cell_length)),
            (f"  ~{text.plural(part.rows, 'row')}", "$muted"),
        )  # fmt: skip


def _moment(when: datetime | None) -> str:
    return "never, as far as the server knows" if when is None else f"{text.moment(when)}, {text.ago(when)} ago"
