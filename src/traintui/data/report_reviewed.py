"""What of the conversations somebody had reviewed by a moment, a stretch of ids at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

STRETCH = 20_000
"""Ids of a statement: it takes a tenth of a second or two, so one sees how far it is, and it can be given up."""

READ = text("""
    WITH part AS (
        SELECT c.conversation_id, c.created_at, c.is_seed, c.is_rehearsal, seen.*
        FROM conversations AS c CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE stands) AS decisions,
                   count(*) FILTER (WHERE stands AND bulk_id IS NULL) AS one_by_one,
                   count(*) FILTER (WHERE stands AND NOT carried) AS here,
                   count(*) FILTER (WHERE decides AND NOT stands) AS undone,
                   max(revision) FILTER (WHERE stands) AS decided, max(revision) AS revision,
                   (array_agg(trashes ORDER BY id DESC) FILTER (WHERE trashes IS NOT NULL))[1] AS trashed
            FROM (SELECT log.id, log.revision, log.bulk_id, log.details ? 'carried' AS carried, decides,
                         decides AND NOT EXISTS (SELECT FROM review_logs AS undo
                                                 WHERE undo.undoes = log.id AND undo.timestamp < :moment) AS stands,
                         -- What it made of the conversation: in the trash or not; null where it is not about that.
                         CASE log.action
                             WHEN 'delete' THEN true
                             WHEN 'restore' THEN false
                             WHEN 'undo' THEN (SELECT undone.action <> 'delete' FROM review_logs AS undone
                                               WHERE undone.id = log.undoes
                                                 AND undone.action IN ('delete', 'restore', 'import'))
                         END AS trashes
                  FROM review_logs AS log
                  CROSS JOIN LATERAL (SELECT log.action IN ('approve', 'reject')) AS kind(decides)
                  WHERE log.conversation_id = c.conversation_id AND log.timestamp < :moment OFFSET 0) AS entry
        ) AS seen
        WHERE c.id > :after AND c.id <= :upto
          AND CASE WHEN :is_now THEN c.deleted_at IS NULL
                   ELSE NOT coalesce(trashed, coalesce(c.deleted_at < :moment, false)) END
          AND CASE WHEN :is_now THEN c.status IN ('generated', 'approved', 'rejected')
                   ELSE (SELECT min(said.created_at) FROM conversation_revisions AS said
                         WHERE said.conversation_id = c.conversation_id) < :moment END
    )
    SELECT count(*), count(*) FILTER (WHERE decisions > 0), count(*) FILTER (WHERE decisions > 0 AND one_by_one = 0),
           count(*) FILTER (WHERE decisions > 0 AND here = 0), count(*) FILTER (WHERE decided < revision),
           coalesce(jsonb_agg(jsonb_build_array(
               conversation_id,
               CASE WHEN is_rehearsal THEN 'rehearsal' WHEN is_seed THEN 'imported' ELSE 'generated' END,
               to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), undone)
               ORDER BY conversation_id) FILTER (WHERE decisions = 0), '[]')
    FROM part
""")
"""By pk_conversations, and for each by ix_review_logs_conversation_id_id, uq_review_logs_undoes and
pk_conversation_revisions. OFFSET has each row of the log looked at once, where all that asks for it would do so again.
Whether one was in the trash at a moment is what the log says: `deleted_at` tells of now alone."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Of `number` conversations `reviewed` have a decision that stood; of those, how many only in bulk, how many only
    by decisions that an import brought, and how many were edited after the last one. `left` are the others: public id,
    where they are from, when they came, how many decisions on them were taken back."""

    number: int
    reviewed: int
    in_bulk: int
    carried: int
    edited_since: int
    left: Sequence[Sequence[Any]]


async def highest(connection: AsyncConnection) -> int:
    """The highest internal id."""
    return int(await connection.scalar(text("SELECT coalesce(max(id), 0) FROM conversations")) or 0)


async def stretches(
    connection: AsyncConnection, moment: datetime, *, is_now: bool
) -> AsyncIterator[tuple[int, int, Stretch]]:
    """All conversations that had a text by a moment and were not in the trash, with how many ids are dealt with of how
    many."""
    last = await highest(connection)
    for after in range(0, last, STRETCH):
        upto = min(last, after + STRETCH)
        values = {"moment": moment, "is_now": is_now, "after": after, "upto": upto}
        yield upto, last, Stretch(*(await connection.execute(READ, values)).one())


async def purged_since(connection: AsyncConnection, moment: datetime) -> int:
    """How many were purged since a moment, of which nothing is told any more. By ix_review_logs_action."""
    statement = text("SELECT count(*) FROM review_logs WHERE timestamp >= :moment AND action = 'purge'")
    return int(await connection.scalar(statement, {"moment": moment}) or 0)
