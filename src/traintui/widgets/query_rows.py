"""Statements as rows: a label with how often and how long, and all that is known about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from textual.content import Content

from traintui import text
from traintui.data.query_records import QueryPlan, QueryTimes, SlowQuery
from traintui.observing.plans import PlanLine, drawn, findings
from traintui.widgets.facts import heading
from traintui.widgets.log_detail import NOTHING, fact
from traintui.widgets.row_table import Column

FELT_MS, LONG_MS = 100.0, 500.0
"""Milliseconds from which on people notice, and from which on it is too long."""
SLOW_ONES = 8
"""Slow statements that are shown one by one."""
UNTOLD = "took too long or was cancelled"
"""What is wrong with a statement whose failure says nothing: the program gave it up."""


def query_columns(total_us: Callable[[], int]) -> list[Column[QueryTimes]]:
    """A label in a row; `total_us` are the microseconds of all."""

    def share(row: QueryTimes) -> Content:
        return Content(f"{row.total_us / max(1, total_us()):.1%}")

    return [
        Column("What for", 0, lambda row: text.shown(row.label, single_line=True, limit=100), least=20),
        Column("Calls", 8, lambda row: Content(text.count(row.calls)), right=True),
        Column("Failed", 6, lambda row: number(row.errors, "$error"), right=True, from_width=60),
        Column("Slow", 5, lambda row: number(row.slow, "$warning"), right=True, from_width=66),
        Column("p50", 8, lambda row: took(row.milliseconds(0.5)), right=True, from_width=74),
        Column("p95", 8, lambda row: took(row.milliseconds(0.95)), right=True),
        Column("p99", 8, lambda row: took(row.milliseconds(0.99)), right=True, from_width=82),
        Column("Share", 6, share, right=True),
    ]


def number(found: int, colour: str) -> Content:
    """A count that should be none."""
    return Content.styled(text.count(found), colour) if found else Content.styled("·", "$faint")


def took(milliseconds: float) -> Content:
    """How long something took, coloured where people notice."""
    colour = "$error" if milliseconds >= LONG_MS else "$warning" if milliseconds >= FELT_MS else ""
    return Content.styled(f"{milliseconds:,.1f} ms", colour)


def query_lines(
    row: QueryTimes,
    total_us: int,
    plans: Sequence[QueryPlan],
    slow: Sequence[SlowQuery],
    rows: dict[str, float],
    *,
    slower: str | None = None,
) -> Iterator[Content]:
    """All that is known about a label: its times, its slow statements, and each of its statements with its plan;
    `slower` says what is wrong where it is slower than it should be."""
    yield text.shown(row.label, single_line=True, limit=100, style="bold")
    yield NOTHING
    if slower is not None:
        yield Content.styled(f"! slower than it should be: {slower}", "$warning")
        yield NOTHING
    yield from fact("Calls", f"{row.calls:,}, {text.plural(row.rows, 'row')}")
    yield from fact("Failed", f"{row.errors:,}" if row.errors else "none")
    for name, share in (("Half within", 0.5), ("95 of 100", 0.95), ("99 of 100", 0.99)):
        yield from fact(name, took(row.milliseconds(share)))
    yield from fact("Longest", took(row.most_us / 1_000))
    yield from fact("In all", f"{text.duration(row.total_us / 1_000)}, {row.total_us / max(1, total_us):.1%} of all")
    if slow:
        yield NOTHING
        yield heading("Slow ones, newest first")
        yield from (line for each in slow[:SLOW_ONES] for line in slow_lines(each))
        if len(slow) > SLOW_ONES:
            yield Content.styled(f"and {len(slow) - SLOW_ONES:,} more", "$muted")
    seen: set[str] = set()
    for plan in plans:  # of each statement the newest first
        yield NOTHING
        if plan.statement_hash in seen:
            yield Content.styled(f"The plan until {text.moment(plan.last_seen_at)}", "$warning")
        else:
            yield heading("A statement, and its plan")
            yield from (
                text.shown(line.rstrip(), single_line=True, limit=400, style="$muted")
                for line in plan.statement.strip().splitlines()[:12]
            )
        seen.add(plan.statement_hash)
        yield NOTHING
        yield from (plan_line(line) for line in drawn(plan.plan))
        yield from (Content.styled(f"! {said}", "$warning") for said in findings(plan.plan, rows))


def slow_lines(each: SlowQuery) -> Iterator[Content]:
    """A slow statement with what it was asked with."""
    yield Content.assemble(
        (f"{text.moment(each.at)}  ", "$muted"), took(each.duration_us / 1_000),
        (f"  {text.plural(each.rows, 'row')}" if each.rows is not None else "", "$muted"),
        "  ", text.shown(each.login, single_line=True, limit=70, style="$muted"),
    )  # fmt: skip
    if each.error is not None:
        yield text.shown(f"  {each.error or UNTOLD}", single_line=True, limit=300, style="$failed")
    asked = "  ".join(f"{name}={value}" for name, value in each.parameters.items() if value is not None)
    if asked:
        yield text.shown(f"  {asked}", single_line=True, limit=300, style="$muted")


def plan_line(line: PlanLine) -> Content:
    """A node of a plan below the one that it gives its rows to; the one that costs most is marked."""
    mark = "▶" if line.costly else " "
    return Content.assemble(
        (f"{mark} ", "$warning"), ("  " * line.depth, ""),
        text.shown(line.says, single_line=True, limit=300, style="bold" if line.costly else ""),
        (f"  {line.share:.0%}  ~{text.plural(line.rows, 'row')}", "$warning" if line.costly else "$muted"),
    )  # fmt: skip
