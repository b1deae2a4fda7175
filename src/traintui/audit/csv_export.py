"""A log as a CSV file: streamed to a temporary name beside its place, and there as a whole or not at all."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from traintui.audit import archive_listing
from traintui.data import log_lines
from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.log_fields import Log
from traintui.errors import TraintuiError


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that was written: its rows without the heading, and its bytes."""

    path: Path
    rows: int
    size: int


async def save_csv(
    db: Database,
    log: Log,
    wanted: Filter,
    path: Path,
    *,
    replace: bool = False,
    archived: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Saved:
    """Writes the rows that a filter names, newest first, as of one moment; says how many are written meanwhile. With
    `archived` rows in the archive are among them, and each week is of its own moment.

    Cancelling leaves nothing behind. Raises `TraintuiError` where something stands at `path` already, unless `replace`,
    and where it cannot be written.
    """
    rows = 0
    async with growing(path, replace=replace) as file:
        file.write(log_lines.header(log))
        source = archive_listing.csv_lines(db, wanted, log) if archived else log_lines.csv_lines(db, log, wanted)
        async with aclosing(source) as portions:
            async for lines in portions:
                file.writelines(lines)
                rows += len(lines)
                progress(rows)
                await asyncio.sleep(0)  # the screen is painted in between
    return Saved(path, rows, (await asyncio.to_thread(path.stat)).st_size)


@asynccontextmanager
async def growing(path: Path, *, replace: bool = False) -> AsyncIterator[IO[str]]:
    """A file of text that has its name once the block has ended well; else nothing is left behind.

    Raises `TraintuiError` where something stands at `path` already, unless `replace`, and where it cannot be written.
    """
    if not replace and await asyncio.to_thread(os.path.lexists, path):
        raise TraintuiError("File not written", f"{path} is there already.", "Choose another name.")
    try:
        handle, name = await asyncio.to_thread(
            tempfile.mkstemp, dir=path.parent, prefix=f".{path.name[:60]}.", suffix=".partial"
        )
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="", buffering=1 << 20) as file:
            yield file
            await asyncio.to_thread(_settle, file)
        await asyncio.to_thread(os.replace, name, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            os.unlink(name)  # it is not there once it has its own name


def _settle(file: IO[str]) -> None:
    """Sees what was written onto the disk."""
    file.flush()
    os.fsync(file.fileno())


def unwritable(path: Path, error: OSError) -> TraintuiError:
    """A file could not be written."""
    return TraintuiError(
        "File not written", f"{path}: {error.strerror or error}.", "Choose another place, or make room there."
    )
