"""How long prompts are, asked of the provider and on record like any call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any, cast

from traintui.audit.redaction import redact
from traintui.audit.rules import follow_workspace
from traintui.data import attempts, capabilities, work
from traintui.data.attempts import Outcome
from traintui.data.engine import Database
from traintui.generation.capabilities import known
from traintui.generation.client import ModelCall, ModelClient, recorded
from traintui.generation.outcome import outcome_of_failure
from traintui.generation.persisting import insist
from traintui.generation.probing import is_absent
from traintui.generation.provider import Provider
from traintui.generation.turnstile import COUNTING, Turnstile
from traintui.generation.verdict import CallFailed, why


async def mean_tokens(
    db: Database,
    client: ModelClient,
    provider: Provider,
    calls: Sequence[ModelCall],
    *,
    say: Callable[[str], None] = lambda _: None,
) -> float | None:
    """How many tokens the prompts of these calls have on average; None where the provider does not say, and then `say`
    is told why where it was asked.

    A row of kind `count` is committed before each request, which waits in the line for such requests. Whether this
    provider counts at all is noted; one that is known not to is not asked. Raises `Refused` when one may not generate.
    """
    if not calls or (await known(db, provider.endpoint, calls[0].model)).can("count_tokens") is False:
        return None
    await follow_workspace(db)
    found = []
    async with work.registered(db) as worker_id:
        line = Turnstile(db, provider.endpoint, worker_id)
        for call in calls:
            tokens = await _tokens(db, client, provider, line, call, say)
            if tokens is None:
                return None
            found.append(tokens)
    return sum(found) / len(found)


async def _tokens(
    db: Database, client: ModelClient, provider: Provider, line: Turnstile, call: ModelCall, say: Callable[[str], None]
) -> int | None:
    payload = redact(cast("Any", call.counting()))
    place = await line.enter_lightly(COUNTING)
    try:
        attempt = await attempts.start(
            db,
            kind="count",
            model=call.model,
            endpoint=provider.endpoint,
            request_payload=cast("Any", payload.value),
            parameters={"estimated_cost_usd": "0"},
            redactions=payload.counts,
            is_rehearsal=provider.is_rehearsal,
            worker_id=line.worker_id,
        )
    except BaseException:
        await asyncio.shield(line.give_back(place))
        raise
    note = partial(capabilities.note, db, provider.endpoint, call.model, "count_tokens", basis="call", attempt=attempt)
    try:
        with recorded(attempt.id):
            counted = await client.count(call)
    except CallFailed as failure:
        await insist(partial(line.failed, place, COUNTING, failure))
        # Counting is free, however it ends.
        outcome = replace(outcome_of_failure(failure, call.model, ()), state="error", cost_usd=Decimal(0))
        await insist(partial(attempts.finish, db, attempt, replace(outcome, cost_is_estimate=False)))
        if is_absent(failure, call.model):
            await note(supported=False, seen=f"HTTP {failure.http_status}")
        say(f"The prompts could not be counted. {why(failure)}")
        return None
    await insist(partial(line.passed, place))
    outcome = Outcome(
        "ok", response_payload=counted.payload, cost_usd=Decimal(0), input_tokens=0, output_tokens=0,
        duration_ms=counted.duration_ms, http_status=counted.http_status, request_id=counted.request_id,
    )  # fmt: skip
    await insist(partial(attempts.finish, db, attempt, outcome))
    if (await known(db, provider.endpoint, call.model)).can("count_tokens") is not True:
        await note(supported=True, seen="answered")
    return counted.tokens
