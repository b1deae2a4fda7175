"""Rows of the logs that are old enough to fall due, as if they had been written then."""

from __future__ import annotations

from datetime import date

import psycopg

from support import Conninfo
from traintui.data.embedded import SUPERUSER

LONG_AGO = date(2024, 1, 8)
"""The Monday of the week that rows are put into."""


def aged(conninfo: Conninfo, week: date = LONG_AGO, *, where: str = "true") -> None:
    """Puts calls that are not sealed yet into a week of long ago, with the hashes that they would have had there."""
    moment = f"'{week} 12:00+00'::timestamptz + id * interval '1 second'"
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SELECT make_generation_partitions(0, %s::timestamptz)", [f"{week} 12:00+00"])
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            f"UPDATE generation_logs SET created_at = {moment}, finished_at = {moment} + interval '900 ms'"
            f" WHERE {where}".encode()
        )
        connection.execute("UPDATE generation_logs SET row_hash = generation_log_digest(generation_logs)"
                           " WHERE state <> 'sending'")  # fmt: skip


CALLS = """
    INSERT INTO generation_logs (created_at, kind, state, requested_by, endpoint, is_rehearsal, model, parameters,
                                 request_payload, response_payload, cost_usd, input_tokens, output_tokens,
                                 conversation_id, error_message, error_type)
    SELECT %(moment)s::timestamptz + n * interval '1 minute', 'generate', CASE n %% 4 WHEN 3 THEN 'error' ELSE 'ok' END,
           'ada', 'https://a', false, 'claude-haiku-5-5', '{"a": 1}', jsonb_build_object('prompt', 'Write ' || n),
           CASE n %% 4 WHEN 3 THEN NULL ELSE '{"text": "Written."}'::jsonb END, 0.01, 10, 20, 'c-' || n,
           CASE n %% 4 WHEN 3 THEN 'Overloaded' END, CASE n %% 4 WHEN 3 THEN 'overloaded' END
    FROM generate_series(1, %(number)s) AS n
"""


def calls_of(conninfo: Conninfo, moment: str, number: int) -> None:
    """Adds so many calls of a moment and the minutes after it: each costs a cent and has 30 tokens, every fourth
    failed."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SELECT make_generation_partitions(0, %s::timestamptz)", [moment])
        connection.execute(CALLS, {"moment": moment, "number": number})


def aged_exports(conninfo: Conninfo, week: date = LONG_AGO, *, where: str = "true") -> None:
    """Puts exports into a week of long ago; where one of them is sealed, as if nothing had been sealed yet."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        sealed = (
            f"SELECT FROM export_logs WHERE ({where})"
            " AND xid8 < (SELECT horizon FROM audit_seals ORDER BY number DESC LIMIT 1)"
        )
        if connection.execute(sealed.encode()).fetchall():
            for table in ("audit_seals", "audit_seal_parts", "audit_seal_leaves"):
                connection.execute(f"DELETE FROM {table}".encode())
        connection.execute(
            f"UPDATE export_logs SET exported_at = '{week} 12:00+00'::timestamptz + id * interval '1 second'"
            f" WHERE {where}".encode()
        )
        connection.execute("UPDATE export_logs SET row_hash = export_log_digest(export_logs)")
