"""Making a report: its figures are read in one snapshot, in stretches, and its rows go to a file as they are found."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from datetime import tzinfo as TimeZone
from pathlib import Path
from typing import IO

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.audit.archive import archived_exports
from traintui.audit.archive_noted import noted_in_archive
from traintui.audit.reports import activity, approved_at_revision, exports_attributed, manifests, reviewed, verified
from traintui.audit.reports.cells import line_of
from traintui.audit.reports.model import Answer, Cells, Kind, Name, Period, Report
from traintui.audit.sealing import NoAnchor, seal_and_anchor
from traintui.data import (
    record_looks,
    report_activity,
    report_approvals,
    report_exports,
    report_reviewed,
    second_review,
)
from traintui.data.engine import Database
from traintui.data.seals import Sealed
from traintui.quality.agreement import pairs_of

KINDS: Mapping[Name, Kind] = {
    module.KIND.name: module.KIND for module in (activity, reviewed, exports_attributed, approved_at_revision)
}
"""The reports that there are, in their order."""
KEPT = 1_000
"""Rows that are kept to be shown; all of them are in the CSV."""
DAYS = 30
"""Days of a report on a period that names no beginning."""
IN_MEMORY = 1 << 20
"""Bytes of rows up to which no file is needed."""
INDEPENDENT = 200_000
"""Second reviews whose decisions are compared at the most, the newest."""

Progress = Callable[[int, int], None]
"""Is told how much is dealt with, of how much."""


def unwatched(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: which report, as of when or up to when (None: now), from when on (of a period; None: thirty
    days before), and in which folders manifests are looked for beside those that the log names."""

    name: Name
    until: datetime | None = None
    since: datetime | None = None
    folders: tuple[Path, ...] = ()

    @property
    def kind(self) -> Kind:
        """The report."""
        return KINDS[self.name]


@dataclass(frozen=True, slots=True)
class Made:
    """A report, and all of its rows as CSV; `close` lets go of them."""

    report: Report
    csv: IO[bytes]

    def close(self) -> None:
        """Lets go of the rows."""
        self.csv.close()


class Rows:
    """Rows as they are found: as CSV in a file that has no name, and the first of them at hand."""

    def __init__(self, columns: Cells) -> None:
        self.first: list[Cells] = []
        self.number = 0
        self.file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - who made the report closes it
        self.digest = hashlib.sha256()
        self._write(line_of(columns))

    def add(self, rows: Iterable[Cells]) -> None:
        """Writes some rows."""
        for row in rows:
            self.number += 1
            if len(self.first) < KEPT:
                self.first.append(row)
            self._write(line_of(row))

    def _write(self, line: bytes) -> None:
        self.file.write(line)
        self.digest.update(line)


async def make(db: Database, asked: Asked, *, zone: TimeZone | None = None, progress: Progress = unwatched) -> Made:
    """Makes a report. `zone` says what a day is in plots (None: the system's). Cancelling leaves nothing behind.

    Seals what was recorded until now first, so that the seal it bears is over all that it speaks of. Raises
    `TraintuiError` when the database cannot be reached, and where what it asks of is not for this login.
    """
    look = await record_looks.last(db)
    seal, notes = await sealed(db)
    rows = Rows(asked.kind.columns)
    try:
        maker = Maker(db, asked, rows, zone, progress)
        answer, period, now = await maker.make()
    except BaseException:
        rows.file.close()
        raise
    answer = replace(
        answer, facts=(*answer.facts, verified.fact(look, now)),
        notes=(*verified.notes(look, now), *answer.notes, *notes),
    )  # fmt: skip
    rows.file.seek(0)
    report = Report(
        asked.kind, period, answer, rows.first, rows.number, rows.digest.hexdigest(), now, db.login, db.label, seal
    )
    return Made(report, rows.file)


async def sealed(db: Database) -> tuple[Sealed | None, tuple[str, ...]]:
    """The newest seal, over all that was recorded until now, and what to say where it has no anchor."""
    try:
        return await seal_and_anchor(db, everything=True), ()
    except NoAnchor as beside:
        return beside.seal, (f"{beside.message[:1].upper()}{beside.message[1:]}",)


class Maker:
    """What reads the figures of one report."""

    def __init__(self, db: Database, asked: Asked, rows: Rows, zone: TimeZone | None, progress: Progress) -> None:
        self.db = db
        self.asked = asked
        self.rows = rows
        self.zone = zone
        self.progress = progress

    async def make(self) -> tuple[Answer, Period, datetime]:
        """The answer, what it is about, and when it was made."""
        async with self.db.read() as connection:
            now = await connection.scalar(select(func.clock_timestamp())) or datetime.now()
            period = period_of(self.asked, now)
            match self.asked.name:
                case "reviewed":
                    return await self._reviewed(connection, period), period, now
                case "approved-at-revision":
                    return await self._approved(connection, period), period, now
                case "activity":
                    found, hidden = await self._activity(connection, period)
                case "exports-attributed":
                    workspace = await report_exports.workspace_id(connection)
                    archived = await archived_exports(connection)
                    logged = await report_exports.exports(connection, period.until, archived)
        # What follows needs no snapshot, and may take longer than one may rest.
        if self.asked.name == "activity":
            return await self._with_others(found, hidden, period), period, now
        return await self._attributed(workspace, logged, period), period, now

    async def _reviewed(self, connection: AsyncConnection, period: Period) -> Answer:
        found = reviewed.Reviewed()
        stretches = report_reviewed.stretches(connection, period.until, is_now=period.is_now)
        async for done, total, stretch in stretches:
            self.rows.add(found.add(stretch))
            self.progress(done, total)
        purged = 0 if period.is_now else await report_reviewed.purged_since(connection, period.until)
        return found.answer(purged, hidden=await self._hidden(connection))

    async def _approved(self, connection: AsyncConnection, period: Period) -> Answer:
        found = approved_at_revision.Approvals()
        archived = await archived_exports(connection)
        exports = await report_approvals.exports(connection, period.until, archived)
        total, noted = sum(each.count for each in exports), Counter[str]()
        for export in exports:
            if not export.is_archived:
                async for part in report_approvals.parts(connection, export):
                    self._judged(found, export, part, noted, total)
        by_id = {each.export_id: each for each in exports if each.is_archived}
        rows, there, kept = await report_approvals.moved(connection, archived)
        read = 0
        async for some in noted_in_archive(connection):
            read += len(some.conversations)
            if (left := by_id.get(some.export_id)) is not None:
                part = await report_approvals.part_of(connection, left, some.conversations, some.revisions)
                self._judged(found, left, part, noted, total)
        found.archived = len(by_id)
        if (read, there) != (kept, rows):
            found.missing = (
                f"{rows:,} rows of the export log with {kept:,} conversations were moved to the archive, and it has"
                f" {there:,} with {read:,}."
            )
        for export in exports:
            found.end(export, noted[export.export_id])
        return found.answer()

    def _judged(
        self, found: approved_at_revision.Approvals, export: report_approvals.Left, part: report_approvals.Part,
        noted: Counter[str], total: int,
    ) -> None:  # fmt: skip
        self.rows.add(found.add(export, part))
        noted[export.export_id] += part.number
        self.progress(noted.total(), max(total, noted.total()))

    async def _activity(self, connection: AsyncConnection, period: Period) -> tuple[activity.Activity, str]:
        found = activity.Activity(self.zone)
        since = period.since or period.until
        async for done, total, decided in report_activity.decisions(connection, since, period.until):
            found.add(decided)
            self.progress(done, total)
        return found, await self._hidden(connection)

    async def _hidden(self, connection: AsyncConnection) -> str:
        """What to say of rows that this login may not read yet."""
        hidden = await report_activity.hidden(connection) if self.db.role == "admin" else 0
        if hidden:
            return f"{hidden:,} rows of second reviews that are still open are for an auditor's login alone."
        if self.db.role in {"admin", "auditor"}:
            return ""
        return "What others decided in second reviews that are still open is for an auditor's login alone."

    async def _with_others(self, found: activity.Activity, hidden: str, period: Period) -> Answer:
        decided = await second_review.independent(self.db, limit=INDEPENDENT)
        pairs = (
            ((one.reviewer_id, one.timestamp, one.action), (other.reviewer_id, other.timestamp, other.action))
            for common in pairs_of(decided).values() for one, other in common
        )  # fmt: skip
        self.rows.add(found.rows(activity.agreement(pairs, period.since or period.until, period.until)))
        return found.answer(hidden=hidden)

    async def _attributed(self, workspace: str, logged: Sequence[report_exports.Logged], period: Period) -> Answer:
        found = exports_attributed.Attribution(workspace, logged)
        self.rows.add(found.log())
        here = socket.gethostname()
        written = {Path(each.directory) for each in logged if each.directory and each.host == here}
        paths = await asyncio.to_thread(lambda: list(manifests.manifests_in(written, self.asked.folders)))
        for done, path in enumerate(paths, 1):
            manifest = await asyncio.to_thread(manifests.read, path)
            if not is_later(manifest, period):
                self.rows.add(found.compare(manifest))
            self.progress(done, len(paths))
        return found.answer()


def is_later(manifest: manifests.Found, period: Period) -> bool:
    """Whether an export came after the moment that is asked about."""
    if period.is_now or not manifest.exported_at:
        return False
    try:
        return datetime.fromisoformat(manifest.exported_at) >= period.until
    except (ValueError, TypeError):
        return False


def period_of(asked: Asked, now: datetime) -> Period:
    """What a report is about."""
    until = now if asked.until is None else asked.until
    is_now = asked.until is None or asked.until >= now
    if not asked.kind.of_period:
        return Period(min(until, now) if is_now else until, None, is_now)
    return Period(until, asked.since or until - timedelta(days=DAYS), is_now)
