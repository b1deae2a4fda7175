"""How long prompts are, asked of the provider and on record like any call."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

from traintui.audit.redaction import redact
from traintui.data import attempts
from traintui.data.attempts import Outcome
from traintui.data.engine import Database
from traintui.generation.client import ModelCall, ModelClient, recorded
from traintui.generation.outcome import outcome_of_failure
from traintui.generation.provider import Provider
from traintui.generation.verdict import CallFailed


async def mean_tokens(
    db: Database, client: ModelClient, provider: Provider, calls: Sequence[ModelCall]
) -> float | None:
    """How many tokens the prompts of these calls have on average; None where the provider does not say.

    A row of kind `count` is committed before each request. Raises `Refused` when one may not generate.
    """
    found = []
    for call in calls:
        payload = redact(cast("Any", call.counting()))
        attempt = await attempts.start(
            db,
            kind="count",
            model=call.model,
            endpoint=provider.endpoint,
            request_payload=cast("Any", payload.value),
            parameters={"estimated_cost_usd": "0"},
            redactions=payload.counts,
            is_rehearsal=provider.is_rehearsal,
        )
        try:
            with recorded(attempt.id):
                counted = await client.count(call)
        except CallFailed as failure:
            await attempts.finish(db, attempt, outcome_of_failure(failure, call.model, ()))
            return None
        await attempts.finish(
            db,
            attempt,
            Outcome(
                "ok", response_payload=counted.payload, cost_usd=Decimal(0), input_tokens=0, output_tokens=0,
                duration_ms=counted.duration_ms, http_status=counted.http_status, request_id=counted.request_id,
            ),
        )  # fmt: skip
        found.append(counted.tokens)
    return sum(found) / len(found) if found else None
