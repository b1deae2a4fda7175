"""What the verbs of metadata return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from traintui.data.metadata_values import ValueType


@dataclass(frozen=True, slots=True)
class Held:
    """The metadata of a conversation as it was read. `seen` names this state exactly, for an edit that must not undo
    what somebody else does meanwhile."""

    id: int
    conversation_id: str
    values: Mapping[str, Any]
    seen: str


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit came to: how many of `total` changed, were so already, or were skipped (in the trash, or gone).

    `bulk_id` names a bulk edit, for `undo_bulk`. An edit that was stopped leaves out the rest of `total`.
    """

    changed: int
    unchanged: int
    skipped: int
    total: int
    bulk_id: str | None

    @property
    def done(self) -> int:
        """How many were looked at."""
        return self.changed + self.unchanged + self.skipped

    @property
    def stopped(self) -> bool:
        """Whether it ended before all were done."""
        return self.done < self.total


@dataclass(frozen=True, slots=True)
class Undone:
    """A bulk edit taken back: how many are as before, and how many somebody has changed meanwhile, which stay."""

    undone: int
    kept: int


@dataclass(frozen=True, slots=True)
class MetadataKey:
    """A registered key: its type, what it is called, and what it is for."""

    key: str
    value_type: ValueType
    label: str
    about: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that occurs: in about how many conversations, and with which JSON types."""

    key: str
    rows_estimate: int
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """The keys that occur. With `is_whole` all conversations were looked at: the numbers are exact, and no other key
    is anywhere."""

    keys: tuple[KnownKey, ...] = ()
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """A version of the schema of metadata: what it says, None where it took the schema away, who registered it, and
    when."""

    version: int
    schema: Mapping[str, Any] | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Misfit:
    """A conversation whose metadata does not fit, and why, in words with the path."""

    conversation_id: str
    why: str


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """A look at the metadata of all conversations: how many were looked at, how many do not fit, and the first of
    these. `stopped` says that somebody ended it before its end."""

    looked: int
    misfits: int
    first: tuple[Misfit, ...]
    stopped: bool = False

    @property
    def summary(self) -> str:
        """It in a sentence."""
        fits = f"{self.misfits:,} {'does' if self.misfits == 1 else 'do'} not fit" if self.misfits else "all fit"
        return f"Looked at {self.looked:,} {'conversation' if self.looked == 1 else 'conversations'}: {fits}."


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came of a schema that somebody wants: what was found in what is there, and its version; None where it was
    not registered."""

    check: SchemaCheck
    version: int | None
