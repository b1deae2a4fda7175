"""What changed around the time of an alert, out of what is stored."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from traintui.data.alert_records import Alert
from traintui.data.engine import Database
from traintui.data.query_labels import UNLOGGED

MOST = 12
"""Changes that are told of one alert."""

# Growth is told of what is large and grew by a fifth in that time.
CHANGES = text("""
    WITH size AS (
        SELECT table_name, (array_agg(live_rows ORDER BY at))[1] AS before,
               (array_agg(live_rows ORDER BY at DESC))[1] AS now, max(at) AS at
        FROM table_samples WHERE at >= :since AND at <= :until GROUP BY table_name
    ), file AS (
        SELECT index_name, at, file_number, lag(file_number) OVER (PARTITION BY index_name ORDER BY at) AS before
        FROM index_samples WHERE at >= :since AND at <= :until
    ), start AS (
        SELECT at, server_started_at, lag(server_started_at) OVER (ORDER BY at) AS before
        FROM server_samples WHERE at >= :since AND at <= :until
    ), found AS (
        SELECT came_at AS at, 'version' AS what,
               CASE WHEN what = 'schema' THEN 'the schema came to revision ' || version
                    ELSE CASE what WHEN 'traintui' THEN 'Traintui ' ELSE 'PostgreSQL ' END || version
                         || CASE WHEN came_at = first_seen_at THEN ' was first used' ELSE ' is used again' END
               END AS says
        FROM versions_seen
        WHERE came_at >= :since AND came_at <= :until
          -- What was there from the first look on is no change.
          AND came_at > (SELECT min(first_seen_at) + interval '1 minute' FROM versions_seen)
        UNION ALL
        SELECT server_started_at, 'start', 'the server was started' FROM start WHERE server_started_at > before
        UNION ALL
        SELECT at, 'growth', table_name || ' grew from ' || before || ' to ' || now || ' rows'
        FROM size WHERE now >= 10000 AND now > before * 1.2
        UNION ALL
        SELECT first_seen_at, 'plan', label || ' has another plan (' || statement_hash || ')'
        FROM query_plans AS p
        WHERE first_seen_at >= :since AND first_seen_at <= :until AND label = :label
          AND EXISTS (SELECT FROM query_plans AS o WHERE o.label = p.label AND o.statement_hash = p.statement_hash
                      AND o.first_seen_at < p.first_seen_at)
        UNION ALL
        SELECT retired_at, 'retention', 'the week of ' || week || ' of ' || log || ' went to the archive'
        FROM retirements WHERE retired_at >= :since AND retired_at <= :until
        UNION ALL
        SELECT at, 'rebuild', index_name || ' was built anew' FROM file
        WHERE file_number <> before AND index_name NOT LIKE 'ix_generation_logs%' AND index_name <> 'pk_generation_logs'
          -- What somebody did through Traintui is told as that.
          AND NOT EXISTS (SELECT FROM index_actions AS a WHERE a.state = 'done' AND a.index_name = file.index_name
                          AND a.started_at >= :since AND a.started_at <= file.at)
        UNION ALL
        SELECT started_at, 'index',
               acted_by || CASE kind WHEN 'rebuild' THEN ' rebuilt ' WHEN 'drop' THEN ' dropped '
                           WHEN 'create' THEN ' made ' ELSE ' cleaned up ' END || index_name
        FROM index_actions WHERE state = 'done' AND started_at >= :since AND started_at <= :until
        UNION ALL
        SELECT changed_at, 'setting', changed_by || ' changed ' || key
        FROM workspace_setting_changes WHERE changed_at >= :since AND changed_at <= :until
    )
    SELECT at, what, says FROM found ORDER BY at DESC LIMIT :most
""")
"""Served by the keys of the samples and of versions_seen. The indexes of the log of calls change with each week."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed: when, what kind of thing, and in words."""

    at: datetime
    what: str
    says: str

    def as_json(self) -> dict[str, Any]:
        """As it is kept with an alert."""
        return {"at": self.at.isoformat(), "what": self.what, "says": self.says[:300]}


def changes_of(alert: Alert) -> tuple[Change, ...]:
    """What changed before an alert, as it is kept with it; what is no such thing is left out."""
    found = []
    for each in alert.around:
        with suppress(KeyError, TypeError, ValueError):
            found.append(Change(datetime.fromisoformat(each["at"]), str(each["what"]), str(each["says"])))
    return tuple(found)


async def changes(db: Database, since: datetime, until: datetime, label: str | None) -> tuple[Change, ...]:
    """What changed in that time, the newest first: versions, restarts, growth, retention, rebuilds and other actions on
    indexes, settings, and plans of a label."""
    values = {"since": since, "until": until, "label": label or "", "most": MOST}
    async with db.read(UNLOGGED) as connection:
        return tuple(Change(*row) for row in await connection.execute(CHANGES, values))
