"""Child processes that outlive the one that started them only if it says so: the worker and the rehearsal server.

A child holds the reading end of a pipe as its standard input. However its parent ends, the pipe closes, and the child
stops by itself, unless the last line in it told it how to go on alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from traintui.errors import TraintuiError

if TYPE_CHECKING:
    import psutil

STOP_SECONDS = 15.0
LOOK_SECONDS = 0.02
LESS_URGENT = 5
LONGEST_LINE = 16_000_000
"""Bytes of the longest line that a child may print."""
STARTED_BY = "TRAINTUI_STARTED_BY"
"""Variable that tells a child the number of its parent. A child whose parent has ended is given another one, and not
always process 1, so that the parent of the moment alone does not tell."""
Parting = Literal["stay", "finish"]
"""What a parent says that leaves: go on until nothing is left to do; or end what is under way, and begin nothing."""


class Child:
    """A `traintui` command that runs beside this process."""

    def __init__(self, process: subprocess.Popen[bytes], name: str, log: Path) -> None:
        # Not asyncio's: that kills a child that is still there when this process ends.
        self._process = process
        self._hearing: asyncio.ReadTransport | None = None
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
        laid_over = {**os.environ, **environment, STARTED_BY: str(os.getpid())}
        variables = {name: value for name, value in laid_over.items() if value is not None}
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            process = await asyncio.to_thread(
                subprocess.Popen, [sys.executable, "-m", "traintui", *arguments, "--attached"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=variables, start_new_session=True,
            )  # fmt: skip
        child = cls(process, arguments[0], log)
        if told is not None:
            await asyncio.to_thread(child._tell, told)
        return child

    def _tell(self, line: str) -> None:
        """A line into the child's standard input; nothing when it has ended."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(f"{line}\n".encode())
                self._process.stdin.flush()

    @property
    def running(self) -> bool:
        """Whether the child has not ended yet."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, below 0 for the signal that ended it; None while it runs."""
        return self._process.poll()

    async def first_line(self, *, seconds: float = 20.0) -> str:
        """The first line that the child prints. Raises `TraintuiError` with its last words when it prints none."""
        line = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                line = await self._line()
        if line:
            return line.decode().strip()
        raise TraintuiError(
            "Not started", f"the {self.name} did not start: {self.last_words()}", f"Look at {self.log}."
        )

    async def _line(self) -> bytes:
        reader = asyncio.StreamReader(limit=LONGEST_LINE)
        loop = asyncio.get_running_loop()
        # Kept: the pipe would be closed with it, and the child may print more.
        self._hearing, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._process.stdout
        )
        return await reader.readline()

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
        while (code := self._process.poll()) is None:  # noqa: ASYNC110 - the system tells nobody but the one who asks
            await asyncio.sleep(LOOK_SECONDS)
        return code

    def leave(self, parting: Parting) -> None:
        """Goes without it: it does what it is told, and ends by itself."""
        self._tell(parting)
        self.let_go()

    def let_go(self) -> None:
        """Closes what it reads and writes: it hears that we have left."""
        if self._hearing is not None:
            self._hearing.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    async def stop(self) -> None:
        """Asks the child to stop, and insists after a while."""
        self.let_go()
        if self.running:
            # One that is still loading does not see its input closed, and ends by this at once.
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self.wait()
            except TimeoutError:
                self._process.kill()
                await self.wait()


class Found:
    """A worker that an app left running, and that runs beside this process."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process

    @classmethod
    def worker(cls, pid: int) -> Found | None:
        """The worker that has this number, if an app started it and has ended. None for one that belongs to an app
        that is open, or to somebody who started it by hand, and where another process has the number by now."""
        import psutil

        try:
            process = psutil.Process(pid)
            command = process.cmdline()
            if command[1:4] != ["-m", "traintui", "worker"] or "--attached" not in command:
                return None
            started_by = process.environ().get(STARTED_BY)
            return cls(process) if started_by is not None and started_by != str(process.ppid()) else None
        except psutil.Error:
            return None

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        import psutil

        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def leave(self, parting: Parting) -> None:
        """Lets it go on, or asks it to end after what is under way. One that has ended, or that may not be asked, is
        left alone."""
        import psutil

        if parting == "finish" and self.running:
            with contextlib.suppress(psutil.Error):
                self._process.send_signal(signal.SIGUSR1)

    async def stop(self) -> None:
        """Leaves it as it is: it is not ours to end."""


def give_way() -> None:
    """From now on others come first where it wants the processor too, so that keys are answered at once."""
    os.nice(LESS_URGENT)
    # Linux compares whole sessions where it groups processes by them (sched(7), the autogroup feature).
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(LESS_URGENT), encoding="ascii")


async def parent_left() -> str:
    """Returns when the parent has ended or closed our standard input; the last line that it wrote there."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    last = b""
    while line := await reader.readline():
        last = line
    return last.decode(errors="replace").strip()


@dataclass
class Orders:
    """What this process is asked: `stop`; or to go on alone until nothing is left to do (`stay`), or only until what is
    under way has ended (`finish`)."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    stay: asyncio.Event = field(default_factory=asyncio.Event)
    finish: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def orders(*, attached: bool) -> AsyncIterator[Orders]:
    """What is asked of this process from outside. A parent that leaves without a word wants it to stop; SIGUSR1 asks
    to finish."""
    given = Orders()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, given.stop.set)
        loop.add_signal_handler(signal.SIGUSR1, given.finish.set)

    def heard(task: asyncio.Task[str]) -> None:
        word = "" if task.cancelled() or task.exception() else task.result()
        {"stay": given.stay, "finish": given.finish}.get(word, given.stop).set()

    listening = asyncio.create_task(parent_left(), name="parent") if attached else None
    if listening:
        listening.add_done_callback(heard)
    try:
        yield given
    finally:
        if listening:
            listening.cancel()


@asynccontextmanager
async def stopping(*, attached: bool) -> AsyncIterator[asyncio.Event]:
    """An event that is set when somebody wants this process to stop."""
    async with orders(attached=attached) as given:
        forwarding = [
            asyncio.create_task(_forward(event, given.stop), name="orders") for event in (given.stay, given.finish)
        ]
        try:
            yield given.stop
        finally:
            for task in forwarding:
                task.cancel()


async def _forward(event: asyncio.Event, to: asyncio.Event) -> None:
    await event.wait()
    to.set()
