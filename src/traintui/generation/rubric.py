"""What a judge is asked, and what it answers: a conversation held against a rubric, a score for each criterion."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from traintui.data.judgement_records import CRITERIA, Span, ToJudge
from traintui.data.records import Turn, VocabularyValue
from traintui.generation.prompt import Facet, Prompt, RubricContext, Source, SpokenTurn, TemplateText, render
from traintui.generation.structured import InvalidReply

MOST_SPANS = 6
"""Spans of one criterion that are kept, first come first; a model may point at everything."""
LONGEST_SENTENCE = 500
"""Characters. What is longer is no sentence, and is cut."""
Labels = Mapping[tuple[str, str], VocabularyValue]


def criteria_of(conversation: ToJudge) -> tuple[str, ...]:
    """What a conversation can be judged by: not whether it is faithful to a source that it has not, nor whether a
    persona or an emotion is held that nobody asked for."""
    there = {
        "faithful": conversation.source is not None,
        "persona": conversation.dimensions["persona"] is not None,
        "emotion": conversation.dimensions["emotion"] is not None,
    }
    return tuple(name for name in CRITERIA if there.get(name, True))


def facets_of(conversation: ToJudge, labels: Labels) -> dict[str, Facet | None]:
    """The five dimensions of a conversation that have words, by name; none where it has no value."""

    def facet(dimension: str) -> Facet | None:
        value = conversation.dimensions[dimension]
        if value is None:
            return None
        known = labels.get((dimension, value))
        return Facet(value, known.label, known.description) if known else Facet(value, value)

    return {name: facet(name) for name in ("persona", "emotion", "topic", "intent", "tone")}


def asked(rubric: TemplateText, conversation: ToJudge, labels: Labels) -> Prompt:
    """The prompt that asks for an opinion. Raises `TraintuiError` as `render` does."""
    source = conversation.source
    context = RubricContext(
        **facets_of(conversation, labels), tier=conversation.dimensions["tier"],
        source=Source(source.title, source.heading, source.content) if source else None,
        system_prompt=conversation.system_prompt,
        turns=tuple(SpokenTurn(turn.number, turn.role, turn.content) for turn in conversation.turns),
        criteria=criteria_of(conversation),
    )  # fmt: skip
    return render(rubric, context)


def opinion_schema(criteria: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of an opinion. The API keeps to types and names but to no ranges: `opinion_of` checks those."""

    def of_object(properties: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": "object", "properties": dict(properties), "required": list(properties),
            "additionalProperties": False,
        }  # fmt: skip

    span = of_object(
        {
            "turn": {"type": "integer", "description": "Number of the turn."},
            "quote": {"type": "string", "description": "Words of that turn, letter for letter."},
        }
    )
    return of_object(
        {
            name: {
                **of_object(
                    {
                        "score": {"type": "integer", "description": "0 to 10"},
                        "sentence": {"type": "string", "description": "What decided it, in one sentence."},
                        "spans": {"type": "array", "items": span},
                    }
                ),
                "description": CRITERIA[name],
            }
            for name in criteria
        }
    )


class SpanReply(BaseModel):
    """Where a judge points."""

    model_config = ConfigDict(extra="forbid", strict=True)

    turn: int
    quote: str


class CriterionReply(BaseModel):
    """What a judge says of one criterion."""

    model_config = ConfigDict(extra="forbid", strict=True)

    score: float = Field(ge=0, le=10, allow_inf_nan=False)
    sentence: str = Field(pattern=r"\S")
    spans: list[SpanReply]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge said, checked: `scores` has `score` (0 to 10) and `sentence` for each criterion, `spans` what it
    pointed at and is there; `spans_dropped` counts what is not."""

    scores: Mapping[str, Mapping[str, Any]]
    spans: tuple[Span, ...]
    spans_dropped: int


def opinion_of(given: Any, criteria: Sequence[str], turns: Sequence[Turn]) -> Opinion:
    """The opinion in a reply about these turns.

    Raises `InvalidReply` for anything but an object with a score from 0 to 10, a sentence and spans for each criterion
    that was asked for, and no other.
    """
    if not isinstance(given, dict):
        raise InvalidReply("The reply is not an object with a score for each criterion.")
    if strange := [name for name in given if name not in criteria]:
        raise InvalidReply(f"The reply judges by {str(strange[0])[:40]!r}, which nobody asked for.")
    scores: dict[str, dict[str, Any]] = {}
    spans: list[Span] = []
    pointed = 0
    for name in criteria:
        said = _read(name, given)
        score = round(said.score, 1)
        scores[name] = {
            "score": int(score) if score == int(score) else score,
            "sentence": " ".join(said.sentence.split())[:LONGEST_SENTENCE],
        }
        kept = said.spans[:MOST_SPANS]
        pointed += len(kept)
        spans += [found for span in kept if (found := _found(name, span, turns)) is not None]
    return Opinion(scores, tuple(spans), pointed - len(spans))


def _read(name: str, given: Mapping[str, Any]) -> CriterionReply:
    if name not in given:
        raise InvalidReply(f"The reply has no score for {name!r}.")
    try:
        return CriterionReply.model_validate(given[name])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in (name, *first["loc"]))
        raise InvalidReply(f"The reply's {place!r} is not what was asked for: {first['msg'].lower()}.") from error


def _found(criterion: str, span: SpanReply, turns: Sequence[Turn]) -> Span | None:
    """Where a quotation stands in its turn, blanks aside; None where it does not."""
    words = span.quote.split()
    turn = next((turn for turn in turns if turn.number == span.turn), None)
    if turn is None or not words:
        return None
    found = re.search(r"\s+".join(map(re.escape, words)), turn.content)
    return Span(criterion, turn.number, found.start(), found.end(), found[0]) if found else None
