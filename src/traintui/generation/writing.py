"""Writing in a worker: what it asks for a conversation, and what it keeps of the answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from traintui.data import attempts, batches, templates, vocabulary, work
from traintui.data.engine import Database
from traintui.generation.answer import Answer
from traintui.generation.client import ModelCall
from traintui.generation.exchanges import OUTPUT_SCHEMA, turns_of
from traintui.generation.jobs import Job
from traintui.generation.outcome import outcome_of_reply
from traintui.generation.persisting import insist
from traintui.generation.plan import Plan
from traintui.generation.probing import Prober
from traintui.generation.prompt import PromptContext, Source, render
from traintui.generation.start import text_of
from traintui.generation.structured import InvalidReply, Reading, read_json
from traintui.generation.verdict import CallFailed
from traintui.quality import thresholds
from traintui.quality.signatures import signature
from traintui.quality.stored import scored_among_others
from traintui.quality.structure import score


class Writing:
    """Asks for conversations and keeps them. `probing` hears what the replies tell of the provider."""

    def __init__(self, db: Database, probing: Prober, *, say: Callable[[str], None] = lambda _: None) -> None:
        self.db = db
        self.probing = probing
        self.say = say
        self._jobs: dict[int, Job] = {}

    async def job(self, batch_id: int) -> Job:
        """What the items of a batch share; read once."""
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

    def call(self, job: Job, item: work.ClaimedItem) -> ModelCall:
        """The request for a conversation. Raises `TemplateMistake` for a template that does not resolve."""
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

    async def keep(self, job: Job, item: work.ClaimedItem, call: ModelCall, answer: Answer) -> InvalidReply | None:
        """Stores the conversation with its score and the end of its call; what is none stays with the call, and is
        returned."""
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
            self.probing.misread(call, None)
            return failure
        self.probing.misread(call, reading)
        expected = range(2 * job.plan.exchanges[0], 2 * job.plan.exchanges[1] + 1)
        scored = score(turns, expected_turns=expected, source=item.source, thresholds=job.thresholds)
        stored = await insist(
            lambda: work.store(
                self.db,
                item,
                [(turn.role, turn.content) for turn in turns],
                signature=signature([turn.content for turn in turns]),
                scoring=scored_among_others(scored),
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
