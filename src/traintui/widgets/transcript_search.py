"""The line in which one types what is looked for in a conversation."""

from __future__ import annotations

from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from traintui import commands, text
from traintui.widgets.sought import LONGEST


class SearchField(Input):
    """Where it is typed."""

    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("searching")

    def action_match(self, step: int) -> None:
        """Goes on, or back, while one types."""
        self.post_message(SearchLine.Stepped(step))

    def action_leave(self) -> None:
        """Ends the search."""
        self.post_message(SearchLine.Left(found=False))

    def action_keep(self) -> None:
        """Back to the text, where the match is."""
        self.post_message(SearchLine.Left(found=True))


class SearchLine(Horizontal):
    """The line below the text: what is looked for, and which of how many matches is shown; `about` stands there before
    anything is."""

    DEFAULT_CSS = """
    SearchLine {
        height: 1; display: none; background: $panel; padding: 0 1;
        & > Static { width: auto; color: $muted; }
        & > Input { width: 1fr; background: $panel; padding: 0 1; }
    }
    """

    field = getters.query_one(SearchField)
    counted = getters.query_one("#counted", Static)

    class Stepped(Message):
        """Another match is wanted: `step` is 1 for the next one, -1 for the one before."""

        def __init__(self, step: int) -> None:
            self.step = step
            super().__init__()

    class Typed(Message):
        """Something else is looked for."""

        def __init__(self, words: str) -> None:
            self.words = words
            super().__init__()

    class Left(Message):
        """The search is over: with `found` the text stays where the match is, else it is as it was before."""

        def __init__(self, *, found: bool) -> None:
            self.found = found
            super().__init__()

    def __init__(self, about: str = "finds in this conversation") -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        """The field and the count."""
        yield Static("/")
        yield SearchField(compact=True, max_length=LONGEST)
        yield Static(id="counted")

    def open(self) -> None:
        """Begins a search."""
        with self.field.prevent(Input.Changed):
            self.field.value = ""
        self.count(0, 0)
        self.display = True
        # At once: letters that are typed ahead belong to the field, and one of them would decide.
        self.screen.set_focus(self.field)

    def count(self, place: int, total: int, *, looking: bool = False) -> None:
        """Says which match is shown, from 1, of how many, or that it is still being looked for."""
        if looking:
            said = "looking"
        elif total:
            said = f"{place:,} of {text.plural(total, 'match', 'matches')}"
        else:
            said = "no match" if self.field.value.strip() else self._about
        self.counted.update(said)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value))
