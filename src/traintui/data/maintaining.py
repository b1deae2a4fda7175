"""A connection for what only the owner of the tables may do to an index, and no transaction may hold."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database, connect_seconds
from traintui.data.refusals import Refused, answered
from traintui.data.schema import OWNER
from traintui.errors import TraintuiError

LOCK_SECONDS = 2
"""Seconds that a statement waits for a lock, or for a transaction that is older than it."""
GONE_MS = 1_000
"""Milliseconds in which the server notices that this process has died, and ends what it does for it."""

PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

Maintenance = psycopg.AsyncConnection[Any]


@asynccontextmanager
async def maintenance(db: Database, *, table: str | None = None) -> AsyncIterator[Maintenance]:
    """A connection of its own as the owner of the tables; statements commit by themselves. On the embedded server it is
    that of its superuser, as for an upgrade, who becomes the owner: whoever reaches that server's socket may be either.
    On a shared one it is the login's own, which has to be a member of the owner; with `table` the right to maintain
    that table (PostgreSQL 17) is enough, and does for a rebuild.

    Raises `Refused` for who is no administrator or lacks that right, `TraintuiError` through a pooler and when the
    server is not reached.
    """
    if db.role != "admin":
        raise Refused(
            "No right", f"{db.login} is no administrator of this workspace.",
            "Nothing was changed. Ask an administrator to do it.", code="TT004",
        )  # fmt: skip
    conninfo = db.conninfo
    if db.server is not None:
        conninfo = db.server.conninfo(SUPERUSER, str(conninfo_to_dict(db.conninfo)["dbname"]))
    with answered():
        connection = await psycopg.AsyncConnection.connect(
            conninfo, autocommit=True, connect_timeout=connect_seconds(conninfo),
            application_name="traintui maintenance", prepare_threshold=None,
        )  # fmt: skip
    try:
        with answered():
            await become_maintainer(connection, db.login, table)
        yield connection
    finally:
        await connection.close()


async def become_maintainer(connection: Maintenance, login: str, table: str | None) -> None:
    """Makes a session that of the owner, or leaves it as it is where it may maintain `table` anyway."""
    row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    if row is None or row[0] != connection.info.backend_pid:
        raise TraintuiError(
            "Not a direct connection",
            "a pooler stands between, and indexes are built in one session that nobody else gets.",
            "Nothing was changed. Set TRAINTUI_DATABASE_URL to the server itself for this, and start again.",
        )
    await connection.execute(f"SET lock_timeout = {LOCK_SECONDS * 1_000}".encode())
    await connection.execute("SET statement_timeout = 0")
    await connection.execute(f"SET client_connection_check_interval = {GONE_MS}".encode())
    member = await one(connection, "SELECT pg_has_role(session_user, %s, 'MEMBER')", [OWNER])
    if member:
        await connection.execute(f"SET ROLE {OWNER}".encode())
        return
    newer = connection.info.server_version >= 170_000
    if table is not None and newer and await one(connection, "SELECT has_table_privilege(%s, 'MAINTAIN')", [table]):
        return
    grant = f"{membership(login, connection.info.server_version)};"
    if table is not None and newer:
        grant += f' or, for rebuilding alone: GRANT MAINTAIN ON {table} TO "{login}";'
    raise Refused(
        "No right",
        f"indexes belong to {OWNER}, of which {login} is no member.",
        f"Nothing was changed. Have a superuser run: {grant}",
        code="42501",
    )


def membership(login: str, server_version: int) -> str:
    """The grant that lets a login become the owner, in SQL; it counts nowhere else where the server knows a way."""
    inherits = " WITH INHERIT FALSE" if server_version >= 160_000 else ""
    return f'GRANT {OWNER} TO "{login}"{inherits}'


async def hindrance(db: Database) -> str | None:
    """What keeps this login from changing indexes, in words and with the grant that is missing; None where nothing
    does. Raises `NotReached`."""
    if db.role != "admin":
        return f"{db.login} is no administrator, and only what one of them has open does it"
    if db.server is not None:
        return None
    async with db.read() as connection:
        asked = f"SELECT pg_has_role(session_user, '{OWNER}', 'MEMBER') AS is_member, pg_backend_pid() AS pid"
        found = (await connection.exec_driver_sql(asked)).one()
        driver: Any = (await connection.get_raw_connection()).driver_connection
    if found.pid != driver.info.backend_pid:
        return "a pooler stands between, and indexes are built over a connection to the server itself"
    if not found.is_member:
        grant = membership(db.login, driver.info.server_version)
        return f"indexes belong to {OWNER}, of which {db.login} is no member; a superuser has to run {grant}"
    return None


async def one(connection: Maintenance, statement: str, values: list[Any]) -> Any:
    """The one value of a query."""
    row = await (await connection.execute(statement.encode(), values)).fetchone()
    return None if row is None else row[0]


def named(name: str) -> str:
    """A name as it is written into a statement, in quotes where it needs them."""
    return name if PLAIN.fullmatch(name) else sql.Identifier(name).as_string(None)
