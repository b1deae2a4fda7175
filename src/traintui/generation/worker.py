"""The worker: it takes items from the queue, calls the model, and stores what comes back. A process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from traintui.audit.redaction import redact_text
from traintui.data import batches, work
from traintui.data.engine import Database
from traintui.data.judgement_records import NOT_JUDGED
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.generation.answer import Answer
from traintui.generation.batching import Batching
from traintui.generation.calling import AnyJob, Calling
from traintui.generation.client import ModelCall, ModelClient
from traintui.generation.jobs import NothingToAsk
from traintui.generation.judging import JudgeJob, Judging, about_opinions
from traintui.generation.persisting import Outages, pause_quietly
from traintui.generation.price_list import PriceList
from traintui.generation.probing import Prober
from traintui.generation.prompt import TemplateMistake
from traintui.generation.provider import Provider
from traintui.generation.provider_outage import ProviderOutage
from traintui.generation.rewriting import Rewriting
from traintui.generation.structured import InvalidReply
from traintui.generation.submission_calls import Patience
from traintui.generation.turnstile import Turnstile
from traintui.generation.verdict import CallFailed, Verdict, backoff, verdict_on
from traintui.generation.writing import Writing
from traintui.quality import thresholds

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
        patience: Patience | None = None,
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
        self.patience = patience or Patience()
        self.grace = GRACE_SECONDS
        """Seconds that calls under way may go on when it is asked to stop."""
        self._alike: dict[tuple[int, str], int] = {}
        self._left: list[work.ClaimedItem] = []
        self._mine: set[int] = set()
        self._claim_is_open = False
        self._outages = Outages(say)
        self._outage = ProviderOutage(self.patience.outage)
        self.calling = Calling(db, client, provider, self.prices, self._outage)
        self.probing = Prober(db, client, provider, self.prices, say=say)
        self.judging = Judging(db, self.probing, say=say)
        self.rewriting = Rewriting(db, self.probing, say=say)
        self.writing = Writing(db, self.probing, say=say)
        self.batching = Batching(
            db, client, provider, writing=self.writing, prices=self.prices, probing=self.probing, say=say,
            patience=self.patience, only=only,
        )  # fmt: skip

    async def run(self, stop: asyncio.Event, *, until_idle: bool = False) -> None:
        """Works until `stop` is set or, with `until_idle`, until no batch of its own has anything left to do."""
        async with (
            work.registered(self.db, endpoint=self.provider.endpoint) as self.worker_id,
            self.batching.beside(self.worker_id),
        ):
            line = Turnstile(self.db, self.provider.endpoint, self.worker_id)
            self.calling.line = self.probing.line = line
            running: set[asyncio.Task[None]] = set()
            try:
                while not stop.is_set():
                    try:
                        await self._outage.tell(self._note, say=self.say)
                        running |= await self._begin(self._outage.room(self.slots - len(running), len(running)))
                        if not running and until_idle and await self._idle():
                            return
                        self._outages.over()
                    except TraintuiError as away:
                        self._outages.met(away)
                    await self._pause(running, stop)
                    running = self._reap(running)
                    self.batching.check()
            finally:
                line.closed = True
                if running:
                    with contextlib.suppress(TraintuiError):
                        await work.take_no_more(self.db, self.worker_id)
                    await asyncio.wait(running, timeout=self.grace)
                    for task in running:
                        task.cancel()
                    await asyncio.gather(*running, return_exceptions=True)
                if self._outage.reason is not None:
                    await self._note(None)
                await work.finish_batches(self.db)

    async def _note(self, reason: str | None) -> None:
        """Says on the batches that run here why nothing of them is begun; None when they go on."""
        await batches.note(self.db, reason, is_rehearsal=self.provider.is_rehearsal, batch_id=self.only)

    async def _begin(self, free: int) -> set[asyncio.Task[None]]:
        """Takes up batches that wait, and starts on new items of them."""
        while self._left:
            await work.release(self.db, self._left[-1], "queued", counts=False)
            self._mine.discard(self._left.pop().id)
        await work.take_up_batches(self.db, is_rehearsal=self.provider.is_rehearsal, batch_id=self.only)
        claimed = await self._claim(free)
        return {asyncio.create_task(self._work_on(item), name=f"item {item.id}") for item in claimed}

    async def _idle(self) -> bool:
        """Whether nothing is left to do."""
        await work.finish_batches(self.db)
        endpoint, is_rehearsal = self.provider.endpoint, self.provider.is_rehearsal
        return not await batches.anything_left(
            self.db, endpoint=endpoint, is_rehearsal=is_rehearsal, batch_id=self.only
        )

    async def _claim(self, free: int) -> tuple[work.ClaimedItem, ...]:
        """New items, unless every slot is taken."""
        if self._claim_is_open:
            # Nobody heard whether it was made. What it brought is ours until we say otherwise.
            for item in await work.held(self.db, self.worker_id, for_submission=False):
                if item.id not in self._mine:
                    await work.release(self.db, item, "queued")
            self._claim_is_open = False
        if free <= 0:
            return ()
        self._claim_is_open = True
        claimed = await work.claim(
            self.db, self.worker_id, free, is_rehearsal=self.provider.is_rehearsal, batch_id=self.only
        )
        self._claim_is_open = False
        self._mine.update(item.id for item in claimed)
        return claimed

    async def _pause(self, running: set[asyncio.Task[None]], stop: asyncio.Event) -> None:
        """Until an item is done, it is time to look again, or somebody wants us to stop."""
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({*running, stopping}, timeout=self.patience.rest, return_when=asyncio.FIRST_COMPLETED)
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
            self._mine.discard(item.id)
        except TraintuiError as away:
            self._outages.met(away)
            self._left.append(item)

    async def _go_through(self, item: work.ClaimedItem) -> None:
        """Done, failed, or back in the queue."""
        try:
            job, call, keep = await self._prepared(item)
        except NothingToAsk as never:
            reason = (NOT_JUDGED if item.kind == "judge" else "") + never.reason
            await work.release(self.db, item, "failed", error=redact_text(reason).value)
            return
        except thresholds.BadThreshold as bad:
            await work.release(self.db, item, "queued")
            await pause_quietly(self.db, item.batch_id, redact_text(f"{bad.title}: {bad.message} {bad.remedy}").value)
            return
        except TemplateMistake as mistake:  # the same at each try, since a batch keeps its version
            reason = (NOT_JUDGED if item.kind == "judge" else "") + mistake.message
            await work.release(self.db, item, "failed", error=redact_text(reason).value)
            return
        regenerated: Counter[str] = Counter()
        number = item.attempts
        try:
            while True:
                failure = await self._attempt(job, item, call, keep)
                if failure is None:
                    self._alike.clear()
                    return
                if isinstance(failure, CallFailed) and await self.probing.doubted(call, failure):
                    continue
                kind = failure.kind if isinstance(failure, CallFailed) else "invalid"
                fallback = job.fallback_model
                is_probe = isinstance(failure, CallFailed) and failure.is_probe
                number += not is_probe
                verdict = verdict_on(
                    failure,
                    1 if is_probe else number,
                    regenerated=regenerated[kind],
                    in_a_row=self._in_a_row(job, failure),
                    fallback_model=fallback if fallback != call.model else None,
                )
                verdict = self._outage.over(verdict, failure)
                if isinstance(job, JudgeJob):
                    verdict = about_opinions(verdict, failure, job)
                if verdict.kind != "regenerate":
                    await self._conclude(job, item, verdict, number, was_called=not is_probe)
                    return
                regenerated[kind] += 1
                call = replace(call, max_tokens=call.max_tokens * verdict.room, model=verdict.model or call.model)
        except Refused as refused:
            await self._stand_back(job, item, refused)

    async def _prepared(self, item: work.ClaimedItem) -> tuple[AnyJob, ModelCall, Keep]:
        """What an item shares with others of its batch, its first call, and what becomes of an answer."""
        if item.kind == "judge":
            judge = await self.judging.job(item.batch_id)
            conversation = await self.judging.read(item)
            return judge, self.judging.call(judge, conversation), partial(self.judging.keep, conversation, item)
        if item.kind == "regenerate":
            asked = await self.rewriting.job(item.batch_id)
            there = await self.rewriting.read(asked, item)
            return asked, self.rewriting.call(asked, there), partial(self.rewriting.keep, asked, there, item)
        job = await self.writing.job(item.batch_id)
        return job, self.writing.call(job, item), partial(self.writing.keep, job, item)

    async def _stand_back(self, job: AnyJob, item: work.ClaimedItem, refused: Refused) -> None:
        """Leaves an item that the database does not let us go on with: it is another's by now, its batch was stopped,
        or its budget is reached."""
        if refused.code == "TT013":
            await pause_quietly(self.db, job.id, refused.message)
            self.say(f"Batch {job.id} paused: {refused.message}")
        elif refused.code not in {"TT011", "TT012"}:
            raise refused
        if refused.code != "TT011":  # nothing was begun: the attempts are those before
            await work.release(self.db, item, "queued")

    async def _attempt(
        self, job: AnyJob, item: work.ClaimedItem, call: ModelCall, keep: Keep
    ) -> CallFailed | InvalidReply | None:
        """One call: its turn, its row, the request, and its end with what it brought. None when it is stored."""
        try:
            call = await self.probing.fitted(call, job.id)
        except CallFailed as failure:
            failure.is_probe = True
            self._outage.met(failure, item.id)
            return failure
        async with job.warming.turn() as is_first:
            answer = await self.calling.ask(job, item, call, is_first=is_first)
        return answer.reply if isinstance(answer.reply, CallFailed) else await keep(call, answer)

    def _in_a_row(self, job: AnyJob, failure: CallFailed | InvalidReply) -> int:
        key = (job.id, str(failure))
        self._alike = {key: self._alike.get(key, 0) + 1}
        return self._alike[key]

    async def _conclude(
        self, job: AnyJob, item: work.ClaimedItem, verdict: Verdict, number: int, *, was_called: bool
    ) -> None:
        """Does with the item what the verdict says. Of one that was not called for there is no attempt to give back."""
        reason = redact_text(verdict.reason).value
        match verdict.kind:
            case "wait":
                delay = verdict.retry_after or 0.0
                await work.release(self.db, item, "queued", delay=delay, error=reason, counts=not was_called)
            case "retry":
                delay = verdict.retry_after if verdict.retry_after is not None else backoff(number, self.dice)
                await work.release(self.db, item, "queued", delay=delay, error=reason)
            case "pause":
                await work.release(self.db, item, "queued", error=reason, counts=not was_called)
                await pause_quietly(self.db, job.id, reason)
                self.say(f"Batch {job.id} paused: {reason}")
            case _:
                await work.release(self.db, item, "failed", error=reason)
                self.say(f"{item.conversation_id}{'' if item.kind == 'judge' else ' failed'}: {reason}")
