"""What the verbs of judgements return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from traintui.data.records import Source, Turn

CRITERIA: Mapping[str, str] = {
    "faithful": "What the assistant states is in the source.",
    "persona": "The member is who the brief says, throughout.",
    "emotion": "The assistant meets what the member feels.",
    "useful": "The member has what they came for.",
}
"""What is judged, in the order in which it is shown. What a conversation has nothing to be held against is left out."""

NOT_JUDGED = "Not judged: "
"""How the cause of an opinion that failed begins, so that it stands apart from those of conversations that failed."""


@dataclass(frozen=True, slots=True)
class Span:
    """Words that an opinion points at: they stand in that turn from `start` to before `end`, in characters."""

    criterion: str
    turn: int
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class CriterionScore:
    """What a judge says of one criterion: 0 to 10, one sentence, and the words that it points at."""

    name: str
    score: Decimal
    sentence: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judge's opinion of one revision of a conversation. `mean` is 0 to 10; `spans_dropped` counts what it pointed at
    and is not there; `log_id` is its call in the ledger."""

    id: int
    conversation_id: str
    revision: int
    model: str
    template_version: int
    criteria: tuple[CriterionScore, ...]
    mean: Decimal
    spans_dropped: int
    log_id: int
    requested_by: str
    is_rehearsal: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Judging:
    """How a conversation stands with its newest judge: its opinion of the present revision, and of a place in the queue
    that did not bring one its state (`queued`, `running` or `failed`) with the cause."""

    judgement: Judgement | None = None
    state: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class JudgeProgress:
    """How far the judge of a batch is, by conversations."""

    model: str
    done: int
    failed: int
    waiting: int


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A conversation as a judge is shown it. Dimensions and source are None where it has none; `is_deleted` says that
    it is in the trash."""

    conversation_id: str
    revision: int
    system_prompt: str | None
    dimensions: Mapping[str, str | None]
    turns: tuple[Turn, ...]
    source: Source | None
    is_deleted: bool


def judgement_of(values: Mapping[str, Any]) -> Judgement:
    """A row of `judgements` as a record, its criteria in the order in which they are shown."""
    scores, spans = values["scores"], [Span(**span) for span in values["spans"]]
    names = [*(name for name in CRITERIA if name in scores), *(name for name in sorted(scores) if name not in CRITERIA)]
    return Judgement(
        criteria=tuple(
            CriterionScore(
                name, Decimal(str(scores[name]["score"])), scores[name]["sentence"],
                tuple(span for span in spans if span.criterion == name),
            )
            for name in names
        ),
        **{name: values[name] for name in Judgement.__slots__ if name != "criteria"},
    )  # fmt: skip
