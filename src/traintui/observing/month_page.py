"""A month as a page: sections of a sentence and a table, written as Markdown and as HTML, and shown as they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeVar

from traintui.audit.reports.saving import plain
from traintui.audit.words import harmless, number_of
from traintui.data.monthly import Work
from traintui.observing.growth import size
from traintui.observing.month_advice import recommendations
from traintui.observing.month_records import MonthFigures

LABELS, INDEXES, TABLES, ALERTS = 30, 40, 30, 40
"""Rows of each table at the most; `--json` has all."""
NOTHING = "-"
T = TypeVar("T")

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72em; margin: 3em auto; padding: 0 1.5em; color: #1b1f24; }
h1 { font-size: 1.6em; } h2 { font-size: 1.15em; margin-top: 2.2em; border-bottom: 1px solid #d0d7de; }
table { border-collapse: collapse; margin: 0.8em 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.25em 1.2em 0.25em 0; vertical-align: top; border-bottom: 1px solid #eaeef2; }
th { color: #57606a; font-weight: 600; } .figure { text-align: right; white-space: nowrap; }
code, pre { font: 13px/1.5 ui-monospace, monospace; background: #f6f8fa; padding: 0.1em 0.3em; }
pre { padding: 0.8em; overflow-x: auto; }
@media print { body { margin: 0; font-size: 11px; } h2 { break-after: avoid; } }
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A title, what it says in sentences, a table whose columns that hold figures are named in `figures`, and lines as
    they are to be read, such as a plan."""

    title: str
    says: tuple[str, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    figures: frozenset[str] = frozenset()
    code: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A report: what it is of, in a title and a line, and its sections."""

    title: str
    says: str
    sections: tuple[Section, ...]


def page(month: MonthFigures, before: MonthFigures | None, database: str) -> Page:
    """A month beside the one before, where that is known."""
    period = f"{month.month.begin:%Y-%m-%d} to {month.until:%Y-%m-%d %H:%M} UTC"
    so_far = "" if month.is_over else ", which is not over"
    against = f"beside {before.month}" if before is not None else "nothing is stored of the month before"
    later = (
        f" Findings of indexes, and what waits for retention, are those of {month.made_at:%Y-%m-%d %H:%M} UTC."
        if month.is_over else ""
    )  # fmt: skip
    return Page(
        f"{database}: the database in {month.month}", f"{period}{so_far}; {against}.{later}",
        (
            advice(month, before), alerts(month), work(month, before), server(month), latencies(month, before),
            *slowest(month), indexes(month), mended(month), growth(month), removed(month),
        ),
    )  # fmt: skip


# Sections


def advice(month: MonthFigures, before: MonthFigures | None) -> Section:
    """What to do."""
    found = recommendations(month, before)
    if not found:
        return Section("Recommendations", ("Nothing is to be done.",))
    rows = tuple((each.finding, each.evidence, each.statement or NOTHING, each.risk) for each in found)
    return Section("Recommendations", (), ("finding", "evidence", "statement", "risk"), rows)


def alerts(month: MonthFigures) -> Section:
    """What was wrong, since when and until when."""
    if not month.alerts:
        return Section("Alerts", ("None was raised.",))
    rows = tuple(
        (
            f"{each.opened_at:%Y-%m-%d %H:%M}", f"{each.cleared_at:%Y-%m-%d %H:%M}" if each.cleared_at else "goes on",
            each.severity, each.title, each.says, each.acknowledged_by or NOTHING,
        )
        for each in month.alerts[-ALERTS:]
    )  # fmt: skip
    columns = ("since (UTC)", "until", "severity", "alert", "says", "acknowledged by")
    newest = f"; the newest {ALERTS} are shown" if len(month.alerts) > ALERTS else ""
    return Section("Alerts", (f"{number_of(len(month.alerts), 'alert')}{newest}.",), columns, rows)


def work(month: MonthFigures, before: MonthFigures | None) -> Section:
    """What people and workers did."""
    now, was = month.work, None if before is None else before.work

    said: list[tuple[str, Callable[[Work], str]]] = [
        ("new conversations", lambda w: f"{w.conversations:,}"),
        ("of these imported", lambda w: f"{w.imported:,}"),
        ("paid calls to models", lambda w: f"{w.calls:,}"),
        ("their cost", lambda w: f"${w.spent_usd:,.2f}"),
        ("of unknown cost", lambda w: f"{w.unpriced_calls:,}"),
        ("calls to the rehearsal, not paid", lambda w: f"{w.rehearsal_calls:,}"),
        ("decisions", lambda w: f"{w.decisions:,}"),
        ("of these approvals", lambda w: share(w.approvals, w.decisions)),
        ("undone", lambda w: f"{w.undone:,}"),
        ("edits", lambda w: f"{w.edits:,}"),
        ("reviewers", lambda w: f"{w.reviewers:,}"),
        (
            "seconds to a decision, median",
            lambda w: NOTHING if w.median_seconds is None else f"{w.median_seconds:,.1f}",
        ),
        ("exports", lambda w: f"{w.exports:,}"),
        ("conversations in them", lambda w: f"{w.exported:,}"),
    ]
    rows = tuple((name, value(now), NOTHING if was is None else value(was)) for name, value in said)
    return Section(
        "Generation and review", (), ("what", "this month", "month before"), rows,
        frozenset({"this month", "month before"}),
    )  # fmt: skip


def server(month: MonthFigures) -> Section:
    """What the server did."""
    found = month.server
    if found is None:
        return Section("Server", ("No sample was taken in this month: Traintui was not open, or not yet installed.",))
    rows = [
        ("days with samples", f"{found.days:,}"),
        ("size at the end", size(found.database_bytes)),
        ("growth a day", "not known yet" if found.growth_a_day is None else size(found.growth_a_day)),
        ("transactions", f"{found.transactions:,}"),
        ("of these rolled back", share(found.rolled_back, found.transactions)),
        ("blocks found in memory", NOTHING if found.hit_rate is None else f"{found.hit_rate:.2%}"),
        ("temporary files", size(found.temp_bytes)),
        ("deadlocks", f"{found.deadlocks:,}"),
        ("written ahead (WAL)", size(found.wal_bytes)),
        ("connections at most", f"{found.most_connections:,} of {found.max_connections:,}"),
        ("longest transaction", f"{found.longest_transaction_seconds:,.0f} s"),
        ("started anew", f"{found.starts:,} times"),
    ]
    if found.disk_free_bytes is not None:
        rows.insert(3, ("free on the disk", size(found.disk_free_bytes)))
    says = f"Sampled from {found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC."
    return Section("Server", (says,), ("what", "figure"), tuple(rows), frozenset({"figure"}))


def latencies(month: MonthFigures, before: MonthFigures | None) -> Section:
    """What statements took, by what they are for."""
    if not month.queries:
        return Section("What statements take", ("None is on record.",))
    total = sum(each.total_us for each in month.queries)
    earlier = {each.label: each for each in before.queries} if before is not None else {}
    rows = []
    for each in month.queries[:LABELS]:
        was = earlier.get(each.label)
        rows.append((
            each.label, f"{each.calls:,}", f"{each.errors:,}", f"{each.slow:,}", f"{each.p50_ms:,.1f}",
            f"{each.p95_ms:,.1f}", f"{each.p99_ms:,.1f}", NOTHING if was is None else f"{was.p95_ms:,.1f}",
            share(each.total_us, total),
        ))  # fmt: skip
    columns = ("label", "calls", "failed", "slow", "p50 ms", "p95 ms", "p99 ms", "p95 before", "of all time")
    calls = number_of(sum(each.calls for each in month.queries), "statement")
    says = f"{calls}, {total / 1e6:,.0f} s in all{rest(month.queries, LABELS)}."
    return Section("What statements take", (says,), columns, tuple(rows), frozenset(columns[1:]))


def slowest(month: MonthFigures) -> Iterator[Section]:
    """The slowest statements, each with its plan."""
    if not month.slowest:
        yield Section("Slowest statements", ("None took long.",))
        return
    rows = tuple(
        (
            each.label, f"{each.times:,}", f"{each.most_ms:,.0f}", f"{each.last_at:%Y-%m-%d %H:%M}",
            " ".join(each.findings) or NOTHING,
        )
        for each in month.slowest
    )  # fmt: skip
    yield Section(
        "Slowest statements", (), ("label", "times", "longest ms", "last (UTC)", "its plan says"), rows,
        frozenset({"times", "longest ms"}),
    )  # fmt: skip
    for number, each in enumerate(month.slowest[:3], 1):
        yield Section(
            f"Slowest statement {number}: {each.label}, {each.most_ms:,.0f} ms", (),
            code=(each.statement, "", *each.plan) if each.plan else (each.statement,),
        )  # fmt: skip


def indexes(month: MonthFigures) -> Section:
    """Indexes by size, and how they were used."""
    if not month.indexes:
        return Section("Indexes", ("No sample of indexes is of this month.",))
    wrong = {each.index: each.kind for each in month.index_findings}
    rows = tuple(
        (
            each.name, each.table, size(each.index_bytes), f"{each.scans:,}",
            NOTHING if each.hit_rate is None else f"{each.hit_rate:.1%}",
            NOTHING if each.density is None else f"{each.density:.0%}", wrong.get(each.name, NOTHING).replace("_", " "),
        )
        for each in month.indexes[:INDEXES]
    )  # fmt: skip
    total = sum(each.index_bytes for each in month.indexes)
    says = f"{len(month.indexes):,} indexes, {size(total)} in all{rest(month.indexes, INDEXES)}."
    columns = ("index", "table", "size", "scans", "in memory", "density", "finding")
    return Section("Indexes", (says,), columns, rows, frozenset(columns[2:6]))


def mended(month: MonthFigures) -> Section:
    """What was done to indexes."""
    if not month.index_actions:
        return Section("Done to indexes", ("Nothing was.",))
    rows = tuple(
        (
            f"{each.at:%Y-%m-%d %H:%M}", each.kind, each.index, "by itself" if each.by_itself else each.by, each.state,
            change(each.bytes_before, each.bytes_after, size),
            change(each.density_before, each.density_after, "{:.0%}".format),
        )
        for each in month.index_actions
    )  # fmt: skip
    columns = ("at (UTC)", "what", "index", "by", "state", "size", "density")
    return Section("Done to indexes", (), columns, rows)


def change(before: T | None, after: T | None, written: Callable[[T], str]) -> str:
    """A figure before and after."""
    return " → ".join(NOTHING if each is None else written(each) for each in (before, after))


def growth(month: MonthFigures) -> Section:
    """Tables by size, and by how much they grew."""
    if not month.tables:
        return Section("Tables", ("No sample of tables is of this month.",))
    tables = sorted(month.tables, key=lambda each: (-each.total_bytes, each.name))
    rows = tuple(
        (
            each.name, f"{each.rows:,}", size(each.total_bytes), size(each.total_bytes - each.bytes_before),
            f"{each.dead_rows:,}", share(each.hot_updated, each.updated),
            f"{each.vacuumed_at:%Y-%m-%d}" if each.vacuumed_at else "never",
        )
        for each in tables[:TABLES]
    )  # fmt: skip
    says = f"Rows are the server's estimate{rest(tables, TABLES)}."
    columns = ("table", "rows", "size", "grown by", "dead rows", "updates in page", "vacuumed")
    return Section("Tables", (says,), columns, rows, frozenset(columns[1:6]))


def removed(month: MonthFigures) -> Section:
    """What retention did."""
    waits = f"{number_of(month.due_weeks, 'week')} waited for it." if month.due_weeks else "Nothing waited for it."
    if not month.retired:
        return Section("Retention", ("Nothing was removed.", waits))
    rows = tuple(
        (f"{each.week}", each.log, f"{each.row_count:,}", size(each.row_bytes), size(each.archive_bytes))
        for each in month.retired
    )
    columns = ("week", "log", "rows", "size", "in the archive")
    return Section("Retention", (waits,), columns, rows, frozenset(columns[2:]))


def rest(rows: Sequence[object], shown: int) -> str:
    """How many are left out."""
    return f"; the first {shown} of {len(rows):,} are shown" if len(rows) > shown else ""


def share(part: float, whole: float) -> str:
    """A part of a whole."""
    return f"{part / whole:.1%}" if whole else NOTHING


# Written


def markdown(shown: Page) -> str:
    """The page as Markdown."""
    lines = [f"# {plain(shown.title)}", "", plain(shown.says), ""]
    for section in shown.sections:
        lines += [f"## {plain(section.title)}", ""]
        for said in section.says:
            lines += [plain(said), ""]
        if section.rows:
            lines.append(f"| {' | '.join(section.columns)} |")
            lines.append("|" + "".join("---:|" if name in section.figures else "---|" for name in section.columns))
            lines += [f"| {' | '.join(plain(cell) for cell in row)} |" for row in section.rows]
            lines.append("")
        if section.code:
            lines += [*(f"    {harmless(line)}" for line in section.code), ""]
    return "\n".join(lines)


def html(shown: Page) -> str:
    """The page as one HTML file that needs nothing beside it."""
    lines = [
        "<!doctype html>", '<html lang="en">', '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{as_text(shown.title)}</title>", f"<style>{STYLE}</style>",
        f"<h1>{as_text(shown.title)}</h1>", f"<p>{as_text(shown.says)}</p>",
    ]  # fmt: skip
    for section in shown.sections:
        lines.append(f"<h2>{as_text(section.title)}</h2>")
        lines += [f"<p>{as_text(said)}</p>" for said in section.says]
        if section.rows:
            marks = ['<{0} class="figure">' if name in section.figures else "<{0}>" for name in section.columns]
            lines.append("<table>")
            lines.append(row_of("th", marks, section.columns))
            lines += [row_of("td", marks, row) for row in section.rows]
            lines.append("</table>")
        if section.code:
            lines.append(f"<pre>{chr(10).join(map(as_text, section.code))}</pre>")
    return "\n".join([*lines, "</html>", ""])


def row_of(cell: str, marks: Sequence[str], row: Sequence[str]) -> str:
    """A row of a table."""
    cells = (f"{mark.format(cell)}{as_text(said)}</{cell}>" for mark, said in zip(marks, row, strict=True))
    return f"<tr>{''.join(cells)}</tr>"


def as_text(said: str) -> str:
    """Text as HTML, and a terminal to which the file is printed, show it and do nothing with it."""
    return escape(harmless(said))
