"""Turns anew in a worker: what it asks for, and what it keeps of the answer.

That is a call like any other: in the same line, within the same budgets, with a row before it is sent. One that fails
leaves the conversation as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from traintui.data import attempts, batches, regenerations, templates, vocabulary, work
from traintui.data.engine import Database
from traintui.data.judgement_records import ToJudge
from traintui.data.records import VocabularyValue
from traintui.generation.answer import Answer
from traintui.generation.client import ModelCall
from traintui.generation.jobs import NothingToAsk, Warming
from traintui.generation.outcome import outcome_of_reply
from traintui.generation.persisting import insist
from traintui.generation.probing import Prober
from traintui.generation.prompt import TemplateText
from traintui.generation.regeneration import TURNS_SCHEMA, RegenerationPlan, asked_anew, turns_anew
from traintui.generation.start import text_of
from traintui.generation.structured import InvalidReply, Reading, read_json
from traintui.generation.verdict import CallFailed

MOVED_ON = "Somebody edited, decided or deleted it meanwhile."


@dataclass(frozen=True, slots=True)
class RewriteJob:
    """A request for turns of one conversation."""

    id: int
    plan: RegenerationPlan
    template: TemplateText
    model: str
    is_rehearsal: bool
    labels: Mapping[tuple[str, str], VocabularyValue]
    warming: Warming = field(default_factory=Warming)

    @property
    def fallback_model(self) -> str | None:
        """None: the reviewer asked this one."""
        return None


class Rewriting:
    """Asks for turns anew and keeps them. `probing` hears what the replies tell of the provider."""

    def __init__(self, db: Database, probing: Prober, *, say: Callable[[str], None] = lambda _: None) -> None:
        self.db = db
        self.probing = probing
        self.say = say

    async def job(self, batch_id: int) -> RewriteJob:
        """What was asked for; each request is a batch of its own."""
        setup = await batches.setup(self.db, batch_id)
        return RewriteJob(
            id=batch_id,
            plan=RegenerationPlan.model_validate(setup.definition),
            template=text_of(await templates.get(self.db, setup.template_id)),
            model=setup.model,
            is_rehearsal=setup.is_rehearsal,
            labels=await vocabulary.labels(self.db),
        )

    async def read(self, job: RewriteJob, item: work.ClaimedItem) -> ToJudge:
        """The conversation of an item. Raises `NothingToAsk` where it is another by now."""
        conversation = await regenerations.to_rewrite(self.db, item, job.plan.seen)
        if conversation is None:
            raise NothingToAsk(MOVED_ON)
        return conversation

    def call(self, job: RewriteJob, conversation: ToJudge) -> ModelCall:
        """The request for the turns. Raises `TraintuiError` for a template that does not resolve."""
        prompt = asked_anew(job.template, job.plan, conversation, job.labels)
        return ModelCall(job.model, prompt.system, prompt.user, TURNS_SCHEMA, job.plan.max_tokens, job.plan.effort)

    async def keep(
        self, job: RewriteJob, conversation: ToJudge, item: work.ClaimedItem, call: ModelCall, answer: Answer
    ) -> InvalidReply | None:
        """Stores the turns as a revision with the end of the call; what is none stays with the call."""
        reply, plan = answer.reply, job.plan
        assert not isinstance(reply, CallFailed)  # noqa: S101 - failures are not kept
        reading: Reading | None = None
        try:
            reading = read_json(reply.text)
            turns = turns_anew(reading.value, conversation.turns, plan.first, plan.last)
        except InvalidReply as failure:
            outcome = outcome_of_reply(
                reply, call.model, answer.prices, unusable=failure.reason, tokens=answer.tokens, reading=reading
            )
            await insist(partial(attempts.finish, self.db, answer.attempt, outcome))
            self.probing.misread(call, None)
            return failure
        self.probing.misread(call, reading)
        outcome = outcome_of_reply(reply, call.model, answer.prices, tokens=answer.tokens, reading=reading)
        stored = await insist(
            partial(
                regenerations.store,
                self.db,
                item,
                plan.seen,
                turns,
                first=plan.first,
                reason=plan.reason,
                note=plan.note,
                log_id=answer.attempt.id,
                finish=attempts.finishing(answer.attempt, outcome),
            )
        )
        await self.probing.heard(answer.attempt, call.model, reply)
        if stored != "stored":
            why = MOVED_ON if stored == "moved_on" else "Another worker has it now."
            self.say(f"{item.conversation_id}: {why} These turns are in the log only.")
        return None
