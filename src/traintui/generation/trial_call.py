"""The one call of a trial, on record like any other. Only a process of its own imports this: it loads the SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from traintui.audit.redaction import Tokens, redact
from traintui.audit.rules import follow_workspace
from traintui.data import attempts, prices, work
from traintui.data.engine import WORKER, Database
from traintui.data.workspace import open_workspace
from traintui.errors import TraintuiError
from traintui.generation.client import ModelCall, ModelClient, recorded
from traintui.generation.exchanges import OUTPUT_SCHEMA, DraftTurn, turns_of
from traintui.generation.outcome import dearest_cost, outcome_of_failure, outcome_of_reply
from traintui.generation.persisting import insist
from traintui.generation.price_list import PriceList
from traintui.generation.pricing import Price
from traintui.generation.probing import Prober
from traintui.generation.prompt import render
from traintui.generation.provider import Provider, provider_of
from traintui.generation.serve import refuse_reader
from traintui.generation.structured import InvalidReply, Reading, read_json
from traintui.generation.trial import Trial, TrialPart, TrialReply, TrialTurn
from traintui.generation.turnstile import Turnstile
from traintui.generation.verdict import CallFailed
from traintui.processes import stopping
from traintui.quality import thresholds
from traintui.quality.structure import score
from traintui.settings import Settings

LONGEST_RAW = 4_000
"""Characters of a reply that is no conversation that are shown; the log keeps all of it."""


async def run_trial(settings: Settings, trial: Trial, *, attached: bool) -> TrialReply | None:
    """Makes the call and says what came of it; None when somebody wants this process to stop before.

    Raises `TraintuiError` for a template that does not resolve, and without a key, a database or the right to.
    """
    render(trial.template, trial.context)
    provider = await provider_of(settings)
    async with open_workspace(settings, application=WORKER) as db, stopping(attached=attached) as stop:
        refuse_reader(db)
        await follow_workspace(db)
        async with ModelClient(api_key=provider.api_key, base_url=provider.base_url, slots=1) as client:
            calling = asyncio.create_task(tried(db, client, provider, trial), name="trial")
            stopped = asyncio.create_task(stop.wait(), name="stop")
            try:
                await asyncio.wait({calling, stopped}, return_when=asyncio.FIRST_COMPLETED)
                return calling.result() if calling.done() else None
            finally:
                for task in (calling, stopped):
                    task.cancel()
                await asyncio.gather(calling, stopped, return_exceptions=True)


async def tried(db: Database, client: ModelClient, provider: Provider, trial: Trial) -> TrialReply:
    """One call of kind `probe`, as a worker of its own: should this process end, its row says that it is unknown.

    It waits in the line of its model. Raises `TraintuiError` where nothing was sent: at the budget of the month, and
    where it could not be found out how to ask this provider.
    """
    prompt = render(trial.template, trial.context)
    costs, asked = await prices.in_effect(db), await thresholds.read(db)
    call = ModelCall(trial.model, prompt.system, prompt.user, OUTPUT_SCHEMA, trial.max_tokens, trial.effort)
    tokens = Tokens()
    async with work.registered(db) as worker_id:
        probing = Prober(db, client, provider, PriceList(db))
        line = probing.line = Turnstile(db, provider.endpoint, worker_id)
        try:
            call = await probing.fitted(call, None)
        except CallFailed as failure:
            raise TraintuiError(
                "Not tried", f"what {provider.endpoint} can was asked first: {failure.message}", "Try again later."
            ) from failure
        place = await line.enter(call)
        try:
            attempt = await _begun(db, provider, trial, call, costs, tokens, worker_id=worker_id)
        except BaseException:
            await asyncio.shield(line.give_back(place))
            raise
        answer = partial(TrialReply, attempt_id=attempt.id, model=call.model, is_rehearsal=provider.is_rehearsal)
        try:
            with recorded(attempt.id):
                reply = await client.send(call)
        except CallFailed as failure:
            outcome = outcome_of_failure(failure, call.model, costs, tokens=tokens)
            await insist(partial(line.failed, place, call.model, failure))
            await insist(partial(attempts.finish, db, attempt, outcome))
            return answer(failure=failure.message, **_figures(outcome))
        await insist(partial(line.answered, place, reply))
        ended = partial(outcome_of_reply, reply, call.model, costs, tokens=tokens)
        reading: Reading | None = None
        try:
            reading = read_json(reply.text)
            turns = turns_of(reading.value, exchanges=trial.exchanges)
        except InvalidReply as failure:
            outcome = ended(unusable=failure.reason, reading=reading)
            await insist(partial(attempts.finish, db, attempt, outcome))
            return answer(failure=failure.reason, raw=reply.text[:LONGEST_RAW], **_figures(outcome))
        outcome = ended(reading=reading)
        await insist(partial(attempts.finish, db, attempt, outcome))
    return answer(**_scored(trial, turns, asked), **_figures(outcome))


async def _begun(
    db: Database,
    provider: Provider,
    trial: Trial,
    call: ModelCall,
    costs: Sequence[Price],
    tokens: Tokens,
    *,
    worker_id: int,
) -> attempts.OpenAttempt:
    """The row of the call, committed before it is sent."""
    payload, estimate = redact(cast("Any", call.payload()), tokens), dearest_cost(call, costs)
    return await attempts.start_probe(
        db,
        batch_id=None,
        model=call.model,
        endpoint=provider.endpoint,
        request_payload=cast("Any", payload.value),
        parameters={
            "purpose": "template",
            "template": trial.template.name,
            "template_version": trial.template.version,
            "template_id": trial.template_id,
            "max_tokens": call.max_tokens,
            "estimated_cost_usd": None if estimate is None else str(estimate),
            "exchanges": trial.exchanges,
            "variation": trial.variation,
        },
        redactions=payload.counts,
        is_rehearsal=provider.is_rehearsal,
        worker_id=worker_id,
    )


def _scored(trial: Trial, turns: Sequence[DraftTurn], asked: thresholds.Thresholds) -> dict[str, Any]:
    """What was written, and its score by what this workspace asks for."""
    count = 2 * trial.exchanges
    source = trial.source.text if trial.source else None
    scored = score(turns, expected_turns=range(count, count + 1), source=source, thresholds=asked)
    parts = (
        TrialPart(name=part.name, points=float(part.points), max_points=float(part.max_points), sentence=part.sentence)
        for part in scored.parts
    )
    return {
        "turns": tuple(TrialTurn(role=turn.role, content=turn.content) for turn in turns),
        "score": scored.total,
        "parts": tuple(parts),
    }


def _figures(outcome: attempts.Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in ("cost_usd", "input_tokens", "output_tokens", "duration_ms")}
