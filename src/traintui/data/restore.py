"""Restoring a backup: into a database of its own, which takes the embedded workspace's place once it is whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from traintui import clock
from traintui.data import backup, backup_record, schema
from traintui.data.backup import Backup
from traintui.data.backup_contents import Far, differences, read_of
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.errors import TraintuiError

RESTORING, REPLACED = f"{DATABASE}_restoring", f"{DATABASE}_replaced"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """A workspace that is as its backup was, brought to `revision` from `revision_before`. `replaced` is the backup of
    what was there before, None if nothing was. `strangers` are in its logs and have no login here. `sealed` is the
    newest seal that the backup has, 0 where it has none, of the chain of `workspace_id`."""

    path: Path
    revision_before: str
    revision: str
    conversations: int
    replaced: Backup | None
    strangers: tuple[str, ...]
    workspace_id: str
    sealed: int
    seconds: float


def restore(server: EmbeddedServer, path: Path, *, progress: Progress) -> Restored:
    """Makes the embedded workspace what it was when `path` was written. What is there now is backed up first.

    Of a verified backup, every row is compared with what the workspace held then.

    Raises `TraintuiError` when the file is no backup, is newer than this Traintui or not the one that was verified, or
    others use the workspace.
    Whatever fails, and wherever it is cut off, the workspace is the old one or the new one, and never half of either.
    """
    started = clock.ticks()
    path = path.expanduser().absolute()
    revision = checked_revision(server, path)
    proof = backup_record.proof_of(path)
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        # One who opens the workspace meanwhile waits here, see make_embedded_workspace.
        connection.execute("SELECT pg_advisory_lock(7453, 3)")
        clear_leftovers(connection)
        with alone(server, connection):
            progress("Backing up what is there now")
            replaced = backup.before(server, "restore", keep=path)
            progress("Restoring into a new database")
            fill(server, connection, path)
            conninfo = server.conninfo(SUPERUSER, RESTORING)
            if schema.current_revision(conninfo) != revision:
                raise not_restored(f"{path} did not restore whole")
            if proof:
                progress("Comparing every row")
                wrong = differences(proof.contents, read_of(conninfo, backup.unwatched))
                if wrong:
                    raise not_restored(f"{path} was read back, and {'; '.join(wrong[:3])}")
            progress("Bringing it up to date")
            upgrade(conninfo)
            workspace_id, sealed = seal(conninfo)
            conversations, strangers = settle(conninfo)
            with connection.transaction():
                rename(connection, DATABASE, REPLACED)
                rename(connection, RESTORING, DATABASE)
    seconds = round(clock.ticks() - started, 2)
    return Restored(path, revision, schema.HEAD, conversations, replaced, strangers, workspace_id, sealed, seconds)


def checked_revision(server: EmbeddedServer, path: Path) -> str:
    """The revision of a backup that this Traintui can restore. Raises `TraintuiError` otherwise."""
    revision = backup.revision_of(server, path)
    if revision > schema.HEAD:
        raise TraintuiError(
            "Backup is newer",
            f"{path} is of revision {revision}, and this Traintui knows revisions up to {schema.HEAD}.",
            "Nothing was changed. Install the newer Traintui, then restore it.",
        )
    return revision


def clear_leftovers(connection: psycopg.Connection[Any]) -> None:
    """Takes away what a restore leaves, done or cut off, and opens the workspace again. Only under `restore`'s lock.

    Old and new workspace are both closed until this is through, so the next start sees that one was cut off.
    """
    for name in (RESTORING, REPLACED):
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    closed = "SELECT 1 FROM pg_database WHERE datname = %s AND datconnlimit = 0"
    if connection.execute(closed, [DATABASE]).fetchone():
        limit_connections(connection, DATABASE, -1)


def limit_connections(connection: psycopg.Connection[Any], database: str, limit: int) -> None:
    statement = sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}")
    connection.execute(statement.format(sql.Identifier(database), sql.Literal(limit)))


def rename(connection: psycopg.Connection[Any], name: str, new: str) -> None:
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(new)))


@contextmanager
def alone(server: EmbeddedServer, connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Nobody enters the workspace inside the block, so that nothing is written that would be lost. Raises
    `TraintuiError` when somebody is there. What fails inside leaves the workspace open again."""
    limit_connections(connection, DATABASE, 0)
    try:
        inside = connection.execute(
            "SELECT DISTINCT usename::text FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
            " ORDER BY 1", [DATABASE],
        ).fetchall()  # fmt: skip
        if inside:
            people = ", ".join(name for (name,) in inside)
            processes = ", ".join(described(pid) for pid in server.others()) or "no process of this account"
            raise TraintuiError(
                "Workspace in use",
                f"{people} works in it: {processes}.",
                "Nothing was changed. Close every Traintui and worker of this workspace, then restore.",
            )
        yield
    except psycopg.errors.ObjectInUse as error:
        raise not_restored("a program without a limit works in the workspace") from error
    finally:
        if not connection.closed:
            clear_leftovers(connection)


def described(pid: int) -> str:
    """What a process is, for somebody who must close it."""
    import psutil

    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        command = []
    words = " ".join([Path(word).name for word in command[:1]] + command[1:4])
    return f"process {pid} ({words[:60]})" if words else f"process {pid}"


def fill(
    server: EmbeddedServer, connection: psycopg.Connection[Any], path: Path, *, name: str = RESTORING,
    far: Far = backup.unwatched, size: int = 0,
) -> None:  # fmt: skip
    """A new database with what the backup holds, of `size` bytes where that is known. Rows come in before the triggers
    that would stamp or refuse them."""
    # A server whose disk is full stops; a database is some four times what its backup is.
    backup.check_room(server.data, 8 * path.stat().st_size, "restore")
    add_missing_roles(server, connection, path)
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    limit_connections(connection, name, 0)
    conninfo = server.conninfo(SUPERUSER, name)

    def look() -> None:
        (grown,) = connection.execute("SELECT pg_database_size(%s)", [name]).fetchone() or (0,)
        far("MB restored", grown // 1_000_000, size // 1_000_000)

    # One job: side by side, they deadlock on the partitions of the log.
    quickly = f"{conninfo} options='-c maintenance_work_mem=256MB -c synchronous_commit=off'"
    done = backup.run(server, "pg_restore", "--exit-on-error", f"--dbname={quickly}", str(path), look=look)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "error:" in line]
        raise not_restored(f"{path} could not be read back ({(lines or ['pg_restore said nothing'])[0]})")
    schema.bootstrap(conninfo)
    schema.let_measure(conninfo)


def add_missing_roles(server: EmbeddedServer, connection: psycopg.Connection[Any], path: Path) -> None:
    """Rights belong to roles of the server, which a backup names and does not hold. One that is missing is made without
    a login."""
    declared = backup.run(server, "pg_restore", "--schema-only", "--file=-", str(path)).stdout
    named = re.findall(
        r'^(?:GRANT .* TO|REVOKE .* FROM|ALTER .* OWNER TO|SET SESSION AUTHORIZATION) ("(?:[^"]|"")+"|\w+)'
        r"(?: WITH GRANT OPTION)?;$",
        declared,
        re.MULTILINE,
    )
    for role in {name.strip('"').replace('""', '"') for name in named} - {"PUBLIC"}:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))


def upgrade(conninfo: str) -> None:
    try:
        schema.upgrade(conninfo)
    except TraintuiError as error:
        raise not_restored(
            f"it could not be brought to revision {schema.HEAD}: {error.message.removesuffix('.')}"
        ) from error


def seal(conninfo: str) -> tuple[str, int]:
    """Seals what the backup has unsealed: here nothing else knows any more which transaction wrote it. The workspace,
    and the newest seal of the backup itself."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        (sealed,) = connection.execute("SELECT coalesce(max(number), 0) FROM audit_seals").fetchone() or (0,)
        remaining = True
        while remaining:
            row = connection.execute("SELECT workspace_id::text, remaining FROM seal_logs(true)").fetchone()
            workspace_id, remaining = row or ("", False)
    return str(workspace_id), int(sealed)


def settle(conninfo: str) -> tuple[int, tuple[str, ...]]:
    """Makes restored rows at home on this server. How many conversations, and who is in the logs without a login."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        # Its transactions are numbered by the server that wrote it; here their numbers may still be to come.
        connection.execute("TRUNCATE conversation_changes")
        connection.execute("VACUUM (ANALYZE)")
        (conversations,) = connection.execute("SELECT count(*) FROM conversations").fetchone() or (0,)
        strangers = connection.execute(
            "SELECT DISTINCT reviewer_id FROM review_logs"
            " WHERE reviewer_id NOT IN (SELECT rolname FROM pg_roles) ORDER BY 1"
        ).fetchall()
    return int(conversations), tuple(name for (name,) in strangers)


def not_restored(why: str) -> TraintuiError:
    return TraintuiError(
        "Not restored", f"{why}.", "The workspace is as it was. Try another backup, or `traintui doctor`."
    )
