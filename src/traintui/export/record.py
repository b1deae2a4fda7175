"""The canonical record of one conversation: what every writer of a training file gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from traintui.data.records import Turn

DIMENSIONS = ("persona", "emotion", "topic", "intent", "tone", "tier")


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
    `document` and `chunk` are names. `quality_score` is 0 to 10.
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


@dataclass(frozen=True, slots=True)
class Shape:
    """What is present anywhere in an export. It decides which keys its rows have, since a key that only some rows have
    breaks loading (`datasets`: one schema for every row of a file, and for the train and the eval file together)."""

    weighted: bool = False
    """Some answer is not to be trained on."""
    system: bool = False
    """Some conversation has a system prompt."""
    multi_turn: bool = False
    """Some conversation has more than one exchange."""

    def __or__(self, other: Shape) -> Shape:
        return Shape(self.weighted or other.weighted, self.system or other.system, self.multi_turn or other.multi_turn)


def shape_of(records: Iterable[TrainingRecord]) -> Shape:
    """The shape of an export with these records. Earlier revisions count, for preference data holds their text."""
    shape = Shape()
    for record in records:
        texts = (record.system_prompt, *(text.system_prompt for text in record.earlier))
        shape |= Shape(record.is_weighted, any(has_text(text) for text in texts), len(record.turns) > 2)
    return shape


def has_text(content: str | None) -> bool:
    """Whether it is more than blanks: a system prompt of blanks is none."""
    return content is not None and bool(content.strip())


def plain(content: str) -> str:
    """The text with the line ends that training files have: LF."""
    return content.replace("\r\n", "\n")
