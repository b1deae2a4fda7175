"""`traintui db`: the schema, backups, and the roles."""

from __future__ import annotations

import json

import typer

from traintui.cli.alerting import alerts
from traintui.cli.backups import back_up, restore_backup
from traintui.cli.evolving import check, downgrade, history, upgrade
from traintui.cli.indexes import indexes
from traintui.cli.live import live
from traintui.cli.monthly import report
from traintui.cli.promoting import demote, promote
from traintui.cli.running import Json, administrative
from traintui.cli.server_upgrading import upgrade_server
from traintui.cli.stats import stats

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
db_app.command("backup")(back_up)
db_app.command("restore")(restore_backup)
db_app.command("upgrade-server")(upgrade_server)


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
