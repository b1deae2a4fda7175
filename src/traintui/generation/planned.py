"""The conversations that a plan asks for, one by one."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from traintui.errors import TraintuiError
from traintui.generation.meant import nearest
from traintui.generation.plan import DIMENSIONS, MOST_CONVERSATIONS, TIERS, Dimension, Plan, Tier
from traintui.generation.strategies import Gaps, columns, counted_out, dice


@dataclass(frozen=True, slots=True)
class PlannedConversation:
    """One conversation to generate. `variation` differs within a plan, so that equal cells still make unlike texts."""

    persona: str
    emotion: str
    topic: str
    intent: str
    tone: str
    tier: Tier
    chunk_id: int
    exchanges: int
    variation: int
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)


Affinity = Callable[[str, int], float]
"""How much a chunk (id) has to say about a topic (value): 0 for nothing, otherwise any scale."""


def planned(
    plan: Plan,
    vocabulary: Mapping[str, Sequence[str]],
    chunk_ids: Sequence[int],
    *,
    affinity: Affinity | None = None,
    gaps: Gaps | None = None,
) -> tuple[PlannedConversation, ...]:
    """The conversations of a plan: the same plan, vocabulary, chunks and gaps give the same ones in the same order.

    `vocabulary` holds the active values of each dimension, `chunk_ids` the chunks to write from, `gaps` what two
    dimensions lack to their targets; the order of none of them matters. Values come as the plan's strategy says. Chunks
    take turns; with `affinity`, a topic takes the chunks that speak of it, in proportion
    to how much they do.
    Raises `TraintuiError` for a value that the vocabulary does not have, when there is nothing to choose from, and
    where the strategy contradicts count or weights.
    """
    if plan.strategy == "listed":
        raise TraintuiError(
            "Plan not usable",
            "`strategy`: the conversations of a listed plan stand in a CSV file.",
            "Give that file, as in `traintui generate --plan FILE.csv`, or take another strategy.",
        )
    chunks = sorted(set(chunk_ids))
    if not chunks:
        raise TraintuiError(
            "Nothing to write from",
            f"The plan {plan.name!r} finds no text in {', '.join(plan.documents) or 'any document'}.",
            "Add documents, or name others in the plan.",
        )
    values = columns(plan, drawn(plan, vocabulary), gaps)
    count = len(values["topic"])
    return tuple(
        PlannedConversation(persona, emotion, topic, intent, tone, cast("Tier", tier), chunk_id, exchanges, variation)
        for persona, emotion, topic, intent, tone, tier, chunk_id, exchanges, variation in zip(
            *(values[dimension] for dimension in DIMENSIONS),
            sources(values["topic"], chunks, dice(plan, "chunks"), affinity),
            lengths(plan, count),
            variations(plan, count),
            strict=True,
        )
    )


def lengths(plan: Plan, count: int) -> list[int]:
    """How many exchanges each conversation has: every number of the plan's range alike."""
    least, most = plan.exchanges
    return counted_out(dict.fromkeys(range(least, most + 1), 1.0), count, dice(plan, "exchanges"))


def variations(plan: Plan, count: int) -> list[int]:
    """A number for each conversation, none twice."""
    return dice(plan, "variation").sample(range(MOST_CONVERSATIONS), count)


def drawn(plan: Plan, vocabulary: Mapping[str, Sequence[str]]) -> dict[Dimension, dict[str, float]]:
    """The values that each dimension takes, with their weights; a dimension that the plan does not name takes all.

    Raises `TraintuiError` for values outside the vocabulary, and for a dimension without any.
    """
    return {dimension: _drawn(plan, dimension, vocabulary) for dimension in DIMENSIONS}


def active_values(dimension: Dimension, vocabulary: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """The values that a dimension may take. Tiers need no vocabulary."""
    return vocabulary.get(dimension) or (TIERS if dimension == "tier" else ())


def _drawn(plan: Plan, dimension: Dimension, vocabulary: Mapping[str, Sequence[str]]) -> dict[str, float]:
    active = active_values(dimension, vocabulary)
    wanted = plan.dimensions.get(dimension) or dict.fromkeys(active, 1.0)
    for value in sorted(wanted):
        if value not in active:
            raise TraintuiError(
                "Plan not usable",
                f"`dimensions.{dimension}`: {value!r} is not an active {dimension}{nearest(value, active)}",
                f"Take one of: {', '.join(active)}." if active else f"Add the {dimension} to the vocabulary.",
            )
    if not wanted:
        raise TraintuiError(
            "Plan not usable", f"The vocabulary has no active {dimension}.", f"Add a {dimension}, or activate one."
        )
    return wanted


def sources(
    topics: Sequence[str], chunks: Sequence[int], dice: random.Random, affinity: Affinity | None
) -> Iterator[int]:
    """A chunk for each topic in turn.

    A chunk's next use of a topic counts its affinity divided by its uses so far plus one, as seats go to parties by
    D'Hondt: the ones that say most come first and most often, equals take turns, and no chunk is used up.
    """
    in_turn = _rounds(chunks, dice)
    queues: dict[str, list[tuple[float, int, float, int, int]]] = {}
    for topic in topics:
        if topic not in queues:
            scores = [(affinity(topic, chunk) if affinity else 0.0, chunk) for chunk in chunks]
            dice.shuffle(scores)
            queues[topic] = [(-score, rank, score, 1, chunk) for rank, (score, chunk) in enumerate(scores) if score > 0]
            heapq.heapify(queues[topic])
        queue = queues[topic]
        if not queue:
            yield next(in_turn)
            continue
        _, rank, score, uses, chunk = queue[0]
        heapq.heapreplace(queue, (-score / (uses + 1), rank, score, uses + 1, chunk))
        yield chunk


def _rounds(chunks: Sequence[int], dice: random.Random) -> Iterator[int]:
    """Every chunk once in a random order, then again, without end."""
    while True:
        yield from dice.sample(chunks, len(chunks))
