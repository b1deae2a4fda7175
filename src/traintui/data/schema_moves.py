"""The schema may move while a Traintui works: somebody upgrades the database, or takes it back. That is noticed within
a second and said, and from then on nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import traintui
from traintui import clock
from traintui.data import schema, schema_history
from traintui.data.engine import connect_seconds
from traintui.data.query_labels import UNLOGGED
from traintui.errors import TraintuiError

LOOK_SECONDS = 1.0
"""How long what was seen of the schema counts."""
MISSING = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedFunction)
"""What a statement meets that was written for another schema."""
LISTED = 3
"""Missing revisions that are named one by one."""
UPGRADE_OWN = (
    "Run `traintui db upgrade` in another terminal, or leave and start Traintui again, which upgrades it. Both back it"
    " up first, and what the way back put aside comes back."
)
"""What to do with an embedded workspace that was taken back while a Traintui works in it."""
REVISION = text("SELECT max(version_num) FROM alembic_version")
_seen: WeakKeyDictionary[AsyncEngine, float] = WeakKeyDictionary()


class SchemaMoved(TraintuiError):
    """The database has a schema that this Traintui was not made for, so it writes nothing there. `brief` says what to
    do where there is room for a line."""

    def __init__(self, title: str, message: str, remedy: str, brief: str) -> None:
        super().__init__(title, message, remedy)
        self.brief = brief


async def require_known(connection: AsyncConnection, conninfo: str, *, embedded: bool = False) -> None:
    """Looks in the transaction of a connection which schema there is, unless that was seen within the last second.
    Raises `SchemaMoved` when it is another than this Traintui's."""
    now = clock.ticks()
    if now - _seen.get(connection.engine, now - LOOK_SECONDS) < LOOK_SECONDS:
        return
    label = connection.info["label"]
    connection.info["label"] = UNLOGGED  # it belongs to no verb
    revision = await connection.scalar(REVISION)
    connection.info["label"] = label
    if revision != schema.HEAD and (moved := await asyncio.to_thread(answer, conninfo, revision, embedded)):
        raise moved
    _seen[connection.engine] = now


@asynccontextmanager
async def understood(conninfo: str, *, embedded: bool = False) -> AsyncIterator[None]:
    """Statements inside the block that miss what another schema lacks are answered with `SchemaMoved` where it is
    another; their error passes where it is not."""
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, MISSING):
            raise
        revision = await asyncio.to_thread(schema.current_revision, conninfo)
        if (moved := await asyncio.to_thread(answer, conninfo, revision, embedded)) is None:
            raise
        raise moved from error


def answer(conninfo: str, revision: str | None, embedded: bool = False) -> SchemaMoved | None:
    """What to say of a database at a revision, `embedded` or shared; None where it is this Traintui's. Blocks where it
    is not."""
    if revision == schema.HEAD:
        return None
    if revision is None:
        return SchemaMoved(
            "No workspace here",
            "this database has no Traintui schema.",
            "Run `traintui db roles` for the roles and then `traintui db upgrade`, with a login that may.",
            "The workspace is gone: nothing is written",
        )
    return newer(conninfo, revision) if revision > schema.HEAD else older(conninfo, revision, embedded)


def newer(conninfo: str, revision: str) -> SchemaMoved:
    """The answer of a Traintui that is older than the schema: which version it takes, and who upgraded when."""
    made = [change for change in schema_history.changes(conninfo) if change.revision == revision]
    since = f" since {made[-1].by} upgraded it on {made[-1].at:%Y-%m-%d at %H:%M} UTC" if made else ""
    return SchemaMoved(
        "Schema is newer",
        f"the database is at revision {revision}{since}, and this Traintui {traintui.__version__} knows revisions up to"
        f" {schema.HEAD}: what it would write may not fit, so it writes nothing.",
        f"Install the newer Traintui{f' ({made[-1].version})' if made else ''} and start it again.",
        f"Install the newer Traintui{f' ({made[-1].version})' if made else ''}: nothing is written into its schema",
    )


def older(conninfo: str, revision: str, embedded: bool = False) -> SchemaMoved:
    """The answer of a Traintui that is newer than the schema: what is missing, and who may upgrade a shared one. An
    embedded one is the person's own, who upgrades it."""
    missing = [f"{one.number} ({one.what.rstrip('.')})" for one in schema_history.revisions() if one.number > revision]
    more = f" and {len(missing) - LISTED} more" if len(missing) > LISTED else ""
    return SchemaMoved(
        "Schema is older",
        f"the database is at revision {revision}, this Traintui needs {schema.HEAD}. Missing:"
        f" {', '.join(missing[:LISTED])}{more}.",
        UPGRADE_OWN if embedded else _who_upgrades(conninfo),
        f"Taken back to {revision}, nothing is written: run `traintui db upgrade`"
        if embedded
        else f"Taken back to {revision}, nothing is written: use the Traintui of that",
    )


def _who_upgrades(conninfo: str) -> str:
    """Whom to ask to upgrade a shared workspace."""
    with psycopg.connect(conninfo, connect_timeout=connect_seconds(conninfo)) as connection:
        may = [str(name) for (name,) in connection.execute(schema.MAY_UPGRADE)]
    return (
        "A shared workspace is not upgraded by itself. Ask "
        + (f"{', '.join(may)} or who runs the server" if may else "who runs the server")
        + f" to run `traintui db upgrade`, which needs a member of {schema.OWNER}; until then use the older Traintui."
    )
