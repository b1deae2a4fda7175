"""Looking for a submission whose answer was lost, so that nothing is submitted twice.

The list of the provider's batches shows neither custom ids nor anything else of ours before a batch has ended; only its
size and its time. So each of the right size and time that nobody knows may be it, until its results show whose key they
hold. Only when there is none left, and none can come any more, was nothing submitted.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from traintui.data import attempts, submissions
from traintui.data.attempts import Outcome
from traintui.data.submissions import Submission
from traintui.generation.batch_client import ProviderBatch
from traintui.generation.client import recorded
from traintui.generation.submission_calls import answered_outcome, failed_outcome
from traintui.generation.verdict import CallFailed

if TYPE_CHECKING:
    from traintui.generation.batching import Batching

CLOCKS = timedelta(minutes=15)
"""How far the provider's clock and the database's may be apart."""
KEPT_SECONDS = 28 * 86_400.0
"""After so long results are archived, and that no key is found proves nothing (the API keeps them for 29 days)."""
NOTHING = Outcome("ok", cost_usd=Decimal(0), http_status=200)
"""The end of a call whose lines are kept where they belong."""


async def find(batching: Batching, submission: Submission) -> None:
    """Looks once: finds it, waits, or concludes that nothing was submitted and puts the items back."""
    undecided = 0
    after: str | None = None
    while True:
        attempt = await batching.poll_row(submission, "list", after=after)
        try:
            with recorded(attempt.id):
                page = await batching.client.page(after=after)
        except CallFailed as failure:
            await batching.failed(submission, attempt, failure)
            return
        await attempts.finish(batching.db, attempt, replace(answered_outcome(page.answered), response_payload=None))
        known = await submissions.known(batching.db, [batch.id for batch in page.batches])
        for batch in page.batches:
            if batch.id in known or not _may_be(batch, submission):
                continue
            if not batch.ended:
                undecided += 1
                continue
            ours = await _holds_our_key(batching, submission, batch)
            if ours is None:
                return
            if ours:
                await _found(batching, submission, batch)
                return
            await submissions.note(batching.db, submission, ruled_out=batch.id)
        if not page.more or not page.batches or page.batches[-1].created_at < submission.created_at - CLOCKS:
            break
        after = page.batches[-1].id
    if undecided or submission.age < batching.patience.settle:
        delay = batching.patience.delay(submission.looks + 1)
        if not undecided:
            delay = min(delay, max(batching.patience.settle - submission.age, batching.patience.first))
        await submissions.note(batching.db, submission, delay=delay)
    elif submission.age > KEPT_SECONDS:
        reason = "Whether it was submitted cannot be found out any more."
        await submissions.close(batching.db, submission, "lost", error=reason)
    else:
        await submissions.close(batching.db, submission, "refused", error="The provider never got it.")
        batching.say(f"Batch {submission.batch_id}: a submission never arrived; its items wait in the queue.")


def _may_be(batch: ProviderBatch, submission: Submission) -> bool:
    return (
        batch.id not in submission.ruled_out
        and batch.requests == submission.requests
        and not batch.archived
        and batch.created_at >= submission.created_at - CLOCKS
    )


async def _holds_our_key(batching: Batching, submission: Submission, batch: ProviderBatch) -> bool | None:
    """Whether the first result is ours; None when it could not be read, and the submission is put off."""
    attempt = await batching.poll_row(submission, "results", candidate=batch.id)
    ours = False
    try:
        with recorded(attempt.id):
            async with aclosing(batching.client.results(batch.id)) as results:
                async for result in results:
                    ours = submission.item_of(result.custom_id) is not None
                    break
    except CallFailed as failure:
        if failure.kind == "not_found":
            await attempts.finish(batching.db, attempt, failed_outcome(failure))
            return False
        await batching.failed(submission, attempt, failure)
        return None
    await attempts.finish(batching.db, attempt, NOTHING)
    return ours


async def _found(batching: Batching, submission: Submission, batch: ProviderBatch) -> None:
    await submissions.note(
        batching.db,
        submission,
        state="ended",
        provider_id=batch.id,
        expires_at=batch.expires_at,
        counts=batch.counts,
        delay=0.0,
    )
    batching.say(f"Batch {submission.batch_id}: its lost submission was found as {batch.id}.")
