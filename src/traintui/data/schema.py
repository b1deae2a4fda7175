"""The version of the schema: what it is, what this Traintui needs, and the way from one to the other."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

import traintui
from traintui.data.engine import connect_seconds
from traintui.data.refusals import lost_connection
from traintui.errors import TraintuiError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

OWNER = "traintui_owner"
OF_SERVER = "traintui_server"
"""The schema of what belongs to an embedded server and not to the workspace."""
LOOK_SECONDS = 0.1
"""Between two looks whether somebody else's upgrade has ended."""
SEALS_SINCE = "0036"
"""The revision that made the seals; below it there are none."""
HEAD = "0055"
"""The newest revision. A constant, so that starting the app does not load Alembic; a test holds it true."""


def migrations_directory() -> Path:
    """Where the migrations are: inside the installed package, or beside `src` in a checkout."""
    package = Path(traintui.__file__).parent
    shipped = package / "migrations"
    return shipped if shipped.is_dir() else package.parent.parent / "migrations"


def current_revision(conninfo: str) -> str | None:
    """The revision that a database is at, or None before the first. Raises `psycopg.Error` when it is not reached."""
    with psycopg.connect(conninfo, connect_timeout=connect_seconds(conninfo)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return str(row[0]) if row else None


def revision_after(current: str, revision: str, *, down: bool = False) -> str | None:
    """Where an upgrade or a downgrade to `revision` leads from `current`; None when nowhere, or it is not known."""
    from alembic.script import ScriptDirectory
    from alembic.script.revision import RevisionError
    from alembic.util.exc import CommandError

    script = ScriptDirectory.from_config(alembic_config())
    try:
        if down:
            steps = list(script.iterate_revisions(current, revision, select_for_downgrade=True))
            return (str(steps[-1].down_revision) if steps[-1].down_revision else "base") if steps else None
        steps = list(script.iterate_revisions(revision, current, implicit_base=True))
        return str(steps[0].revision) if steps else None
    except (CommandError, RevisionError):
        return None


def alembic_config() -> Config:
    """Alembic's configuration for our migrations."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    return config


def upgrade(conninfo: str, revision: str = "head") -> None:
    """Brings a database to a revision. `conninfo` names a login that is a superuser or a member of the owner.

    Raises `TraintuiError` when the login may not, or the database is newer than this Traintui.
    """
    from alembic import command

    with_alembic(conninfo, lambda config: command.upgrade(config, revision))


def downgrade(conninfo: str, revision: str) -> None:
    """Takes a database back to a revision; `base` empties it. Raises as `upgrade` does."""
    from alembic import command

    with_alembic(conninfo, lambda config: command.downgrade(config, revision), down=True)


def require_seals_kept(conninfo: str, revision: str) -> None:
    """Raises `TraintuiError` where a downgrade to `revision` would take seals along: nobody makes them again."""
    from alembic.script import ScriptDirectory
    from alembic.script.revision import RevisionError
    from alembic.util.exc import CommandError

    script = ScriptDirectory.from_config(alembic_config())
    current = current_revision(conninfo)
    try:
        steps = script.iterate_revisions(current, revision, select_for_downgrade=True) if current else ()
        if SEALS_SINCE not in {step.revision for step in steps}:
            return
    except (CommandError, RevisionError):  # it leads nowhere, as Alembic says itself when it is asked to go there
        return
    with psycopg.connect(conninfo, connect_timeout=5) as connection:
        (number,) = connection.execute("SELECT count(*) FROM public.audit_seals").fetchone() or (0,)
    if number:
        raise TraintuiError(
            "Seals would go",
            f"revision {revision} knows none, and the {number:,} that prove the record would be gone for good.",
            "Nothing was changed. Back up first and give --forget-seals with it; `traintui audit verify` says from then"
            " on that the record was begun anew.",
        )


def with_alembic(
    conninfo: str, run: Callable[[Config], None], *, down: bool = False, config: Config | None = None
) -> None:
    """Runs an Alembic command over one connection, as the owner of the schema, one process at a time; with a `config`
    of other migrations than ours, those."""
    from alembic.util.exc import CommandError
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DBAPIError

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool)
    config = config or alembic_config()
    try:
        with engine.connect() as connection:
            become_owner(connection)
            config.attributes["connection"] = connection
            run(config)
    except CommandError as error:
        raise TraintuiError(
            "Schema not known",
            f"{str(error).removesuffix('.')}.",
            "A newer Traintui may have upgraded this database: install that version.",
        ) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) is None and (lost := lost_connection(error)) is not None:
            raise lost from error
        title = "Downgrade not done" if down else "Upgrade not done"
        said, hint = server_said(error.orig)
        raise TraintuiError(
            title,
            f"{said}. The database is at the last revision that succeeded.",
            hint or "Nothing is half done. Send the message to the makers, or ask who runs the server.",
        ) from error
    finally:
        engine.dispose()


def server_said(error: BaseException | None) -> tuple[str, str | None]:
    """What the server says of an error in one line, and what it says to do, if it does."""
    diagnosis = error.diag if isinstance(error, psycopg.Error) else None
    said = (diagnosis.message_primary if diagnosis else None) or str(error)
    return " ".join(said.split())[:300].removesuffix("."), diagnosis.message_hint if diagnosis else None


def become_owner(connection: Connection) -> None:
    """Everything that a migration makes belongs to the owner. Two that start at once wait for each other here."""
    from sqlalchemy.exc import DBAPIError

    try:
        connection.exec_driver_sql(f"SET ROLE {OWNER}")
        # Between two looks no statement is under way: an index that is built beside the writing waits for those there
        # are.
        while not connection.exec_driver_sql("SELECT pg_try_advisory_lock(7453, 0)").scalar():
            connection.commit()
            time.sleep(LOOK_SECONDS)
        connection.commit()
    except DBAPIError as error:
        missing = re.search("does not exist", str(error.orig))
        raise TraintuiError(
            "No right to upgrade",
            "the roles of Traintui are not on this server." if missing else f"this login is no member of {OWNER}.",
            "Have a superuser run what `traintui db roles` prints, in this database."
            if missing
            else f"Run it with a login that was granted {OWNER}, or ask who runs the server.",
        ) from error


def bootstrap_sql() -> str:
    """The SQL that makes the roles; harmless to run again."""
    return (Path(__file__).parent / "roles.sql").read_text(encoding="utf-8")


def let_see_all(conninfo: str) -> None:
    """Lets administrators see what every session does, and end what one runs, and samples say what sessions wait for.
    On the embedded server, which has no other databases; on a shared one these are not ours to give."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("GRANT pg_read_all_stats TO traintui_owner")
        connection.execute("GRANT pg_monitor, pg_signal_backend TO traintui_admin")


def let_measure(conninfo: str) -> None:
    """Lets samples say how full indexes are, by a function of the superuser that reads their files. On the embedded
    server; backups leave it out, so it is made anew where one is restored."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL((Path(__file__).parent / "leaf_density.sql").read_text(encoding="utf-8")))


def bootstrap(conninfo: str) -> None:
    """Makes the roles, with a superuser's connection to the workspace's database."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL(bootstrap_sql()))
