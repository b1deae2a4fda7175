"""`traintui audit generations`, `reviews` and `exports`: the logs, by the filter of the screen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.cli.running import Json, harmless, run, say, workspace

if TYPE_CHECKING:
    from traintui.data.log_fields import LogName

Wanted = Annotated[str, typer.Argument(metavar="FILTER", help="Which rows, as in the app: 'state:error cost>0.01'.")]
Since = Annotated[str | None, typer.Option("--since", help="From this day or moment on: 2026-11-01, -7d.")]
Until = Annotated[str | None, typer.Option("--until", help="Up to the end of this day, or to this moment.")]
User = Annotated[str | None, typer.Option("--user", help="Who did it, or asked for it.")]
Conversation = Annotated[str | None, typer.Option("--conversation", help="Which conversation it is about.")]
Template = Annotated[str | None, typer.Option("--template", help="By name, NAME@3 for one version, or number.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write all that match as CSV; what stands there is replaced.")]
Archive = Annotated[bool, typer.Option("--archive", help="Those that were moved to the archive too.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="Rows that are printed.")]

SHOWN: dict[str, tuple[tuple[str, int], ...]] = {
    "generations": (
        ("created_at", 19), ("state", 7), ("kind", 8), ("conversation_id", 15), ("model", 18), ("requested_by", 10),
        ("cost_usd", 9), ("duration_ms", 8), ("error_message", 0),
    ),
    "reviews": (
        ("timestamp", 19), ("action", 9), ("conversation_id", 15), ("revision", 3), ("reviewer_id", 12), ("reason", 20),
        ("reviewer_notes", 0),
    ),
    "exports": (
        ("started_at", 19), ("state", 9), ("conversation_count", 8), ("format", 13), ("user_id", 10),
        ("export_id", 20), ("filter", 0),
    ),
}  # fmt: skip
"""What a line shows of a row, and how wide it is; 0 for what is left."""


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
    json_: Json = False,
) -> None:
    """List the calls to models: what was asked, what it cost, and how it ended."""
    words = [(f"{name}:", value) for name, value in
             (("template", template), ("user", user), ("conversation", conversation))]  # fmt: skip
    listed("generations", filtered(filter_, [*words, *span(since, until)]), limit, csv, json_, archived=archive)


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
    from traintui.data import log_lines
    from traintui.data.log_fields import LOGS

    log = LOGS[name]
    wanted = log.read(filter_text)

    async def work() -> Saved | Sequence[Mapping[str, Any]]:
        async with workspace() as db:
            if csv is not None:
                return await save_csv(db, log, wanted, csv, replace=True, archived=archived)
            if archived:
                return await archive_listing.records(db, wanted, limit + 1, log)
            return await log_lines.records(db, log, wanted, limit + 1)

    found = run(work())
    if isinstance(found, Saved):
        if json_:
            print(json.dumps({"log": name, "filter": filter_text, "path": str(found.path), "rows": found.rows}))
        else:
            print(f"{found.path}  {found.rows:,} rows")
        return
    rows, more = found[:limit], len(found) > limit
    if json_:
        print(json.dumps({"log": name, "filter": filter_text, "more": more, "rows": rows}))
        return
    for row in rows:
        print(line(name, row))
    if more:
        say(f"There are more than {limit:,}: --limit shows more, --csv FILE writes all.")
    elif not rows:
        say("Nothing matches." if filter_text else "The log is empty.")


def line(name: str, row: Mapping[str, Any]) -> str:
    """A row in a line."""
    cells = []
    for column, width in SHOWN[name]:
        value = "" if row[column] is None else " ".join(harmless(str(row[column])).split())
        if column in {"created_at", "timestamp", "started_at"}:
            value = value[:19].replace("T", " ")
        cells.append(f"{value[:width]:<{width}}" if width else value[:200])
    return "  ".join(cells).rstrip()
