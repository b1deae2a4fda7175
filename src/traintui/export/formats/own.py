"""Our own format: everything, for moving between workspaces and for the way there and back."""

from __future__ import annotations

from typing import Any

from traintui.export.formats.model import Written
from traintui.export.record import Decision, Revision, Shape, TrainingRecord

VERSION = 2
"""2 has `created_at`, when the conversation was made."""


def traintui(record: TrainingRecord, _shape: Shape) -> Written:
    """The record as it is: all keys in every row, text as it is stored (line ends too), nothing left out.

    `traintui` is the version of the format; a reader refuses one that it does not know.
    """
    row: dict[str, Any] = {
        "traintui": VERSION,
        "conversation_id": record.conversation_id,
        "revision": record.revision,
        "status": record.status,
        **record.dimensions,
        "system_prompt": record.system_prompt,
        "turns": [{"role": turn.role, "content": turn.content, "train": turn.train} for turn in record.turns],
        "metadata": ordered(dict(record.metadata)),
        "quality_score": record.quality_score,
        "document": record.document,
        "chunk": record.chunk,
        "model": record.model,
        "is_seed": record.is_seed,
        "is_rehearsal": record.is_rehearsal,
        "created_at": record.created_at,
        "decisions": [decision_row(decision) for decision in record.decisions],
        "earlier": [revision_row(text) for text in record.earlier],
    }
    return Written((row,))


def decision_row(decision: Decision) -> dict[str, Any]:
    """A decision with all of its keys."""
    return {
        "action": decision.action,
        "revision": decision.revision,
        "turn": decision.turn,
        "reason": decision.reason,
        "notes": decision.notes,
        "reviewer": decision.reviewer,
        "at": decision.at,
    }


def revision_row(text: Revision) -> dict[str, Any]:
    """An earlier revision with its text."""
    return {
        "revision": text.revision,
        "system_prompt": text.system_prompt,
        "turns": [{"role": turn.role, "content": turn.content, "train": turn.train} for turn in text.turns],
    }


def ordered(value: Any) -> Any:
    """The value with the keys of its objects in order: JSONB has an order of its own, which other servers may not."""
    if isinstance(value, dict):
        return {key: ordered(value[key]) for key in sorted(value)}
    return [ordered(inner) for inner in value] if isinstance(value, list | tuple) else value
