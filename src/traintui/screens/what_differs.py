"""What a conversation says that one need not have read: against one's last look, or an approved one that is alike."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from traintui import commands, text
from traintui.data.records import Turn
from traintui.screens.base import BaseDialog
from traintui.widgets.difference import DifferenceView, Pair, compared
from traintui.widgets.keybar import KeyBar


@dataclass(frozen=True, slots=True)
class Base:
    """A text that is known: what it is called, and its turns."""

    title: str
    turns: tuple[Turn, ...]


def differences(old: Sequence[Turn], new: Sequence[Turn]) -> list[tuple[str, tuple[Pair, ...]]]:
    """What differs, turn by turn, those that are the same left out."""
    found = []
    for place in range(max(len(old), len(new))):
        before = old[place].content if place < len(old) else ""
        after = new[place].content if place < len(new) else ""
        if before != after:
            role = (new if place < len(new) else old)[place].role
            found.append((f"{role.capitalize()} {place + 1}", compared(before, after)))
    return found


class WhatDiffers(BaseDialog[None]):
    """Both texts, turn by turn, where they differ."""

    PLACES = ("differing", "detail")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("differing")
    CSS_PATH = "dialogs.tcss"

    panel = getters.query_one(".dialog", Vertical)
    view = getters.query_one(DifferenceView)

    def __init__(self, conversation_id: str, turns: tuple[Turn, ...], bases: Sequence[Base]) -> None:
        super().__init__(classes="whole")
        self._title = conversation_id
        self._turns = turns
        self._bases = tuple(bases)
        self._place = 0

    def compose(self) -> ComposeResult:
        """The difference fills the dialog."""
        with Vertical(classes="dialog"):
            yield DifferenceView()
        yield KeyBar()

    def on_mount(self) -> None:
        """Compares beside the painting: two long texts take a while."""
        self.view.focus()
        self._compare()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The other one only where there is one."""
        return len(self._bases) > 1 if action == "other" else True

    def action_other(self) -> None:
        """Compares with the other known text."""
        self._place = (self._place + 1) % len(self._bases)
        self._compare()

    def _compare(self) -> None:
        base = self._bases[self._place]
        self.panel.border_title = text.shown(f"What differs from {base.title}", single_line=True)
        self.panel.border_subtitle = Content.styled("comparing", "$muted")
        self.read(partial(self._read, base), name="difference")

    async def _read(self, base: Base) -> None:
        found = await asyncio.to_thread(differences, base.turns, self._turns)
        number = len(found)
        self.panel.border_subtitle = Content.styled(
            f"{text.plural(number, 'turn differs', 'turns differ')}" if number else "every turn is the same", "$muted"
        )
        titles = (text.visible(base.title, single_line=True), text.visible(self._title, single_line=True))
        self.view.compare(titles, found, key=base.title)
