"""An export on record: before its first byte, while it is under way, and at its end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

import traintui
from traintui.data import exports
from traintui.data.engine import Database
from traintui.data.export_reading import ScopeCounts
from traintui.errors import TraintuiError
from traintui.export.assembly import Assembly
from traintui.export.forecasting import Progress
from traintui.export.formats import Container
from traintui.export.machine import machine_id
from traintui.export.manifest import FileFacts
from traintui.export.record import Shape
from traintui.export.request import ExportRequest

RENEWED = 2.0
"""Seconds between two words on how far it is."""
LEASE = 15.0
"""Seconds after its last word from which on its process counts as dead."""


class Record:
    """The rows of one export in the log; while it is under way it says how far it is, and that it lives."""

    def __init__(self, db: Database, request: ExportRequest, filter_state: dict[str, Any], path: Path) -> None:
        self.db = db
        self.request = request
        self.filter_state = filter_state
        self.path = path
        self.export_id = f"e-{uuid.uuid4().hex[:12]}"
        self.wanted = self._done = 0
        self.ended = False
        self._living: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def start(self, counts: ScopeCounts, shape: Shape, container: Container, snapshot: str) -> None:
        """Says what begins, and from now on that it is under way. With the last three the same can be written again."""
        self.wanted = counts.total
        await self._write("started", counts.total, {
            "format_version": self.request.target.version, "container": container, "shape": asdict(shape),
            "snapshot": snapshot, "rehearsal": counts.rehearsal, "left_out_rehearsal": counts.left_out_rehearsal,
            "unapproved": counts.unapproved, "options": self.request.options(), "paths": self.request.paths(),
            "directory": str(self.path.parent), "host": socket.gethostname(), "machine": machine_id(),
        })  # fmt: skip
        self._living = asyncio.create_task(self._live())

    def watched(self, on_progress: Progress) -> Progress:
        """The same progress, which the record learns of."""

        def progressed(done: int, total: int) -> None:
            self._done = done
            on_progress(done, total)

        return progressed

    async def _live(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), RENEWED)
                return
            with contextlib.suppress(TraintuiError):  # that nobody hears of it ends no export
                await exports.renew(self.db, self.export_id, self._done, self.wanted, seconds=LEASE)

    async def succeed(self, assembly: Assembly, counts: ScopeCounts, facts: tuple[FileFacts, ...]) -> None:
        await self._write(
            "succeeded",
            assembly.tally.conversations,
            {
                "rehearsal": assembly.tally.rehearsal,
                "left_out_rehearsal": counts.left_out_rehearsal,
                "left_out": assembly.left_out,
                "bytes": facts[0].size,
                "rows": assembly.rows,
                "preflight": assembly.totals.words(),
                "statuses": statuses_in(assembly),
                "files": [
                    {"name": file.name, "bytes": file.size, "sha256": file.sha256, "rows": file.rows} for file in facts
                ],
            },
            digest=bytes.fromhex(facts[0].sha256),
        )

    async def stands(self) -> bool:
        """Whether its success is in the log, whatever became of the answer."""
        try:
            return await exports.has_succeeded(self.db, self.export_id)
        except TraintuiError:
            return False

    async def fail(self, error: BaseException) -> None:
        """Says how an export that did not succeed ended, once."""
        if not self.ended:
            cancelled = isinstance(error, asyncio.CancelledError | KeyboardInterrupt)
            from traintui.audit.redaction import redact_text  # numbering plans take a fifth of a second to load

            told = redact_text(error.message if isinstance(error, TraintuiError) else type(error).__name__)
            metadata: dict[str, Any] = {"wanted": self.wanted}
            if told.counts and not cancelled:
                metadata["redactions"] = told.counts
            await self._write(
                "cancelled" if cancelled else "failed", 0, metadata, error=None if cancelled else told.value
            )

    async def _write(
        self, state: exports.LoggedState, count: int, metadata: dict[str, Any], *, digest: bytes | None = None,
        error: str | None = None,
    ) -> None:  # fmt: skip
        if self._living is not None:
            self._over.set()  # rather than cancelled: a statement that is cut off keeps its connection busy
            living, self._living = self._living, None
            await living
        await exports.record(
            self.db, self.export_id, state, count=count, filter_state=self.filter_state, format=self.request.format,
            metadata={"file": self.path.name, "traintui": traintui.__version__, **metadata}, file_sha256=digest,
            error_message=error,
        )  # fmt: skip
        self.ended = state != "started"


def statuses_in(assembly: Assembly) -> dict[str, int]:
    """How many conversations of each status were written, the most first."""
    return {str(status): number for status, number in assembly.tally.counts["status"].most_common()}
