"""A plan worked out: its conversations, and what their prompts are made of."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from traintui.data import documents, vocabulary
from traintui.data.engine import Database
from traintui.data.records import ChunkRecord, VocabularyValue
from traintui.errors import TraintuiError
from traintui.generation.plan import Plan, nearest
from traintui.generation.planned import PlannedConversation, planned
from traintui.generation.strategies import Gaps

PATH = " > "
"""Between a document and the headings below it, as in `fees > Accounts > Overdraft`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a plan comes to. `plan` has the count that its strategy came to, `values` the vocabulary by dimension and
    value, `chunks` what there is to write from by id."""

    plan: Plan
    items: tuple[PlannedConversation, ...]
    values: Mapping[tuple[str, str], VocabularyValue]
    chunks: Mapping[int, ChunkRecord]


async def draft(db: Database, plan: Plan, *, gaps: Gaps | None = None) -> Draft:
    """The conversations that a plan asks for in this workspace; nothing is stored.

    `gaps` is how many conversations each (persona, emotion) lacks to its target, for the strategy of that name.
    Raises `TraintuiError` when the plan names a value, a document or a chunk that there is not, or contradicts itself.
    """
    values = await vocabulary.values(db, active_only=True)
    chunks = chosen(plan, await documents.chunks(db))
    by_dimension: dict[str, list[str]] = defaultdict(list)
    for value in values:
        by_dimension[value.dimension].append(value.value)
    affinity = affinity_of(values, chunks)
    # In a thread: a hundred thousand of them take seconds, in which a screen answers keys.
    items = await asyncio.to_thread(
        partial(planned, plan, by_dimension, [chunk.id for chunk in chunks], affinity=affinity, gaps=gaps)
    )
    return Draft(
        plan.model_copy(update={"count": len(items)}),
        items,
        {(value.dimension, value.value): value for value in values},
        {chunk.id: chunk for chunk in chunks},
    )


def chosen(plan: Plan, chunks: Sequence[ChunkRecord]) -> tuple[ChunkRecord, ...]:
    """The chunks of the documents and chunks that a plan names, in reading order; all, when it names none.

    Raises `TraintuiError` for one that there is not, with the nearest.
    """
    if not plan.documents and not plan.chunks:
        return tuple(chunks)
    ids = {chunk.id for name in plan.documents for chunk in of_document(name, chunks)}
    ids |= {chunk.id for wanted in plan.chunks for chunk in of_place(wanted, chunks)}
    return tuple(chunk for chunk in chunks if chunk.id in ids)


def of_document(name: str, chunks: Sequence[ChunkRecord], *, key: str = "documents") -> list[ChunkRecord]:
    """The chunks of a document. Raises `TraintuiError` when it has none, or there is no such document."""
    found = [chunk for chunk in chunks if chunk.document == name]
    if not found:
        known = list(dict.fromkeys(chunk.document for chunk in chunks))
        raise _not_there(f"`{key}`: there is no text of a document {name!r}{nearest(name, known)}", known)
    return found


def of_place(wanted: int | str, chunks: Sequence[ChunkRecord]) -> list[ChunkRecord]:
    """The chunk of that number, or those below a heading: `document > heading`, or a document as a whole.

    Raises `TraintuiError` when there is none.
    """
    if isinstance(wanted, int):
        found = [chunk for chunk in chunks if chunk.id == wanted]
        if not found:
            raise _not_there(f"`chunks`: there is no chunk {wanted}, or its document does not have it any more.", [])
        return found
    document, _, heading = wanted.partition(PATH)
    return below(heading, of_document(document, chunks, key="chunks"), key="chunks")


def below(heading: str, chunks: Sequence[ChunkRecord], *, key: str) -> list[ChunkRecord]:
    """Those of a document's chunks that stand below a heading, given from the first level on; all when it is empty.

    Raises `TraintuiError` when there are none.
    """
    found = [chunk for chunk in chunks if not heading or f"{chunk.heading}{PATH}".startswith(f"{heading}{PATH}")]
    if not found:
        known = list(dict.fromkeys(chunk.heading for chunk in chunks if chunk.heading))
        raise _not_there(f"`{key}`: {chunks[0].document!r} has no heading {heading!r}{nearest(heading, known)}", known)
    return found


def _not_there(wrong: str, known: Sequence[str]) -> TraintuiError:
    shown = ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
    remedy = f"There are: {shown}." if known else "Import its document, or name another."
    return TraintuiError("Nothing to write from", wrong, remedy)


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
