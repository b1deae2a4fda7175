"""The decisions of a period one by one, with what they were about, for whoever adds them up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

STRETCH = 20_000
"""Rows of the log of a statement."""
CHARACTERS_PER_TOKEN = 4
"""As everywhere in the app; a test holds them together."""

ENDS = text("""
    SELECT min(id), max(id) FROM (
        SELECT id FROM review_logs WHERE timestamp >= :since AND timestamp < :until OFFSET 0) AS period
""")
"""By ix_review_logs_timestamp_id. Without OFFSET it is a walk by pk_review_logs through all that is older."""
READ = text("""
    SELECT log.id, log.conversation_id, log.revision, log.reviewer_id, log.action, log.reason, log.timestamp,
           log.bulk_id IS NOT NULL, (SELECT count(*) FROM review_logs AS undo WHERE undo.undoes = log.id) > 0,
           log.duration_ms, said.characters, said.whole,
           log.duration_ms IS NOT NULL AND EXISTS (
               SELECT FROM review_logs AS before WHERE before.conversation_id = log.conversation_id
                 AND before.id < log.id AND before.reviewer_id = log.reviewer_id),
           (SELECT count(*) FROM review_logs AS later
            WHERE later.conversation_id = log.conversation_id AND later.id > log.id
              AND later.status_before = CASE log.action WHEN 'approve' THEN 'approved' ELSE 'rejected' END
              AND later.status_after <> later.status_before
              AND (SELECT count(*) FROM review_logs AS undo WHERE undo.undoes = later.id) = 0) > 0
    FROM review_logs AS log
    LEFT JOIN LATERAL (
        -- Who rejects has read as far as the turn that they name, and an exchange at least.
        SELECT coalesce(length(text.system_prompt), 0) + sum(length(turn->>'content')) AS whole,
               coalesce(length(text.system_prompt), 0) + sum(length(turn->>'content'))
                   FILTER (WHERE log.action = 'approve' OR place <= greatest(2, log.turn_number)) AS characters
        FROM conversation_revisions AS text
        CROSS JOIN jsonb_array_elements(text.turns) WITH ORDINALITY AS list(turn, place)
        WHERE text.conversation_id = log.conversation_id AND text.revision = log.revision
          AND log.duration_ms IS NOT NULL
        GROUP BY text.system_prompt) AS said ON log.bulk_id IS NULL
    WHERE log.id >= :low AND log.id <= :high AND log.action IN ('approve', 'reject') AND NOT log.details ? 'carried'
      AND log.timestamp >= :since AND log.timestamp < :until
    ORDER BY log.id
""")
"""By pk_review_logs, and for each by uq_review_logs_undoes, ix_review_logs_conversation_id_id and
pk_conversation_revisions. Undos are counted: for EXISTS the whole log would be read once for each stretch."""


class Decided(NamedTuple):
    """A decision. `duration_ms` is the time on the screen, None where that is not known; `characters` what had to be
    read to decide so and `whole` what there was, None where the text is gone. `again` says that this reviewer had done
    something there before, `overtaken` that something changed it later, as `standing_decisions.stands` has it."""

    id: int
    conversation_id: str
    revision: int
    reviewer_id: str
    action: str
    reason: str | None
    at: datetime
    in_bulk: bool
    undone: bool
    duration_ms: int | None
    characters: int | None
    whole: int | None
    again: bool
    overtaken: bool


async def decisions(
    connection: AsyncConnection, since: datetime, until: datetime
) -> AsyncIterator[tuple[int, int, Sequence[Decided]]]:
    """The decisions of a period in their order, those that an import brought left out; with how many rows of the log
    are dealt with of how many. What second reviews keep from this login is not among them."""
    low, high = (await connection.execute(ENDS, {"since": since, "until": until})).one()
    if low is None:
        return
    for first in range(low, high + 1, STRETCH):
        values = {"low": first, "high": min(high, first + STRETCH - 1), "since": since, "until": until}
        rows = [Decided(*row) for row in await connection.execute(READ, values)]
        yield values["high"] - low + 1, high - low + 1, rows


async def hidden(connection: AsyncConnection) -> int:
    """How many rows of the review log this login may not read yet, since their second review is open."""
    return int(await connection.scalar(text("SELECT count(*) FROM hidden_review_rows()")) or 0)
