"""Importing the results of a submission: in any order, each once, however often the list breaks off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from traintui.audit.redaction import Tokens, redact, redact_text
from traintui.data import attempts, submissions
from traintui.data.attempts import Outcome
from traintui.data.submissions import Member, Submission
from traintui.errors import TraintuiError
from traintui.generation.batch_client import BatchResult
from traintui.generation.client import ModelReply, recorded
from traintui.generation.exchanges import turns_of
from traintui.generation.outcome import outcome_of_failure, outcome_of_reply
from traintui.generation.persisting import insist, pause_quietly
from traintui.generation.pricing import Price, Usage, cost_usd
from traintui.generation.received import Received, storable, usage_of
from traintui.generation.structured import InvalidReply, Reading, read_json
from traintui.generation.submission_calls import failed_outcome
from traintui.generation.submission_search import NOTHING
from traintui.generation.verdict import CallFailed, Verdict, verdict_on
from traintui.quality.signatures import signature
from traintui.quality.stored import scored_among_others
from traintui.quality.structure import score

if TYPE_CHECKING:
    from traintui.generation.batching import Batching
    from traintui.generation.jobs import Job

MOST_READINGS = 5
"""So often whole lists are read that lack some results, before these are given up."""


class Importing:
    """One reading of the results of a submission that has ended."""

    def __init__(self, batching: Batching, submission: Submission) -> None:
        self.batching = batching
        self.db = batching.db
        self.submission = submission
        self._alike: tuple[str, int] = ("", 0)
        self._prices: Sequence[Price] = ()
        self._failures: dict[int, Counter[str]] = {}

    async def run(self) -> None:
        """Stores what there is, then closes the submission, or has it looked at again when something is missing."""
        job = await self.batching.writing.job(self.submission.batch_id)
        self._prices = await self.batching.prices.now()
        missing = await submissions.members(self.db, self.submission)
        self._failures = await submissions.failures_of(self.db, list(missing))
        failure: CallFailed | None = None
        if missing:
            failure = await self._read(job, missing)
        if not missing:
            state = "cancelled" if self.submission.cancelling else "imported"
            await insist(partial(submissions.close, self.db, self.submission, state))
            return
        gone = failure is not None and failure.kind == "not_found"
        if gone or (failure is None and self.submission.looks + 1 >= MOST_READINGS):
            reason = "The provider's results do not hold this request, so whether it was paid is not known."
            await submissions.close(self.db, self.submission, "lost", error=reason)
            return
        delay = self.batching.patience.delay(self.submission.looks + 1)
        if failure is not None:
            delay = max(delay, failure.retry_after or 0.0)
        error = redact_text(failure.message).value if failure else None
        await submissions.note(self.db, self.submission, delay=delay, error=error)

    async def _read(self, job: Job, missing: dict[int, Member]) -> CallFailed | None:
        """Takes each result as it comes out of `missing`; how the list broke off, if it did."""
        attempt = await self.batching.poll_row(self.submission, "results")
        found: list[BatchResult] = []
        failure: CallFailed | None = None
        try:
            with recorded(attempt.id):
                async with aclosing(self.batching.client.results(self.submission.provider_id or "")) as results:
                    async for result in results:
                        found.append(result)
        except CallFailed as broken:
            failure = broken
        await attempts.finish(self.db, attempt, NOTHING if failure is None else failed_outcome(failure))
        for result in found:
            item_id = self.submission.item_of(result.custom_id)
            member = missing.get(item_id) if item_id is not None else None
            if member is not None:
                await self._take(job, member, result)
                del missing[member.item_id]
        return failure

    async def _take(self, job: Job, member: Member, result: BatchResult) -> None:
        """One result: stored, or judged as a call of its own would be."""
        if result.kind != "succeeded":
            await self._not_written(job, member, result)
            return
        seen = Received(payload=storable(result.body))
        try:
            stop_reason, usage = seen.finished(streamed=False)
        except CallFailed as failure:
            failure.usage, failure.payload = usage_of(seen.payload), seen.payload
            failure.counted = seen.counted(streamed=False)
            await self._failed(job, member, failure, self._outcome_of_failure(job, member, failure))
            return
        reply = ModelReply(seen.text, stop_reason, usage, None, HTTPStatus.OK, seen.payload, 0, {})
        exchanges = member.item.exchanges if member.item else 0
        reading: Reading | None = None
        try:
            reading = read_json(reply.text)
            turns = turns_of(reading.value, exchanges=exchanges)
        except InvalidReply as failure:
            outcome = self._outcome_of_reply(job, member, reply, reading, unusable=failure.reason)
            await self._failed(job, member, failure, outcome)
            return
        expected = range(2 * job.plan.exchanges[0], 2 * job.plan.exchanges[1] + 1)
        source = member.item.source if member.item else None
        scored = score(turns, expected_turns=expected, source=source, thresholds=job.thresholds)
        self._alike = ("", 0)
        model = self._model(job, member)
        await insist(
            lambda: submissions.store(
                self.db,
                self.submission,
                member,
                [(turn.role, turn.content) for turn in turns],
                signature=signature([turn.content for turn in turns]),
                scoring=scored_among_others(scored),
                finish=attempts.finishing(member.attempt, self._outcome_of_reply(job, member, reply, reading)),
                model=model if model != job.model else None,
            )
        )

    def _model(self, job: Job, member: Member) -> str:
        """Who was asked: known from what had happened to the item before it was submitted."""
        return job.model_after(self._failures.get(member.item_id, Counter()))

    def _named(self, job: Job, member: Member) -> Tokens:
        """What the request named, so that its reply names it alike."""
        tokens = Tokens()
        if member.item is not None:
            with suppress(TraintuiError):
                redact(cast("Any", self.batching.writing.call(job, member.item).payload()), tokens)
        return tokens

    def _outcome_of_reply(
        self, job: Job, member: Member, reply: ModelReply, reading: Reading | None, *, unusable: str | None = None
    ) -> Outcome:
        model = self._model(job, member)
        outcome = outcome_of_reply(
            reply, model, self._prices, unusable=unusable, tokens=self._named(job, member), reading=reading
        )
        return self._at_half_price(model, outcome, reply.usage)

    def _outcome_of_failure(self, job: Job, member: Member, failure: CallFailed) -> Outcome:
        model = self._model(job, member)
        return self._at_half_price(model, outcome_of_failure(failure, model, self._prices), failure.usage)

    def _at_half_price(self, model: str, outcome: Outcome, usage: Usage | None) -> Outcome:
        """As an answer of its own, but at the price of a batch, and without the times of a call that there was not."""
        cost = None if usage is None else cost_usd(model, usage, batch=True, prices=self._prices)
        return replace(outcome, cost_usd=cost, cost_is_estimate=False, duration_ms=None, http_status=None)

    async def _not_written(self, job: Job, member: Member, result: BatchResult) -> None:
        """A request without a reply: nothing of it is billed."""
        if result.kind == "errored":
            failure = result.failure()
        elif result.kind == "expired":
            failure = CallFailed("too_slow", "The provider's batch ended before this request had begun.")
        else:
            failure = CallFailed("conflict", "The request was called off before it had begun.")
        error_type = failure.error_type or result.kind
        failure.usage, failure.counted = Usage(0, 0), True
        outcome = replace(self._outcome_of_failure(job, member, failure), error_type=error_type)
        if result.kind == "canceled" and self.submission.cancelling:
            verdict = Verdict("wait", failure.message, 0.0)
            await self._release(member, verdict, "canceled", outcome)
            return
        await self._failed(job, member, failure, outcome)

    async def _failed(self, job: Job, member: Member, failure: CallFailed | InvalidReply, outcome: Outcome) -> None:
        kind = failure.kind if isinstance(failure, CallFailed) else "invalid"
        said, times = self._alike
        self._alike = (str(failure), times + 1 if said == str(failure) else 1)
        fallback = job.plan.fallback_model
        verdict = verdict_on(
            failure,
            member.item.attempts if member.item else 1,
            regenerated=self._failures.get(member.item_id, Counter())[kind],
            in_a_row=self._alike[1],
            fallback_model=fallback if fallback != self._model(job, member) else None,
        )
        await self._release(member, verdict, kind, outcome)
        if verdict.kind == "pause":
            reason = redact_text(verdict.reason).value
            await pause_quietly(self.db, job.id, reason)
            self.batching.say(f"Batch {job.id} paused: {reason}")

    async def _release(self, member: Member, verdict: Verdict, kind: str, outcome: Outcome) -> None:
        """Back into the queue without a delay, since a submission is slow enough; or failed."""
        await insist(
            partial(
                submissions.release,
                self.db,
                self.submission,
                member,
                "failed" if verdict.kind == "fail" else "queued",
                failure=kind,
                error=redact_text(verdict.reason).value,
                delay=verdict.retry_after or 0.0,
                counts=verdict.kind not in {"wait", "pause"},
                finish=attempts.finishing(member.attempt, outcome),
            )
        )
