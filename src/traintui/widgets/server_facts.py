"""The server as figures: each with what it means and, where something is wrong, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from traintui import clock, text
from traintui.data.records import ServerFacts, TableSize
from traintui.observing.index_findings import BROKEN
from traintui.widgets.row_table import Column, RowTable

if TYPE_CHECKING:
    from traintui.observing.days import Day
    from traintui.observing.index_findings import IndexFinding

Verdict = Literal["plain", "good", "watch", "bad"]

GLYPHS: dict[Verdict, tuple[str, str]] = {
    "plain": ("·", "$faint"),
    "good": ("●", "$success"),
    "watch": ("○", "$warning"),
    "bad": ("!", "$error"),
}

NAME, FIGURE = 14, 14
"""Cells of a figure's name, and of the figure."""

WATCHED, FULL = 0.7, 0.9
"""Shares of the connections from which few and hardly any are left."""
FROM_MEMORY, MOSTLY = 0.99, 0.95
"""Cache hit ratios from which nothing is to be done, and below which the disk slows everything."""
SLOW_MS = 500.0
"""Milliseconds from which on people wait."""
SLOW_SHARE, FAILING = 0.01, 0.01
NEARLY_FULL, FILLING = 0.05, 0.15
"""Shares of a disk that is free."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure of the server, what it means, and what to do."""

    name: str
    figure: str
    meaning: str
    to_do: str = ""
    verdict: Verdict = "plain"


def readings(
    facts: ServerFacts, sizes: Sequence[TableSize], day: Day | None = None, wrong: Sequence[IndexFinding] | None = None
) -> tuple[Reading, ...]:
    """What the server says about itself, and, where it is known, what it did in the last day and what is wrong with its
    indexes."""
    up = (clock.now() - facts.started_at).total_seconds() * 1_000
    tables, indexes = sum(size.table_bytes for size in sizes), sum(size.index_bytes for size in sizes)
    return (
        Reading("PostgreSQL", facts.version.split(" ")[0], f"schema revision {facts.schema_revision}"),
        Reading("Up for", _days(up), f"since {text.moment(facts.started_at)}"),
        Reading(
            "Database",
            text.size(facts.database_bytes),
            f"tables {text.size(tables)}, indexes {text.size(indexes)}, the rest system",
        ),
        connections(facts),
        cache(facts),
        *(() if day is None else (statements(day), *disk(day))),
        *(() if wrong is None else (to_mend(wrong),)),
    )


def _days(milliseconds: float) -> str:
    days, rest = divmod(milliseconds, 86_400_000)
    return f"{text.plural(int(days), 'day')} {int(rest // 3_600_000)} h" if days else text.duration(milliseconds)


def connections(facts: ServerFacts) -> Reading:
    """How many sessions there are of those that there may be."""
    share = facts.connections / max(1, facts.max_connections)
    figure = f"{facts.connections:,} of {facts.max_connections:,}"
    if share >= FULL:
        return Reading(
            "Connections", figure, "hardly any left: the next person may not get in.",
            "Close idle apps, or put PgBouncer between.", "bad",
        )  # fmt: skip
    if share >= WATCHED:
        return Reading(
            "Connections", figure, "filling up.", "Close idle apps before more workers start.", "watch"
        )  # fmt: skip
    return Reading("Connections", figure, "room for more people and workers", verdict="good")


def cache(facts: ServerFacts) -> Reading:
    """How much of what is read is in memory already."""
    ratio = facts.cache_hit_ratio
    if ratio is None:
        return Reading("Cache hits", "none yet", "nothing was read yet")
    figure = f"{ratio * 100:.1f} %"
    if ratio >= FROM_MEMORY:
        return Reading("Cache hits", figure, "pages come from memory, hardly any from disk", verdict="good")
    if ratio >= MOSTLY:
        return Reading(
            "Cache hits", figure, "some pages come from disk, as after a start.",
            "If it stays so, raise shared_buffers.", "watch",
        )  # fmt: skip
    return Reading(
        "Cache hits", figure, "many pages come from disk; filters and counts wait for it.",
        "Raise shared_buffers, or give the server memory.", "bad",
    )  # fmt: skip


def statements(day: Day) -> Reading:
    """How long the statements of the last hour took, and whether they failed."""
    hour = day.last_hour
    if hour is None:
        return Reading("Statements", "none yet", "they are added up once a minute")
    p95 = hour.milliseconds(0.95)
    figure = f"{p95:,.1f} ms"
    asked = f"95 of 100 within, {text.plural(hour.calls, 'statement')} in the last hour"
    if hour.errors > hour.calls * FAILING:
        return Reading("Statements", figure, f"{asked}, {hour.errors:,} of them failed.", "Queries says which.", "bad")
    if p95 >= SLOW_MS:
        return Reading("Statements", figure, f"{asked}: people wait.", "Queries says for which.", "bad")
    if hour.slow > hour.calls * SLOW_SHARE:
        return Reading("Statements", figure, f"{asked}, {hour.slow:,} slow ones.", "Queries has them.", "watch")
    return Reading("Statements", figure, asked, verdict="good")


def to_mend(wrong: Sequence[IndexFinding]) -> Reading:
    """How many indexes are to be mended."""
    figure = f"{len(wrong):,} to mend"
    broken = [each for each in wrong if each.kind in BROKEN]
    if broken:
        more = f", and {len(broken) - 1:,} more like it" if len(broken) > 1 else ""
        return Reading("Indexes", figure, f"{broken[0].says}{more}.", "Indexes mends it.", "bad")
    if wrong:
        return Reading(
            "Indexes", figure, "they take room and time, or would save some.", "Indexes says which.", "watch"
        )
    return Reading("Indexes", figure, "all that Traintui relies on are there", verdict="good")


def disk(day: Day) -> Iterator[Reading]:
    """The disk of an embedded server, where it is known."""
    if day.disk_free_bytes is None or not day.disk_bytes:
        return
    share = day.disk_free_bytes / day.disk_bytes
    figure = text.size(day.disk_free_bytes)
    free = f"free, {share:.0%} of the disk"
    if share < NEARLY_FULL:
        yield Reading("Disk", figure, f"{free}: nothing can be written once it is full.", "Make room.", "bad")
    elif share < FILLING:
        yield Reading("Disk", figure, f"{free}.", "Alerts say when it is full at this pace.", "watch")
    else:
        yield Reading("Disk", figure, free, verdict="good")


class ReadingList(Static):
    """The readings, one a line where there is room for it."""

    DEFAULT_CSS = """
    ReadingList { height: auto; width: 1fr; padding: 1 2; background: $surface; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._readings: tuple[Reading, ...] = ()

    def show(self, found: Sequence[Reading]) -> None:
        """Shows other readings."""
        self._readings = tuple(found)
        self._draw()

    def _draw(self) -> None:
        if self.content_size.width:
            self.update(Content("\n").join(drawn(each, self.content_size.width) for each in self._readings))

    def on_resize(self, event: Resize) -> None:
        """Wraps at another width."""
        self._draw()


def drawn(reading: Reading, width: int) -> Content:
    """A reading in lines of a width, the meaning wrapped beside the figure."""
    glyph, colour = GLYPHS[reading.verdict]
    figure = Content.assemble(
        (f"{glyph} ", colour), (f"{reading.name:<{NAME}}", "$muted"),
        text.shown(f"{reading.figure:<{FIGURE}}", style="bold"),
    )  # fmt: skip
    indent = figure.cell_length
    meaning = text.shown(reading.meaning, single_line=True, style="$muted")
    if reading.to_do:
        meaning += Content.styled(f" {reading.to_do}", colour)
    lines = meaning.wrap(max(20, width - indent))
    return Content("\n").join([figure + lines[0], *(line.pad_left(indent) for line in lines[1:])])


def size_columns(scale: Callable[[], tuple[int, int]]) -> list[Column[TableSize]]:
    """A table in a row. `scale` gives the bytes of the largest one, and the cells that its bar takes."""

    def size(number: Callable[[TableSize], int], style: str = "") -> Callable[[TableSize], Content]:
        return lambda row: Content.styled(text.size(number(row)), style)

    return [
        Column("Table", 25, lambda row: text.shown(row.name, single_line=True, limit=60)),
        Column("Rows", 10, rows, right=True),
        Column("Data", 8, size(lambda row: row.table_bytes, "$muted"), right=True),
        Column("Indexes", 8, size(lambda row: row.index_bytes, "$muted"), right=True),
        Column("Total", 8, size(lambda row: row.total_bytes), right=True),
        Column("", 0, lambda row: size_bar(row, *scale())),
    ]


class SizeTable(RowTable[TableSize]):
    """The tables. There is nothing more to open about one."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Moves, but opens nothing."""
        return action != "open"


def rows(size: TableSize) -> Content:
    """How many rows; an estimate is marked."""
    return Content(f"{size.rows:,}") if size.rows_exact else Content.assemble(("~", "$warning"), f"{size.rows:,}")


def size_bar(size: TableSize, largest: int, width: int) -> Content:
    """How large a table is beside the largest, its data and its indexes."""
    cells = max(1, round(size.total_bytes / max(1, largest) * width))
    indexes = round(size.index_bytes / max(1, size.total_bytes) * cells)
    return Content.assemble(("━" * (cells - indexes), "$accent"), ("━" * indexes, "$secondary"))


def legend(*, estimated: bool) -> Content:
    """What the colours of the bars mean, and the mark of an estimate where there is one."""
    mark = Content.assemble(("   ~ ", "$warning"), ("estimated", "$muted")) if estimated else Content("")
    return Content.assemble(("━ ", "$accent"), ("data   ", "$muted"), ("━ ", "$secondary"), ("indexes", "$muted"), mark)
