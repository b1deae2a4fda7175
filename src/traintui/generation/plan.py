"""What to generate: the plan a person writes, and the conversations it asks for, one by one."""

from __future__ import annotations

import heapq
import math
import random
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, field_validator

from traintui.data.nearest import nearest as nearest_name
from traintui.errors import TraintuiError

Dimension = Literal["persona", "emotion", "topic", "intent", "tone", "tier"]
Tier = Literal["template", "scenario", "edge_case"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
TIERS: tuple[Tier, ...] = get_args(Tier)

T = TypeVar("T")

MOST_CONVERSATIONS = 100_000
MOST_EXCHANGES = 20

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(?:.*\S)?$")]
Weights = dict[str, float]
"""Dimension value to weight. Weights compare with each other, they need not add up to anything."""


class Plan(BaseModel):
    """What to generate with which model. A dimension that is not named takes every active value alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    model: Name = "claude-sonnet-5-5"
    count: StrictInt = Field(ge=1, le=MOST_CONVERSATIONS, description="Conversations to generate.")
    seed: StrictInt = Field(default=0, ge=-(2**63), lt=2**63, description="The same seed gives the same conversations.")
    documents: tuple[Name, ...] = Field(default=(), description="Names of the documents to write from; none means all.")
    dimensions: dict[Dimension, Weights] = Field(default_factory=dict)
    exchanges: tuple[StrictInt, StrictInt] = Field(default=(2, 4), description="Least and most exchanges.")
    max_tokens: StrictInt = Field(default=4096, ge=1, le=128_000, description="Room for one reply, thinking included.")
    effort: Literal["low", "medium", "high"] = Field(default="medium", description="How long the model thinks first.")
    template: Name = "conversation"
    mode: Literal["calls", "batches"] = Field(
        default="calls", description="`batches` runs at half price through the Message Batches API, within a day."
    )
    slots: StrictInt = Field(default=4, ge=1, le=256, description="Calls in flight at a time.")
    budget_usd: Decimal | None = Field(default=None, gt=0, description="The batch stops before it costs more.")

    @field_validator("dimensions", mode="before")
    @classmethod
    def _lists_are_even_weights(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        return {dimension: _weights(values) for dimension, values in given.items()}

    @field_validator("dimensions")
    @classmethod
    def _weights_are_positive(cls, given: dict[Dimension, Weights]) -> dict[Dimension, Weights]:
        for dimension, weights in given.items():
            for value, weight in weights.items():
                if not (math.isfinite(weight) and weight > 0):
                    raise ValueError(f"the weight of {value!r} in {dimension} must be a number above 0")
        for tier in given.get("tier", {}):
            if tier not in TIERS:
                raise ValueError(f"{tier!r} is not a tier{nearest(tier, TIERS)}")
        return {dimension: weights for dimension, weights in given.items() if weights}

    @field_validator("exchanges")
    @classmethod
    def _exchanges_make_a_range(cls, given: tuple[int, int]) -> tuple[int, int]:
        least, most = given
        if not 1 <= least <= most <= MOST_EXCHANGES:
            raise ValueError(f"give the least and the most exchanges, from 1 to {MOST_EXCHANGES}, as in [2, 4]")
        return given


def _weights(values: object) -> object:
    """A list of values as a table in which all weigh alike."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        return values
    if not all(isinstance(value, str) for value in values):
        return values
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} is listed twice; give a table with weights instead")
    return dict.fromkeys(values, 1.0)


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about a word nobody knows: `, did you mean 'x'?` if one comes near, else `.`"""
    close = nearest_name(word, known, cutoff=0.55)
    return f", did you mean {close!r}?" if close else "."


def load_plan(path: Path) -> Plan:
    """The plan in a TOML file.

    Raises `TraintuiError` that names the key, what is wrong with it, and the nearest key or value that would be right.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise TraintuiError("Plan not read", f"{path} is not valid TOML: {error}.", "Mend that place.") from error
    except UnicodeDecodeError as error:
        raise TraintuiError("Plan not read", f"{path} is not UTF-8 text.", "Save the file as UTF-8.") from error
    except OSError as error:
        raise TraintuiError(
            "Plan not read", f"{path} cannot be read: {error.strerror}.", "Check the path and who may read it."
        ) from error
    return parse_plan(given, source=str(path))


def parse_plan(given: Mapping[str, Any], *, source: str = "The plan") -> Plan:
    """The plan that a table describes: parsed TOML, or a stored plan's JSON.

    Raises `TraintuiError` as `load_plan` does; `source` names the origin in it.
    """
    try:
        return Plan.model_validate(given)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=True)
        # An unknown key is usually a misspelt one, and then the missing key is only its shadow.
        mistakes.sort(key=lambda mistake: mistake["type"] != "extra_forbidden")
        more = f" ({len(mistakes) - 1} more after this one.)" if len(mistakes) > 1 else ""
        wrong, remedy = _explained(cast("dict[str, Any]", mistakes[0]))
        raise TraintuiError("Plan not understood", f"{source}: {wrong}{more}", remedy) from error


def _explained(mistake: dict[str, Any]) -> tuple[str, str]:
    """What is wrong with one key, and what to do."""
    place = [str(part) for part in mistake["loc"] if part != "[key]"]
    key = ".".join(place)
    if mistake["type"] == "extra_forbidden":
        if key in DIMENSIONS:
            return (
                f"`{key}` is a dimension and belongs into the table of them.",
                f"Move it below `[dimensions]`: {key}.",
            )
        keys = list(Plan.model_fields)
        return f"`{key}` is not a key of a plan{nearest(key, keys)}", f"The keys are: {', '.join(keys)}."
    if place[0] == "dimensions" and "[key]" in mistake["loc"]:
        return f"`{key}` is not a dimension{nearest(place[-1], DIMENSIONS)}", f"They are: {', '.join(DIMENSIONS)}."
    if place[0] == "dimensions" and mistake["type"] in ("dict_type", "mapping_type"):
        form = 'Write `persona = ["a", "b"]`, or a table `a = 3` when one should come more often.'
        return f"`{key}` must be a list of values or a table of value = weight.", form
    if mistake["type"] == "missing":
        return f"`{key}` is missing.", f"Add a line `{key} = ...`."
    if mistake["type"] == "string_pattern_mismatch":
        return f"`{key}` must be one line without blanks around it.", f"Change `{key}`."
    said = str(mistake["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    said = said if re.search(r"[.?]$", said) else f"{said}."
    return f"`{key}`: {said}", f"Change `{key}`."


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


Affinity = Callable[[str, int], float]
"""How much a chunk (id) has to say about a topic (value): 0 for nothing, otherwise any scale."""


def planned(
    plan: Plan,
    vocabulary: Mapping[str, Sequence[str]],
    chunk_ids: Sequence[int],
    *,
    affinity: Affinity | None = None,
) -> tuple[PlannedConversation, ...]:
    """The conversations of a plan: the same plan, vocabulary and chunks give the same ones in the same order.

    `vocabulary` holds the active values of each dimension, `chunk_ids` the chunks to write from; the order of either
    does not matter. Every dimension comes out as its weights ask, to within one conversation per value. Chunks take
    turns; with `affinity`, a topic takes the chunks that speak of it, in proportion to how much they do.
    Raises `TraintuiError` for a value that the vocabulary does not have, and when there is nothing to choose from.
    """
    chunks = sorted(set(chunk_ids))
    if not chunks:
        raise TraintuiError(
            "Nothing to write from",
            f"The plan {plan.name!r} finds no text in {', '.join(plan.documents) or 'any document'}.",
            "Add documents, or name others in the plan.",
        )
    columns = {dimension: _column(plan, dimension, vocabulary) for dimension in DIMENSIONS}
    least, most = plan.exchanges
    lengths = _counted_out(dict.fromkeys(range(least, most + 1), 1.0), plan.count, _dice(plan, "exchanges"))
    sources = _sources(columns["topic"], chunks, _dice(plan, "chunks"), affinity)
    variations = _dice(plan, "variation").sample(range(MOST_CONVERSATIONS), plan.count)
    return tuple(
        PlannedConversation(persona, emotion, topic, intent, tone, cast("Tier", tier), chunk_id, exchanges, variation)
        for persona, emotion, topic, intent, tone, tier, chunk_id, exchanges, variation in zip(
            *(columns[dimension] for dimension in DIMENSIONS), sources, lengths, variations, strict=True
        )
    )


def _dice(plan: Plan, purpose: str) -> random.Random:
    """Chance of its own for each purpose: another weight for tone leaves the personas where they were."""
    return random.Random(f"{plan.seed}/{purpose}")  # noqa: S311 - repeatable on purpose, nothing secret


def _column(plan: Plan, dimension: Dimension, vocabulary: Mapping[str, Sequence[str]]) -> list[str]:
    """The value of one dimension for every conversation.

    Raises `TraintuiError` for values outside the vocabulary, and for a dimension without any.
    """
    active = vocabulary.get(dimension) or (TIERS if dimension == "tier" else ())
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
    # Sorted, because a plan that was stored as JSONB comes back with its keys in another order.
    return _counted_out({value: wanted[value] for value in sorted(wanted)}, plan.count, _dice(plan, dimension))


def _counted_out(weights: Mapping[T, float], count: int, dice: random.Random) -> list[T]:
    """`count` values in the proportion of their weights, shuffled: whole shares, then the largest remainders."""
    exact = {value: Fraction(weight) for value, weight in weights.items()}
    whole = sum(exact.values())
    shares = {value: weight * count / whole for value, weight in exact.items()}
    counts = {value: math.floor(share) for value, share in shares.items()}
    by_remainder = list(shares)
    dice.shuffle(by_remainder)
    by_remainder.sort(key=lambda value: counts[value] - shares[value])
    for value in by_remainder[: count - sum(counts.values())]:
        counts[value] += 1
    values = [value for value, times in counts.items() for _ in range(times)]
    dice.shuffle(values)
    return values


def _sources(
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
