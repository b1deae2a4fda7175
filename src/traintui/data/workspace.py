"""Opening a workspace: the server found or started, the roles there, the schema current, the right login."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from traintui.data import backup, older_cluster, schema, schema_moves, users
from traintui.data.backup import Backup
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import (
    APP,
    CONNECT_TIMEOUT,
    Database,
    connect_seconds,
    label_of,
    make_engine,
    parsed_url,
)
from traintui.data.older_cluster import MAJOR, OlderCluster, OtherServer
from traintui.data.refusals import answered, lost_connection, no_role
from traintui.data.restore import clear_leftovers
from traintui.errors import TraintuiError
from traintui.settings import Settings

Progress = schema.Progress
quiet = schema.quiet


@asynccontextmanager
async def open_workspace(
    settings: Settings,
    *,
    progress: Progress = quiet,
    durable: bool = True,
    application: str = APP,
    upgraded: Progress = quiet,
) -> AsyncIterator[Database]:
    """The workspace that the settings name, ready to work with, for as long as the block lasts.

    The embedded server is started, and stopped again by the last process to leave; its schema is upgraded. A shared one
    is only looked at. Its list of sessions calls this process `application`. `upgraded` is told when a workspace that
    was there was upgraded. Raises `TraintuiError` when it cannot be reached, is not made yet, or has another version.
    """
    server = EmbeddedServer(settings.home, durable=durable) if settings.embedded else None
    try:
        conninfo, label = await asyncio.to_thread(prepare, settings, server, progress, upgraded)
        engine = make_engine(conninfo, pooled=server is None, application=application)
        try:
            login, role = await whoami(engine_conninfo=conninfo)
            yield Database(engine, conninfo, label, login, role, server, settings.home)
        finally:
            await engine.dispose()
    finally:
        if server is not None:
            await asyncio.to_thread(server.stop)


def prepare(
    settings: Settings, server: EmbeddedServer | None, progress: Progress, upgraded: Progress = quiet
) -> tuple[str, str]:
    """Makes the database ready; returns its connection string and its label. `upgraded` is told when a workspace that
    was there was upgraded. Blocks."""
    if server is None:
        url = settings.database_url or ""
        parts = parsed_url(url)
        conninfo = make_conninfo(url)
        check_shared(conninfo)
        return conninfo, label_of(parts)
    progress("Starting the database")
    try:
        server.start()
    except OtherServer as other:
        # Where nobody watches, the answer says which command does it.
        if progress is quiet or other.cluster.programs is None or other.cluster.major > MAJOR:
            raise
        upgrade_server(server, progress)
    conninfo = server.conninfo(users.own_login())
    try:
        revision = schema.current_revision(conninfo)
        left = revision == schema.HEAD and schema.unfilled(conninfo)
    except psycopg.OperationalError:
        revision, left = None, False  # no such login or database yet
    if revision is not None and revision > schema.HEAD:
        raise schema_moves.newer(conninfo, revision)
    if revision != schema.HEAD or left:
        progress("Preparing the database")
        made = make_embedded_workspace(server, progress=progress)
        if revision not in {None, schema.HEAD} and made:
            upgraded(f"Upgraded the workspace from {revision} to {schema.HEAD}, backed up first to {made.path}")
            if words := promotions_gone(server.conninfo(SUPERUSER), server, revision or ""):
                upgraded(words)
    return conninfo, "embedded"


def older_cluster_of(settings: Settings) -> OlderCluster | None:
    """What an older server left where the embedded workspace is to be opened; None where there is nothing to move."""
    with suppress(OSError):  # opening it says what is the matter
        return older_cluster.found(settings.home) if settings.embedded else None
    return None


def upgrade_server(server: EmbeddedServer, progress: Progress) -> None:
    """Moves a workspace that an older server made, which is still installed, and starts the new one."""
    from traintui.data import server_upgrade
    from traintui.data.backup_proof import Telling

    def far(what: str, done: int, total: int) -> None:
        progress(f"Moving to PostgreSQL {MAJOR}: {done:,}{f' of about {max(total, done):,}' if total else ''} {what}")

    server_upgrade.move(server.home, server_upgrade.plan(server.home), Telling(progress, far))
    server.start()


def make_embedded_workspace(
    server: EmbeddedServer, *, upgrade: bool = True, progress: Progress = quiet
) -> Backup | None:
    """Database, roles, the person's own login as administrator, and the newest schema; harmless to run again.

    What is there is backed up before its schema changes: returns that backup. Raises `TraintuiError` when either fails.
    """
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        # Two processes may start at once.
        connection.execute("SELECT pg_advisory_lock(7453, 3)")
        clear_leftovers(connection)
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        as_superuser = server.conninfo(SUPERUSER)
        schema.bootstrap(as_superuser)
        schema.let_see_all(as_superuser)
        schema.let_measure(as_superuser)
        users.add_user(as_superuser, users.own_login(), "admin", with_password=False)
        return change_schema(as_superuser, server, progress=progress) if upgrade else None


def change_schema(
    conninfo: str, server: EmbeddedServer | None, revision: str = "head", *, down: bool = False,
    forget_seals: bool = False, progress: Progress = quiet,
) -> Backup | None:  # fmt: skip
    """Brings a workspace to a revision. An embedded one is backed up before, if anything is there and will change:
    returns that backup.

    Raises `TraintuiError` when the backup or the change fails, or seals would go that are not to be forgotten; without
    its backup nothing is changed.
    """
    if down and not forget_seals:
        schema.require_seals_kept(conninfo, revision)
    made = None
    current = schema.current_revision(conninfo)
    if server and current and (target := schema.revision_after(current, revision, down=down)):
        progress(f"Backing up before the {'downgrade' if down else 'upgrade'}")
        made = backup.before(server, f"{current}-to-{target}")
        if made:
            progress(f"Backed up to {made.path}")
        progress(f"{'Downgrading' if down else 'Upgrading'} the database")
    try:
        (schema.downgrade if down else schema.upgrade)(conninfo, revision, progress=progress)
    except TraintuiError as error:
        if made is None:
            raise
        kept = f"How it was before is in {made.path}: `traintui db restore` brings it back."
        raise TraintuiError(error.title, error.message, f"{error.remedy} {kept}") from error
    if not down and current and (words := promotions_gone(conninfo, server, current)):
        progress(words)
    return made


def promotions_gone(conninfo: str, server: EmbeddedServer | None, before: str) -> str | None:
    """What to say where an upgrade from a revision made the place of the workspace's own migrations anew, and a
    downgrade had taken some back."""
    from traintui.data import workspace_migrations

    now = schema.current_revision(conninfo) or ""
    if not before < workspace_migrations.NEEDS <= now:
        return None
    return workspace_migrations.taken_back(conninfo, workspace_migrations.own_folder(server.home) if server else None)


def check_shared(conninfo: str) -> None:
    """Raises `TraintuiError` unless a shared database is reached and has the schema that this Traintui needs."""
    try:
        revision = schema.current_revision(conninfo)
    except psycopg.errors.InsufficientPrivilege as error:
        raise no_role() from error
    except psycopg.Error as error:
        raise lost_connection(error) or TraintuiError(
            "Database not reached", f"{' '.join(str(error).split())}.", "Check TRAINTUI_DATABASE_URL."
        ) from error
    if (moved := schema_moves.answer(conninfo, revision)) is not None:
        raise moved


@contextmanager
def administration(settings: Settings) -> Iterator[str]:
    """A connection string for making users and upgrading: the embedded superuser's, or one's own on a shared server.

    The embedded server is started, with the database and the roles; its schema is left as it is.
    Raises `TraintuiError` when the database is not reached.
    """
    if settings.embedded:
        with embedded_administration(settings) as server:
            yield server.conninfo(SUPERUSER)
        return
    parsed_url(settings.database_url or "")
    with answered():
        yield make_conninfo(settings.database_url or "", connect_timeout=CONNECT_TIMEOUT)


@contextmanager
def embedded_administration(settings: Settings) -> Iterator[EmbeddedServer]:
    """The embedded server, started, with the database and the roles; its schema is left as it is.

    Raises `TraintuiError` when the workspace is on a shared server.
    """
    if not settings.embedded:
        raise TraintuiError(
            "Not an embedded workspace",
            "a shared database is restored with its server's own tools, by those who run it.",
            "Nothing was changed. How: pg_restore, see docs/operations.md. Without TRAINTUI_DATABASE_URL a backup of it"
            " is restored into the embedded workspace.",
        )
    server = EmbeddedServer(settings.home)
    server.start()
    try:
        make_embedded_workspace(server, upgrade=False)
        with answered():
            yield server
    finally:
        server.stop()


async def whoami(engine_conninfo: str) -> tuple[str, str]:
    """The login of a connection and its strongest role."""
    try:
        async with await psycopg.AsyncConnection.connect(
            engine_conninfo, connect_timeout=connect_seconds(engine_conninfo)
        ) as connection:
            row = await (await connection.execute("SELECT session_user::text, session_role()")).fetchone()
            with suppress(psycopg.errors.ReadOnlySqlTransaction):  # a server that only reads writes no logs
                await connection.execute("SELECT know_log_order()")
    except psycopg.errors.InsufficientPrivilege as error:
        raise no_role() from error
    except psycopg.OperationalError as error:
        raise lost_connection(error) or error from error
    if row is None:  # cannot be: the query has one row
        raise AssertionError(row)
    return str(row[0]), str(row[1])
