"""`traintui db alerts`: what is wrong with the database, who looks after it, and what is run when it begins."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traintui.cli.running import Json, harmless, run, say, workspace
from traintui.errors import TraintuiError

if TYPE_CHECKING:
    from traintui.data.alert_records import Alert
    from traintui.data.engine import Database

SHOWN = 3
"""Changes before an alert that are shown; `--json` has all."""


def alerts(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    acknowledge: Annotated[
        int | None, typer.Option("--acknowledge", metavar="ID", help="Say that you look after one.")
    ] = None,
    hook: Annotated[
        str | None,
        typer.Option("--hook", metavar="CMD", help="Run this when one opens or clears: JSON on its standard input."),
    ] = None,
    no_hook: Annotated[bool, typer.Option("--no-hook", help="Run nothing any more.")] = False,
    confirm_hook: Annotated[
        bool, typer.Option("--confirm-hook", help="Let this machine run the hook that the workspace has.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json_: Json = False,
) -> None:
    """Say what is wrong with the database, since when, and what to do."""
    if (hook is not None) + no_hook + confirm_hook + (acknowledge is not None) > 1:
        raise typer.BadParameter("one of --acknowledge, --hook, --no-hook and --confirm-hook at a time.")

    async def work() -> tuple[tuple[Alert, ...], dict[str, Any]]:
        from traintui.data import alerts as stored

        async with workspace() as db:
            if acknowledge is not None:
                await stored.acknowledge(db, acknowledge)
            if hook is not None or no_hook or confirm_hook:
                await change_hook(db, None if no_hook else hook, confirm_only=confirm_hook, yes=yes)
            return await stored.read(db, cleared=everything), await hook_of(db)

    found, runs = run(work())
    if json_:
        from traintui.observing.alerting import as_json

        print(json.dumps({"alerts": [as_json(each) for each in found], "hook": runs}))
        return
    for line in lines(found, everything=everything):
        print(harmless(line))
    if runs["command"] is not None:
        where = "It runs on this machine too" if runs["confirmed_here"] else (
            "Not on this machine: --confirm-hook lets it run here"
        )  # fmt: skip
        say(f"The hook is {runs['command']}. {where}")


async def change_hook(db: Database, command: str | None, *, confirm_only: bool, yes: bool) -> None:
    """Sets the hook of the workspace, or confirms for this machine the one that it has, after asking. Raises
    `TraintuiError` where there is none."""
    from traintui.observing import alert_hook

    if not confirm_only:
        await alert_hook.choose(db, command)
        return
    known = await alert_hook.of_workspace(db)
    if known is None:
        raise TraintuiError(
            "No hook", "this workspace runs nothing on alerts.", "An administrator sets it: traintui db alerts --hook."
        )
    await asyncio.to_thread(alert_hook.require_program, known)
    if not yes:
        typer.confirm(harmless(f"This machine may run from now on: {known}\nIs that so?"), abort=True, err=True)
    await alert_hook.confirm(db, known)


async def hook_of(db: Database) -> dict[str, Any]:
    """What is run, and whether it may be on this machine."""
    from traintui.observing import alert_hook

    command = await alert_hook.of_workspace(db)
    confirmed = command is not None and await alert_hook.is_confirmed(db, command)
    return {"command": command, "confirmed_here": confirmed}


def lines(found: Sequence[Alert], *, everything: bool) -> Iterator[str]:
    """Alerts for people: what is wrong, what it means, what to do, and what changed before."""
    from traintui.data.alert_context import changes_of
    from traintui.observing.alert_kinds import KINDS, to_do

    if not found:
        yield "No alert is on record" if everything else "Nothing is wrong"
    for alert in found:
        state = alert.state if alert.state != "acknowledged" else f"acknowledged by {alert.acknowledged_by}"
        since = f"{alert.opened_at.astimezone():%Y-%m-%d %H:%M}"
        yield f"{alert.id:>6}  {alert.severity:<8}{alert.says} ({state}, since {since})"
        if alert.state != "cleared":
            if (known := KINDS.get(alert.kind)) is not None:
                yield f"        {known.means}"
                yield f"        {to_do(alert.kind, alert.subject, alert.evidence)}"
            for change in changes_of(alert)[:SHOWN]:
                yield f"        before: {change.at.astimezone():%Y-%m-%d %H:%M} {change.says}"
