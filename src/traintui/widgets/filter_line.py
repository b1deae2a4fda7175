"""The filter as it is typed, what can be written next, and what is wrong with it, below the place where it is wrong."""

from __future__ import annotations

from rich.cells import cell_len
from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from traintui import text
from traintui.history import History
from traintui.widgets.completion_list import CompletionList
from traintui.widgets.filter_field import LONGEST, FilterField, Offer

PROMPT = " / "


class FilterLine(Vertical):
    """One line with the filter; a mistake that was applied opens two more below it.

    Each edit is answered at once: `Changed` goes up, and down come `understood` or `fail(..., typing=True)`, and
    `field.learn` with the new counts. `enter` sends `Applied`, which `applied` or `fail` answers.
    """

    DEFAULT_CSS = """
    FilterLine {
        height: auto; background: $surface;
        & Horizontal { height: 1; }
        & .prompt { width: 3; color: $accent; text-style: bold; }
        & FilterField { width: 1fr; padding: 0; background: $surface; }
        & FilterField:focus { background: $panel; }
        & FilterField > .input--placeholder { color: $faint; }
        & .mistake { height: auto; width: 100%; display: none; padding: 0 1 0 0; background: $surface; }
    }
    """

    field = getters.query_one(FilterField)
    offers = getters.query_one(CompletionList)
    mistake = getters.query_one(".mistake", Static)

    class Changed(Message):
        """Somebody types: this is the text now."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class Applied(Message):
        """`enter`: this filter is wanted."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class Left(Message):
        """The field was left; `text` is the filter that was applied last, and stands there again."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    def __init__(self, placeholder: str, history: History | None = None) -> None:
        super().__init__()
        self._placeholder = placeholder
        self._history = history or History()
        self._applied = ""
        self._told = ""
        self._asked: str | None = None
        self._mistaken = False
        self._typing = False
        """Whether the mistake is one that is said while somebody types: the rows below do not move for it."""

    def compose(self) -> ComposeResult:
        """Prompt and field, what it offers, and the place for a mistake."""
        offers = CompletionList()
        with Horizontal():
            yield Static(PROMPT, classes="prompt")
            yield FilterField(self._placeholder, offers, self._history)
        yield offers
        yield Static(classes="mistake")

    def on_mount(self) -> None:
        """A list that is open stands where a mistake would."""
        self.watch(self.offers, "is_open", lambda _: self._place_mistake())

    def _place_mistake(self) -> None:
        """Shows or hides it. Not by a class: with each letter that would style all that is below anew."""
        is_seen = self._mistaken and not (self._typing and self.offers.is_open)
        if is_seen:
            self.mistake.styles.overlay = "screen" if self._typing else "none"
        if self.mistake.display != is_seen:
            self.mistake.display = is_seen

    def learn(self, offer: Offer) -> None:
        """What the completion knows from now on."""
        self.field.learn(offer)

    def applied(self, filter_text: str) -> None:
        """This filter is what is shown now: `esc` comes back to it, and the history has it."""
        self._applied = filter_text
        self._history.add(filter_text)
        # The answer to `enter` takes back nothing that was typed since.
        answers, self._asked = self._asked == filter_text, None
        if not answers and self.field.value.strip() != filter_text.strip():
            self._told = filter_text
            self.field.write(filter_text)
        if self.field.value.strip() == filter_text.strip():
            self.understood()

    def understood(self) -> None:
        """What is typed can be read."""
        self._mistaken = self._typing = False
        self._place_mistake()

    def fail(self, message: str, remedy: str, start: int, end: int, *, typing: bool = False) -> None:
        """Shows what is wrong, from character `start` to `end` of what was typed.

        With `typing` nobody has asked for an answer yet: the rows stay where they are, and a mistake at the end, where
        the rest is still to come, is said calmly.
        """
        value = self.field.value
        calm = typing and end >= len(value.rstrip())
        colour = "$muted" if calm else "$error"
        carets = "^" * max(1, min(cell_len(value[start:end]), 60))
        column = max(0, cell_len(value[:start]) - round(self.field.scroll_offset.x))
        indent = " " * (len(PROMPT) + min(column, max(0, self.size.width - len(carets) - 6)))
        said = text.shown(message, single_line=True, limit=300, style="$muted" if calm else "")
        what_now = text.shown(remedy, single_line=True, limit=300, style="$muted")
        mark = (carets, colour if calm else f"bold {colour}")
        self.mistake.update(
            Content.assemble(indent, mark, "\n", ("  · " if calm else "  ! ", colour), said, "  ", what_now)
        )
        self._asked = self._asked if typing else None
        self._mistaken, self._typing = True, typing
        self._place_mistake()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        value = self.field.value
        if value != self._told:
            self._told = value
            self.post_message(self.Changed(value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._asked = event.value.strip()
        self.post_message(self.Applied(self._asked))

    @on(FilterField.TooLong)
    def _too_long(self, event: FilterField.TooLong) -> None:
        event.stop()
        end = len(self.field.value)
        self.offers.close()  # it lies over the answer
        self.fail(
            f"Nothing was pasted: {event.characters:,} characters.", f"A filter takes {LONGEST:,} in all.", end, end
        )
        self.app.bell()

    @on(CompletionList.Picked)
    def _picked(self, event: CompletionList.Picked) -> None:
        event.stop()
        self.field.focus()
        self.field.take(event.index)

    @on(FilterField.Left)
    def _left(self, event: FilterField.Left) -> None:
        event.stop()
        self._told, self._asked = self._applied, None
        self.field.write(self._applied)
        self.understood()
        self.post_message(self.Left(self._applied))
