"""The windows of a person on this machine, and which of them have died: what those had open is free at once.

Each holds a lock on a file of its own. The operating system lets go of it however the process ends, and no other sign
is as quick: a lease has to run out, and behind a pooler no connection belongs to a window.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from traintui.data.engine import Database

ENDING = ".window"


class OpenWindow:
    """The file of this window, below the home. Everything here blocks, for milliseconds, and raises `OSError`."""

    def __init__(self, folder: Path, window_id: UUID) -> None:
        self._folder = folder
        self._path = folder / f"{window_id}{ENDING}"
        self._file = -1

    def open(self) -> tuple[UUID, ...]:
        """Says that this window lives. Returns the ids of those that said so and live no more."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        # Locked before it has its name: nobody finds it as that of a dead one.
        unnamed = self._path.with_suffix(".opening")
        self._file = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(self._path)
        return tuple(found for path in sorted(self._folder.glob(f"*{ENDING}")) if (found := self._dead(path)))

    def forget(self, window_id: UUID) -> None:
        """Nothing of a dead one is left to be done."""
        (self._folder / f"{window_id}{ENDING}").unlink(missing_ok=True)

    def close(self) -> None:
        """This window ends, and lets go of what it has by itself."""
        if self._file >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1

    def _dead(self, path: Path) -> UUID | None:
        if path == self._path:
            return None
        try:
            window_id = UUID(path.stem)
            file = os.open(path, os.O_RDWR)
        except (ValueError, FileNotFoundError):
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        finally:
            os.close(file)
        return window_id


async def open_window(db: Database, home: Path, window_id: UUID) -> OpenWindow:
    """Says that a window lives, and frees what those that live no more had open.

    Raises `OSError` where no file can be made, and `TraintuiError` where the database is away: then the leases end by
    themselves.
    """
    from traintui.data import reservations
    from traintui.outbox.kept import folder_of

    window = OpenWindow(home / "windows" / folder_of(home, db.conninfo, db.login).name, window_id)
    for dead in await asyncio.to_thread(window.open):
        await reservations.release(db, dead)
        with suppress(OSError):
            window.forget(dead)
    return window
