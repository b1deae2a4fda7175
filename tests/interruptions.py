"""A database that is away for a while, and a connection that breaks at the worst moment; both for real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from traintui.data.embedded import SOCKET, EmbeddedServer


@contextmanager
def away(server: EmbeddedServer) -> Iterator[None]:
    """The server is stopped for the block."""
    server.stop()
    assert not server.running()
    try:
        yield
    finally:
        server.start()


DECIDING = (b" decide(", b" undo(")
READY = b"Z\0\0\0\5I"
"""What PostgreSQL says when a statement is committed and no transaction is open: ReadyForQuery."""


class Cutter:
    """Stands between the driver and the server, and can swallow the answer to a decision and hang up."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._writers: set[asyncio.StreamWriter] = set()
        self.armed = False
        self.stays_cut = False
        """Whether nobody gets through any more once an answer was swallowed."""
        self.cut = 0
        """Decisions that the server committed and whose answer nobody got."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes on what both say."""
        if self.stays_cut and self.cut:
            writer.close()
            return
        there, back = await asyncio.open_unix_connection(self._server)
        self._writers |= {writer, back}
        deciding = asyncio.Event()
        answers = asyncio.ensure_future(self._pass(there, writer, deciding))
        with suppress(ConnectionError):
            while said := await reader.read(65_536):
                if self.armed and any(word in said for word in DECIDING):
                    self.armed = False
                    deciding.set()
                back.write(said)
                await back.drain()
        back.close()
        await answers

    async def _pass(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, deciding: asyncio.Event) -> None:
        with suppress(ConnectionError):
            while said := await there.read(65_536):
                if deciding.is_set() and READY in said:
                    self.cut += 1
                    break
                writer.write(said)
                await writer.drain()
        writer.close()

    def hang_up(self) -> None:
        """Closes what is open."""
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def cutter(server: EmbeddedServer, directory: Path) -> AsyncIterator[Cutter]:
    """A cutter that listens in a directory, which is then the host to connect to."""
    between = Cutter(server.socket_dir / SOCKET)
    listening = await asyncio.start_unix_server(between.serve, directory / SOCKET)
    try:
        yield between
    finally:
        between.hang_up()
        listening.close()
