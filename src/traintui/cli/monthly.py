"""`traintui db report`: what a month came to."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traintui import clock
from traintui.cli.running import Json, run, workspace

if TYPE_CHECKING:
    from traintui.observing.month_page import Page
    from traintui.observing.month_records import MonthFigures


def report(
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="The month; this one, so far, unless said.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Save it there, as Markdown and as HTML.")
    ] = None,
    json_: Json = False,
) -> None:
    """Say what a month came to: statements, indexes, growth, work, and what to do. Prints Markdown."""
    from traintui.observing import month_advice, month_files, month_page, month_records, months

    which = month_records.month_of(clock.now()) if month is None else month_records.read_month(month)

    async def make() -> tuple[MonthFigures, MonthFigures | None, Page, list[Path]]:
        async with workspace() as db:
            figures, earlier = await months.figures_of(db, which), await months.before(db, which)
            shown = month_page.page(figures, earlier, db.label)
            saved = [] if out is None else list(await month_files.save(shown, which, out))
            return figures, earlier, shown, saved

    figures, earlier, shown, saved = run(make())
    if json_:
        told = json.loads(months.as_json(figures))
        advice = [asdict(each) for each in month_advice.recommendations(figures, earlier)]
        print(json.dumps({**told, "month": str(which), "recommendations": advice, "files": [str(p) for p in saved]}))
    elif saved:
        for path in saved:
            print(path)
    else:
        print(month_page.markdown(shown), end="")
