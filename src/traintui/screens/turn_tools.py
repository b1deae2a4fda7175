"""What can be done to the turns around the current one, besides editing it: a key each, or why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from traintui import commands, text
from traintui.data import turns as shaping
from traintui.data.records import Conversation, Turn
from traintui.errors import TraintuiError
from traintui.screens.corner import CornerSheet
from traintui.screens.passages import NewTurns, Passage, SplitTurn, SystemPrompt
from traintui.widgets.key_menu import Choice, KeyMenu
from traintui.widgets.keybar import KeyBar


@dataclass(frozen=True, slots=True)
class Reshaped:
    """Turns to store as a revision; `what` says what became of them, `place` is the turn that the log names."""

    turns: tuple[Turn, ...]
    place: int
    what: str


Chosen = Passage | Reshaped
"""A passage to write, or turns that are to be stored as they are."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its key, what it does here, and what it comes to; that raises `TraintuiError` where it cannot be."""

    key: str
    label: str
    choose: Callable[[], Chosen]


def tools_of(conversation: Conversation, place: int) -> tuple[Tool, ...]:
    """The tools for a turn, counted from 0."""
    turns = conversation.turns
    first, end = shaping.exchange_of(turns, place)
    exchange = f"turns {first + 1} and {end}" if end - first == 2 else f"turn {first + 1}"
    merged = f"turns {first + 1} to {min(end + 2, len(turns))}"

    def reshape(made: Callable[[], tuple[Turn, ...]], what: str) -> Reshaped:
        return Reshaped(made(), first, what)

    return (
        Tool("a", f"Add turns after {exchange}", lambda: NewTurns(end, answers=end - first == 1)),
        Tool("b", f"Add turns before {exchange}", lambda: NewTurns(first)),
        Tool("s", f"Split turn {place + 1}", lambda: SplitTurn(place)),
        Tool(
            "m", f"Merge {exchange} with the next exchange",
            partial(reshape, partial(shaping.merged, turns, place), f"{merged} are one exchange"),
        ),
        Tool(
            "d", f"Delete {exchange}",
            partial(reshape, partial(shaping.without, turns, place), f"{exchange} taken out"),
        ),
        Tool("p", "Edit the system prompt", SystemPrompt),
    )  # fmt: skip


class TurnToolsDialog(CornerSheet[Chosen]):
    """The tools with their keys. One that cannot be used here says why, and nothing happens."""

    PLACES = ("turn_tools",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("turn_tools")
    AUTO_FOCUS = ""

    def __init__(self, conversation: Conversation, place: int) -> None:
        super().__init__()
        self._tools = {tool.key: tool for tool in tools_of(conversation, place)}
        self._place = place

    def compose(self) -> ComposeResult:
        """A line for each."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = f"Turn {self._place + 1}"
            yield KeyMenu([self._choice(tool) for tool in self._tools.values()])
        yield KeyBar()

    def _choice(self, tool: Tool) -> Choice:
        try:
            tool.choose()
        except TraintuiError as refused:
            why = text.shown(f"{refused.message} {refused.remedy}", single_line=True, style="$muted")
            return Choice(tool.key, Content.assemble((f"{tool.label}: ", "$faint"), why), rests=True)
        return Choice(tool.key, Content(tool.label))

    def action_use(self, key: str) -> None:
        """Answers what the tool comes to; where it cannot be used, its line says why."""
        try:
            self.dismiss(self._tools[key].choose())
        except TraintuiError:
            self.app.bell()
