"""What was removed under policy, as the archive has it: its rows take their places in the record again, to be compared
with the seals as any row is, and what says that they were removed is compared with both."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import groupby
from typing import Any

import orjson

from traintui.audit.archiving import found_by
from traintui.audit.findings import NAMES, RESTORE, Finding
from traintui.audit.frames import NOTED, DamagedFrame, recorded, unpack
from traintui.audit.merkle import merkle_root
from traintui.audit.noted import noted_digests, nothing_noted
from traintui.audit.row_hashes import framed
from traintui.audit.walking import PLACES, WIDTH, key_of
from traintui.audit.words import number_of
from traintui.data.archive_frames import Frame, Retirement
from traintui.data.copied_rows import Row
from traintui.data.retention import RetiredLog
from traintui.data.sealed_columns import Log
from traintui.data.whole_record import Record

PARTS = """
    SELECT root, row_count FROM audit_seal_parts WHERE log = 'generation_logs' AND week = %(week)s
    ORDER BY number, place
"""


NAMED = 100
"""Exports of a week that are named."""


@dataclass(slots=True)
class _Held:
    """What was met of the frames of one retirement. `said` are the digests of what was noted of its exports, as rows
    of the log have them, by the exports that ended."""

    rows: int = 0
    noted: int = 0
    frames: int = 0
    hashes: list[bytes] = field(default_factory=list)
    digest: list[bytes] = field(default_factory=list)
    said: dict[bytes, str | None] = field(default_factory=dict)


NO_SUMS = sha256(b"").digest()
"""The digest of the sums of a week of which nothing is kept."""


def sums_digests(rows: Iterable[Row]) -> Iterator[tuple[date, bytes]]:
    """The digest of what removed calls came to, of each week of rows that come week after week, as
    `retired_sums_digest` of the database has it."""
    for week, some in groupby(rows, key=lambda row: row[0] or b""):
        digests = sorted(sha256(b"".join(map(framed, fields_of_sum(row)))).digest() for row in some)
        yield date.fromisoformat(week.decode()), sha256(b"".join(digests)).digest()


def fields_of_sum(row: Row) -> Sequence[bytes | None]:
    """What the digest of a row is made of: the table, and its columns."""
    return row[1:8] if row[1] == b"retired_calls" else row[1:]


class Removed:
    """The weeks that were removed. Rows are read once, in the order of the record; what is not right about their frames
    is kept as findings."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.retirements = record.retirements()
        self.rows_met = self.erased_frames = self.unknown_noted = self.unknown_sums = 0
        self.found: list[Finding] = []
        self._held = {(each.log, each.week): _Held() for each in self.retirements}

    @property
    def weeks(self) -> list[date]:
        """The weeks of the generation log that were removed."""
        return [each.week for each in self.retirements if each.log == "generation_logs"]

    def rows(self, log: Log, week: date | None) -> Generator[Row, None, None]:
        """The rows of a log, of a week, in the order of the record, those in the archive among them."""
        weeks = [each.week for each in self.retirements if each.log == log and week in (None, each.week)]
        with ExitStack() as stack:
            live = stack.enter_context(closing(self.record.rows(log, week)))
            if not weeks:
                yield from live
                return
            kept = [stack.enter_context(closing(self._of_week(log, each))) for each in weeks]
            yield from heapq.merge(*kept, live, key=lambda row: key_of(log, row))

    def _of_week(self, log: Log, week: date) -> Generator[Row, None, None]:
        held = self._held[log, week]
        for frame, names, rows in self._frames(log, week, held):
            held.rows += len(rows)
            self.rows_met += len(rows)
            keys, whole, payloads = [], list[Row](), 0
            for each in rows:
                try:
                    row = recorded(log, names, each)
                    keys.append(key_of(log, row))
                    if log == "export_logs":
                        held.hashes.append(bytes.fromhex((row[WIDTH[log]] or b"").decode()))
                        if row[PLACES[log]["state"]] != b"started":
                            held.said[row[PLACES[log]["export_id"]] or b""] = said_digest(row)
                except ValueError:
                    self._damaged(frame, "a line of it has no number, or no hash")
                    continue
                payloads += sum(field is not None for field in row[WIDTH[log] + 2 :])
                whole.append(row)
                yield row
            if keys and (keys[0], keys[-1]) != (frame.first, frame.last):
                self._damaged(frame, "its first or its last row is not the one that it names")
            if whole and (wrong := not_found_by(frame, whole)):
                self._damaged(frame, f"its {wrong} are not those that it is found by, so a search passes over its rows")
            if payloads != frame.payload_count:
                self._damaged(frame, f"it has {payloads:,} payloads, and says to have {frame.payload_count:,}")

    def _frames(self, log: str, week: date, held: _Held) -> Iterator[tuple[Frame, tuple[str, ...], list[Row]]]:
        """The frames of a week that can be read, with their rows."""
        place = 0
        with closing(self.record.frames(log, week)) as frames:
            for frame in frames:
                place += 1
                held.frames += 1
                held.digest.append(frame.sha256)
                self.erased_frames += frame.erased_sha256 is not None
                if frame.place != place:
                    self._add(frame.log, week, f"frame {place} is not there")
                    place = frame.place
                if sha256(frame.content).digest() != (frame.erased_sha256 or frame.sha256):
                    self._damaged(frame, "it is not what was archived")
                try:
                    names, rows = unpack(frame.content)
                except DamagedFrame as error:
                    self._damaged(frame, f"it cannot be read ({error})")
                    continue
                if len(rows) != frame.row_count:
                    self._damaged(frame, f"it has {len(rows):,} rows, and says to have {frame.row_count:,}")
                yield frame, names, rows

    def manifests(self, host: str) -> Iterator[tuple[str, str]]:
        """Where exports that were removed were written on a machine: directory and file. Frames that cannot be read are
        told of where their rows are."""
        for each in self.retirements:
            if each.log != "export_logs":
                continue
            with closing(self.record.frames(each.log, each.week)) as frames:
                for frame in frames:
                    yield from written_on(host, frame)

    def finish(self) -> None:
        """Compares each retirement with what was met of its frames, and with the seals. After all rows were read."""
        sums = dict(sums_digests(self.record.retired_sums()))
        for each in self.retirements:
            held = self._held[each.log, each.week]
            if each.log == "generation_logs":
                self._summed(each, sums.pop(each.week, NO_SUMS))
            if each.log == "export_logs":
                self._noted(each, held)
                root = merkle_root(held.hashes)
                sealed = each.row_count
            else:
                parts = self.record.figures(PARTS, {"week": each.week})
                root = merkle_root([bytes(part) for part, _ in parts])
                sealed = sum(number for _, number in parts)
            self._compare(each, held, root, sealed)
        for week in sums:
            self._add("retired_sums", week, "nothing says that calls of this week were removed")

    def _summed(self, each: Retirement, digest: bytes) -> None:
        """Compares what is kept of what calls came to with the digest that their retirement has of it."""
        if each.sums_sha256 is None:
            self.unknown_sums += 1
        elif digest != each.sums_sha256:
            self._add("retired_sums", each.week, "they are not those that were kept when it was removed")

    def _noted(self, each: Retirement, held: _Held) -> None:
        """Compares what was noted of the exports of a week with the digests that sealed rows have of it."""

        def rows() -> Iterator[Row]:
            for frame, names, some in self._frames("export_rows", each.week, held):
                if names != NOTED:
                    self._damaged(frame, "its columns are others")
                    continue
                held.noted += len(some)
                yield from some

        digests, unlike = [], []
        for export_id, digest in noted_digests(rows()):
            digests.append(digest)
            said = held.said.pop(export_id, None)
            if said is not None and said != digest.hex():
                unlike.append(export_id)
        unlike += [export for export, said in held.said.items() if said not in (None, nothing_noted(export).hex())]
        for export_id in unlike[:NAMED]:
            what = f"the conversations of export {export_id.decode()} are not those that were noted when it ended"
            self._add("export_rows", each.week, what)
        if each.noted_sha256 is None:
            self.unknown_noted += each.noted_count
        elif sha256(b"".join(digests)).digest() != each.noted_sha256:
            self._add("export_rows", each.week, "they are not those that were removed")

    def _compare(self, each: Retirement, held: _Held, root: bytes, sealed: int) -> None:
        if sealed != each.row_count or (root != each.root and held.rows == each.row_count):
            self._add(each.log, each.week, f"its {each.row_count:,} rows and their root are not what the seals have")
        if (held.rows, held.noted, held.frames) != (each.row_count, each.noted_count, each.frame_count):
            self._add(
                each.log, each.week,
                f"{each.row_count:,} rows and {each.noted_count:,} conversations of exports were removed, and the"
                f" archive has {held.rows:,} and {held.noted:,}",
            )  # fmt: skip
        elif sha256(b"".join(held.digest)).digest() != each.archive_sha256:
            self._add(each.log, each.week, "its frames are not those that were there when it was removed")

    def _damaged(self, frame: Frame, what: str) -> None:
        self._add(frame.log, frame.week, f"frame {frame.place:,}: {what}")

    def _add(self, log: str, week: date, what: str) -> None:
        where = f"the archive of the {NAMES.get(log, 'conversations of exports')}, week of {week}"
        means = "What was removed under policy is not what stands in the archive."
        if log == "retired_sums":
            where, means = (
                f"the sums of removed calls, week of {week}",
                "What conversations and batches cost reads otherwise.",
            )
        self.found.append(Finding("archive", where, what, means, RESTORE))

    def notes(self) -> Iterator[str]:
        """What was removed under policy, in a line each."""
        for each in self.retirements:
            held = self._held[each.log, each.week]
            yield (
                f"{NAMES[each.log].capitalize()}, week of {each.week}: removed under policy, root known:"
                f" {number_of(each.row_count, 'row')}, on {each.retired_at:%Y-%m-%d} by {each.retired_by}, kept for"
                f" {each.keep_days} days; {held.rows:,} of them in the archive."
            )
        if self.unknown_noted:
            yield (
                f"{number_of(self.unknown_noted, 'conversation')} of archived exports went before revision 0045,"
                " without a digest: their number alone was compared."
            )
        if self.unknown_sums:
            yield (
                f"{number_of(self.unknown_sums, 'week')} of calls went before revision 0050, without a digest of what"
                " they came to: their sums were compared with nothing."
            )


def not_found_by(frame: Frame, rows: Sequence[Row]) -> str:
    """What a frame is found by that is not what its rows say; nothing where all is."""
    log: RetiredLog = "generation_logs" if frame.log == "generation_logs" else "export_logs"
    try:
        first, last, conversations = found_by(log, rows)
    except (ValueError, OverflowError):  # a row that says no time, which is found by its hash too
        return "times"
    wrong = ["times"] if (frame.first_at, frame.last_at) != (first, last) else []
    return " and ".join([*wrong, *(["conversations"] if sorted(frame.conversation_ids) != conversations else [])])


def metadata_of(row: Row) -> dict[str, Any]:
    """The metadata of a row of the export log; none where it cannot be read."""
    try:
        found = orjson.loads(row[PLACES["export_logs"]["metadata"]] or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def said_digest(row: Row) -> str | None:
    """The digest of what was noted of an export, as the row has it that says how it ended; None where it has none."""
    said = metadata_of(row).get("rows_sha256")
    return said if isinstance(said, str) else None


def written_on(host: str, frame: Frame) -> Iterator[tuple[str, str]]:
    """Where the exports of a frame were written on a machine."""
    try:
        names, rows = unpack(frame.content)
    except DamagedFrame:
        return
    for each in rows:
        row = recorded("export_logs", names, each)
        said = metadata_of(row)
        if row[PLACES["export_logs"]["state"]] == b"started" and said.get("host") == host:
            directory, file = said.get("directory"), said.get("file")
            if isinstance(directory, str) and isinstance(file, str):
                yield directory, file
