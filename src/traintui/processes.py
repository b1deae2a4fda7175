"""Child processes that never outlive the one that started them: the worker and the rehearsal server.

A child holds the reading end of a pipe as its standard input. However its parent ends, the pipe closes, and the child
stops by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from traintui.errors import TraintuiError

STOP_SECONDS = 15.0
LONGEST_LINE = 16_000_000
"""Bytes of the longest line that a child may print."""


class Child:
    """A `traintui` command that runs beside this process."""

    def __init__(self, process: Process, name: str, log: Path) -> None:
        self._process = process
        self.name = name
        self.log = log

    @classmethod
    async def start(
        cls, *arguments: str, environment: Mapping[str, str | None], log: Path, told: str | None = None
    ) -> Child:
        """Starts `traintui ARGUMENTS --attached`. What it says on standard error goes to the file `log`.

        `environment` is laid over our own, where None takes a variable away; `told` is a line that the child reads
        first. The child's standard output, if it has something to announce, is read with `first_line`.
        """
        variables = {name: value for name, value in {**os.environ, **environment}.items() if value is not None}
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "traintui", *arguments, "--attached",
                stdin=PIPE, stdout=PIPE, stderr=errors, env=variables, start_new_session=True,
                limit=LONGEST_LINE,
            )  # fmt: skip
        if told is not None and process.stdin is not None:
            process.stdin.write(f"{told}\n".encode())
        return cls(process, arguments[0], log)

    @property
    def running(self) -> bool:
        """Whether the child has not ended yet."""
        return self._process.returncode is None

    async def first_line(self, *, seconds: float = 20.0) -> str:
        """The first line that the child prints. Raises `TraintuiError` with its last words when it prints none."""
        output = self._process.stdout
        line = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                line = await output.readline() if output else b""
        if line:
            return line.decode().strip()
        raise TraintuiError(
            "Not started", f"the {self.name} did not start: {self.last_words()}", f"Look at {self.log}."
        )

    def last_words(self) -> str:
        """The last line of the child's log."""
        if not self.log.exists():
            return "it said nothing."
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 2_000))
            lines = file.read().decode(errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing."

    async def wait(self) -> int:
        """The exit code of the child, once it has ended."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Asks the child to stop, and insists after a while."""
        if not self.running:
            return
        if self._process.stdin:
            self._process.stdin.close()
        # One that is still loading does not see its input closed, and ends by this at once.
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def parent_left() -> None:
    """Returns when the parent has ended or closed our standard input."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    while await reader.read(1024):
        pass


@asynccontextmanager
async def stopping(*, attached: bool) -> AsyncIterator[asyncio.Event]:
    """An event that is set when somebody wants this process to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop.set)
    watching = asyncio.create_task(parent_left(), name="parent") if attached else None
    if watching:
        watching.add_done_callback(lambda _: stop.set())
    try:
        yield stop
    finally:
        if watching:
            watching.cancel()
