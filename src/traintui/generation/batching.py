"""Batches that run through the Message Batches API: submitted once, asked after, imported in whatever order they come.

A worker runs it beside its calls. All that must survive a crash is in the database, so any worker goes on where another
stopped; a submission whose answer was lost is looked for by its key before anything is sent again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import orjson

from traintui.audit.redaction import redact, redact_text
from traintui.data import attempts, submissions, work
from traintui.data.attempts import OpenAttempt
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.submissions import Submission, SubmissionRequest
from traintui.errors import TraintuiError
from traintui.generation.batch_client import BatchClient, ProviderBatch
from traintui.generation.batch_results import Importing
from traintui.generation.capabilities import no_batches
from traintui.generation.client import ModelCall, ModelClient, recorded
from traintui.generation.outcome import dearest_cost
from traintui.generation.persisting import Outages, insist, pause_quietly
from traintui.generation.price_list import PriceList
from traintui.generation.pricing import Price
from traintui.generation.probing import Prober
from traintui.generation.prompt import TemplateMistake
from traintui.generation.provider import Provider
from traintui.generation.submission_calls import Patience, answered_outcome, failed_outcome
from traintui.generation.submission_search import find
from traintui.generation.verdict import MORE_ROOM, CallFailed, verdict_on

if TYPE_CHECKING:
    from traintui.generation.jobs import Job
    from traintui.generation.writing import Writing

MOST_REQUESTS = 1_000
"""Requests of one submission. The API takes 100,000; what is smaller is committed, sent and imported in seconds."""
MOST_BYTES = 24_000_000
"""Bytes of one submission, far below the API's 256 MB, so that the row of each request fits into one statement."""
SEND_WITHIN = 30.0
"""Seconds after the commit in which a submission may leave. A worker that slept in between does not send any more:
another may have concluded by then that nothing was sent. Well below `Patience.settle`."""
GRACE_SECONDS = 5.0
"""How long what is under way may go on when the worker is asked to stop."""
SURELY_REFUSED = {
    "rate_limit", "spend_cap", "no_credit", "key", "permission", "on_hold", "not_found", "redirect", "rejected",
}  # fmt: skip
"""Answers after which no batch exists. Any other failure leaves it open, since the provider may have made it."""


class Batching:
    """Looks after the submissions of one provider, of all batches or of `only` one, one thing at a time. `writing`,
    `prices` and `probing` are the worker's."""

    def __init__(
        self,
        db: Database,
        client: ModelClient,
        provider: Provider,
        *,
        writing: Writing,
        prices: PriceList,
        probing: Prober,
        say: Callable[[str], None] = lambda _: None,
        patience: Patience | None = None,
        only: int | None = None,
        most_requests: int = MOST_REQUESTS,
    ) -> None:
        self.db = db
        self.client = BatchClient(client)
        self.provider = provider
        self.writing = writing
        self.prices = prices
        self.probing = probing
        self.say = say
        self.patience = patience or Patience()
        self.only = only
        self.most_requests = most_requests
        self.worker_id = 0
        self._held_until = 0.0
        self._claimed: Sequence[work.ClaimedItem] = ()
        self._claim_is_open = False
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def beside(self, worker_id: int) -> AsyncIterator[None]:
        """Works in a task of its own during the block. What is under way at its end may go on for a few seconds."""
        self.worker_id = worker_id
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(), name="batching")
        try:
            yield
        finally:
            self._stopping.set()
            await asyncio.wait({self._task}, timeout=GRACE_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def check(self) -> None:
        """Raises what the task met that nobody expected."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    async def _run(self) -> None:
        outages = Outages(self.say)
        while not self._stopping.is_set():
            worked = False
            try:
                worked = await self.step()
                outages.over()
            except TraintuiError as away:
                if isinstance(away, Refused) and away.code == "TT011":
                    self.say(f"{away.message} Trying again.")
                else:
                    outages.met(away)
            if not worked:
                await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self.patience.rest):
                await self._stopping.wait()
        except TimeoutError:
            pass

    async def step(self) -> bool:
        """Does one thing that is due: looks after a submission, or makes one. False when nothing is."""
        # What could not be given back: the database was away, or the template did not resolve.
        if self._claim_is_open:
            # Nor what a claim brought whose answer was lost.
            self._claimed = await work.held(self.db, self.worker_id, for_submission=True)
            self._claim_is_open = False
        await self._give_back(self._claimed)
        self._claimed = ()
        submission = await submissions.claim(
            self.db,
            self.worker_id,
            endpoint=self.provider.endpoint,
            is_rehearsal=self.provider.is_rehearsal,
            batch_id=self.only,
        )
        if submission is not None:
            await self._look_after(submission)
            return True
        if self._held_until > asyncio.get_running_loop().time():
            return False
        self._claim_is_open = True
        items = await submissions.claim_items(
            self.db, self.worker_id, self.most_requests, is_rehearsal=self.provider.is_rehearsal, batch_id=self.only
        )
        self._claim_is_open = False
        if not items:
            return False
        self._claimed = items
        await self._submit(items)
        self._claimed = ()
        return True

    # Submitting ---------------------------------------------------------------------------------------------------

    async def _submit(self, items: Sequence[work.ClaimedItem]) -> None:
        """Commits, then sends, as many of the claimed items as fit; the others go back into the queue."""
        job = await self.writing.job(items[0].batch_id)
        try:
            if not await self.probing.batches(job.model, job.id):
                await self._give_back(items)
                await self._pause(job, no_batches(self.provider.endpoint).message)
                return
            calls = await self._calls(job, items)
        except CallFailed as unasked:
            await self._not_asked(job, items, unasked)
            return
        except Refused as refused:
            await self._stand_back(job, items, refused)
            return
        if not calls:
            return
        costs = await self.prices.now()
        key = f"tt{uuid.uuid4().hex[:20]}"
        try:
            submission, taken, attempt = await submissions.start(
                self.db,
                self.worker_id,
                key,
                [self._request(item, call, costs) for item, call in calls],
                endpoint=self.provider.endpoint,
                is_rehearsal=job.is_rehearsal,
                parameters={"requests": len(calls)},
            )
        except Refused as refused:
            await self._stand_back(job, items, refused)
            return
        await self._give_back([item for item in items if item.id not in taken])
        sent = [(submission.custom_id(item.id), call.payload()) for item, call in calls if item.id in taken]
        # By the clock of the database, since that of a machine that was asleep stood still.
        seconds = await submissions.seconds_since_start(self.db, submission)
        if seconds is None or seconds > SEND_WITHIN:
            failure = CallFailed("silence", "It was not sent: too much time had passed since it was recorded.")
            await submissions.close(
                self.db, submission, "refused", error=failure.message, finish=_finishing(attempt, failure)
            )
            return
        try:
            with recorded(attempt.id):
                batch = await self.client.submit(sent)
        except CallFailed as failure:
            await self._not_submitted(job, submission, attempt, failure)
            return
        finish = attempts.finishing(attempt, answered_outcome(batch.answered))
        await insist(partial(self._taken, submission, batch, finish))
        self.say(f"Batch {job.id}: {len(sent)} requests submitted as {batch.id}.")

    async def _calls(self, job: Job, items: Sequence[work.ClaimedItem]) -> list[tuple[work.ClaimedItem, ModelCall]]:
        """The calls of items, as many as fit into one submission; with more room where a reply did not fit before, and
        of the fallback model where the other declined."""
        failures = await submissions.failures_of(self.db, [item.id for item in items])
        calls: list[tuple[work.ClaimedItem, ModelCall]] = []
        size = 0
        for item in items:
            before = failures.get(item.id, Counter())
            try:
                wanted = replace(self.writing.call(job, item), model=job.model_after(before))
            except TemplateMistake as mistake:
                await work.release(self.db, item, "failed", error=redact_text(mistake.message).value)
                continue
            call = await self.probing.fitted(wanted, job.id)
            if before["max_tokens"]:
                call = replace(call, max_tokens=call.max_tokens * MORE_ROOM)
            size += len(orjson.dumps(call.payload()))
            if calls and size > MOST_BYTES:
                break
            calls.append((item, call))
        return calls

    def _request(self, item: work.ClaimedItem, call: ModelCall, prices: Sequence[Price]) -> SubmissionRequest:
        payload = redact(cast("Any", call.payload()))
        dearest = dearest_cost(call, prices, batch=True)
        parameters = {
            "max_tokens": call.max_tokens,
            "estimated_cost_usd": None if dearest is None else str(dearest),
            "variation": item.variation,
            "exchanges": item.exchanges,
        }
        return SubmissionRequest(item, call.model, cast("Any", payload.value), parameters, payload.counts)

    async def _taken(self, submission: Submission, batch: ProviderBatch, finish: submissions.Finish) -> None:
        await submissions.note(
            self.db,
            submission,
            state="in_progress",
            provider_id=batch.id,
            expires_at=batch.expires_at,
            counts=batch.counts,
            delay=self.patience.delay(0),
            finish=finish,
        )

    async def _not_submitted(self, job: Job, submission: Submission, attempt: OpenAttempt, failure: CallFailed) -> None:
        """Puts the items back after a clear no; after anything else looks later whether the batch is there."""
        finish = _finishing(attempt, failure)
        if failure.kind not in SURELY_REFUSED:
            delay, told = self.patience.delay(0), redact_text(failure.message).value
            await insist(partial(submissions.note, self.db, submission, error=told, delay=delay, finish=finish))
            self.say(f"Batch {job.id}: whether it was submitted is looked for. {told}")
            return
        verdict = verdict_on(failure, 1)
        reason = redact_text(verdict.reason).value
        delay = verdict.retry_after or 0.0
        await insist(
            partial(submissions.close, self.db, submission, "refused", error=reason, delay=delay, finish=finish)
        )
        if verdict.kind == "wait":
            self._held_until = asyncio.get_running_loop().time() + delay
            return
        # What is refused as a whole is refused again, so somebody has to look.
        await self._pause(job, reason)

    async def _not_asked(self, job: Job, items: Sequence[work.ClaimedItem], failure: CallFailed) -> None:
        """Gives items back where it could not be found out what the provider can."""
        verdict = verdict_on(failure, 1)
        pauses = verdict.kind == "pause"
        await self._give_back(items, delay=0.0 if pauses else verdict.retry_after or self.patience.first)
        if pauses:
            await self._pause(job, redact_text(verdict.reason).value)

    async def _pause(self, job: Job, reason: str) -> None:
        await pause_quietly(self.db, job.id, reason)
        self.say(f"Batch {job.id} paused: {reason}")

    async def _stand_back(self, job: Job, items: Sequence[work.ClaimedItem], refused: Refused) -> None:
        """Leaves items that the database does not let us submit: taken over, stopped, or past the budget."""
        if refused.code not in {"TT011", "TT012", "TT013"}:
            raise refused
        here = {"endpoint": self.provider.endpoint, "is_rehearsal": self.provider.is_rehearsal}
        if refused.code == "TT013" and await submissions.out(self.db, batch_id=job.id, **cast("Any", here)):
            # What is out is counted at its dearest; once its real cost is known there may be room again.
            await self._give_back(items, delay=self.patience.room)
            return
        if refused.code == "TT013":
            await self._pause(job, refused.message)
        await self._give_back(items)

    async def _give_back(self, items: Sequence[work.ClaimedItem], *, delay: float = 0.0) -> None:
        """Into the queue again; nothing was sent, and so no attempt was counted. Items in a submission stay there."""
        for item in items:
            await work.release(self.db, item, "queued", delay=delay)

    # Looking after what is out -------------------------------------------------------------------------------------

    async def _look_after(self, submission: Submission) -> None:
        if submission.state == "ended":
            await Importing(self, submission).run()
        elif submission.provider_id is None:
            await find(self, submission)
        elif submission.unwanted and not submission.cancelling:
            await self._call_off(submission, submission.provider_id)
        else:
            await self._ask(submission, submission.provider_id)

    async def _ask(self, submission: Submission, provider_id: str) -> None:
        """One poll, and when to come again."""
        attempt = await self.poll_row(submission, "retrieve")
        try:
            with recorded(attempt.id):
                batch = await self.client.retrieve(provider_id)
        except CallFailed as failure:
            await self.failed(submission, attempt, failure)
            return
        delay = 0.0 if batch.ended else self.patience.delay(submission.looks + 1)
        finish = attempts.finishing(attempt, answered_outcome(batch.answered))
        state = "ended" if batch.ended else None
        await submissions.note(self.db, submission, state=state, counts=batch.counts, delay=delay, finish=finish)

    async def _call_off(self, submission: Submission, provider_id: str) -> None:
        """Asks the provider to begin nothing more of it; what was done until then is imported as usual."""
        attempt = await self.poll_row(submission, "cancel")
        try:
            with recorded(attempt.id):
                batch = await self.client.cancel(provider_id)
        except CallFailed as failure:
            if failure.kind != "rejected":
                await self.failed(submission, attempt, failure)
                return
            # It has ended already, so there is nothing left to call off.
            finish = _finishing(attempt, failure)
            await submissions.note(self.db, submission, cancelling=True, delay=0.0, finish=finish)
            return
        finish = attempts.finishing(attempt, answered_outcome(batch.answered))
        await submissions.note(self.db, submission, cancelling=True, delay=self.patience.delay(0), finish=finish)
        self.say(f"Batch {submission.batch_id}: {provider_id} is called off.")

    async def poll_row(self, submission: Submission, action: str, **more: Any) -> OpenAttempt:
        """The committed row of a call that costs nothing."""
        payload = {"action": action, "batch": submission.provider_id, **more}
        return await submissions.start_call(self.db, submission, self.worker_id, payload, {"look": submission.looks})

    async def failed(self, submission: Submission, attempt: OpenAttempt, failure: CallFailed) -> None:
        """After a call that did not succeed: later again, or never when the provider has the batch no more."""
        finish = _finishing(attempt, failure)
        if failure.kind == "not_found" and submission.provider_id is not None:
            reason = "The provider has this batch no more, so whether it was paid is not known."
            await submissions.close(self.db, submission, "lost", error=reason, finish=finish)
            self.say(f"Batch {submission.batch_id}: {reason}")
            return
        delay = max(self.patience.delay(submission.looks + 1), failure.retry_after or 0.0)
        told = redact_text(failure.message).value
        await submissions.note(self.db, submission, error=told, delay=delay, finish=finish)
        verdict = verdict_on(failure, 1)
        if verdict.kind == "pause":
            await pause_quietly(self.db, submission.batch_id, redact_text(verdict.reason).value)


def _finishing(attempt: OpenAttempt, failure: CallFailed) -> submissions.Finish:
    return attempts.finishing(attempt, failed_outcome(failure))
