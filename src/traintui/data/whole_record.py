"""The whole record as of one moment, to be verified: the seals, and the rows that they are about.

Who verifies reads in a thread, over connections of its own that share a snapshot: a million rows are streamed, and
neither rows nor seals are ever held as a whole.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql

from traintui.data.archive_frames import (
    FRAMES,
    FRAMES_AT_ONCE,
    LAST_FRAME,
    Frame,
    Retirement,
    frame_of,
    retirements_of,
)
from traintui.data.engine import CONNECT_TIMEOUT, Database
from traintui.data.refusals import answered
from traintui.data.sealed_columns import HASHED, PAYLOADS, Log

Key = tuple[int, int]
"""Where a row stands in its log: transaction, then id."""
WHOLE_LOGS: tuple[Log, ...] = ("review_logs", "export_logs", "retirements", "erasures")
"""Logs that are sealed as they are; the generation log by weeks."""
PARTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Order:
    """What the database says of the order of its logs. Rows from `begins_at` on were written by this server, in its
    transaction xid8 - `offset`; where it was copied and nobody wrote since that is not known, and `is_copied`. None can
    have reached `next` yet."""

    workspace: str
    offset: int
    begins_at: int
    next: int
    is_copied: bool


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one log in a seal, of one week where it is the generation log. `keys` and `row_hashes` are what its
    root was made of, None where they are gone."""

    number: int
    place: int
    log: Log
    week: date | None
    first: Key
    last: Key
    row_count: int
    root: bytes
    keys_sha256: bytes
    keys: bytes | None = None
    row_hashes: bytes | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal: all rows below `horizon` that none before it has."""

    number: int
    horizon: int
    made_at: datetime
    made_at_micros: int
    row_count: int
    previous_hash: bytes
    hash: bytes
    parts: tuple[Part, ...] = ()


Row = list[bytes | None]
"""The columns of `HASHED`, then the row's stored hash in hexadecimal, the number of the server's transaction that wrote
what stands there, and the payloads."""


class Record:
    """The whole record as of one moment. Blocks; use it in a thread."""

    def __init__(self, rows: psycopg.Connection[Any], others: psycopg.Connection[Any]) -> None:
        self._rows = rows
        self._others = others

    def order(self) -> Order:
        """The order of the logs."""
        found = self._others.execute(
            "SELECT workspace_id::text, xid_offset, begins_at::text::bigint,"
            " pg_snapshot_xmax(pg_current_snapshot())::text::bigint + xid_offset,"
            " written_by IS NULL OR xmin <> written_by::xid FROM log_order"
        ).fetchone()
        return Order(*found) if found else Order("", 0, 0, 0, True)

    def seals(self) -> Generator[Seal, None, None]:
        """The seals by number, each with its parts, without what their roots are made of."""
        statement = """
            SELECT s.number, s.horizon::text::bigint, s.made_at, (extract(epoch FROM s.made_at) * 1000000)::bigint,
                   s.row_count, s.previous_hash, s.hash,
                   p.place, p.log, p.week, p.first_xid8::text::bigint, p.first_id, p.last_xid8::text::bigint, p.last_id,
                   p.row_count, p.root, p.keys_sha256
            FROM audit_seals AS s LEFT JOIN audit_seal_parts AS p ON p.number = s.number ORDER BY s.number, p.place
        """
        head: tuple[Any, ...] | None = None
        parts: list[Part] = []
        with closing(self._streamed("seals", statement, {}, at_once=500)) as rows:
            for row in rows:
                if head is not None and row[0] != head[0]:
                    yield seal_of(head, parts)
                    parts = []
                head = row[:7]
                if row[7] is not None:
                    parts.append(part_of(row[0], row[7:]))
        if head is not None:
            yield seal_of(head, parts)

    def parts(self, log: Log, week: date | None) -> Generator[Part, None, None]:
        """The parts of a log, of a week, in the order of its rows, with what their roots are made of."""
        statement = """
            SELECT p.number, p.place, p.log, p.week, p.first_xid8::text::bigint, p.first_id, p.last_xid8::text::bigint,
                   p.last_id, p.row_count, p.root, p.keys_sha256, l.keys, l.row_hashes
            FROM audit_seal_parts AS p LEFT JOIN audit_seal_leaves AS l ON l.number = p.number AND l.place = p.place
            WHERE p.log = %(log)s AND p.week IS NOT DISTINCT FROM %(week)s ORDER BY p.number, p.place
        """  # served by ix_audit_seal_parts_log_week
        values = {"log": log, "week": week}
        with closing(self._streamed("parts", statement, values, at_once=PARTS_AT_ONCE)) as rows:
            for row in rows:
                yield part_of(row[0], row[1:])

    def strayed(self) -> list[tuple[int, int]]:
        """Parts and what their roots are made of whose seal is not there, or that are not there for a part."""
        return self._others.execute(
            "SELECT number, place FROM audit_seal_parts WHERE number NOT IN (SELECT number FROM audit_seals) UNION"
            " SELECT number, place FROM audit_seal_leaves WHERE (number, place) NOT IN"
            " (SELECT number, place FROM audit_seal_parts) ORDER BY 1, 2 LIMIT 100"
        ).fetchall()

    def weeks(self) -> list[date]:
        """The weeks of the generation log that have a table or seals, by their Mondays."""
        sealed = self._others.execute("SELECT DISTINCT week FROM audit_seal_parts WHERE week IS NOT NULL").fetchall()
        return sorted({week for (week,) in sealed} | set(self.live_weeks()))

    def hidden(self) -> dict[Key, bytes]:
        """Rows of the review log that this login may not read while others decide too: their hashes by their keys."""
        rows = self._others.execute("SELECT xid8::text::bigint, id, row_hash FROM hidden_review_rows()").fetchall()
        return {(xid8, id): bytes(row_hash) for xid8, id, row_hash in rows}

    def purges(self, conversation_id: str) -> set[int]:
        """The transactions in which a conversation was purged."""
        rows = self._others.execute(
            "SELECT xid8::text::bigint FROM review_logs WHERE conversation_id = %s AND action = 'purge'",
            [conversation_id],
        ).fetchall()
        return {xid8 for (xid8,) in rows}

    def is_import(self, bulk_id: str) -> bool:
        """Whether a bulk is an import."""
        return bool(self._others.execute("SELECT FROM imports WHERE import_id = %s", [bulk_id]).fetchall())

    def live_weeks(self) -> list[date]:
        """The weeks whose table is there, by their Mondays."""
        rows = self._others.execute(
            "SELECT to_date(substring(inhrelid::regclass::text FROM '\\d{4}w\\d{2}$'), 'IYYY\"w\"IW') FROM pg_inherits"
            " WHERE inhparent = 'generation_logs'::regclass ORDER BY 1"
        ).fetchall()
        return [week for (week,) in rows]

    def under_way(self, ids: list[int]) -> set[int]:
        """Which of these rows of the generation log stand there as calls under way."""
        rows = self._others.execute(
            "SELECT id FROM generation_logs WHERE id = ANY(%s) AND row_hash IS NULL", [ids]
        ).fetchall()
        return {id for (id,) in rows}

    def rows(
        self, log: Log, week: date | None, *, after: Key | None = None, began_in: date | None = None
    ) -> Generator[Row, None, None]:
        """Finished rows of a log, of a week, by transaction and id; those behind `after`, and of the exports that began
        in a week, where that is asked for. Served by the index on xid8."""
        names = [column.as_text for column in HASHED[log]]
        names += ["encode(row_hash, 'hex')", "xmin::text", *(f"{payload}::text" for payload, _ in PAYLOADS[log])]
        wanted = f"SELECT {', '.join(names)} FROM {log} WHERE row_hash IS NOT NULL"  # noqa: S608 - names of ours
        if week is not None:
            wanted += (
                f" AND created_at >= '{week} 00:00:00+00'"
                f" AND created_at < '{date.fromordinal(week.toordinal() + 7)} 00:00:00+00'"
            )
        if began_in is not None:
            wanted += f" AND export_id IN (SELECT exports_of_week('{began_in}'))"
        if after is not None:
            wanted += f" AND xid8 >= '{after[0]}' AND (xid8, id) > ('{after[0]}', {after[1]})"
        return self._copied(f"{wanted} ORDER BY {log}.xid8, {log}.id")

    def noted(self, week: date, *, after: int = 0) -> Generator[Row, None, None]:
        """Export, conversation and revision of all that was in the exports that began in a week, in one order, those
        behind the first `after`. Served by `pk_export_rows`."""
        return self._copied(
            "SELECT export_id, conversation_id, revision FROM export_rows"  # noqa: S608 - a date and a number
            f" WHERE export_id IN (SELECT exports_of_week('{week}'))"
            f' ORDER BY export_id COLLATE "C", conversation_id COLLATE "C" OFFSET {after}'
        )

    def retirements(self) -> list[Retirement]:
        """What was removed of the logs, by week."""
        return retirements_of(self._others)

    def frames(self, log: str, week: date) -> Generator[Frame, None, None]:
        """The frames of a week of a log, in the order of their rows."""
        with closing(
            self._streamed(f"frames {log} {week}", FRAMES, {"log": log, "week": week}, at_once=FRAMES_AT_ONCE)
        ) as rows:
            for row in rows:
                yield frame_of(row)

    def last_frame(self, log: str, week: date) -> Frame | None:
        """The frame that ends what is archived of a week by now."""
        found = self._others.execute(LAST_FRAME.encode(), {"log": log, "week": week}).fetchone()
        return None if found is None else frame_of(found)

    def _copied(self, wanted: str) -> Generator[Row, None, None]:
        # Text, and not a cursor: half the time of the server, and none of the driver's.
        with self._rows.cursor() as cursor, cursor.copy(f"COPY ({wanted}) TO STDOUT".encode()) as copy:
            for line in copy:
                yield read_line(bytes(line))

    def figures(self, statement: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a question about the record."""
        return self._others.execute(statement.encode(), values).fetchall()

    def _streamed(
        self, name: str, statement: str, values: Mapping[str, Any], *, at_once: int
    ) -> Generator[Any, None, None]:
        with self._others.cursor(name) as cursor:
            cursor.itersize = at_once
            cursor.execute(statement.encode(), values)
            yield from cursor


def opened(db: Database) -> psycopg.Connection[Any]:
    """A connection whose text is UTF-8 whatever the environment says: that is what was hashed."""
    return psycopg.connect(db.conninfo, connect_timeout=CONNECT_TIMEOUT, client_encoding="utf8")


@contextmanager
def record(db: Database) -> Iterator[Record]:
    """The record as of now. Raises `TraintuiError` when the database cannot be reached."""
    with answered(), opened(db) as others, opened(db) as rows:
        for connection in (others, rows):
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
        # Before the snapshot: what is removed is seen at once, also by who reads as of before.
        others.execute("LOCK TABLE ONLY generation_logs IN ACCESS SHARE MODE")
        (snapshot,) = others.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        rows.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        for connection in (others, rows):  # one of them rests while the other reads
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.execute("SET LOCAL statement_timeout = 0")
        # A million rows along an index beat sorting them on the disk, and the first of them are wanted at once.
        rows.execute("SET LOCAL enable_sort = off")
        yield Record(rows, others)


def seal_of(head: tuple[Any, ...], parts: list[Part]) -> Seal:
    number, horizon, made_at, micros, row_count, previous_hash, hash = head
    return Seal(number, horizon, made_at, micros, row_count, previous_hash, hash, tuple(parts))


def part_of(number: int, found: tuple[Any, ...]) -> Part:
    place, log, week, first_xid8, first_id, last_xid8, last_id, row_count, root, keys_sha256, *leaves = found
    keys, hashes = leaves or (None, None)
    return Part(
        number,
        place,
        log,
        week,
        (first_xid8, first_id),
        (last_xid8, last_id),
        row_count,
        root,
        keys_sha256,
        keys,
        hashes,
    )


NULL = b"\\N"
ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def read_line(line: bytes) -> Row:
    """The fields of a line of COPY's text format."""
    fields: Row = [None if field == NULL else field for field in line[:-1].split(b"\t")]
    if line.count(b"\\") > fields.count(None):
        return [field if field is None or b"\\" not in field else unescaped(field) for field in fields]
    return fields


def unescaped(field: bytes) -> bytes:
    """A field without the backslashes that COPY put in."""
    if field.count(b"\\") == 2 * field.count(b"\\\\"):
        return field.replace(b"\\\\", b"\\")
    first, *rest = field.split(b"\\")
    written, pieces = [first], iter(rest)
    for piece in pieces:
        if piece:
            written.append(ESCAPED.get(piece[:1], piece[:1]) + piece[1:])
        else:  # a backslash that was doubled
            written.append(b"\\" + next(pieces, b""))
    return b"".join(written)
