"""What a dialog acts on: one conversation, or many that were selected or that a filter names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traintui import text
from traintui.data.records import Conversation


@dataclass(frozen=True, slots=True)
class Scope:
    """The internal ids of conversations, and how they are called: a public id, or `418 conversations that match ...`.

    `filter_text` is the filter that names all of them, which the log notes: empty for every conversation there is, None
    where they were selected one by one. `one` is the conversation where there is only one.
    """

    ids: Sequence[int]
    label: str
    filter_text: str | None = None
    one: Conversation | None = None

    @property
    def number(self) -> str:
        """How many there are, exactly."""
        return text.plural(len(self.ids), "conversation")
