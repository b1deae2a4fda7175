"""The field of the filter: what it offers while one types, and what was applied before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import BindingType
from textual.events import Blur, Focus, Paste
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Input
from textual.widgets.input import Selection

from traintui import commands
from traintui.data.records import VocabularyValue
from traintui.history import History
from traintui.widgets.completion_list import CompletionList

if TYPE_CHECKING:
    from traintui.data.fields import Field
    from traintui.data.filter_completion import Candidate, Completions
    from traintui.data.filter_reading import Language


@dataclass(frozen=True, slots=True)
class Offer:
    """What the completion knows: `fields` of the workspace (None: those of every conversation), counts by field and
    value, the vocabulary, metadata keys, and the language of the rows (None: that of conversations)."""

    fields: Mapping[str, Field] | None = None
    facets: Mapping[str, Mapping[str | None, int]] = field(default_factory=dict)
    labels: Mapping[tuple[str, str], VocabularyValue] = field(default_factory=dict)
    metadata_keys: Sequence[str] = ()
    language: Language | None = None


LONGEST = 4_000
"""Characters up to which a filter may grow by pasting: 250 ids and more."""


class FilterField(Input):
    """`tab` takes what is offered, `enter` what is highlighted; `↑` and `↓` move in the list, and where it is closed
    through what was applied before; `esc` closes the list, then leaves."""

    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("filter")

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))
    """How long the text is, in cells. One more letter moves nothing on the screen: it is not arranged anew."""

    class Left(Message):
        """Somebody left the field without applying it."""

    @dataclass
    class TooLong(Message):
        """A paste of so many characters was not taken: the filter would be longer than it may be."""

        characters: int

    def _on_paste(self, event: Paste) -> None:
        """Takes what is pasted, unless it is too much: with each letter all of a filter is read."""
        if len(self.value) + len(event.text) > LONGEST:
            event.stop()
            event.prevent_default()
            self.post_message(self.TooLong(len(event.text)))

    def __init__(self, placeholder: str, offers: CompletionList, history: History) -> None:
        super().__init__(placeholder=placeholder, compact=True, select_on_focus=False)
        self._offers = offers
        self._history = history
        self._place = 0
        self._draft = ""
        self._looked: tuple[str, int] = ("", 0)
        self._writing = False
        self._found: Completions | None = None
        self.offer = Offer()

    # The list

    def on_mount(self) -> None:
        """Looks at every change of text and cursor, as it happens: the next key finds the list that belongs to it."""
        self.watch(self, "selection", self._changed, init=False)

    def on_input_changed(self) -> None:
        """A character that goes to the right of the cursor moves nothing else."""
        self._changed()

    def on_focus(self, event: Focus) -> None:
        """In an empty field all that can be asked for is offered."""
        self._place = 0
        if not self.value:
            self._look()

    def on_blur(self, event: Blur) -> None:
        """The list belongs to who types."""
        self._offers.close()

    def _changed(self, _: Selection | None = None) -> None:
        now = (self.value, self.cursor_position)
        if self._writing or now == self._looked:
            return
        typed = self.value != self._looked[0]
        if typed:
            self._found = None
        self._looked = now
        if self.has_focus and (typed or self._offers.is_open):
            self._place = 0 if typed else self._place
            self._look()

    def learn(self, offer: Offer) -> None:
        """Other counts, labels or keys; a list that is open shows them."""
        self.offer = offer
        if self._offers.is_open:
            self._look()

    def _look(self) -> None:
        self._found = self._completions()
        column = cell_len(self.value[: self._found.start]) - round(self.scroll_offset.x)
        line = self._offers.parent
        left = line.content_region.x if isinstance(line, Widget) else 0
        self._offers.show(self._found.items, self.content_region.x - left + column - 1)

    @property
    def is_naming(self) -> bool:
        """Whether the word at the cursor is the name of a field, or may still become one."""
        found = self._found
        if found is None or found.end == found.start:
            return False
        word = self.value[found.start : found.end]
        return word in (self.offer.fields or ()) or any(candidate.goes_on for candidate in found.items)

    def _completions(self) -> Completions:
        from traintui.data.fields import FIELDS
        from traintui.data.filter_completion import complete
        from traintui.data.filter_reading import CONVERSATIONS

        offer = self.offer
        return complete(
            self.value, self.cursor_position, fields=FIELDS if offer.fields is None else offer.fields,
            facets=offer.facets, labels=offer.labels, metadata_keys=offer.metadata_keys,
            language=offer.language or CONVERSATIONS,
        )  # fmt: skip

    def take(self, index: int) -> None:
        """Writes a candidate; the list stays for what comes after it, and closes when the word is whole."""
        found = self._found
        if found is None or index >= len(found.items):
            return
        candidate: Candidate = found.items[index]
        self.write(*found.taken(self.value, candidate))
        if candidate.goes_on:
            self._look()

    def write(self, value: str, cursor: int | None = None) -> None:
        """Puts another text into the field, with the list closed."""
        self._writing = True
        self.value = value
        self.cursor_position = len(value) if cursor is None else cursor
        self._writing = False
        self._looked = (self.value, self.cursor_position)
        self._place = 0
        self._found = None
        self._offers.close()

    # Keys

    def action_take(self) -> None:
        """Takes the candidate that is highlighted, or the first; with no list it opens it, or goes on."""
        if self._offers.is_open:
            self.take(self._offers.highlighted or 0)
            return
        self._look()
        if not self._offers.is_open:
            self.screen.focus_next()

    async def action_submit(self) -> None:
        """Takes the candidate that is highlighted; else applies the filter."""
        if self._offers.is_open and self._offers.highlighted is not None:
            self.take(self._offers.highlighted)
            return
        self._offers.close()
        await super().action_submit()

    def action_move(self, lines: int) -> None:
        """Moves in the list; with no list, or above its first line, through the history."""
        offers = self._offers
        if offers.is_open and (lines > 0 or offers.highlighted is not None):
            offers.move(lines)
        elif lines > 0 and not self._place:
            self._look()
        else:
            self._recall(self._place - lines)

    def _recall(self, place: int) -> None:
        filters = self._history.filters
        if not 0 <= place <= len(filters):
            return
        if not self._place:
            self._draft = self.value
        self.write(filters[place - 1] if place else self._draft)
        self._place = place

    def action_leave(self) -> None:
        """Closes the list; with no list, leaves the field."""
        if self._offers.is_open:
            self._offers.close()
        else:
            self.post_message(self.Left())
