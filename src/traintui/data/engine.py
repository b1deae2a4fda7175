"""The one engine factory, and the handle that every verb takes."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import orjson
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import AsyncAdaptedQueuePool, CursorResult, ExceptionContext, TextClause, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from traintui.data.query_labels import verb_of
from traintui.data.query_log import QueryLog, log_of, watch
from traintui.data.refusals import answered
from traintui.errors import TraintuiError

if TYPE_CHECKING:
    from traintui.data.embedded import EmbeddedServer

MOST_IDLE_SECONDS = 20
"""How long a transaction may rest. A process that was frozen in the middle of one would hold its locks for good, and
nobody could take over its work. As long as a worker's lease."""
CONNECT_TIMEOUT = 3
"""Seconds for one host to answer; with several hosts each gets as long."""
LOCAL_CONNECT_TIMEOUT = 10
"""Seconds for a server of this machine: one that is gone refuses at once, so who has to wait has a busy machine."""

APP, WORKER, COMMAND = "traintui", "traintui worker", "traintui command"
"""What the server's list of sessions calls the app, a process that generates, and a command."""

Connected = psycopg.AsyncConnection[tuple[object, ...]]
_opened: WeakKeyDictionary[AsyncEngine, set[Connected]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Database:
    """A connected workspace: the engine, whose login it works with, and the server where that is the embedded one.
    `home` is the directory of this person's files, None where nothing is to be kept beside the database."""

    engine: AsyncEngine
    conninfo: str
    label: str
    login: str
    role: str = "none"
    server: EmbeddedServer | None = None
    home: Path | None = None

    async def require_schema(self) -> None:
        """Raises `SchemaMoved` where the schema is no longer the one that this Traintui was made for; looks at
        most once a second. Raises as `read` does."""
        from traintui.data.schema_moves import require_known

        async with self.read() as connection:
            await require_known(connection, self.conninfo, embedded=self.server is not None)

    def read(self, label: str | None = None) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for reading: what one block reads is of one moment. Raises `TraintuiError` as `write` does.

        The query log has its statements under `label`, or the name of the verb that reads.
        """
        return self._read(label or verb_of(sys._getframe(1)))

    def write(self, label: str | None = None) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction, committed at the end of the block. The query log has its statements as those of `read`.

        Raises `Refused` when the database refuses the change, `SchemaMoved` when somebody upgraded the database since
        this Traintui began, and `TraintuiError` when it cannot be reached.
        """
        return self._write(label or verb_of(sys._getframe(1)))

    def call(
        self, statement: str, values: Mapping[str, Any], label: str | None = None
    ) -> Coroutine[Any, Any, CursorResult[Any]]:
        """What a statement with named values returns. It is its own transaction: one round trip, committed when it
        answers. Raises as `write` does, and the query log has it as the statements of `read`."""
        return self._call(statement, values, label or verb_of(sys._getframe(1)))

    @asynccontextmanager
    async def _read(self, label: str) -> AsyncIterator[AsyncConnection]:
        from traintui.data.schema_moves import understood

        with answered():
            async with understood(self.conninfo, embedded=self.server is not None), self.engine.connect() as connection:
                connection.info["label"] = label
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                yield connection

    @asynccontextmanager
    async def _write(self, label: str) -> AsyncIterator[AsyncConnection]:
        from traintui.data.schema_moves import require_known, understood

        with answered():
            async with understood(self.conninfo, embedded=self.server is not None), self.engine.begin() as connection:
                connection.info["label"] = label
                await require_known(connection, self.conninfo, embedded=self.server is not None)
                yield connection

    async def _call(self, statement: str, values: Mapping[str, Any], label: str) -> CursorResult[Any]:
        from traintui.data.schema_moves import require_known, understood

        with answered():
            async with understood(self.conninfo, embedded=self.server is not None), self.engine.connect() as connection:
                connection.info["label"] = label
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await require_known(connection, self.conninfo, embedded=self.server is not None)
                return await connection.execute(_parsed(statement), values)

    @property
    def queries(self) -> QueryLog:
        """What this process counted of its statements."""
        return log_of(self.engine)

    async def close(self) -> None:
        """Closes every connection, those too whose work was cancelled before it gave them back to the pool."""
        await self.engine.dispose()
        for connection in _opened.pop(self.engine, ()):
            await connection.close()


@cache
def _parsed(statement: str) -> TextClause:
    """A statement, whose parts are looked for once: there are as many as the code has."""
    return text(statement)


def make_engine(conninfo: str, *, pooled: bool, application: str = APP) -> AsyncEngine:
    """An engine over a libpq connection string, with all that libpq knows: several hosts, services, certificates.

    `pooled` says that a transaction pooler may stand between, through which prepared statements cannot be trusted;
    `application` is what the server's list of sessions calls this process.
    """

    opened: set[Connected] = set()

    async def connect() -> Connected:
        opened.difference_update([connection for connection in opened if connection.closed])
        connection = await psycopg.AsyncConnection.connect(
            conninfo,
            connect_timeout=connect_seconds(conninfo),
            application_name=application,
            prepare_threshold=None if pooled else 5,
            autocommit=True,
        )
        opened.add(connection)
        await connection.execute(f"SET idle_in_transaction_session_timeout = {MOST_IDLE_SECONDS * 1_000}")
        await connection.set_autocommit(False)
        return connection

    engine = create_async_engine(
        "postgresql+psycopg://",
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=4,
        max_overflow=4,
        pool_timeout=10,
        pool_pre_ping=pooled,
        hide_parameters=True,  # they are people's texts, and an error's message may end up in a log
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    _opened[engine] = opened
    event.listen(engine.sync_engine, "handle_error", _leave_a_standby)
    event.listen(engine.sync_engine, "checkout", _as_it_was_made)
    watch(engine)
    return engine


def connect_seconds(conninfo: str) -> int:
    """How many seconds a connection may take: longer over a socket of this machine than over a network."""
    hosts = str(conninfo_to_dict(conninfo).get("host") or "").split(",")
    return LOCAL_CONNECT_TIMEOUT if all(host.startswith("/") for host in hosts) else CONNECT_TIMEOUT


def _as_it_was_made(adapted: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """A connection is handed out as it was made, and without the label of who had it before. A read that is given up
    while it makes one its own leaves it only for reading, since SQLAlchemy (2.1.9) notes what is to be set back after
    it was set."""
    record.info.pop("label", None)
    connection: Connected = adapted.driver_connection
    if connection.read_only:
        adapted.set_read_only(None)
    if connection.autocommit:
        adapted.set_autocommit(False)
    if connection.isolation_level not in {None, psycopg.IsolationLevel.READ_COMMITTED}:
        adapted.set_isolation_level(None)


def _leave_a_standby(met: ExceptionContext) -> None:
    """A connection to a server that only reads is given up: the next one may lead to the one that took its place."""
    if isinstance(met.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        met.is_disconnect = True


def parsed_url(url: str) -> dict[str, str]:
    """The parts of `TRAINTUI_DATABASE_URL` as libpq reads them. Raises `TraintuiError` when they make no sense."""
    example = "Write it as postgresql://USER@HOST/DATABASE, or unset it to use the embedded server."
    scheme = url.partition("://")[0] if "://" in url else ""
    if scheme not in {"postgresql", "postgres"}:
        raise TraintuiError(
            "Database URL not understood",
            f"TRAINTUI_DATABASE_URL begins with {scheme + '://' if scheme else 'no scheme'}.",
            example,
        )
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error as error:
        # What libpq quotes may be a part of the password.
        said = re.sub(r'".*"', "...", str(error).strip().splitlines()[0])
        raise TraintuiError("Database URL not understood", f"{said.replace(url, 'the URL')}.", example) from None
    if not re.fullmatch(r"[0-9,]*", parts.get("port", "")):
        raise TraintuiError("Database URL not understood", "its port is no number.", example)
    if not parts.get("dbname"):
        raise TraintuiError("Database URL not understood", "TRAINTUI_DATABASE_URL names no database.", example)
    return parts


def label_of(parts: dict[str, str]) -> str:
    """What the header calls a shared database: host and name, never a password."""
    host = parts.get("host", "local")
    return f"{host.split(',')[0]}/{parts['dbname']}"


# The driver reads JSON as the engine does, also where a verb uses it directly.
set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)
