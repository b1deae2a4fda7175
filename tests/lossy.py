"""A way to the database on which the answer to a commit can be lost: it is done, and nobody hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from traintui.data.engine import Database, make_engine

COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
"""What PostgreSQL says when a transaction is committed: CommandComplete."""


class Line:
    """Passes everything on, but for the answers that it is told to lose."""

    def __init__(self) -> None:
        self._words: list[bytes] = []
        self.lost = 0

    def lose(self, *words: str) -> None:
        """Of each of these, the next transaction that says it is committed, and its connection breaks off before the
        answer."""
        self._words += [word.encode() for word in words]

    async def carry(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        there, back = await asyncio.open_unix_connection(path)
        said: list[bytes] = []

        async def out() -> None:
            while part := await reader.read(65_536):
                said.append(part)
                back.write(part)
                await back.drain()

        async def home() -> None:
            while part := await there.read(65_536):
                if COMMITTED in part:
                    text = b"".join(said)
                    said.clear()
                    if word := next((word for word in self._words if word in text), None):
                        self._words.remove(word)
                        self.lost += 1
                        return
                writer.write(part)
                await writer.drain()

        ways = [asyncio.create_task(way()) for way in (out, home)]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (writer, back):
                end.close()


@asynccontextmanager
async def lossy(db: Database) -> AsyncIterator[tuple[Database, Line]]:
    """The workspace over such a line, and the line."""
    parts = conninfo_to_dict(db.conninfo)
    port = str(parts.get("port") or "5432")
    line = Line()
    carried: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = str(Path(str(parts["host"])) / f".s.PGSQL.{port}")
        carried.add(asyncio.create_task(line.carry(path, reader, writer)))

    with tempfile.TemporaryDirectory(prefix="tt-") as folder:
        server = await asyncio.start_unix_server(connected, Path(folder) / f".s.PGSQL.{port}")
        conninfo = make_conninfo(db.conninfo, host=folder)
        # What is prepared would not say its words again.
        engine = make_engine(conninfo, pooled=True)
        over = Database(engine=engine, conninfo=conninfo, label=db.label, login=db.login, role=db.role)
        try:
            yield over, line
        finally:
            with contextlib.suppress(Exception):
                await over.close()
            server.close()
            for task in carried:
                task.cancel()
            await asyncio.gather(*carried, return_exceptions=True)
