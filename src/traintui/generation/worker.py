"""The worker: it takes items from the queue, calls the model, and stores what comes back. A process of its own."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Literal, cast

from traintui.audit.redaction import redact, redact_text
from traintui.data import attempts, batches, templates, vocabulary, work
from traintui.data.attempts import OpenAttempt, Outcome
from traintui.data.engine import Database
from traintui.data.records import VocabularyValue
from traintui.data.refusals import Refused
from traintui.generation.client import ModelCall, ModelClient, ModelReply, recorded
from traintui.generation.plan import Plan
from traintui.generation.pricing import Usage, cost_usd, price_of
from traintui.generation.prompt import (
    OUTPUT_SCHEMA,
    Facet,
    InvalidReply,
    PromptContext,
    Source,
    TemplateText,
    render,
    turns_from,
)
from traintui.generation.provider import Provider
from traintui.generation.verdict import CallFailed, Verdict, backoff, judge
from traintui.quality.stored import stored_parts
from traintui.quality.structure import score

STREAM_SECONDS = 0.25
"""How often what is being written is shown: four times a second."""
IDLE_SECONDS = 0.5
COUNTED = {"max_tokens", "context_window", "refusal", "unexpected_stop"}
"""Failures with a whole reply, whose usage is final; one that broke off was counted only up to there."""
GRACE_SECONDS = 5.0
"""How long calls under way may go on when the worker is asked to stop."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the items of one batch share."""

    id: int
    plan: Plan
    template: TemplateText
    model: str
    is_rehearsal: bool
    facets: dict[tuple[str, str], VocabularyValue]

    def facet(self, dimension: str, value: str) -> Facet:
        """A value with the words that people use for it."""
        known = self.facets.get((dimension, value))
        return Facet(value, known.label, known.description) if known else Facet(value, value)


class Worker:
    """Generates for one provider until it is asked to stop, or until nothing is left to do."""

    def __init__(
        self,
        db: Database,
        client: ModelClient,
        provider: Provider,
        *,
        slots: int = 4,
        say: Callable[[str], None] = lambda _: None,
        dice: random.Random | None = None,
    ) -> None:
        self.db = db
        self.client = client
        self.provider = provider
        self.slots = slots
        self.say = say
        self.dice = dice or random.Random()  # noqa: S311 - spreads retries, nothing secret
        self.worker_id = 0
        self._jobs: dict[int, Job] = {}
        self._streaming: int | None = None
        self._held_until: dict[str, float] = {}
        self._alike: dict[tuple[int, str], int] = {}
        self._spending = asyncio.Lock()

    async def run(self, stop: asyncio.Event, *, until_idle: bool = False) -> None:
        """Works until `stop` is set or, with `until_idle`, until no batch has anything left to do."""
        async with work.registered(self.db) as self.worker_id:
            running: set[asyncio.Task[None]] = set()
            try:
                while not stop.is_set():
                    await work.take_up_batches(self.db, is_rehearsal=self.provider.is_rehearsal)
                    claimed = await self._claim(self.slots - len(running))
                    running |= {asyncio.create_task(self._work_on(item), name=f"item {item.id}") for item in claimed}
                    if not running:
                        await work.finish_batches(self.db)
                        if until_idle and not await work.open_batches(self.db, is_rehearsal=self.provider.is_rehearsal):
                            return
                    await self._pause(running, stop)
                    running = self._reap(running)
            finally:
                if running:
                    await asyncio.wait(running, timeout=GRACE_SECONDS)
                    for task in running:
                        task.cancel()
                    await asyncio.gather(*running, return_exceptions=True)
                await work.finish_batches(self.db)

    async def _claim(self, free: int) -> tuple[work.ClaimedItem, ...]:
        """New items, unless every slot is taken or the provider asked us to wait."""
        waiting = max(self._held_until.values(), default=0.0) > asyncio.get_running_loop().time()
        if free <= 0 or waiting:
            return ()
        return await work.claim(self.db, self.worker_id, free, is_rehearsal=self.provider.is_rehearsal)

    async def _pause(self, running: set[asyncio.Task[None]], stop: asyncio.Event) -> None:
        """Until an item is done, it is time to look again, or somebody wants us to stop."""
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({*running, stopping}, timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()

    def _reap(self, running: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """What still runs. Raises what an item met that is no failure of a call, such as a lost database."""
        for task in running:
            if task.done():
                task.result()
        return {task for task in running if not task.done()}

    # One item -----------------------------------------------------------------------------------------------------

    async def _work_on(self, item: work.ClaimedItem) -> None:
        """Takes one item as far as it goes: done, failed, or back in the queue."""
        job = await self._job(item.batch_id)
        call = self._call(job, item)
        regenerated: Counter[str] = Counter()
        number = item.attempts
        try:
            while True:
                number += 1
                failure = await self._attempt(job, item, call)
                if failure is None:
                    self._alike.clear()
                    return
                kind = failure.kind if isinstance(failure, CallFailed) else "invalid"
                verdict = judge(failure, number, regenerated=regenerated[kind], in_a_row=self._in_a_row(job, failure))
                if verdict.kind != "regenerate":
                    await self._conclude(job, item, verdict, number)
                    return
                regenerated[kind] += 1
                call = replace(call, max_tokens=call.max_tokens * verdict.room, model=verdict.model or call.model)
        except OverBudget as over:
            await work.release(self.db, item, "queued", error=str(over), counts=False)
            await pause_quietly(self.db, job.id, str(over))
            self.say(f"Batch {job.id} paused: {over}")
        except Refused as refused:
            if refused.code != "TT011":
                raise
            self.say(f"{item.conversation_id}: {refused.message}")
        finally:
            if self._streaming == item.id:
                self._streaming = None

    async def _job(self, batch_id: int) -> Job:
        if batch_id not in self._jobs:
            setup = await batches.setup(self.db, batch_id)
            stored = await templates.get(self.db, setup.template_id)
            self._jobs[batch_id] = Job(
                id=batch_id,
                plan=Plan.model_validate(setup.definition),
                template=TemplateText(stored.name, stored.version, stored.system, stored.user_prompt),
                model=setup.model,
                is_rehearsal=setup.is_rehearsal,
                facets=await vocabulary.labels(self.db),
            )
        return self._jobs[batch_id]

    def _call(self, job: Job, item: work.ClaimedItem) -> ModelCall:
        context = PromptContext(
            persona=job.facet("persona", item.persona),
            emotion=job.facet("emotion", item.emotion),
            topic=job.facet("topic", item.topic),
            intent=job.facet("intent", item.intent),
            tone=job.facet("tone", item.tone),
            tier=item.tier,
            source=Source(item.document or "", item.heading or "", item.source) if item.source else None,
            exchanges=item.exchanges,
            variation=item.variation,
        )
        prompt = render(job.template, context)
        return ModelCall(job.model, prompt.system, prompt.user, OUTPUT_SCHEMA, job.plan.max_tokens, job.plan.effort)

    async def _attempt(self, job: Job, item: work.ClaimedItem, call: ModelCall) -> CallFailed | InvalidReply | None:
        """One call: its row, the request, and its end together with what it brought. None when it is stored."""
        if self._streaming is None:
            self._streaming = item.id
        streams = self._streaming == item.id
        async with self._spending:
            await self._stay_in_budget(job, call)
            attempt = await self._record(job, item, call, streams=streams)
        try:
            reply = await self._send(item, call, attempt, streams=streams)
        except CallFailed as failure:
            await attempts.finish(self.db, attempt, outcome_of_failure(failure, call.model))
            return failure
        try:
            turns = turns_from(reply.text, exchanges=item.exchanges)
        except InvalidReply as failure:
            # It was answered and is paid for; the raw text stays with the call.
            await attempts.finish(self.db, attempt, outcome_of_reply(reply, call.model, unusable=failure.reason))
            return failure
        expected = range(2 * job.plan.exchanges[0], 2 * job.plan.exchanges[1] + 1)
        judged = score(turns, expected_turns=expected, source=item.source)
        stored = await work.store(
            self.db,
            item,
            [(turn.role, turn.content) for turn in turns],
            score=judged.total,
            parts=stored_parts(judged),
            finish=attempts.finishing(attempt, outcome_of_reply(reply, call.model)),
        )
        if not stored:
            self.say(f"{item.conversation_id}: another worker has it now; this reply is in the log only.")
        return None

    async def _stay_in_budget(self, job: Job, call: ModelCall) -> None:
        """Raises `OverBudget` when this call, at its dearest, would cost more than the batch may."""
        budget = job.plan.budget_usd
        if budget is None:
            return
        dearest = dearest_cost(call)
        if dearest is None:
            raise OverBudget(f"The price of {call.model} is not known, so its budget cannot be kept.")
        spent = await batches.committed_cost(self.db, job.id)
        if spent + dearest > budget:
            raise OverBudget(f"The next call may pass the budget of ${budget}: ${spent:.4f} is spent or under way.")

    async def _record(self, job: Job, item: work.ClaimedItem, call: ModelCall, *, streams: bool) -> OpenAttempt:
        """Commits the row of the call. What it may cost at most is noted, for the case that nobody sees its end."""
        payload = redact(cast("Any", call.payload(stream=streams)))
        estimate = dearest_cost(call)
        return await attempts.start(
            self.db,
            kind="generate",
            model=call.model,
            endpoint=self.provider.endpoint,
            request_payload=cast("Any", payload.value),
            parameters={
                "max_tokens": call.max_tokens,
                "stream": streams,
                "estimated_cost_usd": None if estimate is None else str(estimate),
                "variation": item.variation,
                "exchanges": item.exchanges,
            },
            redactions=payload.counts,
            is_rehearsal=job.is_rehearsal,
            worker_id=self.worker_id,
            item=item,
        )

    async def _send(
        self, item: work.ClaimedItem, call: ModelCall, attempt: OpenAttempt, *, streams: bool
    ) -> ModelReply:
        """The reply. While it is being written, what there is of it is shown to whoever watches."""
        if not streams:
            with recorded(attempt.id):
                return await self.client.send(call)
        written: list[str] = []
        showing = asyncio.create_task(self._show(item, written), name=f"show {item.id}")
        try:
            with recorded(attempt.id):
                return await self.client.send(call, on_text=written.append)
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _show(self, item: work.ClaimedItem, written: list[str]) -> None:
        shown = 0
        while True:
            if len(written) > shown:
                shown = len(written)
                await work.write_stream(self.db, item, redact_text("".join(written)).value)
            await asyncio.sleep(STREAM_SECONDS)

    def _in_a_row(self, job: Job, failure: CallFailed | InvalidReply) -> int:
        key = (job.id, str(failure))
        self._alike = {key: self._alike.get(key, 0) + 1}
        return self._alike[key]

    async def _conclude(self, job: Job, item: work.ClaimedItem, verdict: Verdict, number: int) -> None:
        """Does with the item what the verdict says."""
        reason = redact_text(verdict.reason).value
        match verdict.kind:
            case "wait":
                delay = verdict.retry_after or 0.0
                self._held_until[job.model] = asyncio.get_running_loop().time() + delay
                await work.release(self.db, item, "queued", delay=delay, error=reason, counts=False)
            case "retry":
                delay = verdict.retry_after if verdict.retry_after is not None else backoff(number, self.dice)
                await work.release(self.db, item, "queued", delay=delay, error=reason)
            case "pause":
                await work.release(self.db, item, "queued", error=reason, counts=False)
                await pause_quietly(self.db, job.id, reason)
                self.say(f"Batch {job.id} paused: {reason}")
            case _:
                await work.release(self.db, item, "failed", error=reason)
                self.say(f"{item.conversation_id} failed: {reason}")


class OverBudget(Exception):
    """A call that is not made, since the batch's budget could be passed by it."""


def dearest_cost(call: ModelCall) -> Decimal | None:
    """What a call costs in USD if its reply takes all the room it has; None when the price is not known.

    Prompt tokens are estimated at four characters each.
    """
    return cost_usd(call.model, Usage((len(call.system) + len(call.user)) // 4, call.max_tokens))


async def pause_quietly(db: Database, batch_id: int, reason: str) -> None:
    """Pauses a batch; one that somebody stopped meanwhile stays as it is."""
    try:
        await batches.pause(db, batch_id, reason)
    except Refused as refused:
        if refused.code != "TT003":
            raise


def outcome_of_reply(reply: ModelReply, model: str, *, unusable: str | None = None) -> Outcome:
    """How a call that was answered ended; `unusable` says why its text is no conversation."""
    payload = redact(cast("Any", reply.payload))
    return replace(
        usage_outcome("ok", model, reply.usage),
        response_payload=cast("Any", payload.value),
        duration_ms=reply.duration_ms,
        http_status=reply.http_status,
        request_id=reply.request_id,
        stop_reason=reply.stop_reason,
        error_type="invalid_reply" if unusable else None,
        error_message=unusable,
        redactions=payload.counts,
    )


def outcome_of_failure(failure: CallFailed, model: str) -> Outcome:
    """How a call that failed ended. A refusal or a reply that did not fit is paid for, and says so.

    An error status means that nothing was written, and so nothing is billed. Where the connection broke, the cost is
    what the provider had counted up to there, an estimate, or unknown.
    """
    usage = failure.usage
    if usage is None and (failure.http_status or 0) >= HTTPStatus.BAD_REQUEST:
        usage = Usage(0, 0)
    payload = redact(cast("Any", failure.payload if isinstance(failure.payload, dict) else {"body": failure.payload}))
    message = redact_text(failure.message)
    counts = {kind: payload.counts.get(kind, 0) + number for kind, number in message.counts.items()}
    return replace(
        usage_outcome("error", model, usage),
        response_payload=None if failure.payload is None else cast("Any", payload.value),
        duration_ms=failure.duration_ms,
        http_status=failure.http_status,
        request_id=failure.request_id,
        cost_is_estimate=failure.usage is not None and failure.kind not in COUNTED,
        error_type=failure.error_type or failure.kind,
        error_message=message.value,
        redactions=payload.counts | counts,
    )


def usage_outcome(state: Literal["ok", "error"], model: str, usage: Usage | None) -> Outcome:
    """Tokens and cost of a call. Without a usage nothing is known of either."""
    if usage is None:
        return Outcome(state)
    return Outcome(
        state,
        cost_usd=cost_usd(model, usage) if price_of(model) else None,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
