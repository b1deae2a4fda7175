"""Files that get their name once they are whole. Until then they are locked, so that what a killed process left is told
from what another one still writes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path

SUFFIX = ".traintui-partial"


@contextmanager
def begun(path: Path) -> Iterator[tuple[Path, BufferedRandom]]:
    """A new file beside `path` that only its owner reads, under the name that comes with it: to be renamed within the
    block, and removed where that fails. It is locked as long as it is open, here or in a program that inherits it.
    Raises `OSError`."""
    partial = path.with_name(f".{path.name}.{os.getpid()}{SUFFIX}")
    with locked(partial) as file:
        try:
            yield partial, file
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def locked(partial: Path) -> BufferedRandom:
    """Makes a file and locks it, again where another process took it for one that was left in between."""
    while True:
        file = os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "r+b")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def clear(place: Path) -> None:
    """Removes what processes left in a directory that were killed; what is being written is locked."""
    for path in place.glob(f".*{SUFFIX}"):
        remove_left(path)


def remove_left(path: Path) -> None:
    """Removes a file that nobody writes any more; one that is locked stays."""
    with suppress(OSError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


def sync_directory(directory: Path) -> None:
    """Waits until the names in it are on the disk. Raises `OSError`."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
