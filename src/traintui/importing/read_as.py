"""What of a file is read as what, in words: for who would have it read otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traintui.importing.checking import Findings, Recognised


@dataclass(frozen=True, slots=True)
class ReadAs:
    """Where the turns of a file are and, by their keys, what is a value of a dimension and what becomes metadata (the
    first that were met, and how many more). `has_system` says whether some conversation has a system prompt."""

    turns: str
    has_system: bool
    dimensions: tuple[str, ...]
    metadata: tuple[str, ...]
    more: int = 0

    @property
    def says(self) -> str:
        """It in words: "turns from a list “messages”; “topic” as values of the vocabulary; “source” as metadata"."""
        parts = [f"turns from {self.turns}" + (", with a system prompt" if self.has_system else "")]
        if self.dimensions:
            parts.append(f"{listed(self.dimensions)} as values of the vocabulary")
        if self.metadata:
            parts.append(f"{listed(self.metadata)}{f' and {self.more:,} more keys' if self.more else ''} as metadata")
        return "; ".join(parts)


def read_as(known: Recognised, findings: Findings) -> ReadAs:
    """What a file that was read to its end was read as."""
    dimensions = tuple(dict.fromkeys(dimension for dimension, _ in findings.values))
    return ReadAs(
        turns_of(known), findings.with_system > 0, dimensions, tuple(findings.metadata), findings.more_metadata
    )


def turns_of(known: Recognised) -> str:
    """Where the turns are."""
    mapping = known.mapping
    if mapping is None or not mapping.moves_turns:
        return known.shape.seen
    if mapping.turn:
        return listed([column.content for column in mapping.turn])
    if mapping.group is not None:
        return f"rows that are alike in “{mapping.group}”"
    return f"a list “{mapping.turns.list}” of “{mapping.turns.role}” and “{mapping.turns.content}”"


def listed(names: Sequence[str]) -> str:
    """Keys of a file in a row."""
    *others, last = (f"“{name}”" for name in names)
    return f"{', '.join(others)} and {last}" if others else last
