"""Why a conversation is rejected: one digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key

from traintui import commands, text
from traintui.screens.corner import CornerSheet
from traintui.widgets.key_menu import Choice, KeyMenu
from traintui.widgets.keybar import KeyBar


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejection that was chosen, with its reason, if any; `anew` says that it is to be written anew because of it."""

    reason: str | None
    anew: bool = False


class ReasonsDialog(CornerSheet[Rejection]):
    """The reasons of the workspace: a digit decides, `enter` decides without one, `esc` goes back. `R` has it
    written anew after that."""

    PLACES = ("reasons",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("reasons")
    AUTO_FOCUS = ""

    def __init__(self, conversation_id: str, reasons: tuple[str, ...], *, may_regenerate: bool = False) -> None:
        super().__init__()
        self._may_regenerate = may_regenerate
        self._anew = False
        self._conversation_id = conversation_id
        self._reasons = reasons

    def compose(self) -> ComposeResult:
        """The reasons with their digits."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = self._title()
            yield KeyMenu(
                [
                    *(
                        Choice(str(digit), text.shown(reason, single_line=True, limit=100))
                        for digit, reason in enumerate(self._reasons, 1)
                    ),
                    Choice("⏎", Content.styled("without a reason", "$muted")),
                ]
            )
        yield KeyBar()

    def on_key(self, event: Key) -> None:
        """A digit decides; no other key reaches the screen below."""
        digit = int(event.key) if event.key in set("123456789") else 0
        if 0 < digit <= len(self._reasons):
            event.stop()
            self.dismiss(Rejection(self._reasons[digit - 1], self._anew))

    def action_plain(self) -> None:
        """Rejects without a reason."""
        self.dismiss(Rejection(None, self._anew))

    def _title(self) -> Content:
        then = " and write it anew" if self._anew else ""
        return Content.assemble(
            ("✕ ", "$rejected"), "Reject ", text.shown(self._conversation_id, single_line=True), f"{then}: why?"
        )

    def action_anew(self) -> None:
        """Has it written anew after the rejection, because of its reason; or not."""
        self._anew = not self._anew
        self.query_one(".dialog", Vertical).border_title = self._title()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nobody has anything written who may not generate."""
        return action != "anew" or self._may_regenerate
