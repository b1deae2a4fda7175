"""One call to the provider: its place in the line, its row, the request, and its end in the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from traintui.audit.redaction import Tokens, redact, redact_text
from traintui.data import attempts, work
from traintui.data.attempts import OpenAttempt
from traintui.data.engine import Database
from traintui.generation.answer import Answer
from traintui.generation.client import ModelCall, ModelClient, ModelReply, recorded
from traintui.generation.jobs import Job
from traintui.generation.judging import JudgeJob
from traintui.generation.outcome import dearest_cost, outcome_of_failure
from traintui.generation.persisting import insist
from traintui.generation.price_list import PriceList
from traintui.generation.pricing import Price
from traintui.generation.provider import Provider
from traintui.generation.provider_outage import ProviderOutage
from traintui.generation.rewriting import RewriteJob
from traintui.generation.turnstile import Turnstile
from traintui.generation.verdict import CallFailed
from traintui.generation.watching import Watching

STREAM_SECONDS = 0.25
"""How often what is being written is shown: four times a second."""

AnyJob = Job | JudgeJob | RewriteJob
"""What an item shares with others of its batch."""


class Calling:
    """Asks the provider, call by call. `line` is where calls wait for their turn, once its worker is known."""

    line: Turnstile

    def __init__(
        self, db: Database, client: ModelClient, provider: Provider, prices: PriceList, outage: ProviderOutage
    ) -> None:
        self.db = db
        self.client = client
        self.provider = provider
        self.prices = prices
        self._outage = outage
        self._watching = Watching(db)

    async def ask(self, job: AnyJob, item: work.ClaimedItem, call: ModelCall, *, is_first: bool) -> Answer:
        """What the provider says to a call; one that failed is concluded in the ledger. It is streamed while somebody
        watches; the first of its prompt too, to hear when its reply begins."""
        place = await self.line.enter(call, item)
        try:
            # An opinion is nothing to watch.
            is_shown = item.kind == "generate" and await self._watching.wants(item)
            streams = is_shown or is_first
            tokens, prices = Tokens(), await self.prices.now()
            attempt = await self._record(job, item, call, prices, tokens, streams=streams)
        except BaseException:
            await self.line.give_back(place)
            raise
        try:
            reply = await self._send(job, item, call, attempt, streams=streams, is_shown=is_shown)
        except CallFailed as failure:
            self._outage.met(failure, item.id)
            await insist(partial(self.line.failed, place, call.model, failure))
            outcome = outcome_of_failure(failure, call.model, prices, tokens=tokens)
            await insist(partial(attempts.finish, self.db, attempt, outcome))
            return Answer(attempt, failure, prices, tokens)
        self._outage.answered()
        await insist(partial(self.line.answered, place, reply))
        return Answer(attempt, reply, prices, tokens)

    async def _record(
        self,
        job: AnyJob,
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
            kind="judge" if item.kind == "judge" else "generate",
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
            worker_id=self.line.worker_id,
            item=item,
        )

    async def _send(
        self,
        job: AnyJob,
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
