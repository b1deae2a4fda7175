"""What left the house that had not been approved at its revision, export by export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

PART = 20_000
"""Conversations of a statement."""
RIGHTS = ("reviewer", "author", "admin")
"""Roles that may decide: `require_role('reviewer')` of the database lets them."""

EXPORTS = text("""
    WITH logged AS (
        SELECT false AS is_archived, * FROM export_logs
        UNION ALL SELECT true, * FROM jsonb_populate_recordset(NULL::export_logs, CAST(:archived AS jsonb))
    )
    SELECT begun.export_id, begun.user_id, ended.exported_at, ended.conversation_count,
           coalesce(begun.metadata->>'snapshot', begun.xid8 || ':' || begun.xid8 || ':') AS snapshot,
           least(begun.exported_at + interval '1 minute', (begun.filter_state->>'as_of')::timestamptz) AS before,
           begun.is_archived
    FROM logged AS begun
    JOIN logged AS ended ON ended.export_id = begun.export_id AND ended.state = 'succeeded'
    WHERE begun.state = 'started' AND ended.exported_at < :moment ORDER BY begun.id
""")
"""What an export saw, and as of when. An export is two rows: there are thousands of them at the most."""

READ = text("""
    WITH part AS MATERIALIZED (
        (SELECT held.conversation_id, held.revision FROM export_rows AS held
         WHERE held.export_id = :export_id AND held.conversation_id > :after ORDER BY held.conversation_id LIMIT :limit)
        UNION ALL SELECT * FROM unnest(CAST(:conversations AS text[]), CAST(:revisions AS integer[]))
    ), seen AS (
        SELECT part.*, stood.id, stood.action, stood.status_after, stood.revision AS at_revision, stood.reviewer_id,
               stood.reviewer_role, stood.details ? 'carried' AS carried
        FROM part LEFT JOIN LATERAL (
            SELECT log.* FROM review_logs AS log
            WHERE log.conversation_id = part.conversation_id AND log.status_after IS DISTINCT FROM log.status_before
              AND log.timestamp < :before AND pg_visible_in_snapshot(log.xid8, CAST(:snapshot AS pg_snapshot))
            ORDER BY log.id DESC LIMIT 1) AS stood ON true
    ), judged AS (
        -- Where an undo brought the approval back, the approval itself is behind it, on the same text.
        SELECT seen.*, CASE
            WHEN seen.id IS NULL THEN 'nobody had decided'
            WHEN seen.status_after <> 'approved' THEN 'it was ' || seen.status_after
            WHEN seen.action = 'approve' AND seen.at_revision = seen.revision AND seen.reviewer_role = ANY (:rights)
            THEN NULL
            WHEN NOT EXISTS (
                SELECT FROM review_logs AS log
                WHERE log.conversation_id = seen.conversation_id AND log.action = 'approve' AND log.id <= seen.id
                  AND (log.revision = seen.revision OR log.content_sha256 = (
                       SELECT said.content_sha256 FROM conversation_revisions AS said
                       WHERE said.conversation_id = seen.conversation_id AND said.revision = seen.revision))
                  AND log.reviewer_role = ANY (:rights)
                  AND NOT EXISTS (SELECT FROM review_logs AS undo WHERE undo.undoes = log.id AND undo.id <= seen.id))
            THEN CASE WHEN seen.reviewer_role = ANY (:rights) THEN 'approved at another revision'
                      ELSE 'approved by somebody without the right' END
            END AS what
        FROM seen
    )
    SELECT count(*), coalesce(max(conversation_id), ''), count(*) FILTER (WHERE what IS NULL AND carried),
           coalesce(jsonb_agg(
               jsonb_build_array(conversation_id, revision, what, at_revision, reviewer_id, reviewer_role)
               ORDER BY conversation_id) FILTER (WHERE what IS NOT NULL), '[]')
    FROM judged
""")
"""What is noted of an export, by pk_export_rows, or what of it is handed over out of the archive; for each by
ix_review_logs_conversation_id_id."""


@dataclass(frozen=True, slots=True)
class Left:
    """An export that left the house, how many conversations its log row says, and what it saw: a snapshot of the logs,
    and rows before a moment. One that `is_archived` has its conversations noted in the archive."""

    export_id: str
    user_id: str
    at: datetime
    count: int
    snapshot: str
    before: datetime
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Of `number` conversations in an export those that were not approved: public id, revision in the file, what they
    were, and of the row of the log that says so its revision, reviewer and role. `carried` of the others were approved
    by decisions that an import brought."""

    number: int
    carried: int
    wrong: Sequence[Sequence[Any]]


async def exports(connection: AsyncConnection, moment: datetime, archived: str = "[]") -> Sequence[Left]:
    """The exports that succeeded before a moment, in their order; with `archived` rows of the log, as JSON."""
    values = {"moment": moment, "archived": archived}
    return [Left(*row) for row in await connection.execute(EXPORTS, values)]


ALONG_THE_KEY = text("SET LOCAL enable_bitmapscan = off")
"""What is noted of an export comes in the order of pk_export_rows: else all of it would be read and sorted for each
part."""


async def parts(connection: AsyncConnection, export: Left) -> AsyncIterator[Part]:
    """What an export of the log held, some thousands at a time."""
    await connection.execute(ALONG_THE_KEY)
    after = ""
    while True:
        number, after, carried, wrong = (await connection.execute(READ, values_of(export, after=after))).one()
        if number:
            yield Part(number, carried, wrong)
        if number < PART:
            return


async def part_of(
    connection: AsyncConnection, export: Left, conversations: Sequence[str], revisions: Sequence[int]
) -> Part:
    """Of what an export in the archive held, these conversations at these revisions."""
    values = values_of(export) | {"limit": 0, "conversations": list(conversations), "revisions": list(revisions)}
    number, _, carried, wrong = (await connection.execute(READ, values)).one()
    return Part(number, carried, wrong)


def values_of(export: Left, *, after: str = "") -> dict[str, Any]:
    """What `READ` asks for."""
    return {"export_id": export.export_id, "after": after, "limit": PART, "rights": list(RIGHTS),
            "snapshot": export.snapshot, "before": export.before, "conversations": [], "revisions": []}  # fmt: skip


MOVED = text("""
    SELECT coalesce(sum(row_count), 0)::bigint, jsonb_array_length(CAST(:archived AS jsonb)),
           coalesce(sum(noted_count), 0)::bigint
    FROM retirements WHERE log = 'export_logs'
""")


async def moved(connection: AsyncConnection, archived: str) -> tuple[int, int, int]:
    """How many rows of the export log were moved to the archive, how many of them are among the `archived` ones, and
    how many conversations were noted as in those exports, each time counted."""
    rows, there, noted = (await connection.execute(MOVED, {"archived": archived})).one()
    return rows, there, noted
