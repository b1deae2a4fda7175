"""What of a conversation goes to the clipboard."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from traintui import commands, text
from traintui.data.records import Conversation
from traintui.screens.corner import CornerSheet
from traintui.widgets.key_menu import Choice, KeyMenu
from traintui.widgets.keybar import KeyBar

What = Literal["turn", "conversation", "id"]
MOST = 100_000
"""Characters that a terminal is asked to take: many refuse more, without a word."""


def copied(conversation: Conversation, turn: int, what: What) -> str:
    """The text that is copied. Turns of a conversation stand below the names of their roles."""
    if what == "id":
        return text.for_clipboard(conversation.row.conversation_id)
    if what == "turn":
        return text.for_clipboard(conversation.turns[turn].content)
    said = [("System prompt", conversation.system_prompt)] if conversation.system_prompt else []
    said += [(turn.role.capitalize(), turn.content) for turn in conversation.turns]
    return text.for_clipboard("\n\n".join(f"{name}:\n{content}" for name, content in said)) + "\n"


class CopyDialog(CornerSheet[What]):
    """One key says what; answers it."""

    PLACES = ("copying",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("copying")
    AUTO_FOCUS = ""

    def __init__(self, conversation: Conversation, turn: int) -> None:
        super().__init__()
        self._conversation, self._turn = conversation, turn

    def compose(self) -> ComposeResult:
        """Each choice with its key and how it begins."""
        shown = self._conversation
        choices: list[tuple[str, str, str]] = [("i", "the id", shown.row.conversation_id)]
        if shown.turns:
            turns = text.plural(len(shown.turns), "turn")
            choices = [("y", f"turn {self._turn + 1}", shown.turns[self._turn].content), ("c", turns, ""), *choices]
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Copy to the clipboard"
            yield KeyMenu(
                [
                    Choice(
                        key,
                        Content.assemble(f"{what:<10}", text.shown(said, single_line=True, limit=28, style="$muted")),
                    )
                    for key, what, said in choices
                ]
            )
        yield KeyBar()

    def action_copy(self, what: What) -> None:
        """Chooses."""
        if what == "id" or self._conversation.turns:
            self.dismiss(what)
