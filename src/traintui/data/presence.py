"""Who was here when, and what ran since."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, text

from traintui.data.attempts import REPLACED, UNPRICED
from traintui.data.batch_models import Batch
from traintui.data.engine import Database
from traintui.data.presence_records import BatchNews, Meanwhile


async def note(db: Database) -> datetime | None:
    """Notes that this person is here now; when they were here last, None for the first time."""
    async with db.write() as connection:
        found: datetime | None = await connection.scalar(text("SELECT note_presence()"))
    return found


DONE = text("SELECT count(*) FROM generation_items WHERE finished_at > :since AND state = 'done' AND kind = 'generate'")
"""Served by `ix_generation_items_finished_at`."""
FAILED = text("""
    SELECT coalesce(last.error_type, '') AS error, count(*) AS number
    FROM generation_items AS item JOIN conversations AS one ON one.id = item.conversation_id
    LEFT JOIN LATERAL (
        SELECT error_type FROM generation_logs AS log
        WHERE log.conversation_id = one.conversation_id AND log.kind IN ('generate', 'batch_item')
        ORDER BY log.created_at DESC LIMIT 1
    ) AS last ON true
    WHERE item.finished_at > :since AND item.state = 'failed' AND item.kind = 'generate'
    GROUP BY 1 ORDER BY 2 DESC, 1
""")
"""Served by `ix_generation_items_finished_at` and, for each that failed, by `ix_generation_logs_conversation_id`."""
PAID = text(f"""
    SELECT coalesce(sum(cost_usd) FILTER (WHERE NOT is_rehearsal AND NOT {REPLACED}), 0) AS cost_usd,
           count(*) FILTER (WHERE NOT is_rehearsal AND {UNPRICED}) AS unpriced_calls,
           coalesce(bool_and(is_rehearsal), false) AS is_rehearsal
    FROM generation_logs AS log WHERE created_at > :since
""")  # noqa: S608 - conditions of ours
"""Served by `ix_generation_logs_listed`; weeks before are not touched."""


async def ran_since(db: Database, since: datetime) -> Meanwhile | None:
    """What was generated, what failed, what it cost, and which batches ended or stopped since a moment; None when
    nothing did."""
    news = (
        select(Batch.id, Batch.name, Batch.state, Batch.state_reason)
        .where(Batch.changed_at > since, Batch.state.in_(("finished", "paused", "interrupted")))
        .order_by(Batch.changed_at.desc())
    )
    async with db.read() as connection:
        generated = int(await connection.scalar(DONE, {"since": since}) or 0)
        failures = tuple((row.error, row.number) for row in await connection.execute(FAILED, {"since": since}))
        stopped = tuple(BatchNews(*row) for row in await connection.execute(news))
        if not (generated or failures or stopped):
            return None
        paid = (await connection.execute(PAID, {"since": since})).one()
    return Meanwhile(
        since, generated, failures, paid.cost_usd, paid.unpriced_calls, paid.is_rehearsal and bool(generated), stopped
    )
