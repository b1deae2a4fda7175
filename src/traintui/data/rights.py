"""What a login may see and do of the server beside its data: other people's sessions, and their end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from traintui.data.engine import Database


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights of a login on the server. `pooled` says that a pooler stands between, `fills_known` that samples of
    the last day have how full indexes are; the `tracks_` are whether the server notes what sessions do and counts what
    is done with tables."""

    login: str
    role: str
    embedded: bool
    pooled: bool
    sees_sessions: bool
    ends_sessions: bool
    samples_see: bool
    sees_slow_queries: bool
    fills_known: bool
    tracks_activities: bool
    tracks_counts: bool


# The samples by their key.
RIGHTS = text("""
    SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS sees_sessions,
           pg_has_role('pg_signal_backend', 'USAGE') AS ends_sessions,
           pg_has_role('traintui_owner', 'pg_read_all_stats', 'USAGE') AS samples_see,
           pg_has_role('traintui_admin', 'MEMBER') OR pg_has_role('traintui_auditor', 'MEMBER') AS sees_slow_queries,
           EXISTS (SELECT FROM index_samples
                   WHERE at > clock_timestamp() - interval '1 day' AND density IS NOT NULL) AS fills_known,
           current_setting('track_activities')::boolean AS tracks_activities,
           current_setting('track_counts')::boolean AS tracks_counts,
           pg_backend_pid() AS pid
""")


async def rights(db: Database) -> Rights:
    """The rights of the login of `db`. Raises `TraintuiError` when the database is not reached."""
    async with db.read() as connection:
        found = dict((await connection.execute(RIGHTS)).mappings().one())
        driver: Any = (await connection.get_raw_connection()).driver_connection
        # A pooler greets with a number of its own, and hands statements to whatever backend is free.
        pooled = found.pop("pid") != driver.info.backend_pid
    return Rights(db.login, db.role, db.server is not None, pooled, **found)
