"""The whole record as of one moment, to be verified: the seals, and the rows that they are about.

Who verifies reads in a thread, over connections of its own that share a snapshot: a million rows are streamed, and
neither rows nor seals are ever held as a whole.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import date
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
from traintui.data.copied_rows import Row, read_line
from traintui.data.engine import CONNECT_TIMEOUT, Database
from traintui.data.refusals import answered
from traintui.data.seal_records import (
    EndedExport,
    HiddenDecision,
    Key,
    Order,
    Part,
    Seal,
    part_of,
    seal_of,
    week_of,
)
from traintui.data.sealed_columns import HASHED, PAYLOADS, Log

WHOLE_LOGS: tuple[Log, ...] = ("review_logs", "export_logs", "retirements", "erasures")
"""Logs that are sealed as they are; the generation log by weeks."""
PARTS_AT_ONCE = 4


class Record:
    """The whole record as of one moment. Blocks; use it in a thread."""

    def __init__(self, rows: psycopg.Connection[Any], others: psycopg.Connection[Any]) -> None:
        self._rows = rows
        self._others = others

    def cancel(self) -> None:
        """Ends what the server is asked for at this moment; from another thread."""
        for connection in (self._rows, self._others):
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=CONNECT_TIMEOUT)

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

    def seal_hashes(self, numbers: list[int]) -> dict[int, bytes]:
        """The hashes of seals, by their numbers; without those that are not there. Served by `pk_audit_seals`."""
        found = self._others.execute(
            "SELECT number, hash FROM audit_seals WHERE number = ANY(%s)", [numbers]
        ).fetchall()
        return {number: bytes(hash) for number, hash in found}

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

    def hidden(self) -> list[HiddenDecision]:
        """Rows of the review log that this login may not read while others decide too, as a function of ours says; what
        it says is compared with the second reviews that are open, which everybody reads."""
        rows = self._others.execute(
            "SELECT hidden.xid8::text::bigint, hidden.id, hidden.row_hash, EXISTS (SELECT FROM second_reviews AS review"
            " WHERE review.conversation_id = hidden.conversation_id AND review.revision = hidden.revision"
            " AND review.state IN ('open', 'disputed')) FROM hidden_review_rows() AS hidden"
        ).fetchall()
        return [HiddenDecision((xid8, id), bytes(row_hash), is_asked) for xid8, id, row_hash, is_asked in rows]

    def definition(self, function: str) -> str:
        """What a function of ours does, as the server has it, and with whose rights; nothing where there is none."""
        found = self._others.execute(
            "SELECT concat_ws(E'\\n', proowner::regrole, prosecdef, proconfig, prosrc) FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace AND proname = %s", [function]
        ).fetchall()  # fmt: skip
        return str(found[0][0]) if len(found) == 1 else ""

    def import_writers(self, bulk_id: str, xid8: int, offset: int) -> set[int]:
        """What the server notes as the writer of rows that an import wrote in a transaction: by the texts that came
        with them, which nobody changes; else by the feed of changes; by the rows themselves where that does not reach
        back so far. None where they do not say the same, and for what is no import. Served by `ix_review_logs_xid8` and
        `ix_conversation_changes_xid8`."""
        rows = self._others.execute(
            "SELECT log.xmin::text::bigint, text.xmin::text::bigint FROM review_logs AS log"
            " LEFT JOIN conversation_revisions AS text ON text.conversation_id = log.conversation_id"
            " AND text.revision = log.revision AND text.origin = 'imported' AND log.action IN ('import', 'edit')"
            " WHERE log.xid8 = %s::text::xid8 AND log.bulk_id = %s"
            " AND EXISTS (SELECT FROM imports WHERE import_id = log.bulk_id)",
            [xid8, bulk_id],
        ).fetchall()
        found = {text for _, text in rows if text is not None}
        if rows and not found:
            changes = self._others.execute(
                "SELECT DISTINCT xmin::text::bigint FROM conversation_changes WHERE xid8 = %(own)s::text::xid8"
                " UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT FROM conversation_changes"
                " WHERE xid8 < %(own)s::text::xid8)",
                {"own": max(0, xid8 - offset)},
            ).fetchall()
            found = {change for (change,) in changes if change is not None}
            if not found and changes:
                found = {row for row, _ in rows}
        return found if len(found) == 1 else set()

    def live_weeks(self) -> list[date]:
        """The weeks whose table is there, by their Mondays."""
        return [week for week, _, _ in self._tables() if week is not None]

    def other_tables(self) -> list[tuple[str, str]]:
        """Tables of the generation log that are of no week, by their names and bounds."""
        return [(name, bounds) for week, name, bounds in self._tables() if week is None]

    def _tables(self) -> list[tuple[date | None, str, str]]:
        """The tables of the generation log: the week that their bounds say, None where they say none."""
        rows = self._others.execute(
            "SELECT oid::regclass::text, coalesce(pg_get_expr(relpartbound, oid), ''), relkind = 'r'"
            " FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = 'generation_logs'::regclass"
        ).fetchall()
        found = [(week_of(bounds) if is_plain else None, name, bounds) for name, bounds, is_plain in rows]
        return sorted(found, key=lambda each: (each[0] or date.min, each[1]))

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

    def noted_live(self) -> Generator[Row, None, None]:
        """Export, conversation and revision of all that was in exports of the log, in the order of `noted`."""
        return self._copied(
            'SELECT export_id, conversation_id, revision FROM export_rows ORDER BY export_id COLLATE "C",'
            ' conversation_id COLLATE "C"'
        )

    def revisions(self) -> Generator[Row, None, None]:
        """Every text that is kept: conversation, revision, system prompt, turns, digest in hexadecimal, and when it was
        stored in microseconds since the epoch; as they come."""
        return self._copied(
            "SELECT conversation_id, revision, system_prompt, turns::text, encode(content_sha256, 'hex'),"
            " (extract(epoch FROM created_at) * 1000000)::bigint FROM conversation_revisions"
        )

    def ended_exports(self) -> Generator[EndedExport, None, None]:
        """How exports of the log ended, in the order of `noted`, with what is noted of those that did not end."""
        statement = """
            SELECT export_id, ended.id, ended.xid8::text::bigint, ended.metadata->>'rows_sha256'
            FROM (SELECT * FROM export_logs WHERE state <> 'started') AS ended
                FULL JOIN (SELECT DISTINCT export_id FROM export_rows) AS held USING (export_id)
            ORDER BY export_id COLLATE "C"
        """
        with closing(self._streamed("ended exports", statement, {}, at_once=1_000)) as rows:
            for row in rows:
                yield EndedExport(*row)

    def retired_sums(self) -> Generator[Row, None, None]:
        """What removed calls came to: the week, the table, and the other columns as its digest in the retirement has
        them; week after week."""
        return self._copied("""
            SELECT week, 'retired_calls', conversation_id, run_id::text, template_id::text, calls::text, cost_usd::text,
                   unpriced_calls::text, NULL, NULL
            FROM retired_calls
            UNION ALL
            SELECT week, 'retired_sums', run_id::text, model, to_char(day, 'YYYY-MM-DD'), prompt_tokens::text, category,
                   read::text, written::text, calls::text
            FROM retired_sums ORDER BY 1
        """)

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
    """A connection whose text is UTF-8 whatever the environment says: that is what was hashed. It says whose it is, to
    who waits for it."""
    return psycopg.connect(
        db.conninfo, connect_timeout=CONNECT_TIMEOUT, client_encoding="utf8", application_name="traintui record"
    )


@contextmanager
def record(db: Database) -> Iterator[Record]:
    """The record as of now. Raises `TraintuiError` when the database cannot be reached."""
    with answered(), opened(db) as others, opened(db) as rows:
        for connection in (others, rows):
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            # No table of another schema, nor a temporary one, answers for the record.
            connection.execute("SET LOCAL search_path = pg_catalog, public, pg_temp")
            connection.execute("SET LOCAL TimeZone = 'UTC'")
            connection.execute("SET LOCAL DateStyle = 'ISO, YMD'")
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
