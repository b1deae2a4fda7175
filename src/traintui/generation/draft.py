"""A plan worked out: its conversations, and what their prompts are made of."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from traintui.data import documents, metadata, metadata_schema, vocabulary
from traintui.data.engine import Database
from traintui.data.records import ChunkRecord, VocabularyValue
from traintui.generation.chunk_choice import chosen
from traintui.generation.lacking import gaps_of
from traintui.generation.plan import Plan
from traintui.generation.plan_rows import PlanRows, listed
from traintui.generation.planned import PlannedConversation, planned
from traintui.generation.prompt import Facet, Prompt, PromptContext, Source, TemplateText, render
from traintui.generation.strategies import Gaps


@dataclass(frozen=True, slots=True)
class Draft:
    """What a plan comes to. `plan` has the count that its strategy came to, `values` the vocabulary by dimension and
    value, `chunks` what there is to write from by id."""

    plan: Plan
    items: tuple[PlannedConversation, ...]
    values: Mapping[tuple[str, str], VocabularyValue]
    chunks: Mapping[int, ChunkRecord]


async def draft(db: Database, plan: Plan, *, rows: PlanRows | None = None, gaps: Gaps | None = None) -> Draft:
    """The conversations that a plan asks for in this workspace; nothing is stored.

    `rows` are those of a CSV file, if the plan stands in one; `gaps` is what the dimensions of the plan lack
    to their targets, for the strategy of that name; read from the coverage where it is not given.
    Raises `TraintuiError` when the plan names a value, a document or a chunk that there is not, or contradicts itself.
    """
    if plan.strategy == "gaps" and rows is None and gaps is None:
        gaps = await gaps_of(db, plan.gaps)
    values = await vocabulary.values(db, active_only=True)
    chunks = chosen(plan, await documents.chunks(db))
    by_dimension: dict[str, list[str]] = defaultdict(list)
    for value in values:
        by_dimension[value.dimension].append(value.value)
    affinity = affinity_of(values, chunks)
    if rows is not None:
        rules = await metadata_schema.rules(db)
        types = {key.key: key.value_type for key in await metadata.keys(db)}
        work = partial(listed, plan, rows, by_dimension, chunks, affinity=affinity, key_types=types, rules=rules)
    else:
        ids = [chunk.id for chunk in chunks]
        work = partial(planned, plan, by_dimension, ids, affinity=affinity, gaps=gaps)
    # In a thread: a hundred thousand of them take seconds, in which a screen answers keys.
    items = await asyncio.to_thread(work)
    return Draft(
        plan.model_copy(update={"count": len(items)} | ({"gaps": gaps.dimensions} if gaps else {})),
        items,
        {(value.dimension, value.value): value for value in values},
        {chunk.id: chunk for chunk in chunks},
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


def sample(items: Sequence[PlannedConversation], most: int) -> Sequence[PlannedConversation]:
    """Up to so many of them, evenly from the first to the last."""
    return items[:: -(-len(items) // most)]


def prompt_of(made: Draft, template: TemplateText, item: PlannedConversation) -> Prompt:
    """The prompt of one planned conversation. Raises `TraintuiError` as `render` does."""

    def facet(dimension: str, value: str) -> Facet:
        known = made.values.get((dimension, value))
        return Facet(value, known.label, known.description) if known else Facet(value, value)

    chunk = made.chunks[item.chunk_id]
    context = PromptContext(
        persona=facet("persona", item.persona),
        emotion=facet("emotion", item.emotion),
        topic=facet("topic", item.topic),
        intent=facet("intent", item.intent),
        tone=facet("tone", item.tone),
        tier=item.tier,
        source=Source(chunk.title, chunk.heading, chunk.content),
        exchanges=item.exchanges,
        variation=item.variation,
    )
    return render(template, context)
