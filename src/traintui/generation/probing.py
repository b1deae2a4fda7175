"""Finding out what a provider can: what calls show anyway is noted, the rest is asked, once, on record and in line.

A probe that meets an outage has found nothing out: it is told as any call that failed, and asked again later.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from pydantic_core import from_json

from traintui import clock
from traintui.audit.redaction import redact, redact_text
from traintui.data import attempts
from traintui.data import capabilities as found_capabilities
from traintui.data.attempts import OpenAttempt, Outcome
from traintui.data.capabilities import Basis, Capability
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.generation.batch_client import PATH as BATCHES_PATH
from traintui.generation.capabilities import Capabilities, is_documented, known
from traintui.generation.client import ModelCall, ModelClient, ModelReply, recorded
from traintui.generation.outcome import dearest_cost, outcome_of_failure, outcome_of_reply
from traintui.generation.persisting import insist
from traintui.generation.price_list import PriceList
from traintui.generation.provider import Provider
from traintui.generation.structured import Reading, in_words
from traintui.generation.turnstile import BATCHES, COUNTING, Turnstile
from traintui.generation.verdict import MOST_ATTEMPTS, CallFailed, verdict_on

QUESTION = "Is it usual to say thank you for a gift? Answer in a short sentence."
"""Nothing in it asks for JSON: only a server that holds the model to the schema answers with any."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"usual": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["usual"],
    "additionalProperties": False,
}
ROOM = 1024
"""Tokens for the answer, which takes some ten of them; a model that thinks first needs the others."""
KNOWN_SECONDS = 30.0
"""How long what is known is used without looking again, so that another worker's finding counts within that."""
DOUBT_SECONDS = 3600.0
"""How long what a probe has found is not doubted again, whatever calls show."""
FREE_SECONDS = 600.0
"""How long until what costs nothing to ask, and was not answered, is asked again."""
ABSENT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
"""What a server answers for a path, or a verb on it, that it does not have."""
_MEANT = re.compile(r"output_config|output_format|json_schema|structured|response_format", re.IGNORECASE)
_NOT_ANSWERED = frozenset({"max_tokens", "refusal", "context_window", "unexpected_stop"})


class Prober:
    """What one worker knows of its provider."""

    def __init__(
        self,
        db: Database,
        client: ModelClient,
        provider: Provider,
        prices: PriceList,
        *,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.db = db
        self.client = client
        self.provider = provider
        self.prices = prices
        self.say = say
        self.line = Turnstile(db, provider.endpoint, 0)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._known: dict[str, tuple[float, Capabilities]] = {}
        self._doubted: set[str] = set()
        self._asked: dict[tuple[str, str], float] = {}
        self._failed: dict[str, tuple[int, float, CallFailed]] = {}

    @property
    def endpoint(self) -> str:
        """The address, as the ledger calls it."""
        return self.provider.endpoint

    # What calls need to know ---------------------------------------------------------------------------------------

    async def fitted(self, call: ModelCall, batch_id: int | None) -> ModelCall:
        """The call as this provider understands it: with its schema, or with words that ask for the same.

        Where that is not known a probe finds it out, on the account of the batch. Raises `CallFailed` where it does
        not, to be judged like the failure of any call, and `Refused` for a batch that does not run or a budget.
        """
        if call.schema is None or await self.structured(call.model, batch_id):
            return call
        return in_words(call)

    async def structured(self, model: str, batch_id: int | None) -> bool:
        """Whether the server holds a model to a schema. Raises as `fitted` does."""
        async with self._locks[model]:
            can = await self._can(model, "structured_output")
            if can is None or model in self._doubted:
                can = await self._ask_structured(model, batch_id)
        if not is_documented(self.endpoint):
            async with self._locks[""]:
                await self._ask_what_is_free(model, batch_id)
        return can

    async def batches(self, model: str, batch_id: int | None) -> bool:
        """Whether the provider has a Message Batches API. Raises as `fitted` does."""
        async with self._locks[""]:
            can = await self._can(model, "batches")
            return await self._ask_batches(model, batch_id) if can is None else can

    async def _can(self, model: str, capability: Capability) -> bool | None:
        return (await self.capabilities(model)).can(capability)

    async def capabilities(self, model: str) -> Capabilities:
        """What is known now. Nothing is asked."""
        read_at, there = self._known.get(model, (0.0, None))
        if there is None or clock.ticks() - read_at > KNOWN_SECONDS:
            there = await known(self.db, self.endpoint, model)
            self._known[model] = (clock.ticks(), there)
        return there

    # What calls show -----------------------------------------------------------------------------------------------

    async def heard(self, attempt: OpenAttempt, model: str, reply: ModelReply) -> None:
        """Notes what an ordinary reply shows: whether it names limits, and whether its usage knows of a cache."""
        shown: dict[Capability, tuple[bool, str]] = {
            "rate_limits": (bool(reply.rate_limits), "headers of a reply" if reply.rate_limits else "no such headers")
        }
        usage = reply.payload.get("usage")
        if reply.usage.cache_read_tokens or reply.usage.cache_write_tokens:
            shown["caching"] = (True, "tokens of a cache in a usage")
        elif isinstance(usage, dict) and "cache_read_input_tokens" not in usage:
            shown["caching"] = (False, "a usage without a word of a cache")
        # A cache that is named and not used may be one whose prefix is too short: that says nothing.
        for capability, (supported, seen) in shown.items():
            try:
                if await self._can(model, capability) is not supported:
                    await self._note(model, capability, supported, "call", seen, attempt)
            except TraintuiError:  # the next reply says it again
                return

    def misread(self, call: ModelCall, reading: Reading | None) -> None:
        """Takes note that a reply was not the JSON that the server should have held the model to; `reading` is how it
        could be read after all, None where it was of no use. Of a documented provider that is no reason for doubt:
        its models sometimes err."""
        if call.schema is not None and (reading is None or reading.how != "whole") and not is_documented(self.endpoint):
            self._doubt(call.model)

    async def doubted(self, call: ModelCall, failure: CallFailed) -> bool:
        """Whether a refusal seems to be about structured output, so that it is asked about and the call made anew."""
        if failure.kind != "rejected" or not _MEANT.search(failure.message):
            return False
        return await self._can(call.model, "structured_output") is not False and self._doubt(call.model)

    def _doubt(self, model: str) -> bool:
        """Has structured output asked about before the next call, unless a probe has said it lately."""
        if clock.ticks() - self._asked.get((model, "structured_output"), -DOUBT_SECONDS) < DOUBT_SECONDS:
            return False
        self._doubted.add(model)
        return True

    async def _note(
        self, model: str, capability: Capability, supported: bool, basis: Basis, seen: str, attempt: OpenAttempt | None
    ) -> bool:
        await found_capabilities.note(
            self.db,
            self.endpoint,
            model,
            capability,
            supported=supported,
            basis=basis,
            seen=redact_text(seen).value,
            attempt=attempt,
        )
        self._known.clear()
        return supported

    # What is asked -------------------------------------------------------------------------------------------------

    async def _ask_structured(self, model: str, batch_id: int | None) -> bool:
        """A tiny question with a schema: whoever answers it in prose does not hold the model to it."""
        if (met := self._too_soon(model)) is not None:
            raise met
        call = ModelCall(model, "", QUESTION, SCHEMA, ROOM)
        place = await self.line.enter_lightly(model)
        try:
            self._known.clear()  # another worker may have asked while this one waited
            can = await self._can(model, "structured_output")
            if can is not None and model not in self._doubted:
                await self.line.give_back(place)
                return can
            costs = await self.prices.now()
            attempt = await self._start(call.payload(), "structured_output", model, batch_id, dearest_cost(call, costs))
        except BaseException:
            await self.line.give_back(place)
            raise
        try:
            with recorded(attempt.id):
                reply = await self.client.send(call)
        except CallFailed as failure:
            await insist(partial(self.line.failed, place, model, failure))
            await insist(partial(attempts.finish, self.db, attempt, outcome_of_failure(failure, model, costs)))
            if failure.kind == "rejected" or failure.kind in _NOT_ANSWERED:
                # What was answered, and not with what was asked for: words work with any server.
                return await self._structured_is(False, model, f"the probe was answered: {failure.message}", attempt)
            raise self._later(model, failure) from None
        await insist(partial(self.line.passed, place, reply))
        can, seen = obeyed(reply.text)
        await insist(partial(attempts.finish, self.db, attempt, outcome_of_reply(reply, model, costs)))
        await self.heard(attempt, model, reply)
        return await self._structured_is(can, model, seen, attempt)

    def _later(self, model: str, failure: CallFailed) -> CallFailed:
        """The failure to tell. What may pass is not asked again for some seconds, however many calls wait for it, and
        when it does not pass, that is for somebody to look at: it is no attempt at any item, so none is given up."""
        if verdict_on(failure, 1).kind != "retry":
            return failure
        times, _, _ = self._failed.get(model, (0, 0.0, failure))
        if times + 1 >= MOST_ATTEMPTS:
            del self._failed[model]
            return CallFailed("unprobed", f"Asked {MOST_ATTEMPTS} times. {failure.message}")
        self._failed[model] = (times + 1, clock.ticks() + 2.0 ** (times + 1), failure)
        return failure

    def _too_soon(self, model: str) -> CallFailed | None:
        """The failure that was just met, with the seconds until it makes sense to ask again."""
        if (met := self._failed.get(model)) is None or met[1] <= clock.ticks():
            return None
        failure = met[2]
        return CallFailed(failure.kind, failure.message, retry_after=met[1] - clock.ticks())

    async def _structured_is(self, can: bool, model: str, seen: str, attempt: OpenAttempt) -> bool:
        self._doubted.discard(model)
        self._failed.pop(model, None)
        self._asked[model, "structured_output"] = clock.ticks()
        if not can:
            self.say(f"{self.endpoint} has no structured output for {model}: JSON is asked for in the prompt.")
        return await self._note(model, "structured_output", can, "probe", seen, attempt)

    async def _ask_what_is_free(self, model: str, batch_id: int | None) -> None:
        """Asks what costs nothing and nobody knows; what is not answered now is asked later."""
        for capability, ask in (("count_tokens", self._ask_counting), ("batches", self._ask_batches)):
            asked = self._asked.get(("", capability), -FREE_SECONDS)
            if await self._can(model, cast("Capability", capability)) is not None:
                continue
            if clock.ticks() - asked < FREE_SECONDS:
                continue
            self._asked["", capability] = clock.ticks()
            try:
                await ask(model, batch_id)
            except CallFailed as failure:
                self.say(f"{self.endpoint}: whether it has {capability} is not known yet. {failure.message}")

    async def _ask_counting(self, model: str, batch_id: int | None) -> bool:
        call = ModelCall(model, "", QUESTION, None, ROOM)
        return await self._ask_free(
            "count_tokens", COUNTING, model, batch_id, call.counting(), partial(self.client.count, call)
        )

    async def _ask_batches(self, model: str, batch_id: int | None) -> bool:
        async def ask() -> Any:
            answered = await self.client.exchange("GET", BATCHES_PATH, query={"limit": "1"})
            if not isinstance(answered.payload, dict) or not isinstance(answered.payload.get("data"), list):
                raise CallFailed("not_a_message", "The answer is no list of batches.", http_status=HTTPStatus.OK)
            return answered

        return await self._ask_free("batches", BATCHES, model, batch_id, {"limit": "1"}, ask)

    async def _ask_free(
        self,
        capability: Capability,
        line: str,
        model: str,
        batch_id: int | None,
        payload: dict[str, Any],
        ask: Callable[[], Awaitable[Any]],
    ) -> bool:
        """One request that costs nothing, and what its answer says."""
        place = await self.line.enter_lightly(line)
        try:
            attempt = await self._start(payload, capability, model, batch_id, Decimal(0))
        except BaseException:
            await self.line.give_back(place)
            raise
        try:
            with recorded(attempt.id):
                answered = await ask()
        except CallFailed as failure:
            await insist(partial(self.line.failed, place, line, failure))
            outcome = outcome_of_failure(failure, model, ())
            await insist(partial(attempts.finish, self.db, attempt, outcome))
            # Of batches nothing else is asked than whether there are any; counting is asked of a model.
            if not is_absent(failure, model if capability == "count_tokens" else None):
                raise
            return await self._note(model, capability, False, "probe", f"HTTP {failure.http_status}", attempt)
        await insist(partial(self.line.passed, place))
        found = cast("Any", redact(cast("Any", answered.payload)))
        outcome = Outcome(
            "ok", response_payload=found.value, cost_usd=Decimal(0), input_tokens=0, output_tokens=0,
            duration_ms=answered.duration_ms, http_status=answered.http_status, request_id=answered.request_id,
            redactions=found.counts,
        )  # fmt: skip
        await insist(partial(attempts.finish, self.db, attempt, outcome))
        return await self._note(model, capability, True, "probe", "answered", attempt)

    async def _start(
        self, payload: dict[str, Any], purpose: str, model: str, batch_id: int | None, dearest: Decimal | None
    ) -> OpenAttempt:
        """The committed row of a probe."""
        redacted = redact(cast("Any", payload))
        return await attempts.start_probe(
            self.db,
            batch_id=batch_id,
            model=model,
            endpoint=self.endpoint,
            request_payload=cast("Any", redacted.value),
            parameters={"purpose": purpose, "estimated_cost_usd": None if dearest is None else str(dearest)},
            redactions=redacted.counts,
            is_rehearsal=self.provider.is_rehearsal,
            worker_id=self.line.worker_id,
        )


def obeyed(text: str) -> tuple[bool, str]:
    """Whether an answer keeps to the probe's schema, and what was seen."""
    try:
        said = from_json(text)
    except ValueError:
        return False, "the probe was answered in prose"
    if isinstance(said, dict) and said.keys() == {"usual"} and said["usual"] in ("yes", "no"):
        return True, "the probe's answer keeps to its schema"
    return False, "the probe was answered with other JSON"


def is_absent(failure: CallFailed, model: str | None) -> bool:
    """Whether an answer means that there is no such thing to ask for, and not that it cannot be asked for now.

    A request that names a `model` may be refused for what it asks, and its model for not being there: of those only
    the lack of the path counts.
    """
    if failure.kind == "not_a_message" and failure.http_status == HTTPStatus.OK:
        return True
    if model is None:
        return failure.kind == "rejected" or failure.http_status in ABSENT
    return failure.http_status in ABSENT and model not in failure.message
