"""The canonical record of one conversation: what every writer of a training file gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from traintui.data.records import DIMENSIONS, Turn


@dataclass(frozen=True, slots=True)
class Revision:
    """The text of a conversation as it was at one revision."""

    revision: int
    system_prompt: str | None
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reviewer did. `revision` is the one that was decided on; for an edit the one that it made. `turn` is the
    turn that a rejection names. `at` is ISO 8601, UTC."""

    action: Literal["approve", "reject", "edit"]
    revision: int
    turn: int | None = None
    reason: str | None = None
    notes: str | None = None
    reviewer: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """A conversation at one revision, with all text as stored.

    `decisions` are those that stand, oldest first: what was undone is not among them. `earlier` has the text of the
    earlier revisions that they are about, and of the one before each edit; preference data comes from both.
    `document` and `chunk` are names. `quality_score` is 0 to 10, `cost_usd` what its calls cost; `reviewer` approved or
    rejected it last. `node` is what it is to `kin`, by which sides of a split are found. `created_at` is ISO 8601, UTC.
    """

    conversation_id: str
    revision: int
    status: str
    system_prompt: str | None
    turns: tuple[Turn, ...]
    persona: str | None = None
    emotion: str | None = None
    topic: str | None = None
    intent: str | None = None
    tone: str | None = None
    tier: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    quality_score: float | None = None
    document: str | None = None
    chunk: str | None = None
    model: str | None = None
    is_seed: bool = False
    is_rehearsal: bool = False
    decisions: tuple[Decision, ...] = ()
    earlier: tuple[Revision, ...] = ()
    reviewer: str | None = None
    cost_usd: Decimal | None = None
    node: int = 0
    created_at: str | None = None

    @property
    def dimensions(self) -> dict[str, str | None]:
        """The six dimensions, in their order."""
        return {name: getattr(self, name) for name in DIMENSIONS}

    @property
    def is_weighted(self) -> bool:
        """Whether some answer is not to be trained on."""
        return any(turn.role == "assistant" and not turn.train for turn in self.turns)

    def at(self, revision: int) -> Revision | None:
        """The text at a revision, or None when the record does not have it."""
        if revision == self.revision:
            return Revision(self.revision, self.system_prompt, self.turns)
        return next((text for text in self.earlier if text.revision == revision), None)
