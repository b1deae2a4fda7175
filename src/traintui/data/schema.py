"""The version of the schema: what it is, what this Traintui needs, and the way from one to the other."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

import traintui
from traintui.data.engine import connect_seconds
from traintui.data.refusals import lost_connection
from traintui.data.statements import first_line
from traintui.errors import TraintuiError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

Progress = Callable[[str], None]
OWNER = "traintui_owner"
OF_SERVER = "traintui_server"
"""The schema of what belongs to an embedded server and not to the workspace."""
SEALS_SINCE = "0036"
"""The revision that made the seals; below it there are none."""
HEAD = "0055"
"""The newest revision. A constant, so that starting the app does not load Alembic; a test holds it true."""
MAY_UPGRADE = """
    SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND pg_has_role(oid, 'traintui_owner', 'MEMBER')
    ORDER BY rolname LIMIT 5
"""
"""Who may upgrade a shared workspace, and back it up."""


def quiet(_: str) -> None:
    """Progress that nobody watches."""


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


def unfilled(conninfo: str) -> list[tuple[str, str]]:
    """Revision and name of what revisions have begun to fill and is not filled to its end, in the order in which it was
    begun. Raises `psycopg.Error`."""
    with psycopg.connect(conninfo, connect_timeout=connect_seconds(conninfo)) as connection:
        try:
            return connection.execute(
                "SELECT revision, name FROM schema_backfills WHERE finished_at IS NULL ORDER BY begun_at, name"
            ).fetchall()
        except psycopg.errors.UndefinedTable:
            return []


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

    config = Config(stdout=StringIO())  # what it says on standard output is not for people
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    return config


def upgrade(conninfo: str, revision: str = "head", *, progress: Progress = quiet) -> None:
    """Brings a database to a revision, and fills what revisions fill afterwards. `conninfo` names a login that is a
    superuser or a member of the owner; `progress` is told what is done.

    Raises `TraintuiError` when the login may not, the database is newer than this Traintui, or a revision fails: then
    the database is as that found it.
    """
    from traintui.data import upgrading

    require_ours(revision)
    with_alembic(conninfo, lambda config: upgrading.apply(config, conninfo, revision, progress), progress=progress)


def downgrade(conninfo: str, revision: str, *, progress: Progress = quiet) -> None:
    """Takes a database back to a revision; `base` empties it. Raises as `upgrade` does."""
    from alembic import command

    require_ours(revision)
    with_alembic(
        conninfo,
        lambda config: command.downgrade(config, config.attributes["run"].goal(conninfo, revision, down=True)),
        down=True,
        progress=progress,
    )


def require_ours(revision: str) -> None:
    """Raises `TraintuiError` for a revision of the workspace's own migrations, which are run by others."""
    if re.fullmatch(r"w\d{4}", revision):
        raise TraintuiError(
            "A migration of the workspace",
            f"{revision} is none of Traintui's: it makes a metadata key a column, or takes one back.",
            "Nothing was changed. `traintui db promote` lists those of this workspace; `traintui db promote KEY --type"
            " TYPE` and `traintui db demote KEY` run them.",
        )


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
    conninfo: str,
    run: Callable[[Config], None],
    *,
    down: bool = False,
    progress: Progress = quiet,
    config: Config | None = None,
    title: str | None = None,
) -> None:
    """Runs an Alembic command over one connection, as the owner of the schema, one process at a time; with a `config`
    of other migrations than ours, those. One that met the lock of somebody else is run again after a while: it goes on
    behind the revisions that it has done. `title` is that of what it raises."""
    from alembic.util.exc import CommandError
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import DBAPIError

    from traintui.data.revising import HINDERED, PAUSES, StatementFailed
    from traintui.data.upgrading import Run, guarded

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo), poolclass=NullPool)
    config = config or alembic_config()
    title = title or ("Downgrade not done" if down else "Upgrade not done")
    hindered, done = 0, 0
    try:
        with engine.connect() as connection:
            become_owner(connection)
            under_way = config.attributes["run"] = Run(progress)
            under_way.limit_waiting(connection)
            config.attributes["connection"] = connection
            backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            connection.commit()
            with guarded(conninfo, progress) as guard, guard.watching(backend):
                while True:
                    try:
                        run(config)
                        break
                    except (StatementFailed, DBAPIError, psycopg.Error) as error:
                        connection.rollback()
                        if not isinstance(driver_error(error), HINDERED):
                            raise
                        if len(under_way.applied) > done:
                            hindered, done = 0, len(under_way.applied)
                        if hindered == len(PAUSES):
                            raise held_up(title, guard.holders, guard.pids, stands(conninfo)) from error
                        progress(f"Waiting for {' and '.join(guard.holders) or 'a lock of somebody else'}")
                        time.sleep(PAUSES[hindered])
                        guard.try_again()
                        hindered += 1
    except CommandError as error:
        raise unknown(conninfo, error) from error
    except (StatementFailed, DBAPIError, psycopg.Error) as error:
        raise failure(title, error, stands(conninfo)) from error
    finally:
        engine.dispose()


def driver_error(error: BaseException) -> BaseException | None:
    """The server's own error behind that of a script, or of SQLAlchemy."""
    from traintui.data.revising import StatementFailed

    cause = error.__cause__ if isinstance(error, StatementFailed) else error
    return getattr(cause, "orig", cause)


def unknown(conninfo: str, error: Exception) -> TraintuiError:
    """The answer to a revision that Alembic does not find: that of the database, or the one that was asked for."""
    from traintui.data import schema_moves

    current = current_revision(conninfo)
    if current is not None and current > HEAD:
        return schema_moves.newer(conninfo, current)
    said = str(error).removesuffix(".")
    return TraintuiError("Revision not known", f"{said}.", "`traintui db history` lists those that there are.")


def stands(conninfo: str) -> str:
    """At which revision an upgrade that failed has left a database, in a sentence."""
    try:
        revision = current_revision(conninfo)
    except psycopg.Error:
        return "Each revision before this one stands."
    return f"The database stands at {revision}." if revision else "The database has no revision yet."


def failure(title: str, error: BaseException, standing: str) -> TraintuiError:
    """The answer to a revision that failed: what the server said of which statement, where the database stands, and
    what to do."""
    failed = driver_error(error)
    if failed is not None and getattr(failed, "sqlstate", None) is None and (lost := lost_connection(failed)):
        return lost
    said, hint = server_said(failed)
    where = getattr(error, "where", None) or first_line(getattr(error, "statement", None) or "")
    return TraintuiError(
        title,
        f"{said}{f' ({where})' if where else ''}. {standing}",
        hint or "Nothing is half done. Send the message to the makers, or ask who runs the server.",
    )


def held_up(title: str, holders: tuple[str, ...], pids: tuple[int, ...], standing: str) -> TraintuiError:
    """The answer to a lock that was not to be had after several tries: who holds it."""
    who = " and ".join(holders) or "another session"
    end = " or ".join(f"SELECT pg_terminate_backend({pid})" for pid in pids)
    return TraintuiError(
        title,
        f"{who} holds what has to be locked for a moment. {standing}",
        "Nobody was kept waiting for longer than a second. Try again when that has ended"
        + (f", or have an administrator end it: {end}." if end else "."),
    )


def server_said(error: BaseException | None) -> tuple[str, str | None]:
    """What the server says of an error in one line, and what it says to do, if it does."""
    diagnosis = error.diag if isinstance(error, psycopg.Error) else None
    said = (diagnosis.message_primary if diagnosis else None) or str(error)
    return " ".join(said.split())[:300].removesuffix("."), diagnosis.message_hint if diagnosis else None


def become_owner(connection: Connection) -> None:
    """Everything that a migration makes belongs to the owner."""
    from sqlalchemy.exc import DBAPIError

    try:
        connection.exec_driver_sql(f"SET ROLE {OWNER}")
        connection.commit()
    except DBAPIError as error:
        raise no_owner(error.orig) from error


def no_owner(error: BaseException | None) -> TraintuiError:
    """The answer to a login that cannot act as the owner of the schema."""
    missing = re.search("does not exist", str(error))
    return TraintuiError(
        "No right to upgrade",
        "the roles of Traintui are not on this server." if missing else f"this login is no member of {OWNER}.",
        "Have a superuser run what `traintui db roles` prints, in this database."
        if missing
        else f"Run it with a login that was granted {OWNER}, or ask who runs the server.",
    )


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
