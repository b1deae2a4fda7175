"""A field of a form: its label, what is filled in, and below it what is wrong with it."""

from __future__ import annotations

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from traintui import text
from traintui.errors import sentence


class FormField(Vertical):
    """A label and one or more widgets beside it; `about` says more behind them, an answer opens a line below."""

    DEFAULT_CSS = """
    FormField {
        height: auto; width: 1fr;
        & > Horizontal { height: auto; }
        & .label { width: 15; color: $muted; }
        & .about { width: auto; height: auto; color: $muted; }
        & .answer { display: none; height: auto; padding: 0 0 0 15; color: $error; }
        &.-mistaken .answer { display: block; }
        &.-mistaken .label { color: $error; }
        & Input { background: $panel; width: 1fr; &:focus { background: $cursor; background-tint: transparent; } }
    }
    """

    answer = getters.query_one(".answer", Static)

    def __init__(self, label: str, *fields: Widget, id: str, about: str = "") -> None:
        super().__init__(id=id)
        self._label = label
        self._fields = fields
        self._about = about

    def compose(self) -> ComposeResult:
        """Label, fields, and the place of the answer."""
        with Horizontal():
            yield Static(self._label, classes="label")
            yield from self._fields
            if self._about:
                yield Static(self._about, classes="about")
        yield Static(classes="answer")

    def fail(self, message: str) -> None:
        """Says what is wrong with it, and puts the cursor there."""
        self.answer.update(Content.assemble(("! ", "bold"), text.shown(sentence(message), limit=300)))
        self.set_class(True, "-mistaken")

    def clear(self) -> None:
        """Nothing is wrong with it."""
        self.set_class(False, "-mistaken")

    def fill(self) -> None:
        """Puts the cursor into the first of its fields."""
        for field in self.query("*"):
            if field.focusable and field.display:
                field.focus()
                return
