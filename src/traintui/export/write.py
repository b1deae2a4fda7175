"""The export: on record before the first byte, written beside its place, and there only when it is whole."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import traintui
from traintui.data import exports
from traintui.data.engine import Database
from traintui.data.exports import ExportReader
from traintui.data.workspace_filters import read_filter
from traintui.errors import TraintuiError
from traintui.export.formats import Writer, problem_of, writer_of

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was written where: how many conversations, how many of them of the rehearsal, and how many of the rehearsal
    matched and were left out; the file's SHA-256 in hexadecimal and its size in bytes."""

    export_id: str
    path: Path
    count: int
    rehearsal: int
    left_out_rehearsal: int
    unapproved: int
    sha256: str
    size: int

    def as_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        return asdict(self) | {"path": str(self.path)}


@dataclass(frozen=True, slots=True)
class ExportForecast:
    """What an export would write."""

    count: int
    rehearsal: int
    left_out_rehearsal: int
    unapproved: int


async def forecast(db: Database, *, filter_text: str, rehearsal: bool) -> ExportForecast:
    """How much an export would write. Raises `FilterError` when the filter cannot be read."""
    async with exports.reading(db, await read_filter(db, filter_text), rehearsal=rehearsal) as reader:
        count, of_rehearsal, unapproved = await reader.counts()
        return ExportForecast(count, of_rehearsal, await reader.left_out_rehearsal(), unapproved)


async def export_conversations(
    db: Database,
    *,
    filter_text: str = "",
    path: Path,
    format: str = "openai",
    rehearsal: bool = False,
    overwrite: bool = False,
    on_progress: Progress = lambda _done, _total: None,
) -> ExportSummary:
    """Writes the approved conversations that match a filter; one of another status only when the filter names it.

    The file appears whole or not at all, and the export is on record either way. `on_progress` gets how many are
    written of how many. Raises `FilterError` when the filter cannot be read, `TraintuiError` when nothing matches, a
    conversation cannot be trained on, or the place cannot be written; cancelling leaves nothing behind.
    """
    wanted, write = await read_filter(db, filter_text), writer_of(format)
    path = await asyncio.to_thread(checked_place, path, overwrite=overwrite)
    export_id = f"e-{uuid.uuid4().hex[:12]}"
    record = _Record(db, export_id, format, filter_text.strip(), path, rehearsal=rehearsal)
    async with exports.reading(db, wanted, rehearsal=rehearsal) as reader:
        count, of_rehearsal, unapproved = await reader.counts()
        left_out = await reader.left_out_rehearsal()
        if count == 0:
            raise nothing_to_write(left_out, approved=not wanted.names_status)
        await record.write(
            "started", count, {"rehearsal": of_rehearsal, "left_out_rehearsal": left_out, "unapproved": unapproved}
        )
        partial: Path | None = None
        try:
            partial = await asyncio.to_thread(new_partial, path)
            digest, size = await write_all(db, reader, write, partial, count, export_id, on_progress)
            # Cancelling waits for both: the row and the file are there together, or neither.
            await asyncio.shield(asyncio.create_task(settle_both(record, of_rehearsal, partial, path, digest, size)))
        except BaseException as error:
            if partial is not None:
                partial.unlink(missing_ok=True)
            cancelled = isinstance(error, asyncio.CancelledError | KeyboardInterrupt)
            with contextlib.suppress(TraintuiError):  # what went wrong first is what is told
                await asyncio.shield(record.end("cancelled" if cancelled else "failed", error))
            if isinstance(error, OSError):
                raise unwritable(path, error) from error
            raise
    return ExportSummary(export_id, path, count, of_rehearsal, left_out, unapproved, digest.hex(), size)


class _Record:
    """The rows of one export in the log."""

    def __init__(
        self, db: Database, export_id: str, format: str, filter_text: str, path: Path, *, rehearsal: bool
    ) -> None:
        self.db = db
        self.export_id = export_id
        self.format = format
        self.filter_state = {"filter": filter_text, "rehearsal": "include" if rehearsal else "exclude"}
        self.path = path
        self.count = 0
        self.ended = False

    async def write(
        self, state: exports.ExportState, count: int, metadata: dict[str, int], *, digest: bytes | None = None,
        error: str | None = None,
    ) -> None:  # fmt: skip
        self.count = count
        await exports.record(
            self.db, self.export_id, state, count=count, filter_state=self.filter_state, format=self.format,
            metadata={"file": self.path.name, "traintui": traintui.__version__, **metadata}, file_sha256=digest,
            error_message=error,
        )  # fmt: skip
        self.ended = state != "started"

    async def end(self, state: exports.ExportState, error: BaseException) -> None:
        """Says how an export that did not succeed ended, once."""
        if not self.ended:
            told = error.message if isinstance(error, TraintuiError) else type(error).__name__
            await self.write(state, 0, {"wanted": self.count}, error=None if state == "cancelled" else told)


async def settle_both(record: _Record, of_rehearsal: int, partial: Path, path: Path, digest: bytes, size: int) -> None:
    """Commits that the export succeeded, then lets its file appear: the file is whole and beside its place by now."""
    await record.write("succeeded", record.count, {"rehearsal": of_rehearsal, "bytes": size}, digest=digest)
    await asyncio.to_thread(partial.replace, path)


async def write_all(
    db: Database, reader: ExportReader, write: Writer, partial: Path, total: int, export_id: str, on_progress: Progress
) -> tuple[bytes, int]:
    """Writes every conversation and notes which; the file's digest and its size in bytes."""
    digest, size, done = hashlib.sha256(), 0, 0
    with partial.open("wb") as file:
        async for page in reader.pages():
            for conversation in page:
                problem = problem_of(conversation)
                if problem:
                    raise TraintuiError(
                        "Not exported",
                        f"{conversation.conversation_id} cannot be trained on: {problem}.",
                        f"Reject it, or leave it out with -id:{conversation.conversation_id}. Nothing was written.",
                    )
                line = write(conversation)
                digest.update(line)
                size += file.write(line)
            await exports.record_rows(db, export_id, page)
            done += len(page)
            on_progress(done, total)
        if done != total:
            raise TraintuiError(
                "Not exported", f"{done} of {total} conversations were read.", "Try again. Nothing was written."
            )
        await asyncio.to_thread(settle, file.fileno())
    return digest.digest(), size


def settle(descriptor: int) -> None:
    """Waits until what was written is on the disk."""
    os.fsync(descriptor)


def checked_place(path: Path, *, overwrite: bool) -> Path:
    """The absolute path of the file to be. Raises `TraintuiError` when none can appear there."""
    path = path.expanduser().absolute()
    if path.is_dir():
        raise TraintuiError("Not exported", f"{path} is a directory.", "Name a file in it.")
    if not path.parent.is_dir():
        raise TraintuiError("Not exported", f"there is no directory {path.parent}.", "Make it, or name another place.")
    if path.exists() and not overwrite:
        raise TraintuiError(
            "Not exported", f"{path} is there already.", "Name another file, or allow overwriting it (--overwrite)."
        )
    return path


def new_partial(path: Path) -> Path:
    """An empty file beside `path`, with the permissions that a new file gets here."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    mask = os.umask(0)
    os.umask(mask)
    os.fchmod(descriptor, 0o666 & ~mask)
    os.close(descriptor)
    return Path(name)


def unwritable(path: Path, error: OSError) -> TraintuiError:
    return TraintuiError(
        "Not exported",
        f"{path} cannot be written ({error.strerror or error}).",
        "Free some room or name another place. Nothing was left behind.",
    )


def nothing_to_write(left_out: int, *, approved: bool) -> TraintuiError:
    if left_out:
        return TraintuiError(
            "Nothing to export",
            f"all {left_out} that match were written by the rehearsal, not by a model.",
            "Include what the rehearsal wrote (--rehearsal include), or approve others first.",
        )
    return TraintuiError(
        "Nothing to export",
        f"no {'approved ' if approved else ''}conversation matches the filter.",
        "Approve some first, or widen the filter.",
    )
