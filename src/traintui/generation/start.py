"""From a plan to a batch in the queue."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from traintui.data import batches, documents, templates, vocabulary
from traintui.data.engine import Database
from traintui.data.records import ChunkRecord, TemplateRecord, VocabularyValue
from traintui.errors import TraintuiError
from traintui.generation.plan import Plan, nearest, planned
from traintui.generation.prompt import TemplateText, builtin_names, builtin_template, check_template


async def start_batch(db: Database, plan: Plan, *, is_rehearsal: bool) -> int:
    """Stores the plan and queues a batch of it, whole or not at all. Returns the id of the batch.

    Raises `TraintuiError` when the plan names a value, a document or a template that there is not, or a template of
    which no version is active, and `Refused` when one may not generate.
    """
    active = await active_template(db, plan.template)
    template = text_of(active) if active is not None else builtin_template(plan.template)
    check_template(template)
    values = await vocabulary.values(db, active_only=True)
    chunks = await documents.chunks(db, plan.documents)
    by_dimension: dict[str, list[str]] = defaultdict(list)
    for value in values:
        by_dimension[value.dimension].append(value.value)
    items = planned(plan, by_dimension, [chunk.id for chunk in chunks], affinity=affinity_of(values, chunks))
    stored = active or await templates.store(
        db, template.name, system=template.system, user_prompt=template.user, built_in=True
    )
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


async def active_template(db: Database, name: str) -> TemplateRecord | None:
    """The newest active version of a template; None where it is the built-in one as it comes with this Traintui, which
    is stored when it is first used.

    Raises `TraintuiError` when there is no such template, or no version of it is active.
    """
    versions = await templates.versions(db, name)
    newest = next((version for version in versions if version.active), None)
    if newest is None and versions:
        raise TraintuiError(
            "Template not active",
            f"No version of template {name!r} is active.",
            "Activate one on the Templates screen, or name another template.",
        )
    if newest is not None:
        # A newer Traintui may bring another text; as long as nobody wrote a version, that one is meant.
        renewed = (
            newest.built_in and newest == versions[0] and text_of(newest) != builtin_template(name, newest.version)
        )
        return None if renewed else newest
    known = {version.name for version in await templates.versions(db)} | set(builtin_names())
    if name not in known:
        raise TraintuiError(
            "No such template", f"There is no template {name!r}{nearest(name, known)}", "Look at the Templates screen."
        )
    return None


async def keep_builtin(db: Database) -> None:
    """Stores each built-in template that is not there yet, so that people can see it and write versions of it."""
    there = {version.name for version in await templates.versions(db)}
    for name in builtin_names():
        if name not in there:
            text = builtin_template(name)
            await templates.store(db, name, system=text.system, user_prompt=text.user, built_in=True)


def text_of(record: TemplateRecord) -> TemplateText:
    """A stored version as what is rendered."""
    return TemplateText(record.name, record.version, record.system, record.user_prompt)


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
