"""The app, the demo, and what works here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

import traintui
from traintui.cli.running import Json, run
from traintui.settings import load_settings


def open_app(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Open the app."""
    if version:
        print(f"traintui {traintui.__version__}")
    elif context.invoked_subcommand is None:
        from traintui.doctor import require_terminal

        settings = load_settings()
        require_terminal()
        from traintui.app import TraintuiApp

        screen = TraintuiApp(settings)
        screen.run()
        sys.exit(screen.return_code or 0)


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="The whole loop without a screen; it says which file it left.")
    ] = False,
    home: Annotated[Path | None, typer.Option(help="Keep the workspace in this directory.")] = None,
    json_: Json = False,
) -> None:
    """A throw-away workspace: sample documents, a rehearsal instead of a model, nothing to pay."""
    from traintui.demo.run import demo_home, demo_settings, exported_file, run_headless

    personal = load_settings()
    if not headless:
        from traintui.doctor import require_terminal

        require_terminal()
        from traintui.app import TraintuiApp

        with demo_home(home) as (directory, farewell):
            screen = TraintuiApp(demo_settings(directory, personal), demo=True, farewell=farewell)
            screen.run()
        sys.exit(screen.return_code or 0)
    with demo_home(home) as (directory, _):
        # A home that is thrown away would take the file along.
        out = exported_file(personal.home if home is None else directory)
        summary = run(run_headless(personal, directory, out=out))
    if json_:
        print(json.dumps(summary.as_json()))
        return
    print(f"documents  {summary.documents}")
    print(f"generated  {summary.generated} in {summary.calls} calls, {summary.failed} failed")
    print(f"approved   {summary.approved} that score 6 or more")
    print(f"exported   {summary.exported} to {summary.path}")
    print(f"cost       ${summary.cost_usd} by the rehearsal's bill; nothing is paid")
    print(f"time       {summary.seconds} s")


def doctor(json_: Json = False) -> None:
    """What works here, what does not, and what to do."""
    from traintui.doctor import Finding, examine

    async def collect() -> list[Finding]:
        found = []
        async for finding in examine(load_settings()):
            found.append(finding)
            if not json_:
                print(f"{finding.state:8}{finding.name:12}{finding.message}", flush=True)
                if finding.remedy:
                    print(f"{'':20}{finding.remedy}", flush=True)
        return found

    findings = run(collect())
    if json_:
        keys = ("name", "state", "message", "remedy")
        print(json.dumps({"findings": [{key: getattr(finding, key) for key in keys} for finding in findings]}))
    if any(finding.state == "failed" for finding in findings):
        sys.exit(1)
