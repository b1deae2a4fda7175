"""The judge in a worker: what it asks about a conversation, and what it keeps of the answer.

An opinion is a call like any other: in the same line, within the same budgets, with a row before it is sent. One that
fails leaves its conversation as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from traintui.data import attempts, batches, judgements, templates, vocabulary, work
from traintui.data.engine import Database
from traintui.data.judgement_records import NOT_JUDGED, ToJudge
from traintui.data.records import VocabularyValue
from traintui.generation.answer import Answer
from traintui.generation.client import ModelCall
from traintui.generation.jobs import NothingToAsk, Warming
from traintui.generation.judge_plan import MAX_TOKENS, JudgePlan
from traintui.generation.outcome import outcome_of_reply
from traintui.generation.persisting import insist
from traintui.generation.probing import Prober
from traintui.generation.prompt import TemplateText
from traintui.generation.rubric import asked, criteria_of, opinion_of, opinion_schema
from traintui.generation.start import text_of
from traintui.generation.structured import InvalidReply, Reading, read_json
from traintui.generation.verdict import CallFailed, Verdict

OF_THE_ACCOUNT = {"spend_cap", "no_credit", "key", "on_hold", "redirect"}
"""Failures that writing meets as well, and for which a batch pauses. Any other is the judge's own: nobody could change
the judge of a batch that waits for it, and what is to be written would wait along. A batch that only judges pauses for
its judge."""


class NotJudged(NothingToAsk):
    """A conversation that there is nothing to ask about."""


@dataclass(frozen=True, slots=True)
class JudgeJob:
    """What the opinions of one batch share."""

    id: int
    model: str
    rubric: TemplateText
    is_rehearsal: bool
    max_tokens: int
    effort: Literal["low", "medium", "high"] | None
    labels: Mapping[tuple[str, str], VocabularyValue]
    writes: bool
    """Whether its batch writes conversations too, or only judges."""
    warming: Warming = field(default_factory=Warming)

    @property
    def fallback_model(self) -> str | None:
        """None: another judge would be another opinion."""
        return None


class Judging:
    """Asks for opinions and keeps them. `probing` hears what the replies tell of the provider."""

    def __init__(self, db: Database, probing: Prober, *, say: Callable[[str], None] = lambda _: None) -> None:
        self.db = db
        self.probing = probing
        self.say = say
        self._jobs: dict[int, JudgeJob] = {}

    async def job(self, batch_id: int) -> JudgeJob:
        """What the opinions of a batch share; read once."""
        if batch_id not in self._jobs:
            setup = await batches.setup(self.db, batch_id)
            assert setup.judge_model is not None and setup.judge_template_id is not None  # noqa: S101 - has judge items
            own = JudgePlan.model_validate(setup.definition) if setup.kind == "judge" else None
            job = JudgeJob(
                id=batch_id,
                model=setup.judge_model,
                rubric=text_of(await templates.get(self.db, setup.judge_template_id)),
                is_rehearsal=setup.is_rehearsal,
                max_tokens=own.max_tokens if own else MAX_TOKENS,
                effort=own.effort if own else "medium",
                labels=await vocabulary.labels(self.db),
                writes=own is None,
            )
            self._jobs.setdefault(batch_id, job)  # several items may begin at once, and share one
        return self._jobs[batch_id]

    async def read(self, item: work.ClaimedItem) -> ToJudge:
        """The conversation of an item as it is now. Raises `NotJudged` where nothing is to be asked about it."""
        conversation = await judgements.to_judge(self.db, item)
        if conversation is None:
            raise NotJudged("the conversation is gone.")
        if conversation.is_deleted:
            raise NotJudged("the conversation is in the trash.")
        return conversation

    def call(self, job: JudgeJob, conversation: ToJudge) -> ModelCall:
        """The request for an opinion. Raises `TraintuiError` for a rubric that does not resolve."""
        prompt = asked(job.rubric, conversation, job.labels)
        schema = opinion_schema(criteria_of(conversation))
        return ModelCall(job.model, prompt.system, prompt.user, schema, job.max_tokens, job.effort)

    async def keep(
        self, conversation: ToJudge, item: work.ClaimedItem, call: ModelCall, answer: Answer
    ) -> InvalidReply | None:
        """Stores the opinion with the end of its call; what is none stays with the call, and is returned."""
        reply = answer.reply
        assert not isinstance(reply, CallFailed)  # noqa: S101 - failures are not kept
        reading: Reading | None = None
        try:
            reading = read_json(reply.text)
            opinion = opinion_of(reading.value, criteria_of(conversation), conversation.turns)
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
                judgements.store,
                self.db,
                item,
                revision=conversation.revision,
                model=call.model,
                scores=opinion.scores,
                spans=opinion.spans,
                spans_dropped=opinion.spans_dropped,
                call=(answer.attempt.id, answer.attempt.created_at),
                finish=attempts.finishing(answer.attempt, outcome),
            )
        )
        await self.probing.heard(answer.attempt, call.model, reply)
        if not stored:
            self.say(f"{item.conversation_id}: another worker asks about it now; this opinion is in the log only.")
        return None


def about_opinions(verdict: Verdict, failure: CallFailed | InvalidReply, job: JudgeJob) -> Verdict:
    """The verdict on a failure as it is for an opinion: where its batch writes too, what is the judge's own fails this
    opinion and stops nothing else."""
    of_account = isinstance(failure, CallFailed) and failure.kind in OF_THE_ACCOUNT
    kind = "fail" if verdict.kind == "pause" and job.writes and not of_account else verdict.kind
    reason = f"{NOT_JUDGED}{verdict.reason}" if kind == "fail" else verdict.reason
    return replace(verdict, kind=kind, reason=reason)
