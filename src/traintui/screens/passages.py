"""What of a conversation is edited as one text: a turn, one that becomes several, new turns, the system prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from traintui.data import turns as shaping
from traintui.data.records import Conversation, Turn

BREAK = "+++"
"""A line with nothing else ends a turn, where a text is more than one; Markdown knows no such line."""
_BREAK = re.compile(rf"^[ \t]*{re.escape(BREAK)}[ \t]*$", re.MULTILINE)

Made = tuple[tuple[Turn, ...], str | None]
"""Turns and system prompt."""


class Passage(Protocol):
    """A part of a conversation that is edited as one text."""

    @property
    def name(self) -> str:
        """What it is called, and its draft by: `turn 3`."""

    @property
    def about(self) -> str:
        """What to know before one writes; may be empty."""

    @property
    def turn(self) -> int | None:
        """The place of the turn that it is or stands at, counted from 0; None for the system prompt."""

    def stored(self, conversation: Conversation) -> str:
        """What the conversation says there; nothing where it has no such part."""

    def made(self, conversation: Conversation, text: str) -> Made:
        """The conversation with another text there. Raises `TraintuiError` where that would not be whole."""


def parts_of(text: str) -> list[str]:
    """The turns of a text: what stands between the lines that break it."""
    return [part.strip("\n") for part in _BREAK.split(text)]


@dataclass(frozen=True, slots=True)
class OneTurn:
    """A turn."""

    place: int
    about: str = ""

    @property
    def name(self) -> str:
        """`turn 3`."""
        return f"turn {self.place + 1}"

    @property
    def turn(self) -> int:
        """Itself."""
        return self.place

    def stored(self, conversation: Conversation) -> str:
        """What it says."""
        return conversation.turns[self.place].content if self.place < len(conversation.turns) else ""

    def made(self, conversation: Conversation, text: str) -> Made:
        """With another text for this turn."""
        shaping.refuse_missing(conversation.turns, self.place)
        return shaping.rewritten(conversation.turns, self.place, text), conversation.system_prompt


@dataclass(frozen=True, slots=True)
class SplitTurn(OneTurn):
    """A turn that becomes several."""

    about: str = f"A line with only {BREAK} ends a turn; the next one is by the other side."

    def made(self, conversation: Conversation, text: str) -> Made:
        """With the turns that the text was broken into."""
        shaping.refuse_missing(conversation.turns, self.place)
        return shaping.split(conversation.turns, self.place, parts_of(text)), conversation.system_prompt


@dataclass(frozen=True, slots=True)
class NewTurns:
    """Turns that stand between others, or after all: `place` is that of the first of them."""

    place: int
    answers: bool = False
    """Whether the first of them is by the assistant."""

    @property
    def name(self) -> str:
        """`new turns at 5`."""
        return f"new turns at {self.place + 1}"

    @property
    def about(self) -> str:
        """Whose text comes first."""
        if self.answers:
            return f"The assistant's answer; a line with only {BREAK} and a message, and so on, for more turns."
        return f"The user's message, a line with only {BREAK}, and the assistant's answer."

    @property
    def turn(self) -> int:
        """Where they begin."""
        return self.place

    def stored(self, conversation: Conversation) -> str:
        """Nothing is there yet."""
        return "" if self.answers else f"\n{BREAK}\n"

    def made(self, conversation: Conversation, text: str) -> Made:
        """With the new turns among the others."""
        shaping.refuse_missing(conversation.turns, self.place - 1)
        return shaping.added(conversation.turns, self.place, parts_of(text)), conversation.system_prompt


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """The system prompt."""

    name: str = "the system prompt"
    about: str = "Empty, the conversation has none."
    turn: None = None

    def stored(self, conversation: Conversation) -> str:
        """What it says."""
        return conversation.system_prompt or ""

    def made(self, conversation: Conversation, text: str) -> Made:
        """With another one, or without."""
        return conversation.turns, text if text.strip() else None
