"""The files of presses: one for each process, locked while it lives. Who comes next takes over those of the dead.

The operating system unlocks a file however its process ends, as with the clients of the embedded server. So two
processes never write one file, and none sends what another one is about to send.
"""

from __future__ import annotations

import fcntl
import hashlib
import heapq
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from traintui.outbox.presses import Ended, Press, line_of, read_lines

ENDING = ".jsonl"
UNREAD = ".unread"
"""What a file is called that holds lines which this Traintui does not understand: they are kept for a person to see."""
LARGE = 256 * 1024
"""Bytes of a file from which it is emptied as soon as nothing in it waits."""


def folder_of(home: Path, conninfo: str, login: str) -> Path:
    """Where the presses of a login in a workspace are kept: below the home, by the server and the database."""
    parts = conninfo_to_dict(conninfo)
    where = "\n".join(str(parts.get(name) or "") for name in ("host", "hostaddr", "port", "dbname", "service"))
    digest = hashlib.sha256(f"{where}\n{login}".encode()).hexdigest()[:12]
    return home / "outbox" / f"{re.sub(r'[^a-z0-9]+', '-', login.lower())[:24]}-{digest}"


@dataclass(frozen=True, slots=True)
class Found:
    """Presses of processes that are gone, oldest first, and how many lines were set aside."""

    presses: tuple[Press, ...] = ()
    unread: int = 0


class KeptPresses:
    """The file of this process. Everything here blocks, for milliseconds, and raises `OSError`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path: Path | None = None
        self._file = -1
        self._size = 0
        self._owed: list[bytes] = []
        """Lines that found no room; they go before the next one."""

    def open(self) -> Found:
        """Makes the file, private to this person, and takes over what others left."""
        self.folder.parent.parent.mkdir(parents=True, exist_ok=True)
        for private in (self.folder.parent, self.folder):
            private.mkdir(mode=0o700, exist_ok=True)
        with self._locked():
            path = self.folder / f"{time.time_ns()}-{os.getpid()}{ENDING}"
            self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND, 0o600)
            self._path = path
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return self._take_over()

    def take_over(self) -> Found:
        """Takes over what processes left that are gone by now."""
        if self._path is None:
            return Found()
        with self._locked():
            return self._take_over()

    def add(self, press: Press, *, durable: bool) -> None:
        """Writes a press down; `durable` also outlives the machine. Of a line without room nothing stays behind."""
        self._append(line_of(press), durable=durable)

    def end(self, ended: Ended, *, last: bool, durable: bool = False) -> None:
        """Writes down that a press has ended; `last` says that nothing waits any more. Where there is no room for that,
        it is written before the next line, or with the end."""
        if self._path is None:
            return
        if last and (self._size > LARGE or self._owed):
            os.ftruncate(self._file, 0)
            self._size = 0
            self._owed.clear()
            return
        try:
            self._append(line_of(ended), durable=durable)
        except OSError:
            self._owed.append(line_of(ended))
            raise

    def flush(self) -> None:
        """Makes what was written outlive the machine too."""
        if self._path is not None:
            os.fsync(self._file)

    def close(self, *, waiting: bool) -> None:
        """Gives the file up: to whoever comes next if something in it waits, else for good."""
        if self._path is None:
            return
        if waiting:
            with suppress(OSError):
                self._append(b"", durable=True)
        else:
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._path = None

    def _append(self, line: bytes, *, durable: bool) -> None:
        if self._path is None:
            raise FileNotFoundError(2, f"{self.folder} could not be opened")
        line = b"".join((*self._owed, line))
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(28, "No space left on device")
            if durable:
                os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)
        self._owed.clear()

    def _take_over(self) -> Found:
        files: list[tuple[Path, int]] = []
        found: list[tuple[Press, ...]] = []
        unread = 0
        try:
            for path in sorted(self.folder.glob(f"*{ENDING}")):
                file = None if path == self._path else _unused(path)
                if file is None:
                    continue
                files.append((path, file))
                read = read_lines(path.read_bytes())
                found.append(read.presses)
                if read.unread:
                    path.with_suffix(UNREAD).write_bytes(b"\n".join((*read.unread, b"")))
                    path.with_suffix(UNREAD).chmod(0o600)
                    unread += len(read.unread)
            presses = {press.key: press for press in heapq.merge(*found, key=lambda press: press.at)}
            # First they stand here, then no longer there: killed in between, they stand in both, under the same keys.
            for press in presses.values():
                self.add(press, durable=False)
            if presses:
                os.fsync(self._file)
            for path, _ in files:
                path.unlink()
        finally:
            for _, file in files:
                os.close(file)
        return Found(tuple(presses.values()), unread)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Only one process at a time makes a file or takes some over: one that was just made is not locked yet."""
        file = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)


def _unused(path: Path) -> int | None:
    """The file, locked; None while the process that writes it lives."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file
