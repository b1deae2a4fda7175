"""What a month suggests to do: what was found, by what it is shown, the statement that would mend it, and its risk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from traintui.audit.words import number_of
from traintui.observing.month_records import MonthFigures, TableMonth

SLOWER = 2.0
"""Times the 95th percentile of the month before from which on a label counts as slower."""
UNFELT_MS = 20.0
"""Milliseconds below which nobody feels it."""
FEWEST_CALLS = 100
"""Calls of a month from which on a percentile says something."""
FAILING = 0.01
DEAD_SHARE, DEAD_ROWS = 0.2, 10_000
"""Of the rows of a table the share, and the number, of dead ones from which on it is to be vacuumed."""
HIT_RATE = 0.95
TEMP_BYTES = 10_000_000_000
"""Bytes a month that statements put on the disk, from which on memory for sorting is worth a word."""
SHARED_BUFFERS, WORK_MEM = 2**30, 2**25
"""Bytes that are advised of both, where there are fewer: what is more is for who knows the machine."""
DISK_DAYS = 90
"""Days until a disk is full from which on it is said."""
HOT_SHARE, HOT_UPDATES = 0.3, 100_000


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`statement` is None where no SQL mends it; then the risk says what to do instead."""

    finding: str
    evidence: str
    statement: str | None
    risk: str


def recommendations(month: MonthFigures, before: MonthFigures | None) -> tuple[Recommendation, ...]:
    """What a month suggests, what presses most first."""
    return (*disk(month), *indexes(month), *labels(month, before), *tables(month), *server(month), *retention(month))


def disk(month: MonthFigures) -> Iterator[Recommendation]:
    """A disk that will be full."""
    server = month.server
    growth = None if server is None else server.growth_a_day
    if server is None or server.disk_free_bytes is None or growth is None or growth <= 0:
        return
    days = server.disk_free_bytes / growth
    if days < DISK_DAYS:
        yield Recommendation(
            f"The disk is full in about {days:,.0f} days",
            f"{server.disk_free_bytes / 1e9:,.1f} GB are free, and {growth / 1e6:,.0f} MB come a day",
            None, "nothing can be written once it is full: make room, or shorten what retention keeps",
        )  # fmt: skip


def indexes(month: MonthFigures) -> Iterator[Recommendation]:
    """What was found of indexes."""
    for each in month.index_findings:
        yield Recommendation(sentence(each.says), each.means, each.statement, each.risk)


def labels(month: MonthFigures, before: MonthFigures | None) -> Iterator[Recommendation]:
    """Statements that are slow, became slower, or fail."""
    earlier = {each.label: each for each in before.queries} if before is not None else {}
    said = {each.label: each.findings for each in month.slowest if each.findings}
    for each in month.queries:
        if each.calls < FEWEST_CALLS:
            continue
        hint = " ".join(said.get(each.label, ()))
        was = earlier.get(each.label)
        if each.p95_ms > month.slow_ms:
            yield Recommendation(
                f"{each.label} takes more than {month.slow_ms:,} ms",
                f"its 95th percentile was {each.p95_ms:,.0f} ms in {each.calls:,} calls. {hint}".strip(), None,
                "look at its plan in Performance, Queries",
            )  # fmt: skip
        elif was is not None and was.calls >= FEWEST_CALLS and each.p95_ms > max(SLOWER * was.p95_ms, UNFELT_MS):
            yield Recommendation(
                f"{each.label} became {each.p95_ms / max(was.p95_ms, 0.001):,.1f} times slower",
                f"its 95th percentile was {was.p95_ms:,.1f} ms the month before, and {each.p95_ms:,.1f} ms now."
                f" {hint}".strip(), None, "look at its plan in Performance, Queries",
            )  # fmt: skip
        if each.errors > each.calls * FAILING:
            yield Recommendation(
                f"{each.label} fails",
                f"{each.errors:,} of {each.calls:,} calls ended with an error", None,
                "the slow statements of this label in Performance, Queries, say with which",
            )  # fmt: skip


def tables(month: MonthFigures) -> Iterator[Recommendation]:
    """Tables that want a vacuum, or room for updates in their pages."""
    for each in month.tables:
        if each.dead_rows > max(DEAD_ROWS, DEAD_SHARE * (each.rows + each.dead_rows)):
            last = f"{each.vacuumed_at:%Y-%m-%d}" if each.vacuumed_at else "never"
            yield Recommendation(
                f"{each.name} has many dead rows",
                f"{each.dead_rows:,} beside {each.rows:,}; vacuumed last: {last}",
                f"VACUUM (ANALYZE) {each.name};", "none but reading: it takes the disk for a while",
            )  # fmt: skip
        if each.updated > HOT_UPDATES and each.hot_updated < HOT_SHARE * each.updated and each.name != "conversations":
            yield full_pages(each)


def full_pages(table: TableMonth) -> Recommendation:
    """A table whose updates find no room beside the row."""
    return Recommendation(
        f"Updates of {table.name} write all of its indexes",
        f"{table.hot_updated / table.updated:.0%} of {table.updated:,} updates stayed in their page",
        f"ALTER TABLE {table.name} SET (fillfactor = 85);",
        "the table becomes a seventh larger as it is written anew",
    )


def server(month: MonthFigures) -> Iterator[Recommendation]:
    """Memory of the server, and what interrupts it."""
    found = month.server
    if found is None:
        return
    # What is read first comes from the disk whatever memory there is: on days as few say nothing of growth either.
    if found.hit_rate is not None and found.hit_rate < HIT_RATE and found.growth_a_day is not None:
        has = month.settings.shared_buffers
        few = has < SHARED_BUFFERS
        yield Recommendation(
            "The server reads much from the disk",
            f"{found.hit_rate:.1%} of blocks were in memory, and shared_buffers is {in_mebibytes(has)}",
            "ALTER SYSTEM SET shared_buffers = '1GB';" if few else None,
            "takes effect as the server starts anew; a quarter of memory at most" if few else
            "look at the slowest statements in Performance, Queries, before the server gets more memory",
        )  # fmt: skip
    if found.temp_bytes > TEMP_BYTES:
        has = month.settings.work_mem
        little = has < WORK_MEM
        yield Recommendation(
            "Sorting goes over the disk",
            f"statements wrote {found.temp_bytes / 1e9:,.0f} GB of temporary files,"
            f" and work_mem is {in_mebibytes(has)}",
            "ALTER SYSTEM SET work_mem = '32MB';" if little else None,
            "each sort of each connection may take as much memory" if little else
            "look at which statements sort in Performance, Queries, before each sort gets more memory",
        )  # fmt: skip
    if found.most_connections > 0.8 * found.max_connections:
        yield Recommendation(
            "Connections run out", f"{found.most_connections:,} of {found.max_connections:,} were open at once", None,
            "put PgBouncer between, or raise max_connections",
        )  # fmt: skip


def retention(month: MonthFigures) -> Iterator[Recommendation]:
    """Weeks that retention has not come to."""
    if month.due_weeks:
        yield Recommendation(
            f"Retention waits for {number_of(month.due_weeks, 'week')}",
            "what is due stays in the logs, and grows with them", None,
            "an administrator runs `traintui audit retire`, or lets it remove by itself in Audit, Retention",
        )  # fmt: skip


def in_mebibytes(number: int) -> str:
    """A setting as PostgreSQL writes it."""
    return f"{number / 2**20:,.0f} MB"


def sentence(said: str) -> str:
    """It with a capital where it begins with a word, and not with a name of the database."""
    return said[:1].upper() + said[1:] if said.split(" ", 1)[0].isalpha() else said
