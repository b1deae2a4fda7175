"""`traintui audit`: what the record proves."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui import text
from traintui.cli.erasing import erase
from traintui.cli.logs import add_logs
from traintui.cli.redacting import Switch
from traintui.cli.reporting import report
from traintui.cli.running import Json, Progress, looked_at, run, say, workspace

if TYPE_CHECKING:
    from traintui.audit.findings import Finding, Verdict
    from traintui.data.retention import DueWeek

NAMES = {"generation_logs": "generation log", "export_logs": "export log"}

audit_app = typer.Typer(help="Who generated, who decided, what left the house; and that nobody touched the record.",
                        no_args_is_help=True)  # fmt: skip
add_logs(audit_app)
audit_app.command()(report)
audit_app.command()(erase)


@audit_app.command()
def verify(json_: Json = False) -> None:
    """Compare every row of the logs with the seals, and the seals with what has left the database."""
    from traintui.audit.verifying import verify as verify_record

    async def work() -> Verdict:
        stop = threading.Event()
        async with workspace() as db:
            looking = asyncio.create_task(
                asyncio.to_thread(verify_record, db, progress=Progress(looked_at("rows")), stop=stop)
            )
            try:
                return await asyncio.shield(looking)
            except asyncio.CancelledError:
                stop.set()
                await asyncio.gather(looking, return_exceptions=True)
                raise

    verdict = run(work())
    print(json.dumps(verdict.as_json()) if json_ else told(verdict))
    if not json_:
        for note in verdict.notes:
            say(note)
    if not verdict.holds:
        sys.exit(1)


@audit_app.command()
def retire(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is due.")] = False, json_: Json = False
) -> None:
    """Move what is kept no longer to the archive, and remove it from the logs; ctrl+c stops it, and the next time it
    goes on. For administrators; once a day is enough."""
    from traintui.audit.retiring import Outcome, retire_due
    from traintui.data import retention

    async def work() -> tuple[list[retention.DueWeek], Outcome | None]:
        stop = threading.Event()
        async with workspace() as db:
            due = await retention.due(db)
            if dry_run:
                return due, None
            doing = asyncio.create_task(retire_due(db, due, progress=Progress(looked_at("rows")), stop=stop))
            try:
                return due, await asyncio.shield(doing)
            except asyncio.CancelledError:
                stop.set()
                await asyncio.gather(doing, return_exceptions=True)
                raise

    due, outcome = run(work())
    if json_:
        said: dict[str, Any] = {"due": [each.as_json() for each in due]}
        print(json.dumps(said if outcome is None else said | outcome.as_json()))
    elif outcome is None:
        for each in due:
            print(due_line(each))
        if not due:
            print("nothing is due")
    else:
        for gone in outcome.retired:
            sizes = f"{size(gone.row_bytes)}; {size(gone.archive_bytes)} in the archive"
            print(f"removed      week of {gone.week}, {NAMES[gone.log]}: {text.plural(gone.row_count, 'row')}, {sizes}")
        if not outcome.retired and not outcome.left:
            print("nothing is due")
    if outcome is not None and (outcome.left or outcome.unerased):
        for week, error in outcome.left:
            say(f"week of {week.week}, {NAMES[week.log]}, stays: {error.message} {error.remedy}")
        for failure in outcome.unerased:
            say(f"erased, and not out of the archive: {failure}")
        sys.exit(1)


@audit_app.command()
def retention(
    generations: Annotated[str | None, typer.Option(help="Days that calls are kept, 7 or more; none for good.")] = None,
    exports: Annotated[str | None, typer.Option(help="Days that exports are kept; none for good.")] = None,
    automatic: Annotated[Switch | None, typer.Option(help="Whether what is due goes once a day by itself.")] = None,
    json_: Json = False,
) -> None:
    """Show how long rows of the logs are kept, or change it, as an administrator. Reviews are kept for good."""
    from traintui.data import retention as rules
    from traintui.data import retention_rounds

    wanted: list[tuple[rules.RetiredLog, int | None]] = []  # all are read before any is stored
    if generations is not None:
        wanted.append(("generation_logs", days_of(generations)))
    if exports is not None:
        wanted.append(("export_logs", days_of(exports)))

    async def work() -> tuple[rules.Retention, bool, retention_rounds.Rounds]:
        async with workspace() as db:
            if automatic is not None:
                await retention_rounds.set_removes(db, automatic is Switch.ON)
            for log, days in wanted:
                await rules.change(db, log, days)
            return await rules.read(db), await retention_rounds.removes(db), await retention_rounds.read(db)

    found, removes, rounds = run(work())
    if json_:
        print(json.dumps({"generations_days": found.generations_days, "exports_days": found.exports_days,
                          "reviews_days": None, "automatic": removes, "failure": rounds.failure or None}))  # fmt: skip
        return
    for name, kept in (("generations", found.generations_days), ("exports", found.exports_days), ("reviews", None)):
        print(f"{name:13}{'for good' if kept is None else f'{kept} days'}")
    print(f"{'automatic':13}{'on' if removes else 'off'}")
    if rounds.failure:
        say(f"The last round: {rounds.failure}")


def days_of(text: str) -> int | None:
    """The days of an option; None for good. Raises `TraintuiError` for what is no number of days that rows are kept."""
    from traintui.data.retention import LEAST_DAYS, MOST_DAYS
    from traintui.errors import TraintuiError

    if text == "none":
        return None
    if not text.isdecimal() or not LEAST_DAYS <= int(text) <= MOST_DAYS:
        raise TraintuiError(
            "Not a number of days", f'"{text}" is not one from {LEAST_DAYS} to {MOST_DAYS:,}.',
            "Write it like 90, or none to keep all.",
        )  # fmt: skip
    return int(text)


def due_line(week: DueWeek) -> str:
    """What is due of a week, and what keeps it."""
    beside = f", {text.plural(week.noted, 'conversation')} of exports" if week.noted else ""
    keeps = ((week.under_way, "have not ended"), (week.unsealed, "not sealed yet"))
    held = [f"{number:,} {what}" for number, what in keeps if number]
    kept = f" ({', '.join(held)})" if held else ""
    rows = text.plural(week.rows, "row")
    return f"due          week of {week.week}, {NAMES[week.log]}: {rows}{beside}, {size(week.bytes)}{kept}"


def size(number: int) -> str:
    """Bytes for people."""
    amount, units = float(number), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def told(verdict: Verdict) -> str:
    """The verdict for people: what was found, the first row first, or that all holds."""
    if verdict.holds:
        newest = "" if verdict.newest is None else f"\nnewest seal  {verdict.newest[0]:,} {verdict.newest[1]}"
        return f"holds        {verdict.looked}; {verdict.agree} agree{newest}"
    lines = [f"DOES NOT HOLD  {text.plural(verdict.number, 'finding')} in {verdict.looked}"]
    if (first := verdict.first) is not None:
        lines.append(f"first: {sentence(first)}")
    lines += [sentence(finding) for finding in verdict.findings if finding is not first]
    return "\n".join(lines)


def sentence(finding: Finding) -> str:
    """A finding in a line: what, where, what it means, what to do."""
    kind = finding.kind if finding.log else f"{finding.kind} disagrees"
    return f"{kind}: {finding.where}: {finding.what}. {finding.means} {finding.remedy}"
