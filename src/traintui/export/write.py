"""The export: on record before the first byte, written beside its place, and there only when it is whole."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import traintui
from traintui import clock
from traintui.audit.sealing import NoAnchor, seal_and_anchor
from traintui.data import exports
from traintui.data.engine import Database
from traintui.data.export_reading import ExportReader, ScopeCounts
from traintui.data.fetched import Fetched
from traintui.data.moment_reading import reader_of
from traintui.errors import TraintuiError
from traintui.export.again import Comparison, compared
from traintui.export.assembly import Assembly, Problem
from traintui.export.beside import add_all, names_of, sides_kept
from traintui.export.fileset import BLOCK, FileSet, checked_place, there_already
from traintui.export.forecasting import Progress, shape_for, unwatched
from traintui.export.manifest import FileFacts
from traintui.export.recording import Record, statuses_in
from traintui.export.request import ExportRequest, completed
from traintui.export.sides import manifest_for, read, splitter_for
from traintui.export.splits import Kept

RECORDED = 20_000
"""Conversations whose revisions are noted in the log at once, while the next ones are written: many, in the order of
the index by their ids, cost the server a third less than 5,000 as they come."""
NAMED = 5
"""Conversations that an answer names; it counts the others."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was written where: how many conversations and rows, how many of them of the rehearsal and not approved, and
    how many matched and were left out, being of the rehearsal or as asked; the first file's SHA-256 in hexadecimal and
    its size in bytes. `words` are the totals of the preflight, `remarks` what is to say of the whole, `warnings` those
    of them that somebody should do something about. `statuses` are the conversations by status; `again` says how the
    bytes compare with those of the export that was made again. `sides` says whose sides hold, where a hash does not
    decide alone."""

    export_id: str
    path: Path
    count: int
    rehearsal: int
    left_out_rehearsal: int
    unapproved: int
    sha256: str
    size: int
    rows: int = 0
    left_out: int = 0
    left_out_unapproved: int = 0
    files: tuple[FileFacts, ...] = ()
    words: str = ""
    remarks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    statuses: Mapping[str, int] = field(default_factory=dict)
    again: Comparison | None = None
    sides: str = ""

    def as_json(self) -> dict[str, Any]:
        """The summary as plain values."""
        given = {name: getattr(self, name) for name in self.__slots__}
        files = [
            {"name": file.name, "bytes": file.size, "sha256": file.sha256, "rows": file.rows, "side": file.side}
            for file in self.files
        ]
        return given | {
            "path": str(self.path), "files": files, "remarks": list(self.remarks), "warnings": list(self.warnings),
            "statuses": dict(self.statuses), "again": None if self.again is None else self.again.as_json(),
        }  # fmt: skip


class ExportStopped(TraintuiError):
    """Conversations stop an export. `problems` are the first of them, whatever number is wrong."""

    def __init__(self, problems: tuple[Problem, ...], number: int, words: str) -> None:
        named = " ".join(f"{problem.conversation_id}: {problem.says}" for problem in problems[:NAMED])
        more = f" And {number - NAMED:,} more." if number > NAMED else ""
        only = ",".join(problem.conversation_id for problem in problems[:NAMED])
        super().__init__(
            "Not exported",
            f"{number:,} of the conversations cannot be written as they are ({words}). {named}{more}",
            "Mend or reject them, leave them out by name (--if-refused leave-out, --if-cut write or leave-out; in the"
            f" app, Options), or by the filter: -id:{only}. Nothing was written.",
        )
        self.problems = problems
        self.number = number


async def export_conversations(
    db: Database,
    *,
    path: Path,
    filter_text: str = "",
    format: str = "openai",
    rehearsal: bool = False,
    overwrite: bool = False,
    card: bool = True,
    on_progress: Progress = unwatched,
) -> ExportSummary:
    """The approved conversations that match a filter, with the usual options (`run_export`)."""
    request = ExportRequest(path, format, filter_text, rehearsal=rehearsal, overwrite=overwrite, card=card)
    return await run_export(db, request, on_progress=on_progress)


async def run_export(
    db: Database, request: ExportRequest, *, on_progress: Progress = unwatched, on_kin: Progress = unwatched
) -> ExportSummary:
    """Writes what was asked for: approved conversations unless the filter names a status.

    What the request leaves open of limit and tokenizer the workspace says (`training_targets`). All files appear whole
    or none of them, and the export is on record either way. `on_progress` gets how many are written of how many,
    `on_kin` how many were compared with the others before that, for a split. Raises `FilterError` when the filter
    cannot be read, `ExportStopped` with what is wrong with which conversations, `TraintuiError` when nothing matches or
    the place cannot be written; cancelling leaves nothing
    behind, unless the files are being put into their places already: then it is written.
    """
    request = await completed(db, request)
    path = await asyncio.to_thread(checked_place, request.path)
    container = request.container_for(path)
    counting = await asyncio.to_thread(lambda: request.counting)
    if not request.overwrite and (there := there_already(path.parent, names_of(request, path))):
        raise TraintuiError(
            "Not exported", f"{path.parent / there[0]} is there already.",
            "Name another file, or allow overwriting it (--overwrite).",
        )  # fmt: skip
    request = replace(request, sides=await asyncio.to_thread(manifest_for, request, path))
    kept = Kept() if request.sides is None else await asyncio.to_thread(read, request.sides)
    scope = await request.scope(db)
    record = Record(db, request, request.filter_state(scope.filter), path)
    async with contextlib.AsyncExitStack() as stack:
        reader = await stack.enter_async_context(reader_of(db, scope))
        counts = await reader.counts()
        if counts.total == 0:
            raise nothing_to_write(counts, approved=not scope.filter.names_status)
        shape = await shape_for(reader, request, counts)
        splitter = await splitter_for(reader, request, kept, on_kin)
        await record.start(counts, shape, container, await reader.snapshot())
        try:
            with FileSet(path.parent) as files:
                assembly = Assembly(request, counting, shape, files, path.name, container, splitter)
                with contextlib.closing(assembly):
                    await write_all(db, reader, assembly, record.export_id, counts.total, record.watched(on_progress))
                    await stack.aclose()  # the moment that was read need not be kept while the disk is waited for
                    told = {"export_id": record.export_id, "exported_by": db.login,
                            "exported_at": f"{clock.now():%Y-%m-%dT%H:%M:%SZ}",
                            "seal": await seal_before(db)}  # fmt: skip
                    said = await whole(add_all, files, assembly, counts, record.filter_state, told)
                    await whole(files.settle)
                    facts = tuple(part.facts for part in files.parts)
                    await to_its_end(settle_both(record, files, assembly, counts, facts))
        except BaseException as error:
            with contextlib.suppress(TraintuiError):  # what went wrong first is what is told
                await asyncio.shield(record.fail(error))
            if isinstance(error, OSError):
                raise unwritable(path, error) from error
            raise
    return ExportSummary(
        record.export_id, path, assembly.tally.conversations, assembly.tally.rehearsal, counts.left_out_rehearsal,
        assembly.tally.conversations - assembly.tally.counts["status"]["approved"], facts[0].sha256, facts[0].size,
        assembly.rows, assembly.left_out, counts.left_out_unapproved, facts, assembly.totals.words(),
        tuple(remark.says for remark in said), tuple(remark.says for remark in said if remark.is_grave),
        statuses_in(assembly),
        None if request.again is None else compared(
            request.again, request.target, container, facts, is_split=request.eval_share > 0,
            keeps_sides=request.sides is not None, version=traintui.__version__,
        ),
        "".join(sides_kept(assembly)),
    )  # fmt: skip


async def write_all(
    db: Database, reader: ExportReader, assembly: Assembly, export_id: str, total: int, on_progress: Progress
) -> None:
    """Writes every conversation, and notes which. Raises `ExportStopped` once all were looked at, if some stop it."""
    done, rows, disk = 0, _Rows(db, export_id), _Disk(assembly.files)
    try:
        async for page in reader.pages(assembly.request.wanted):
            # In a thread, a page would keep the reading waiting; the server is ahead by less than that.
            if assembly.is_slow:
                await whole(assembly.take, page)
            else:
                assembly.take(page)
            if assembly.files.held >= BLOCK:
                await disk.take()
            done += len(page)
            if not assembly.stopping:
                await rows.add(assembly.recorded())
            on_progress(done, total)
        if assembly.stopping:
            raise ExportStopped(tuple(assembly.stoppers), assembly.stopping, assembly.totals.words())
        if done != total:
            raise TraintuiError(
                "Not exported", f"{done} of {total} conversations were read.", "Try again. Nothing was written."
            )
        if assembly.tally.conversations == 0:
            raise TraintuiError(
                "Nothing to export", f"there is no row to write: {assembly.totals.words()}.",
                "Look at why: traintui export --dry-run lists them. Nothing was written.",
            )  # fmt: skip
        await rows.finish()
        await disk.wait()
        await whole(assembly.finish)
    finally:
        await disk.close()
        await rows.close()


class _Disk:
    """Writes what the files hold, in a thread, while the next pages are read."""

    def __init__(self, files: FileSet) -> None:
        self.files = files
        self._call: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Begins to write what is held by now, once what was held before is written. Raises what became of that."""
        await self.wait()
        self._call = asyncio.create_task(asyncio.to_thread(self.files.draining()))

    async def wait(self) -> None:
        """Returns when all that was taken is written. Raises what became of it."""
        if self._call is not None:
            await asyncio.shield(self._call)
            self._call = None

    async def close(self) -> None:
        """Waits for what is under way, whatever becomes of it: it may be in the middle of a file."""
        if self._call is not None:
            await asyncio.gather(asyncio.shield(self._call), return_exceptions=True)


class _Rows:
    """Notes which conversations an export holds, some thousands at once and one call at a time."""

    def __init__(self, db: Database, export_id: str) -> None:
        self.db = db
        self.export_id = export_id
        self._waiting: list[ExportedRevision] = []
        self._call: asyncio.Task[None] | None = None

    async def add(self, written: list[Fetched]) -> None:
        self._waiting += [ExportedRevision(one.conversation_id, one.revision) for one in written]
        if len(self._waiting) >= RECORDED:
            await self._send()

    async def _send(self) -> None:
        if self._call is not None:
            await self._call
        some, self._waiting = sorted(self._waiting), []
        self._call = asyncio.create_task(exports.record_rows(self.db, self.export_id, some))

    async def finish(self) -> None:
        if self._waiting:
            await self._send()
        if self._call is not None:
            await self._call

    async def close(self) -> None:
        """Ends a call that is under way when the export ends otherwise."""
        if self._call is not None and not self._call.done():
            self._call.cancel()
            await asyncio.gather(self._call, return_exceptions=True)


class ExportedRevision(NamedTuple):
    """A conversation at a revision."""

    conversation_id: str
    revision: int


async def settle_both(
    record: Record, files: FileSet, assembly: Assembly, counts: ScopeCounts, facts: tuple[FileFacts, ...]
) -> None:
    """Lets the files appear, then commits that the export succeeded: the log claims nothing that is not there. Where it
    cannot be committed, what stood there before comes back."""
    await asyncio.to_thread(files.appear)
    try:
        await record.succeed(assembly, counts, facts)
    except BaseException:
        if not await record.stands():
            await asyncio.to_thread(files.take_back)
            raise
    await asyncio.to_thread(files.forget_old)


async def seal_before(db: Database) -> dict[str, Any] | None:
    """The seal that stands in a manifest: over all that was recorded until now. The manifest is an anchor by itself, so
    an export goes on where another cannot be written."""
    try:
        found = await seal_and_anchor(db, everything=True)
    except NoAnchor as beside:
        found = beside.seal
    return None if found is None else found.as_json()


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Does what is there as a whole or not at all. Who cancels meanwhile comes too late: it goes on, and what it comes
    to is what is told. Raises what became of it."""
    running = asyncio.create_task(work)
    while not running.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([running])
    running.result()


async def whole(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What a function gives that runs in a thread. Cancelling waits for its end: it may be in the middle of a file."""
    running = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise


def unwritable(path: Path, error: OSError) -> TraintuiError:
    return TraintuiError(
        "Not exported",
        f"{path} cannot be written ({error.strerror or error}).",
        "Free some room or name another place. Nothing was left behind.",
    )


def nothing_to_write(counts: ScopeCounts, *, approved: bool) -> TraintuiError:
    if counts.left_out_rehearsal:
        return TraintuiError(
            "Nothing to export",
            f"all {counts.left_out_rehearsal} that match were written by the rehearsal, not by a model.",
            "Include what the rehearsal wrote (--rehearsal include), or approve others first.",
        )
    return TraintuiError(
        "Nothing to export",
        f"no {'approved ' if approved else ''}conversation matches the filter.",
        "Approve some first, or widen the filter.",
    )
