"""`traintui audit generations`, `reviews` and `exports`: the logs, by the filter of the screen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui import text
from traintui.cli.running import Json, run, say, workspace
from traintui.cli.tables import table

if TYPE_CHECKING:
    from traintui.data.call_totals import By as CallsBy
    from traintui.data.log_fields import LogName


class By(StrEnum):
    """What calls are added up by."""

    TEMPLATE = "template"
    DAY = "day"
    MODEL = "model"
    USER = "user"


Wanted = Annotated[str, typer.Argument(metavar="FILTER", help="Which rows, as in the app: 'state:error cost>0.01'.")]
Since = Annotated[str | None, typer.Option("--since", help="From this day or moment on: 2026-11-01, -7d.")]
Until = Annotated[str | None, typer.Option("--until", help="Up to the end of this day, or to this moment.")]
User = Annotated[str | None, typer.Option("--user", help="Who did it, or asked for it.")]
Conversation = Annotated[str | None, typer.Option("--conversation", help="Which conversation it is about.")]
Template = Annotated[str | None, typer.Option("--template", help="By name, NAME@3 for one version, or number.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write all that match as CSV; what stands there is replaced.")]
Archive = Annotated[bool, typer.Option("--archive", help="Those that were moved to the archive too.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="Rows that are printed.")]

SHOWN: dict[str, tuple[tuple[str, str, int], ...]] = {
    "generations": (
        ("created_at", "when", 19), ("call", "call", 10), ("state", "state", 7), ("kind", "kind", 8),
        ("conversation_id", "conversation", 18), ("model", "model", 18), ("requested_by", "user", 10),
        ("cost_usd", "cost", 9), ("duration_ms", "ms", 8), ("beside", "error", 0),
    ),
    "reviews": (
        ("timestamp", "when", 19), ("row", "row", 10), ("action", "action", 9),
        ("conversation_id", "conversation", 18), ("revision", "rev", 3), ("reviewer_id", "who", 12),
        ("reason", "reason", 20), ("reviewer_notes", "note", 0),
    ),
    "exports": (
        ("started_at", "when", 19), ("state", "state", 9), ("conversation_count", "number", 8),
        ("format", "format", 13), ("user_id", "user", 10), ("export_id", "export", 20), ("filter", "filter", 24),
        ("place", "file", 0),
    ),
}  # fmt: skip
"""What a line shows of a row, what stands above it, and how wide it is on a terminal; 0 for what is left."""
FIGURES = frozenset({"call", "row", "cost_usd", "duration_ms", "revision", "conversation_count"})
"""Columns that end at their right."""


def add_logs(app: typer.Typer) -> None:
    """The three commands."""
    app.command("generations")(generations)
    app.command("reviews")(reviews)
    app.command("exports")(exports)


def generations(
    filter_: Wanted = "",
    template: Template = None,
    since: Since = None,
    until: Until = None,
    user: User = None,
    conversation: Conversation = None,
    archive: Archive = False,
    limit: Limit = 100,
    csv: Csv = None,
    by: Annotated[By | None, typer.Option("--by", help="Add them up instead: by template, day, model or user.")] = None,
    json_: Json = False,
) -> None:
    """List the calls to models: what was asked, what it cost, and how it ended; or what they cost, with --by."""
    words = [(f"{name}:", value) for name, value in
             (("template", template), ("user", user), ("conversation", conversation))]  # fmt: skip
    wanted = filtered(filter_, [*words, *span(since, until)])
    if by is None:
        listed("generations", wanted, limit, csv, json_, archived=archive)
    elif csv is not None:
        raise typer.BadParameter("it writes calls one by one, and --by adds them up", param_hint="--csv")
    else:
        totals(wanted, by.value, json_, archived=archive)


def reviews(
    filter_: Wanted = "",
    since: Since = None,
    until: Until = None,
    user: User = None,
    conversation: Conversation = None,
    limit: Limit = 100,
    csv: Csv = None,
    json_: Json = False,
) -> None:
    """List what people did to conversations: decisions, edits, flags, with their reasons and notes."""
    words = [("reviewer:", user), ("conversation:", conversation), *span(since, until)]
    listed("reviews", filtered(filter_, words), limit, csv, json_)


def exports(
    filter_: Wanted = "",
    since: Since = None,
    until: Until = None,
    user: User = None,
    conversation: Conversation = None,
    min_count: Annotated[int | None, typer.Option("--min-count", help="At least so many conversations.")] = None,
    max_count: Annotated[int | None, typer.Option("--max-count", help="At most so many.")] = None,
    archive: Archive = False,
    limit: Limit = 100,
    csv: Csv = None,
    json_: Json = False,
) -> None:
    """List the exports, failed and cancelled ones too: who, how many, which filter, format and hash."""
    counts = [("count>=", min_count), ("count<=", max_count)]
    words = [("user:", user), ("conversation:", conversation), *counts, *span(since, until)]
    listed("exports", filtered(filter_, words), limit, csv, json_, archived=archive)


def span(since: str | None, until: str | None) -> Sequence[tuple[str, str | None]]:
    """The words for a span of time."""
    return [("created>=", since), ("created<=", until)]


def filtered(filter_text: str, words: Sequence[tuple[str, str | int | None]]) -> str:
    """A filter with these words too."""
    from traintui.data.filter_editing import spelled

    more = [f"{name}{spelled(str(value))}" for name, value in words if value is not None]
    return " ".join((filter_text, *more)).strip()


def listed(
    name: LogName, filter_text: str, limit: int, csv: Path | None, json_: bool, *, archived: bool = False
) -> None:
    """Prints the rows, or writes them as CSV; those of the archive too where that is asked for."""
    from traintui.audit import archive_listing
    from traintui.audit.csv_export import Saved, save_csv
    from traintui.data import log_lines, log_values
    from traintui.data.log_fields import LOGS

    log = LOGS[name]
    wanted = log.read(filter_text)

    async def work() -> tuple[Saved | Sequence[Mapping[str, Any]], Sequence[str]]:
        async with workspace() as db:
            if csv is not None:
                return await save_csv(db, log, wanted, csv, replace=True, archived=archived), ()
            if archived:
                rows = await archive_listing.records(db, wanted, limit + 1, log)
            else:
                rows = await log_lines.records(db, log, wanted, limit + 1)
            return rows, () if rows else await log_values.unknown(db, log, wanted)

    found, slips = run(work())
    if isinstance(found, Saved):
        if json_:
            print(json.dumps({"log": name, "filter": filter_text, "path": str(found.path), "rows": found.rows}))
        else:
            print(f"{found.path}  {found.rows:,} rows")
        return
    rows, more = found[:limit], len(found) > limit
    if json_:
        print(json.dumps({"log": name, "filter": filter_text, "more": more, "rows": rows}))
    elif rows:
        shown = SHOWN[name]
        right = frozenset(place for place, (column, _, _) in enumerate(shown) if column in FIGURES)
        cells = [[cell(row, column) for column, _, _ in shown] for row in rows]
        for line in table([title for _, title, _ in shown], cells, right=right, most=[width for _, _, width in shown]):
            print(line)
    if more and not json_:
        say(f"There are more than {limit:,}: --limit shows more, --csv FILE writes all.")
    elif not rows and not json_:
        say("Nothing matches." if filter_text else "The log is empty.")
    for slip in slips:
        say(slip)


def cell(row: Mapping[str, Any], column: str) -> str:
    """A value of a row for people."""
    if column == "beside":
        paid = "by the rehearsal, not paid" if row["is_rehearsal"] else None
        erased = f"erased: {row['erased']}" if row["erased"] else None
        return "; ".join(filter(None, (row["error_message"], paid, erased)))
    if column == "place":
        return str(Path(row["directory"] or "") / row["file"]) if row["file"] else ""
    value = "" if row[column] is None else str(row[column])
    return value[:19].replace("T", " ") if column in {"created_at", "timestamp", "started_at"} else value


def totals(filter_text: str, by: CallsBy, json_: bool, *, archived: bool) -> None:
    """Prints what calls add up to by something: what is certain, what is not, and what nobody pays."""
    from traintui.audit import archive_listing
    from traintui.data import call_totals, log_values
    from traintui.data.log_fields import GENERATIONS

    wanted = GENERATIONS.read(filter_text)

    async def work() -> tuple[Sequence[call_totals.Totals], Sequence[str]]:
        async with workspace() as db:
            if archived:
                across = archive_listing.rows_across(db, call_totals.columns(by), wanted)
                found = await call_totals.added_up(across, by)
            else:
                found = await call_totals.call_totals(db, wanted, by)
            return found, () if found else await log_values.unknown(db, GENERATIONS, wanted)

    found, slips = run(work())
    whole = sum(found, call_totals.Totals("all"))
    if json_:
        told = [each.as_json() for each in found]
        print(json.dumps({"log": "generations", "filter": filter_text, "by": by, "totals": told,
                          "total": whole.as_json()}))  # fmt: skip
    elif found:
        headings = (by, "calls", "failed", "tokens", "cost", "uncertain", "not paid")
        rows = [
            (each.name, f"{each.calls:,}", f"{each.failed:,}", f"{each.tokens:,}", text.usd(each.cost_usd),
             text.usd(each.uncertain_usd), text.usd(each.rehearsal_usd))
            for each in (*found, whole)
        ]  # fmt: skip
        for line in table(headings, rows, right=frozenset(range(1, len(headings)))):
            print(line)
        if whole.uncertain_usd:
            say("Uncertain: calls of unknown end, at what they cost at most.")
        if whole.rehearsal_usd:
            say("Not paid: by the rehearsal's bill, which nobody pays.")
        if whole.unpriced:
            say(f"{text.plural(whole.unpriced, 'call')} of no known price: not in the sums.")
    else:
        say("Nothing matches." if filter_text else "The log is empty.")
    for slip in slips:
        say(slip)
