"""A row's hash is computed again from text, without the database's functions, whatever stands in the row."""

from __future__ import annotations

import random

import psycopg
from psycopg.types.json import Jsonb

from support import Conninfo
from traintui.audit.row_hashes import row_hash
from traintui.audit.walking import WIDTH
from traintui.data.copied_rows import read_line, unescaped
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.sealed_columns import HASHED, Log
from traintui.data.whole_record import record

SIGNS = "\\\t\n\r\b\f\v\x01\x1f\x7f nNbtrfv0\\\\N\"'äß€\u2028\U0001f600"
"""What COPY writes with a backslash, what looks as if it had, and what has several bytes."""


def invented(luck: random.Random) -> str:
    return "".join(luck.choice(SIGNS) for _ in range(luck.randrange(12)))


def compared(db: Database) -> dict[str, int]:
    """Rows whose hash is the one that the database made, by log."""
    same: dict[str, int] = {}
    logs: tuple[Log, ...] = ("review_logs", "export_logs", "generation_logs")
    with record(db) as found:
        for log in logs:
            for week in found.weeks() if log == "generation_logs" else [None]:
                for row in found.rows(log, week):
                    assert row_hash(log, row[: WIDTH[log]]).hex().encode() == row[WIDTH[log]], row
                    same[log] = same.get(log, 0) + 1
    return same


async def test_any_text_in_any_column_gives_the_hash_that_the_database_made(db: Database, conninfo: Conninfo) -> None:
    luck = random.Random(7)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for _ in range(300):
            text, other = invented(luck), invented(luck)
            connection.execute(
                "INSERT INTO review_logs (conversation_id, action, revision, reviewer_notes, reason, details, bulk_id,"
                " content_sha256, duration_ms) VALUES (%s, 'flag', 1, %s, %s, %s, %s, %s, %s)",
                [text, luck.choice([other, None]), luck.choice([text, "", "\\N", None]),
                 Jsonb({text: [other, 1.50, None]}), luck.choice([other, None]), luck.choice([bytes(range(32)), None]),
                 luck.choice([0, 2**31 - 1, None])],
            )  # fmt: skip
            connection.execute(
                "INSERT INTO export_logs (export_id, conversation_count, filter_state, format, metadata, state,"
                " error_message) VALUES (gen_random_uuid()::text, 0, %s, %s, %s, 'started', %s)",
                [Jsonb(text), other, Jsonb([text]), luck.choice([text, None])],
            )
            connection.execute(
                "INSERT INTO generation_logs (kind, state, requested_by, endpoint, is_rehearsal, model, parameters,"
                " request_payload, error_message, cost_usd, redactions)"
                " VALUES ('probe', 'ok', %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [text, other, luck.choice([True, False]), text, Jsonb({}), Jsonb({"said": other}),
                 luck.choice([text, None]), luck.choice(["0", "0.000001", "99999999.5", None]), Jsonb({text: 1})],
            )  # fmt: skip
    assert compared(db) == {"review_logs": 300, "export_logs": 300, "generation_logs": 300}


def test_what_copy_writes_is_read_back() -> None:
    assert read_line(b"1\t\\N\t\t\\\\N\ta\\tb\\\\\\n\n") == [b"1", None, b"", b"\\N", b"a\tb\\\n"]
    assert unescaped(b"\\\\\\\\n\\\\t") == b"\\\\n\\t" and unescaped(b"\\\\\\b") == b"\\\b"


def test_every_column_of_a_log_is_hashed_or_digested(conninfo: Conninfo) -> None:
    of_the_hash = {"row_hash"}
    digested = {"request_payload", "response_payload"}
    with psycopg.connect(conninfo("audrey")) as connection:
        for log, columns in HASHED.items():
            names = connection.execute(
                "SELECT attname::text FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                [log],
            ).fetchall()
            assert {name for (name,) in names} - {column.name for column in columns} - digested == of_the_hash


async def test_who_reads_the_whole_record_says_so_to_who_waits_for_it(db: Database) -> None:
    with record(db) as found:
        names = found.figures(
            "SELECT DISTINCT application_name FROM pg_stat_activity"
            " WHERE datname = current_database() AND state LIKE 'idle in transaction%' OR pid = pg_backend_pid()"
        )
    assert names == [("traintui record",)]
