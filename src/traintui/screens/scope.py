"""What a dialog acts on: one conversation, or many that were selected or that a filter names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traintui import text
from traintui.data.records import Conversation


@dataclass(frozen=True, slots=True)
class Scope:
    """The internal ids of conversations, and how they are called: a public id, or `418 conversations that match ...`.

    `filter_text` is what the log notes; `one` is the conversation where there is only one.
    """

    ids: Sequence[int]
    label: str
    filter_text: str = ""
    one: Conversation | None = None

    @property
    def number(self) -> str:
        """How many there are, exactly."""
        return text.plural(len(self.ids), "conversation")
