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
