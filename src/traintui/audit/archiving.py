"""Writing what falls due to the archive, and reading it back beside its rows before any of them goes.

Blocks, some 100 µs a row; run it in a thread. A copy that was interrupted is gone on with, and nobody reads it before
its week was removed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import islice, zip_longest
from typing import Any

import psycopg

from traintui.audit.erased import Erased
from traintui.audit.frames import COLUMNS, NOTED, ROWS, DamagedFrame, archived, pack, unpack
from traintui.audit.row_hashes import VERSIONS, row_hash
from traintui.audit.walking import PAYLOAD_PLACES, PLACES, WIDTH, key_of
from traintui.data.archive_frames import ADD, Frame
from traintui.data.copied_rows import Row
from traintui.data.engine import Database
from traintui.data.refusals import answered
from traintui.data.retention import RetiredLog
from traintui.data.seal_records import Key
from traintui.data.sealed_columns import Log
from traintui.data.whole_record import Record, opened, record
from traintui.errors import TraintuiError

NOTED_ROWS = 20_000
"""Conversations of exports in a frame: each is a few words."""
AT_ONCE = 20
"""Frames in a transaction."""
EVERY = 2_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES: dict[RetiredLog, str] = {"generation_logs": "created_at", "export_logs": "exported_at"}
Progress = Callable[[int], None]
"""How many rows of the week were looked at, by now twice each: once to be written, once to be compared."""


class Stopped(TraintuiError):
    """Somebody stopped it; what is in the archive by now stays there, and the next time it goes on."""

    def __init__(self) -> None:
        super().__init__("Not retired", "it was stopped; no row was removed.", "Run it again: it goes on where it was.")


class NotAsSealed(TraintuiError):
    """A week in which a row is not what its hash says; it is not touched."""

    def __init__(self, log: Log, key: Key) -> None:
        super().__init__(
            "Not retired", f"row {key[1]:,} of {log} is not what its hash says, so its week is left as it stands.",
            "Find out what happened to it: traintui audit verify.",
        )  # fmt: skip


@dataclass(slots=True)
class _Watch:
    progress: Progress
    stop: threading.Event
    rows: int = 0

    def look(self) -> None:
        self.rows += 1
        if self.rows % EVERY == 0:
            self.pause()

    def pause(self) -> None:
        if self.stop.is_set():
            raise Stopped
        self.progress(self.rows)


def archive(db: Database, log: RetiredLog, week: date, *, progress: Progress, stop: threading.Event) -> int:
    """Writes a week of a log to the archive, or what is missing of it there, and compares all of it with the rows as
    they stand: byte for byte, and with their hashes. How many rows there are. A copy that differs, since something was
    erased meanwhile, is begun anew. Raises `Stopped`, `NotAsSealed`, `Refused` when one may not, and `TraintuiError`
    when the database cannot be reached."""
    watch = _Watch(progress, stop)
    for _ in range(3):
        write_frames(db, log, week, watch)
        with record(db) as found:
            rows = compared(found, log, week, watch)
        if rows is not None:
            return rows
        discard(db, log, week)
    raise TraintuiError(
        "Not retired", f"the week of {week} changes while it is archived.", "Run it again when nobody purges."
    )


def discard(db: Database, log: RetiredLog, week: date) -> None:
    """Takes back the copy of a week that was not removed."""
    with answered(), opened(db) as connection:
        connection.execute("SELECT discard_archive(%s, %s)", [log, week])


def write_frames(db: Database, log: RetiredLog, week: date, watch: _Watch) -> None:
    """Adds to the archive what it lacks of a week."""
    with record(db) as found, answered(), opened(db) as writing:
        last = found.last_frame(log, week)
        began_in = week if log == "export_logs" else None
        rows = found.rows(log, None if began_in else week, after=None if last is None else last.last, began_in=began_in)
        with closing(rows):
            store(writing, row_frames(log, week, 0 if last is None else last.place, watched(rows, watch)), watch)
        if log == "export_logs":
            last = found.last_frame("export_rows", week)
            noted = found.noted(week, after=0 if last is None else last.last[1])
            with closing(noted):
                store(writing, noted_frames(week, last, watched(noted, watch)), watch)


def watched(rows: Iterable[Row], watch: _Watch) -> Iterator[Row]:
    for row in rows:
        watch.look()
        yield row


def store(writing: psycopg.Connection[Any], frames: Iterator[Frame], watch: _Watch) -> None:
    """Commits frames, some at once."""
    while some := list(islice(frames, AT_ONCE)):
        watch.pause()
        with writing.transaction(), writing.cursor() as cursor:
            cursor.executemany(ADD, [frame.values for frame in some])


def row_frames(log: RetiredLog, week: date, place: int, rows: Iterator[Row]) -> Iterator[Frame]:
    """Frames of rows that come in their order, behind the frame at `place`."""
    width = WIDTH[log]
    while some := list(islice(rows, ROWS)):
        place += 1
        content, raw_bytes = pack(COLUMNS[log], (archived(log, row) for row in some))
        yield Frame(
            log, week, place, len(some), sum(field is not None for row in some for field in row[width + 2 :]),
            key_of(log, some[0]), key_of(log, some[-1]), *found_by(log, some), raw_bytes, content,
        )  # fmt: skip


def found_by(log: RetiredLog, rows: Sequence[Row]) -> tuple[datetime, datetime, list[str]]:
    """What a frame of some rows is found by: the earliest and the latest of their times, and the conversations that
    they name."""
    places = PLACES[log]
    times = sorted(int(row[places[TIMES[log]]] or 0) for row in rows)
    conversations: set[str] = set()
    if log == "generation_logs":
        conversations = {said.decode() for row in rows if (said := row[places["conversation_id"]]) is not None}
    return moment(times[0]), moment(times[-1]), sorted(conversations)


def noted_frames(week: date, last: Frame | None, rows: Iterator[Row]) -> Iterator[Frame]:
    """Frames of what was noted of the conversations of exports; their keys count them."""
    place, number = (0, 0) if last is None else (last.place, last.last[1])
    while some := list(islice(rows, NOTED_ROWS)):
        place += 1
        content, raw_bytes = pack(NOTED, some)
        yield Frame(
            "export_rows", week, place, len(some), 0, (0, number + 1), (0, number + len(some)), None, None, (),
            raw_bytes, content,
        )  # fmt: skip
        number += len(some)


def moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def compared(found: Record, log: RetiredLog, week: date, watch: _Watch) -> int | None:
    """Reads the frames of a week back beside its rows; how many rows there are, None where they are not the same.
    Raises `NotAsSealed` where a row is not what its hash says."""
    began_in = week if log == "export_logs" else None
    number, erased = 0, Erased(found)
    with closing(found.rows(log, None if began_in else week, began_in=began_in)) as rows:
        for row, kept in zip_longest(watched(rows, watch), unpacked(found, log, week, COLUMNS[log])):
            if row is None or archived(log, row) != kept:
                return None
            if not is_as_hashed(log, row, erased):
                raise NotAsSealed(log, key_of(log, row))
            number += 1
    if log == "export_logs":
        with closing(found.noted(week)) as noted:
            if any(row != kept for row, kept in zip_longest(noted, unpacked(found, "export_rows", week, NOTED))):
                return None
    return number


def unpacked(found: Record, log: str, week: date, names: tuple[str, ...]) -> Iterator[Row | None]:
    """The rows of the frames of a week as they stand there; None for a frame that is damaged."""
    with closing(found.frames(log, week)) as frames:
        for frame in frames:
            try:
                held, rows = unpack(frame.content)
            except DamagedFrame:
                held, rows = (), []
            if held != names or len(rows) != frame.row_count:
                yield None
                return
            yield from rows


def is_as_hashed(log: Log, row: Row, erased: Erased) -> bool:
    """Whether a row and its payloads are what its hash says."""
    width = WIDTH[log]
    if row[0] not in VERSIONS[log] or row_hash(log, erased.whole(log, row)).hex().encode() != row[width]:
        return False
    return all(
        row[payload] is None or sha256(row[payload] or b"").hexdigest().encode() == row[digest]
        for payload, digest in PAYLOAD_PLACES[log]
    )
