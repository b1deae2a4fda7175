"""The filter as it is typed, and what is wrong with it, below the place where it is wrong."""

from __future__ import annotations

from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from traintui import commands, text

PROMPT = " / "


class FilterField(Input):
    """The field: `esc` leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("filter")

    class Left(Message):
        """Somebody left the field without applying it."""

    def action_leave(self) -> None:
        """Leaves the field."""
        self.post_message(self.Left())


class FilterLine(Vertical):
    """One line with the filter; a mistake opens two more below it."""

    DEFAULT_CSS = """
    FilterLine {
        height: auto; background: $surface;
        & Horizontal { height: 1; }
        & .prompt { width: 3; color: $accent; text-style: bold; }
        & FilterField { width: 1fr; padding: 0; background: $surface; }
        & FilterField:focus { background: $panel; }
        & FilterField > .input--placeholder { color: $faint; }
        & .mistake { height: auto; display: none; padding: 0 1 0 0; }
        &.-mistaken .mistake { display: block; }
    }
    """

    field = getters.query_one(FilterField)
    mistake = getters.query_one(".mistake", Static)

    class Applied(Message):
        """`enter`: this filter is wanted."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class Left(Message):
        """The field was left; the filter that is shown is the one that was applied last."""

    def __init__(self, placeholder: str) -> None:
        super().__init__()
        self._placeholder = placeholder
        self._applied = ""

    def compose(self) -> ComposeResult:
        """Prompt and field, and the place for a mistake."""
        with Horizontal():
            yield Static(PROMPT, classes="prompt")
            yield FilterField(placeholder=self._placeholder, compact=True, select_on_focus=False)
        yield Static(classes="mistake")

    def applied(self, filter_text: str) -> None:
        """This filter is what is shown now."""
        self._applied = filter_text
        self.field.value = filter_text
        self.set_class(False, "-mistaken")

    def fail(self, message: str, remedy: str, start: int, end: int) -> None:
        """Shows what is wrong, from character `start` to `end` of what was typed."""
        carets = "^" * max(1, min(end - start, 60))
        indent = " " * (len(PROMPT) + min(start, max(0, self.size.width - len(carets) - 6)))
        mark, said = (carets, "bold $error"), text.shown(message, single_line=True, limit=300)
        what_now = text.shown(remedy, single_line=True, limit=300, style="$muted")
        self.mistake.update(Content.assemble(indent, mark, "\n", ("  ! ", "$error"), said, "  ", what_now))
        self.set_class(True, "-mistaken")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Applied(event.value.strip()))

    @on(FilterField.Left)
    def _left(self, event: FilterField.Left) -> None:
        event.stop()
        self.applied(self._applied)
        self.post_message(self.Left())
