"""What a file of conversations is read into, and the rules that every conversation keeps, whatever its file was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Role = Literal["user", "assistant"]
Format = Literal["traintui", "openai", "sharegpt", "trl-prompt-completion", "prompt-completion", "alpaca"]
FORMATS: tuple[Format, ...] = get_args(Format)

DIMENSIONS = ("persona", "emotion", "topic", "intent", "tone", "tier")


@dataclass(frozen=True, slots=True)
class ImportedTurn:
    """One message. `train` is false where the file says that it is not trained on."""

    role: Role
    content: str
    train: bool


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """What only our own format has: whose text this is, and in `rest` its other keys, such as decisions and score."""

    conversation_id: str
    revision: int
    status: str | None
    rest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ImportedConversation:
    """One good record: the line that it begins on (from 1; a row of a Parquet file counts as a line), the values of its
    dimensions as the file has them, and in `metadata` every other key."""

    line: int
    system_prompt: str | None
    turns: tuple[ImportedTurn, ...]
    metadata: dict[str, Any]
    dimensions: dict[str, str] = field(default_factory=dict)
    own: OwnRecord | None = None


@dataclass(frozen=True, slots=True)
class LineProblem:
    """Why one record cannot be taken: the line that it begins on, `what` in a few words, `why` in a sentence."""

    line: int
    what: str
    why: str


class Refused(Exception):
    """The answer to one record; it never leaves this package."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what)
        self.what = what
        self.why = why


class Transcript:
    """The turns of one conversation as they are read; refuses the first that breaks a rule.

    The rules are the database's: an optional system prompt, then user and assistant in turn, user first, and text in
    every turn.
    """

    def __init__(self, system: str | None = None) -> None:
        self.system = system
        self.turns: list[ImportedTurn] = []

    def add(self, place: str, role: Role, content: str, *, train: bool = True) -> None:
        """Takes a turn; `place` names it in an answer, as in `Message 3`."""
        if not content.strip():
            raise Refused("empty content", f"{place} ({role}) holds no text.")
        if not self.turns and role == "assistant":
            raise Refused("starts with assistant", f"{place}, the first turn, is the assistant's; users begin.")
        if self.turns and self.turns[-1].role == role:
            raise Refused(f"two {role} turns in a row", f"{place} is from the {role}, as is the one before it.")
        self.turns.append(ImportedTurn(role, content, train))

    def begin(self, place: str, content: str) -> None:
        """Takes a system prompt that stands among the messages."""
        if self.turns:
            raise Refused("system not first", f"{place} is a system prompt; it may only come first.")
        if not content.strip():
            raise Refused("empty content", f"{place} (system) holds no text.")
        if self.system is not None and self.system != content:
            raise Refused("two system prompts", f"{place} gives another system prompt than the one before it.")
        self.system = content

    def whole(self) -> tuple[ImportedTurn, ...]:
        """The turns. Refuses fewer than two."""
        if len(self.turns) < 2:
            count = "no turn" if not self.turns else "one turn"
            raise Refused("too few turns", f"The conversation has {count}; it needs a question and an answer.")
        return tuple(self.turns)


def brief(value: Any) -> str:
    """A value of a file as it may be shown in one line: escaped and cut."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = repr(value[:40] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:59]}…"
