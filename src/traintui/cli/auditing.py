"""`traintui audit`: what the record proves."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from typing import TYPE_CHECKING

import typer

from traintui import text
from traintui.cli.logs import add_logs
from traintui.cli.reporting import report
from traintui.cli.running import Json, run, say, workspace

if TYPE_CHECKING:
    from traintui.audit.findings import Finding, Verdict

audit_app = typer.Typer(help="Who generated, who decided, what left the house; and that nobody touched the record.",
                        no_args_is_help=True)  # fmt: skip
add_logs(audit_app)
audit_app.command()(report)
SAID_EVERY = 1.0
"""Seconds between two words on how far it is, where somebody watches."""


@audit_app.command()
def verify(json_: Json = False) -> None:
    """Compare every row of the logs with the seals, and the seals with what has left the database."""
    from traintui.audit.verifying import verify as verify_record

    async def work() -> Verdict:
        stop = threading.Event()
        async with workspace() as db:
            looking = asyncio.create_task(asyncio.to_thread(verify_record, db, progress=Progress(), stop=stop))
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


class Progress:
    """Says how far it is where a person looks at standard error."""

    def __init__(self) -> None:
        self.began = self.said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        at = time.monotonic()
        if at - self.said < SAID_EVERY or not sys.stderr.isatty():
            return
        self.said = at
        say(f"Looked at {done:,} of some {total:,} rows, {done / (at - self.began):,.0f} a second")
