"""The worker: it takes items from the queue, calls the model, and stores what comes back. A process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from traintui.audit.redaction import Tokens, redact, redact_text
from traintui.data import attempts, batches, submissions, templates, vocabulary, work
from traintui.data.attempts import OpenAttempt
from traintui.data.engine import Database
from traintui.data.judgement_records import NOT_JUDGED
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.generation.answer import Answer
from traintui.generation.batching import Batching
from traintui.generation.client import ModelCall, ModelClient, ModelReply, recorded
from traintui.generation.jobs import Job
from traintui.generation.judging import JudgeJob, Judging, NotJudged, about_opinions
from traintui.generation.outcome import dearest_cost, outcome_of_failure, outcome_of_reply
from traintui.generation.persisting import Outages, insist, pause_quietly
from traintui.generation.plan import Plan
from traintui.generation.price_list import PriceList
from traintui.generation.pricing import Price
from traintui.generation.probing import Prober
from traintui.generation.prompt import (
    OUTPUT_SCHEMA,
    InvalidReply,
    PromptContext,
    Source,
    TemplateMistake,
    render,
    turns_of,
)
from traintui.generation.provider import Provider
from traintui.generation.start import text_of
from traintui.generation.structured import Reading, read_json
from traintui.generation.turnstile import Turnstile
from traintui.generation.verdict import CallFailed, Verdict, backoff, judge
from traintui.generation.watching import Watching
from traintui.quality import thresholds
from traintui.quality.signatures import signature
from traintui.quality.stored import judged_among_others
from traintui.quality.structure import score

STREAM_SECONDS = 0.25
"""How often what is being written is shown: four times a second."""
IDLE_SECONDS = 0.5
GRACE_SECONDS = 5.0


Keep = Callable[[ModelCall, Answer], Awaitable[InvalidReply | None]]
"""Stores what a call brought with its end in the ledger; what cannot be used it concludes there, and returns."""


class Worker:
    """Generates for one provider until it is asked to stop, or until nothing is left to do."""

    def __init__(
        self,
        db: Database,
        client: ModelClient,
        provider: Provider,
        *,
        slots: int = 4,
        only: int | None = None,
        say: Callable[[str], None] = lambda _: None,
        dice: random.Random | None = None,
    ) -> None:
        self.db = db
        self.client = client
        self.provider = provider
        self.slots = slots
        self.only = only
        """The batch that it keeps to; None for all of them."""
        self.say = say
        self.prices = PriceList(db)
        self.dice = dice or random.Random()  # noqa: S311 - spreads retries, nothing secret
        self.worker_id = 0
        self.grace = GRACE_SECONDS
        """Seconds that calls under way may go on when it is asked to stop."""
        self._jobs: dict[int, Job] = {}
        self._watching = Watching(db)
        self._alike: dict[tuple[int, str], int] = {}
        self._left: list[work.ClaimedItem] = []
        self._outages = Outages(say)
        self.judging = Judging(db, say=say)
        self.probing = Prober(db, client, provider, self.prices, say=say)
        self.batching = Batching(
            db, client, provider, job=self._job, call=self._call, prices=self.prices, probing=self.probing, say=say
        )

    async def run(self, stop: asyncio.Event, *, until_idle: bool = False) -> None:
        """Works until `stop` is set or, with `until_idle`, until no batch of its own has anything left to do."""
        async with (
            work.registered(self.db, endpoint=self.provider.endpoint) as self.worker_id,
            self.batching.beside(self.worker_id),
        ):
            self._line = self.probing.line = Turnstile(self.db, self.provider.endpoint, self.worker_id)
            running: set[asyncio.Task[None]] = set()
            try:
                while not stop.is_set():
                    try:
                        running |= await self._begin(self.slots - len(running))
                        if not running and until_idle and await self._idle():
                            return
                        self._outages.over()
                    except TraintuiError as away:
                        self._outages.met(away)
                    await self._pause(running, stop)
                    running = self._reap(running)
                    self.batching.check()
            finally:
                self._line.closed = True
                if running:
                    with contextlib.suppress(TraintuiError):
                        await work.take_no_more(self.db, self.worker_id)
                    await asyncio.wait(running, timeout=self.grace)
                    for task in running:
                        task.cancel()
                    await asyncio.gather(*running, return_exceptions=True)
                await work.finish_batches(self.db)

    async def _begin(self, free: int) -> set[asyncio.Task[None]]:
        """Takes up batches that wait, and starts on new items of them."""
        while self._left:
            await work.release(self.db, self._left[-1], "queued", counts=False)
            self._left.pop()
        await work.take_up_batches(self.db, is_rehearsal=self.provider.is_rehearsal, batch_id=self.only)
        claimed = await self._claim(free)
        return {asyncio.create_task(self._work_on(item), name=f"item {item.id}") for item in claimed}

    async def _idle(self) -> bool:
        """Whether nothing is left to do."""
        await work.finish_batches(self.db)
        endpoint, is_rehearsal = self.provider.endpoint, self.provider.is_rehearsal
        if await work.open_batches(self.db, is_rehearsal=is_rehearsal, batch_id=self.only):
            return False
        return not await submissions.out(self.db, endpoint=endpoint, is_rehearsal=is_rehearsal, batch_id=self.only)

    async def _claim(self, free: int) -> tuple[work.ClaimedItem, ...]:
        """New items, unless every slot is taken."""
        if free <= 0:
            return ()
        return await work.claim(
            self.db, self.worker_id, free, is_rehearsal=self.provider.is_rehearsal, batch_id=self.only
        )

    async def _pause(self, running: set[asyncio.Task[None]], stop: asyncio.Event) -> None:
        """Until an item is done, it is time to look again, or somebody wants us to stop."""
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({*running, stopping}, timeout=IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()

    def _reap(self, running: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
        """What still runs. Raises what an item met that nobody expected."""
        for task in running:
            if task.done():
                task.result()
        return {task for task in running if not task.done()}

    # One item -----------------------------------------------------------------------------------------------------

    async def _work_on(self, item: work.ClaimedItem) -> None:
        """Takes one item as far as it goes. One that a lost database stopped goes back into the queue later."""
        try:
            await self._go_through(item)
        except thresholds.BadThreshold as bad:
            await work.release(self.db, item, "queued", counts=False)
            await pause_quietly(self.db, item.batch_id, f"{bad.title}: {bad.message} {bad.remedy}")
        except TemplateMistake as mistake:  # the same at each try, since a batch keeps its version
            reason = (NOT_JUDGED if item.kind == "judge" else "") + mistake.message
            await work.release(self.db, item, "failed", error=reason)
        except TraintuiError as away:
            self._outages.met(away)
            self._left.append(item)

    async def _go_through(self, item: work.ClaimedItem) -> None:
        """Done, failed, or back in the queue."""
        try:
            job, call, keep = await self._prepared(item)
        except NotJudged as never:
            await work.release(self.db, item, "failed", error=NOT_JUDGED + never.reason)
            return
        regenerated: Counter[str] = Counter()
        number = item.attempts
        try:
            while True:
                number += 1
                failure = await self._attempt(job, item, call, keep)
                if failure is None:
                    self._alike.clear()
                    return
                if isinstance(failure, CallFailed) and await self.probing.doubted(call, failure):
                    continue
                kind = failure.kind if isinstance(failure, CallFailed) else "invalid"
                fallback = job.fallback_model
                verdict = judge(
                    failure,
                    number,
                    regenerated=regenerated[kind],
                    in_a_row=self._in_a_row(job, failure),
                    fallback_model=fallback if fallback != call.model else None,
                )
                if item.kind == "judge":
                    verdict = about_opinions(verdict, failure)
                if verdict.kind != "regenerate":
                    await self._conclude(job, item, verdict, number)
                    return
                regenerated[kind] += 1
                call = replace(call, max_tokens=call.max_tokens * verdict.room, model=verdict.model or call.model)
        except Refused as refused:
            await self._stand_back(job, item, refused)

    async def _prepared(self, item: work.ClaimedItem) -> tuple[Job | JudgeJob, ModelCall, Keep]:
        """What an item shares with others of its batch, its first call, and what becomes of an answer."""
        if item.kind == "judge":
            judge = await self.judging.job(item.batch_id)
            conversation = await self.judging.read(item)
            return judge, self.judging.call(judge, conversation), partial(self.judging.keep, conversation, item)
        job = await self._job(item.batch_id)
        return job, self._call(job, item), partial(self._keep, job, item)

    async def _stand_back(self, job: Job | JudgeJob, item: work.ClaimedItem, refused: Refused) -> None:
        """Leaves an item that the database does not let us go on with: it is another's by now, its batch was stopped,
        or its budget is reached."""
        if refused.code == "TT013":
            await pause_quietly(self.db, job.id, refused.message)
            self.say(f"Batch {job.id} paused: {refused.message}")
        elif refused.code not in {"TT011", "TT012"}:
            raise refused
        if refused.code != "TT011":
            await work.release(self.db, item, "queued", counts=False)

    async def _job(self, batch_id: int) -> Job:
        if batch_id not in self._jobs:
            setup = await batches.setup(self.db, batch_id)
            stored = await templates.get(self.db, setup.template_id)
            job = Job(
                id=batch_id,
                plan=Plan.model_validate(setup.definition),
                template=text_of(stored),
                model=setup.model,
                is_rehearsal=setup.is_rehearsal,
                facets=await vocabulary.labels(self.db),
                thresholds=await thresholds.read(self.db),
            )
            self._jobs.setdefault(batch_id, job)  # several items may begin at once, and share one
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

    async def _attempt(
        self, job: Job | JudgeJob, item: work.ClaimedItem, call: ModelCall, keep: Keep
    ) -> CallFailed | InvalidReply | None:
        """One call: its turn, its row, the request, and its end with what it brought. None when it is stored."""
        try:
            call = await self.probing.fitted(call, job.id)
        except CallFailed as failure:
            return failure
        async with job.warming.turn() as is_first:
            answer = await self._ask(job, item, call, is_first=is_first)
        return answer.reply if isinstance(answer.reply, CallFailed) else await keep(call, answer)

    async def _keep(self, job: Job, item: work.ClaimedItem, call: ModelCall, answer: Answer) -> InvalidReply | None:
        """Stores a conversation that was written, scored, with the end of its call."""
        assert not isinstance(answer.reply, CallFailed)  # noqa: S101 - failures are not kept
        attempt, reply, prices, tokens = answer.attempt, answer.reply, answer.prices, answer.tokens
        reading: Reading | None = None
        try:
            reading = read_json(reply.text)
            turns = turns_of(reading.value, exchanges=item.exchanges)
        except InvalidReply as failure:
            # It was answered and is paid for; the raw text stays with the call.
            outcome = outcome_of_reply(
                reply, call.model, prices, unusable=failure.reason, tokens=tokens, reading=reading
            )
            await insist(partial(attempts.finish, self.db, attempt, outcome))
            self.probing.misread(call, reading)
            return failure
        self.probing.misread(call, reading)
        expected = range(2 * job.plan.exchanges[0], 2 * job.plan.exchanges[1] + 1)
        judged = score(turns, expected_turns=expected, source=item.source, thresholds=job.thresholds)
        stored = await insist(
            lambda: work.store(
                self.db,
                item,
                [(turn.role, turn.content) for turn in turns],
                signature=signature([turn.content for turn in turns]),
                judged=judged_among_others(judged),
                finish=attempts.finishing(
                    attempt, outcome_of_reply(reply, call.model, prices, tokens=tokens, reading=reading)
                ),
                model=call.model if call.model != job.model else None,
            )
        )
        await self.probing.heard(attempt, call.model, reply)
        if not stored:
            self.say(f"{item.conversation_id}: another worker has it now; this reply is in the log only.")
        return None

    async def _ask(self, job: Job | JudgeJob, item: work.ClaimedItem, call: ModelCall, *, is_first: bool) -> Answer:
        """What the provider says to a call; one that failed is concluded in the ledger. It is streamed while somebody
        watches; the first of its prompt too, to hear when its reply begins."""
        place = await self._line.enter(call, item)
        try:
            # An opinion is nothing to watch.
            is_shown = item.kind == "generate" and await self._watching.wants(item)
            streams = is_shown or is_first
            tokens, prices = Tokens(), await self.prices.now()
            attempt = await self._record(job, item, call, prices, tokens, streams=streams)
        except BaseException:
            await self._line.give_back(place)
            raise
        try:
            reply = await self._send(job, item, call, attempt, streams=streams, is_shown=is_shown)
        except CallFailed as failure:
            await insist(partial(self._line.failed, place, call.model, failure))
            outcome = outcome_of_failure(failure, call.model, prices, tokens=tokens)
            await insist(partial(attempts.finish, self.db, attempt, outcome))
            return Answer(attempt, failure, prices, tokens)
        await insist(partial(self._line.answered, place, reply))
        return Answer(attempt, reply, prices, tokens)

    async def _record(
        self,
        job: Job | JudgeJob,
        item: work.ClaimedItem,
        call: ModelCall,
        prices: Sequence[Price],
        tokens: Tokens,
        *,
        streams: bool,
    ) -> OpenAttempt:
        """Commits the row of the call. What it may cost at most is noted, for the case that nobody sees its end."""
        payload = redact(cast("Any", call.payload(stream=streams)), tokens)
        estimate = dearest_cost(call, prices)
        return await attempts.start(
            self.db,
            kind=item.kind,
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
        self,
        job: Job | JudgeJob,
        item: work.ClaimedItem,
        call: ModelCall,
        attempt: OpenAttempt,
        *,
        streams: bool,
        is_shown: bool,
    ) -> ModelReply:
        """The reply. While it is being written, what there is of it is shown to whoever watches."""
        if not streams:
            with recorded(attempt.id):
                return await self.client.send(call)
        written: list[str] = []

        def hear(piece: str) -> None:
            job.warming.done()
            written.append(piece)

        showing = [asyncio.create_task(self._show(item, written), name=f"show {item.id}")] if is_shown else []
        try:
            with recorded(attempt.id):
                return await self.client.send(call, on_text=hear)
        finally:
            for task in showing:
                task.cancel()
            await asyncio.gather(*showing, return_exceptions=True)

    async def _show(self, item: work.ClaimedItem, written: list[str]) -> None:
        shown = 0
        while True:
            if len(written) > shown:
                shown = len(written)
                await work.write_stream(self.db, item, redact_text("".join(written)).value)
            await asyncio.sleep(STREAM_SECONDS)

    def _in_a_row(self, job: Job | JudgeJob, failure: CallFailed | InvalidReply) -> int:
        key = (job.id, str(failure))
        self._alike = {key: self._alike.get(key, 0) + 1}
        return self._alike[key]

    async def _conclude(self, job: Job | JudgeJob, item: work.ClaimedItem, verdict: Verdict, number: int) -> None:
        """Does with the item what the verdict says."""
        reason = redact_text(verdict.reason).value
        match verdict.kind:
            case "wait":
                delay = verdict.retry_after or 0.0
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
                self.say(f"{item.conversation_id}{'' if item.kind == 'judge' else ' failed'}: {reason}")
