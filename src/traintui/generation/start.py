"""From a plan to a batch in the queue."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from traintui.data import batches, documents, templates, vocabulary
from traintui.data.engine import Database
from traintui.data.records import ChunkRecord, VocabularyValue
from traintui.generation.plan import Plan, planned
from traintui.generation.prompt import builtin_template, check_template


async def start_batch(db: Database, plan: Plan, *, is_rehearsal: bool) -> int:
    """Stores the plan and queues a batch of it, whole or not at all. Returns the id of the batch.

    Raises `TraintuiError` when the plan names a value, a document or a template that there is not, and `Refused` when
    one may not generate.
    """
    template = builtin_template(plan.template)
    check_template(template)
    values = await vocabulary.values(db, active_only=True)
    chunks = await documents.chunks(db, plan.documents)
    by_dimension: dict[str, list[str]] = defaultdict(list)
    for value in values:
        by_dimension[value.dimension].append(value.value)
    items = planned(plan, by_dimension, [chunk.id for chunk in chunks], affinity=affinity_of(values, chunks))
    stored = await templates.store(db, template.name, system=template.system, user_prompt=template.user)
    return await batches.create(
        db,
        items,
        name=plan.name,
        definition=plan.model_dump(mode="json"),
        template_id=stored.id,
        model=plan.model,
        is_rehearsal=is_rehearsal,
        budget_usd=plan.budget_usd,
    )


def affinity_of(values: Sequence[VocabularyValue], chunks: Sequence[ChunkRecord]) -> Callable[[str, int], float]:
    """How much a chunk speaks of a topic: how often the topic's keywords occur per 100 words, a heading counting five
    times. A topic without keywords is looked for by its label."""
    words = {
        value.value: [word.lower() for word in (value.keywords or (value.label,))]
        for value in values
        if value.dimension == "topic"
    }
    texts = {chunk.id: (f"{chunk.heading} " * 5 + chunk.content).lower() for chunk in chunks}

    def affinity(topic: str, chunk_id: int) -> float:
        text = texts[chunk_id]
        found = sum(len(re.findall(rf"\b{re.escape(word)}", text)) for word in words.get(topic, ()))
        return found / max(1, len(text.split())) * 100

    return affinity
