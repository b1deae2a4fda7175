"""What the verbs of promoted metadata keys return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from traintui.data.metadata_values import ValueType


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promoted key. `revision` is that of the workspace's migration; `listed` are the values that a vocabulary began
    with, None where there is none; `filled` is how many conversations have a value in the column because of it,
    `unfitting` how many have one in metadata alone, None until the end."""

    revision: str
    key: str
    column: str
    value_type: ValueType
    listed: tuple[str, ...] | None
    leaves_unfitting: bool
    was_registered: bool
    state: str
    done_up_to: int
    filled: int
    unfitting: int | None
    promoted_by: str
    started_at: datetime
    ended_at: datetime | None
    demoted_in: str | None
    demoted_by: str | None
    demoted_at: datetime | None

    @property
    def is_vocabulary(self) -> bool:
        """Whether it takes only values that are listed."""
        return self.listed is not None

    @property
    def stands(self) -> bool:
        """Whether there is the column, or will be."""
        return self.state != "demoted"


def going_on(key: str, value_type: str, state: str, *, vocabulary: bool) -> str:
    """The command that brings a promotion, or its way back, to its end."""
    if state == "demoting":
        return f"traintui db demote {key}"
    return f"traintui db promote {key} --type {value_type}{' --vocabulary' if vocabulary else ''}"


@dataclass(frozen=True, slots=True)
class Column:
    """The column of a promoted key that can be asked: its type, and its values where it has a vocabulary."""

    name: str
    value_type: ValueType
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a key holds: in how many conversations of how many, of which JSON types, and which values are not of the
    type that is asked for, as (conversation id, value) of the first. `values` are all there are where they are few
    (None otherwise), `longest` the characters of the longest text."""

    conversations: int
    held: int
    types: Mapping[str, int]
    unfitting: int
    examples: Sequence[tuple[str, str]]
    values: tuple[str, ...] | None
    longest: int

    @property
    def fitting(self) -> int:
        """How many values the column gets."""
        return self.held - self.unfitting
