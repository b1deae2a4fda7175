"""`traintui audit report`: what an auditor asks of the whole record, with pass or fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traintui import text
from traintui.cli.running import Json, Progress, harmless, run, say, workspace
from traintui.errors import TraintuiError

if TYPE_CHECKING:
    from traintui.audit.reports.model import Report
    from traintui.audit.reports.saving import Saved

SHOWN = 20
"""Rows that are printed; `--csv` and `--out` write all of them."""


def report(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="REPORT",
            help="activity, reviewed, exports-attributed or approved-at-revision; all of them unless said.",
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="How it stood then: 2026-11-01 (at its end), -7d.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--from", "--since", metavar="DATE", help="Activity from then on; thirty days unless said."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", "--until", metavar="DATE", help="Activity up to the end of that day.")
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option("--folder", metavar="DIR", help="Look for manifests of exports there too; may be given again."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Save each as CSV and as a Markdown page with its seal.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="PATH", help="Write all rows of one report as CSV; what stands there is replaced."
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """Who reviewed what, and whether all was reviewed, attributed and approved. Exit 0 when all pass."""
    from traintui.audit.reports.making import KINDS, Asked, make
    from traintui.audit.reports.moments import read_as_of, read_moment
    from traintui.audit.reports.saving import save, save_rows
    from traintui.data.nearest import nearest

    if name is not None and name not in KINDS:
        near = nearest(name, KINDS)
        meant = f"Did you mean {near}? " if near else ""
        raise typer.BadParameter(f"there is no report {harmless(name)}. {meant}There are: {', '.join(KINDS)}.",
                                 param_hint="REPORT")  # fmt: skip
    moment, begin, end = read_as_of(as_of), read_moment(since, begins=True), read_moment(until)
    if moment is not None and (begin is not None or end is not None):
        raise typer.BadParameter("it is a moment, and --from and --to are a period", param_hint="--as-of")
    if begin is not None and end is not None and begin >= end:
        raise typer.BadParameter("it ends before it begins", param_hint="--to")
    if csv is not None and name is None:
        raise typer.BadParameter("it is of one report: name it", param_hint="--csv")
    folders = tuple(path.expanduser() for path in folder or ())
    if missing := [path for path in folders if not path.is_dir()]:
        raise TraintuiError("Report not made", f"{missing[0]} is no folder that is here.", "Name one that is.")

    async def work() -> list[tuple[Report, Saved | None]]:
        done: list[tuple[Report, Saved | None]] = []
        async with workspace() as db:
            for each in KINDS if name is None else [each for each in KINDS if each == name]:
                asked = Asked(each, moment or end, begin, folders)
                made = await make(db, asked, progress=far(each))
                try:
                    saved = None if out is None else await save(db, made, out)
                    if csv is not None:
                        await save_rows(made, csv, replace=True)
                    done.append((made.report, saved))
                finally:
                    made.close()
        return done

    reports = run(work())
    if json_:
        told = [report.as_json() | {"page": saved and str(saved.page),
                                    "csv": str(csv) if csv is not None else saved and str(saved.csv)}
                for report, saved in reports]  # fmt: skip
        print(json.dumps({"passed": all(one["passed"] for one in told), "reports": told}))
    else:
        print("\n\n".join(harmless(told_of(report)) for report, _ in reports))
        for _, saved in reports:
            if saved is not None:
                print(f"\n{saved.page}\n{saved.csv}")
        if csv is not None:
            print(f"\n{csv}  {text.plural(reports[0][0].number, 'row')}")
    for report, saved in reports:
        for note in () if json_ else report.answer.notes:
            say(f"{report.kind.name}: {note}")
        if saved is not None and saved.note:
            say(saved.note)
    if not all(report.answer.passed for report, _ in reports):
        sys.exit(1)


def told_of(report: Report) -> str:
    """A report for people: the verdict, from what data, the first rows."""
    answer = report.answer
    lines = [f"{report.verdict}  {report.kind.claim}, {report.period.says}", f"      {answer.says}"]
    width = max((len(name) for name, _ in answer.facts), default=0)
    lines += [f"      {name:<{width}}  {value}" for name, value in answer.facts]
    if report.seal is not None:
        lines.append(f"      seal {report.seal.number:,} {report.seal.hash.hex()}")
    if report.number:
        shown = [report.kind.columns, *report.rows[:SHOWN]]
        widths = [max(len(row[place]) for row in shown) for place in range(len(report.kind.columns))]
        lines.append("")
        for row in shown:
            cells = (cell.ljust(wide) for cell, wide in zip(row, widths, strict=True))
            lines.append(f"      {'  '.join(cells)}".rstrip())
        if report.number > SHOWN:
            lines.append(f"      and {report.number - SHOWN:,} more; --csv and --out write all of them")
    return "\n".join(lines)


def far(name: str) -> Progress:
    """Says how far a report is."""
    return Progress(lambda done, total, _: f"{name}: {done:,} of {total:,}")
