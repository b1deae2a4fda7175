"""`traintui db`: the schema, backups, and the roles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traintui.cli.alerting import alerts
from traintui.cli.evolving import check, downgrade, history, upgrade
from traintui.cli.indexes import indexes
from traintui.cli.live import live
from traintui.cli.monthly import report
from traintui.cli.promoting import demote, promote
from traintui.cli.running import Json, administrative, say
from traintui.cli.stats import stats
from traintui.settings import load_settings

if TYPE_CHECKING:
    from traintui.data.restore import Restored

db_app = typer.Typer(help="The database: upgrade it, ask how it is.", no_args_is_help=True)
for command in (upgrade, downgrade, history, check):
    db_app.command()(command)
db_app.command()(stats)
db_app.command()(live)
db_app.command()(report)
db_app.command()(indexes)
db_app.command()(alerts)
db_app.command()(promote)
db_app.command()(demote)


@db_app.command("backup")
def back_up(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A new file, or a directory for one.")],
    json_: Json = False,
) -> None:
    """Write the whole embedded workspace into one file; the app may go on meanwhile."""
    from traintui.data import backup
    from traintui.data.workspace import embedded_administration

    with embedded_administration(load_settings()) as server:
        made = backup.back_up(server, path)
    if json_:
        told = {name: getattr(made, name) for name in ("bytes", "sha256", "revision", "seconds")}
        print(json.dumps({"path": str(made.path), **told}))
        return
    print(made.path)
    say(f"{made.bytes / 1e6:,.1f} MB of revision {made.revision} in {made.seconds:.1f} s; SHA-256 {made.sha256}")


@db_app.command("restore")
def restore_backup(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A backup.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json_: Json = False,
) -> None:
    """Make the embedded workspace what it was in a backup. What is there now is backed up first."""
    from traintui.data import restore
    from traintui.data.workspace import embedded_administration

    with embedded_administration(load_settings()) as server:
        revision = restore.checked_revision(server, path)
        if not yes:
            question = f"What was done since {path} was written (revision {revision}) leaves the workspace. Go on?"
            typer.confirm(question, abort=True, err=True)
        done = restore.restore(server, path, progress=say)
        note_restore(server.home, done)
    if json_:
        told = {name: getattr(done, name) for name in ("revision_before", "revision", "conversations", "seconds")}
        replaced = str(done.replaced.path) if done.replaced else None
        print(json.dumps({"path": str(done.path), **told, "replaced": replaced, "strangers": done.strangers}))
        return
    print(f"{done.conversations} conversations as of {done.path}, at revision {done.revision}")
    if done.replaced:
        say(f"What was there before is in {done.replaced.path}")
    for name in done.strangers:
        say(f"{name} is in its logs and has no login here: traintui user add {name} --role ROLE")


def note_restore(home: Path, done: Restored) -> None:
    """Notes beside the anchors that later seals were taken back on purpose."""
    from traintui.audit import anchors

    try:
        anchors.note_restore(home, done.path, done.workspace_id, done.sealed)
    except OSError as error:
        say(
            f"The anchors could not be told of it ({error.strerror or error}): `traintui audit verify` will miss seals."
        )


@db_app.command()
def current(json_: Json = False) -> None:
    """The revision that the database is at, and the one that this Traintui needs."""
    from traintui.data import schema

    with administrative() as conninfo:
        found = schema.current_revision(conninfo)
    if json_:
        print(json.dumps({"current": found, "needed": schema.HEAD, "up_to_date": found == schema.HEAD}))
    else:
        print(f"{found or 'none'}{' (newest)' if found == schema.HEAD else f', and {schema.HEAD} is needed'}")


@db_app.command()
def roles() -> None:
    """The SQL that makes Traintui's roles, for a server where somebody else must run it."""
    from traintui.data import schema

    print(schema.bootstrap_sql(), end="")
