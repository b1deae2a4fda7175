"""A conversation as the server hands it to an export: its turns written as JSON, which most formats only pass on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from traintui.data.records import Turn, TurnRole
from traintui.data.training_records import Decision, Revision, TrainingRecord

ROLES: tuple[TurnRole, TurnRole] = ("assistant", "user")


class Fetched(NamedTuple):
    """A row of the export's statement; what has the name of a field of `TrainingRecord` is the same.

    `contents` is a list of JSON with the contents of the turns in order, as `json_agg` writes it, `untrained` are the
    numbers of those that are not trained on, None where there is none.
    """

    conversation_id: str
    revision: int
    status: str
    system_prompt: str | None
    turn_count: int
    contents: bytes
    untrained: Sequence[int] | None
    persona: str | None
    emotion: str | None
    topic: str | None
    intent: str | None
    tone: str | None
    tier: str | None
    quality_score: float | None
    cost_usd: Decimal | None
    model: str | None
    is_seed: bool
    is_rehearsal: bool
    node: int
    reviewer: str | None
    metadata: Mapping[str, Any] | None
    document: str | None
    chunk: str | None
    created_at: str | None
    decisions: Sequence[Sequence[Any]] | None
    earlier: Sequence[Sequence[Any]] | None

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns; users and assistants alternate, which the database sees to."""
        untrained = self.untrained or ()
        return tuple(
            Turn(number, ROLES[number & 1], content, number not in untrained)
            for number, content in enumerate(orjson.loads(self.contents), 1)
        )

    def record(self) -> TrainingRecord:
        """It as the canonical record."""
        return TrainingRecord(
            self.conversation_id, self.revision, self.status, self.system_prompt, self.turns, self.persona,
            self.emotion, self.topic, self.intent, self.tone, self.tier, self.metadata or {}, self.quality_score,
            self.document, self.chunk, self.model, self.is_seed, self.is_rehearsal,
            tuple(Decision(*values) for values in self.decisions or ()),
            tuple(map(revision_of, self.earlier or ())), self.reviewer, self.cost_usd, self.node, self.created_at,
        )  # fmt: skip


def revision_of(values: Sequence[Any]) -> Revision:
    """An earlier text."""
    revision, system_prompt, turns = values
    said = (Turn(number, turn["role"], turn["content"], turn["train"]) for number, turn in enumerate(turns, 1))
    return Revision(revision, system_prompt, tuple(said))
