"""What generation came to before: figures of past conversations, for an estimate of new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sqlalchemy import select, text

from traintui.data.engine import Database
from traintui.data.models import WorkspaceSetting

WARN_ABOVE = "estimate_warning_usd"
"""The workspace setting from which on an estimate warns."""
WARN_ABOVE_USD = Decimal(25)
"""Where the workspace has not set it."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation of a figure; no deviation where there is only one."""

    mean: float
    deviation: float | None


@dataclass(frozen=True, slots=True)
class PastRuns:
    """What each of `conversations` that were brought about took, with all its calls: tokens, USD (None where a price
    was not known), seconds in which its calls were under way. Every mean holds its share of what was paid for those
    that failed."""

    conversations: int
    input_tokens: Spread
    output_tokens: Spread
    cost_usd: Spread | None
    seconds: Spread


# The sums are over all, the counts over those that were brought about: so failures are paid for by the others.
# The newest calls of each version of the template, by ix_generation_logs_template_id. A batch item has no duration.
PAST = text("""
    WITH recent AS (
        SELECT log.conversation_id, log.run_id, log.cost_usd, log.output_tokens, log.duration_ms,
               log.state = 'ok' AND log.error_type IS NULL AS is_usable,
               coalesce(log.input_tokens, 0) + coalesce(log.cache_read_tokens, 0) + coalesce(log.cache_write_tokens, 0)
                   AS input_tokens
        FROM generation_logs AS log JOIN templates AS template ON template.id = log.template_id
        WHERE template.name = :template AND log.model = :model AND log.is_rehearsal = :is_rehearsal
          AND log.kind = ANY(CAST(:kinds AS text[])) AND log.state IN ('ok', 'error')
          AND log.output_tokens IS NOT NULL AND log.conversation_id IS NOT NULL
        ORDER BY log.created_at DESC LIMIT 5000
    ), whole AS (
        SELECT bool_or(is_usable) AS brought,
               sum(input_tokens)::float AS input_tokens, sum(output_tokens)::float AS output_tokens,
               CASE WHEN bool_and(cost_usd IS NOT NULL) THEN sum(cost_usd)::float END AS cost_usd,
               sum(duration_ms)::float / 1000 AS seconds
        FROM recent GROUP BY conversation_id, run_id
    )
    SELECT count(*) FILTER (WHERE brought) AS conversations,
           sum(input_tokens) / nullif(count(*) FILTER (WHERE brought), 0) AS input_mean,
           stddev_samp(input_tokens) FILTER (WHERE brought) AS input_deviation,
           sum(output_tokens) / nullif(count(*) FILTER (WHERE brought), 0) AS output_mean,
           stddev_samp(output_tokens) FILTER (WHERE brought) AS output_deviation,
           sum(cost_usd) / nullif(count(cost_usd) FILTER (WHERE brought), 0) AS cost_mean,
           stddev_samp(cost_usd) FILTER (WHERE brought) AS cost_deviation,
           coalesce(sum(seconds) / nullif(count(*) FILTER (WHERE brought), 0), 0) AS seconds_mean,
           stddev_samp(seconds) FILTER (WHERE brought) AS seconds_deviation
    FROM whole
""")


async def past(
    db: Database, template: str, model: str, *, is_rehearsal: bool, kinds: Sequence[str] = ("generate", "batch_item")
) -> PastRuns | None:
    """What the newest conversations of a template with a model took, in calls of these kinds; None when there is none.
    One that was judged twice counts as two."""
    values = {"template": template, "model": model, "is_rehearsal": is_rehearsal, "kinds": list(kinds)}
    async with db.read() as connection:
        row = (await connection.execute(PAST, values)).one()
    if not row.conversations:
        return None
    return PastRuns(
        row.conversations,
        Spread(row.input_mean, row.input_deviation),
        Spread(row.output_mean, row.output_deviation),
        None if row.cost_mean is None else Spread(row.cost_mean, row.cost_deviation),
        Spread(row.seconds_mean, row.seconds_deviation),
    )


async def warn_above(db: Database) -> Decimal:
    """The USD above which an estimate warns: `estimate_warning_usd` of the workspace, where it is an amount."""
    async with db.read() as connection:
        found = await connection.scalar(select(WorkspaceSetting.value).where(WorkspaceSetting.key == WARN_ABOVE))
    try:
        amount = Decimal(str(found))
    except InvalidOperation:
        return WARN_ABOVE_USD
    return amount if amount.is_finite() and amount >= 0 else WARN_ABOVE_USD
