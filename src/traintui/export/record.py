"""What is present in an export as a whole, and text as training files have it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from traintui.data.records import DIMENSIONS
from traintui.data.training_records import Decision, Revision, TrainingRecord

__all__ = ["DIMENSIONS", "Decision", "Revision", "Shape", "TrainingRecord", "has_text", "plain", "shape_of"]


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
