"""A conversation before a reviewer's eyes: its text, what is known about it, and since when both can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from traintui import clock
from traintui.data.records import Conversation
from traintui.quality.words import Places
from traintui.widgets.facts import FactsPanel, facts
from traintui.widgets.lens_transcript import LensTranscript
from traintui.widgets.marked_transcript import MarkedTranscript
from traintui.widgets.marks import Labels
from traintui.widgets.notice import Kind, Notice
from traintui.widgets.sought import typed
from traintui.widgets.transcript import Transcript
from traintui.widgets.transcript_search import SearchLine

A_WHILE = 0.1
"""Seconds from which on it is said that something is being read."""


class Reading(Container):
    """Transcript and facts of one conversation, or a notice where there is none."""

    DEFAULT_CSS = """
    Reading {
        height: 1fr;
        & > Notice { display: none; }
        &.-nothing > Notice { display: block; }
        &.-nothing > Horizontal, &.-nothing > #hint { display: none; }
        & > #hint { height: 1; display: none; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    transcript = getters.query_one(LensTranscript)
    search_line = getters.query_one(SearchLine)
    hint = getters.query_one("#hint", Static)
    panel = getters.query_one(FactsPanel)
    notice = getters.query_one(Notice)

    def __init__(self) -> None:
        super().__init__()
        self.shown: Conversation | None = None
        self._seen_at: float | None = None
        self._labels: Labels = {}
        self._drawn: Mapping[int, Places] = {}
        self._soon: Timer | None = None
        """When it is said that something is being read."""

    def compose(self) -> ComposeResult:
        """Both beside each other; the stylesheet of the screen says where there is room."""
        yield Static(id="hint")
        with Horizontal(id="beside"):
            yield LensTranscript()
            yield FactsPanel()
        yield SearchLine()
        yield Notice()

    def on_mount(self) -> None:
        """Hears which turn is current."""
        self.watch(self.transcript, "turn", self._mark, init=False)

    @property
    def seconds_seen(self) -> float | None:
        """For how long what is shown has been on the terminal; None until it has been painted."""
        return None if self._seen_at is None else clock.ticks() - self._seen_at

    def show(self, conversation: Conversation, labels: Labels) -> None:
        """Shows a conversation. The same one again stays where it was scrolled to, another revision of it too. Another
        revision counts as seen once it is painted, and so does the same text with another decision on it."""
        before, self.shown, self._labels = self.shown, conversation, labels
        self._stop_waiting()
        self.set_class(False, "-nothing")
        same_text = before is not None and (before.row.conversation_id, before.row.revision) == (
            conversation.row.conversation_id, conversation.row.revision,
        )  # fmt: skip
        if not same_text:
            self._seen_at, self._drawn = None, {}
            self.tell("")
            self.search_line.display = False
            same = before is not None and before.row.conversation_id == conversation.row.conversation_id
            self.transcript.show(conversation.turns, conversation.system_prompt, key=_key(conversation), keep=same)
        elif before is not None and _key(before) != _key(conversation):
            self._seen_at = None
            self.transcript.paint_again(_key(conversation))
        self.panel.show(self._facts(conversation))
        if not self.search_line.display and not self.transcript.has_focus:
            self.transcript.focus()

    def describe(self, labels: Labels) -> None:
        """Shows the facts with other labels."""
        self._labels = labels
        if self.shown is not None:
            self.panel.show(self._facts(self.shown))

    def _facts(self, shown: Conversation) -> Content:
        """A judge's opinion is for after the decision."""
        decided = shown.row.status in ("approved", "rejected")
        return facts(shown, self._labels, with_judge=decided, drawn=self._drawn, turn=self.transcript.turn)

    # What helps to read it

    def tell(self, hint: Content | str) -> None:
        """Says above the text what need not be read, if anything."""
        self.hint.update(hint)
        self.hint.display = bool(hint)

    def ground(self, drawn: Mapping[int, Places]) -> None:
        """Marks the sentences of the source that the answers draw on, by the places of the answers."""
        if drawn != self._drawn:
            self._drawn = drawn
            self._mark()

    def _mark(self) -> None:
        """The current turn's sentences of the source are marked."""
        if self.shown is not None and self.shown.source is not None and self._drawn:
            self.panel.mark(self._facts(self.shown))

    def begin_search(self) -> None:
        """Opens the line in which one types what is looked for."""
        if self.shown is not None:
            self.transcript.begin_search()
            self.search_line.open()

    @on(SearchLine.Typed)
    def _search(self, event: SearchLine.Typed) -> None:
        event.stop()
        self.transcript.search(typed(event.words))

    @on(SearchLine.Stepped)
    def _step(self, event: SearchLine.Stepped) -> None:
        event.stop()
        self.transcript.action_match(event.step)

    @on(SearchLine.Left)
    def _left(self, event: SearchLine.Left) -> None:
        event.stop()
        self.transcript.end_search(found=event.found)
        self.search_line.display = False
        self.transcript.focus()
        if event.found:
            self.transcript.call_later(self.transcript.say_match)  # a message goes no further than who sends it

    @on(MarkedTranscript.Matched)
    def _matched(self, event: MarkedTranscript.Matched) -> None:
        if self.search_line.display:
            event.stop()
            self.search_line.count(event.place, event.total, looking=event.looking)

    def nothing(self, kind: Kind, title: str, message: str = "", hint: str = "") -> None:
        """Shows a notice instead. That the next one is being read is said only where that takes a while: until then
        what was there before stays to be seen, and nothing can be done to it."""
        soon = kind == "loading" and not message and (self.shown is not None or self._soon is not None)
        self.shown, self._seen_at = None, None
        self.tell("")
        self.search_line.display = False
        self._stop_waiting()
        if soon:
            self._soon = self.set_timer(A_WHILE, partial(self._waited, kind, title, message, hint))
        else:
            self._say_nothing(kind, title, message, hint)

    def _waited(self, kind: Kind, title: str, message: str, hint: str) -> None:
        """It takes a while. What came just as the time was up stays to be seen."""
        if self._soon is not None:
            self._say_nothing(kind, title, message, hint)

    def _say_nothing(self, kind: Kind, title: str, message: str, hint: str) -> None:
        self._soon = None
        self.set_class(True, "-nothing")
        self.notice.say(kind, title, message, hint)

    def _stop_waiting(self) -> None:
        if self._soon is not None:
            self._soon.stop()
            self._soon = None

    @on(Transcript.Painted)
    def _painted(self, event: Transcript.Painted) -> None:
        event.stop()
        if self.shown is not None and event.key == _key(self.shown) and self._seen_at is None:
            self._seen_at = clock.ticks()


def _key(conversation: Conversation) -> object:
    """What is decided on when a conversation is: its text, and how it stands."""
    row = conversation.row
    return row.conversation_id, row.revision, row.decision_id, row.status
