"""Submissions as a person watches them, and calling one off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from traintui.data.attempts import UNPRICED
from traintui.data.engine import Database

SHOWN = 100
"""Submissions that are listed."""


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A submission: how it stands at the provider (`counts`, as it said last), and what of it is settled here.

    `stored` brought a conversation; `failures` counts what did not, by kind. `cost_usd` is what its requests cost by
    now, in USD, `unpriced` how many have no known price. `look_at` is when it is looked at next, unless it is closed.
    """

    id: int
    batch_id: int
    batch: str
    batch_state: str
    model: str
    is_rehearsal: bool
    key: str
    provider_id: str | None
    state: str
    requests: int
    counts: Mapping[str, int]
    settled: int
    stored: int
    failures: Mapping[str, int]
    cost_usd: Decimal
    unpriced: int
    is_estimate: bool
    submitted_at: datetime
    polled_at: datetime | None
    look_at: datetime | None
    expires_at: datetime | None
    unwanted_at: datetime | None
    unwanted_by: str | None
    cancelling_at: datetime | None
    closed_at: datetime | None
    error_message: str | None
    is_held: bool
    """Whether a worker looks after it at this moment."""


RECENT = text(f"""
    WITH listed AS (
        SELECT * FROM batch_submissions ORDER BY id DESC LIMIT :limit
    )
    SELECT s.id, s.batch_id, batch.name AS batch, batch.state AS batch_state, batch.model, batch.is_rehearsal, s.key,
           s.provider_id, s.state, s.requests, s.counts, item.settled, item.stored, item.failures, item.cost_usd,
           item.unpriced, item.is_estimate, s.created_at AS submitted_at, s.polled_at,
           CASE WHEN s.closed_at IS NULL THEN s.look_at END AS look_at, s.expires_at, s.unwanted_at, s.unwanted_by,
           s.cancelling_at, s.closed_at, s.error_message,
           EXISTS (SELECT FROM workers WHERE workers.id = s.worker_id AND workers.ended_at IS NULL) AS is_held
    FROM listed AS s JOIN batches AS batch ON batch.id = s.batch_id, LATERAL (
        -- Served by pk_batch_submission_items and pk_generation_logs: the time finds the partition.
        SELECT count(m.settled_at) AS settled,
               count(*) FILTER (WHERE m.settled_at IS NOT NULL AND m.failure IS NULL) AS stored,
               coalesce((SELECT jsonb_object_agg(failure, number) FROM (
                   SELECT failure, count(*) AS number FROM batch_submission_items AS failed
                   WHERE failed.submission_id = s.id AND failure IS NOT NULL GROUP BY failure
               ) AS kind), '{{}}') AS failures,
               coalesce(sum(log.cost_usd), 0) AS cost_usd,
               coalesce(bool_or(log.cost_is_estimate), false) AS is_estimate,
               count(*) FILTER (WHERE {UNPRICED}) AS unpriced
        FROM batch_submission_items AS m
        LEFT JOIN generation_logs AS log ON log.id = m.attempt_id AND log.created_at = m.attempt_at
        WHERE m.submission_id = s.id
    ) AS item
    ORDER BY s.closed_at IS NOT NULL, s.id DESC
""")  # noqa: S608 - a condition of ours


async def recent(db: Database, *, limit: int = SHOWN) -> tuple[SubmissionView, ...]:
    """The newest submissions, those that are out first."""
    async with db.read() as connection:
        rows = (await connection.execute(RECENT, {"limit": limit})).mappings()
        return tuple(SubmissionView(**row) for row in rows)


async def call_off(db: Database, submission_id: int) -> None:
    """Wants one submission called off at the provider; a worker does it at once. What was not begun goes back into the
    queue of its batch, what was written is kept and paid for. Raises `Refused` when it has ended (TT003), or one may
    not."""
    async with db.write() as connection:
        await connection.execute(text("SELECT call_off_submission(:id)"), {"id": submission_id})
