"""The processes that use the embedded server of a home."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ServerClients:
    """Who uses the server of a home. Each process that does holds a locked file, which the operating system unlocks
    however that process ends, so the last one to leave is always known."""

    def __init__(self, home: Path) -> None:
        self.directory = home / "clients"
        self._lock = home / "server.lock"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time starts, stops or counts."""
        with self._lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def enter(self) -> int:
        """Counts this process in; closing what it returns, a file descriptor, counts it out."""
        path = self.directory / f"{os.getpid()}-{time.time_ns()}"
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor

    def living(self) -> list[int]:
        """The processes whose files are locked still; files of the dead are cleared away."""
        living = []
        for path in self.directory.iterdir():
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            except BlockingIOError:
                living.append(int(path.name.partition("-")[0]))
            finally:
                os.close(descriptor)
        return living
