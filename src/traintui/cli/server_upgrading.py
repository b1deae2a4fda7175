"""`traintui db upgrade-server`: a workspace moves to the server that this Traintui has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traintui.cli.backups import Far, note_restore
from traintui.cli.running import Json, say
from traintui.errors import TraintuiError
from traintui.settings import load_settings

if TYPE_CHECKING:
    from traintui.data.server_upgrade import Moved, Plan


def upgrade_server(
    backup: Annotated[
        Path | None, typer.Option("--from", metavar="BACKUP", help="Take it from this verified backup.")
    ] = None,
    without_later: Annotated[
        bool, typer.Option("--without-later", help="Go on although what came after the backup would be missing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json_: Json = False,
) -> None:
    """Move the embedded workspace to this Traintui's PostgreSQL, where an older major version made it: by its own
    server, if that is still installed, else out of its newest verified backup. The old folder stays. Where nothing is
    to be moved it says so, and ends with 0."""
    from traintui.data import server_upgrade
    from traintui.data.backup_proof import Telling

    settings = load_settings()
    if not settings.embedded:
        raise TraintuiError(
            "Not an embedded workspace", "a shared server is upgraded by those who run it.",
            "Unset TRAINTUI_DATABASE_URL to upgrade the embedded one.",
        )  # fmt: skip
    try:
        plan = server_upgrade.plan(settings.home, backup)
    except server_upgrade.NothingToUpgrade as nothing:
        if json_:
            print(json.dumps({"upgraded": False, "home": str(settings.home)}))
        say(f"Nothing to do: {nothing.message}")
        return
    for line in plan_words(plan):
        say(line)
    if plan.loses and not without_later:
        raise TraintuiError(
            "Something would be missing", later_words(plan) + ".",
            "Nothing was changed, and the old folder is whole. Install its PostgreSQL, or the Traintui from before and"
            " run `traintui db backup --verify` with it; or go on with --without-later.",
        )  # fmt: skip
    if not yes:
        typer.confirm("Go on?", abort=True, err=True)
    done = server_upgrade.move(settings.home, plan, Telling(say, Far()))
    if plan.loses:
        note_restore(settings.home, done.path, done.workspace_id, done.sealed)
    if json_:
        told = {name: getattr(done, name) for name in ("old_major", "revision_before", "revision", "rows", "seconds")}
        more = {"upgraded": True, "strangers": done.strangers, "settings": plan.tuned}
        print(json.dumps({**told, "old": str(done.old), "backup": str(done.path), **more}))
        return
    print(moved_words(done))
    say(f"The old folder is left as it was, {done.old}; remove it when you miss nothing")
    say(f"The backup that it came over by is {done.path}")
    if plan.tuned:
        say(f"Not taken over: {', '.join(plan.tuned)}; `traintui doctor` says where to write what you want of it")
    for name in done.strangers:
        say(f"{name} has no login here: traintui user add {name} --role ROLE")


def plan_words(plan: Plan) -> list[str]:
    """What is there, and how it would be moved."""
    from traintui.data.older_cluster import MAJOR

    cluster = plan.cluster
    lines = [f"PostgreSQL {cluster.major} made the workspace in {cluster.data}; this Traintui has {MAJOR}"]
    if plan.tuned:
        lines.append(f"The new server gets Traintui's settings: {', '.join(plan.tuned)} will not be taken over")
    if plan.path is None or plan.proof is None:
        return [*lines, f"Its own server is in {cluster.programs}: it is backed up with that, and restored"]
    lines.append(
        f"It is taken from {plan.path}, a verified backup: {plan.proof.contents.rows:,} rows of revision"
        f" {plan.proof.revision}, as of {plan.proof.at:%Y-%m-%d %H:%M:%S} UTC"
    )
    if not plan.loses:
        lines.append("Nothing was written after that: nothing will be missing")
    return lines


def later_words(plan: Plan) -> str:
    """What may be missing."""
    stopped = f"{plan.cluster.control.written_at:%Y-%m-%d %H:%M} UTC"
    if plan.later is None:
        return (
            f"the old server did not stop in order (its last sign is of {stopped}), so what it wrote after the backup"
            " is not known"
        )
    number = "a transaction" if plan.later == 1 else f"{plan.later:,} transactions"
    return (
        f"the old server wrote {number} after that backup, until {stopped}; decisions of people may be among them, or"
        " only its own housekeeping"
    )


def moved_words(done: Moved) -> str:
    from traintui.data.older_cluster import MAJOR

    return (
        f"{done.conversations:,} conversations, {done.rows:,} rows in all, stand in PostgreSQL {MAJOR} at revision"
        f" {done.revision}: every row was compared, in {done.seconds:.1f} s"
    )
