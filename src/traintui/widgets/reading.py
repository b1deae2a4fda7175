"""A conversation before a reviewer's eyes: its text, what is known about it, and since when both can be seen."""

from __future__ import annotations

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.content import Content

from traintui import clock
from traintui.data.records import Conversation
from traintui.widgets.facts import FactsPanel, facts
from traintui.widgets.marks import Labels
from traintui.widgets.notice import Kind, Notice
from traintui.widgets.transcript import Transcript


class Reading(Container):
    """Transcript and facts of one conversation, or a notice where there is none."""

    DEFAULT_CSS = """
    Reading {
        height: 1fr;
        & > Notice { display: none; }
        &.-nothing > Notice { display: block; }
        &.-nothing > Horizontal { display: none; }
    }
    """

    transcript = getters.query_one(Transcript)
    panel = getters.query_one(FactsPanel)
    notice = getters.query_one(Notice)

    def __init__(self) -> None:
        super().__init__()
        self.shown: Conversation | None = None
        self._seen_at: float | None = None

    def compose(self) -> ComposeResult:
        """Both beside each other; the stylesheet of the screen says where there is room."""
        with Horizontal():
            yield Transcript()
            yield FactsPanel()
        yield Notice()

    @property
    def seconds_seen(self) -> float | None:
        """For how long what is shown has been on the terminal; None until it has been painted."""
        return None if self._seen_at is None else clock.ticks() - self._seen_at

    def show(self, conversation: Conversation, labels: Labels) -> None:
        """Shows a conversation. The same one again stays where it was scrolled to, another revision of it too."""
        before, self.shown = self.shown, conversation
        self.set_class(False, "-nothing")
        self.panel.show(self._facts(conversation, labels))
        same_text = before is not None and (before.row.conversation_id, before.row.revision) == (
            conversation.row.conversation_id, conversation.row.revision,
        )  # fmt: skip
        if not same_text:
            self._seen_at = None
            key = conversation.row.conversation_id, conversation.row.revision
            same = before is not None and before.row.conversation_id == conversation.row.conversation_id
            self.transcript.show(conversation.turns, conversation.system_prompt, key=key, keep=same)
        if not self.transcript.has_focus:
            self.transcript.focus()

    def describe(self, labels: Labels) -> None:
        """Shows the facts with other labels."""
        if self.shown is not None:
            self.panel.show(self._facts(self.shown, labels))

    @staticmethod
    def _facts(conversation: Conversation, labels: Labels) -> Content:
        """A judge's opinion is for after the decision."""
        return facts(conversation, labels, with_judge=conversation.row.status in ("approved", "rejected"))

    def nothing(self, kind: Kind, title: str, message: str = "", hint: str = "") -> None:
        """Shows a notice instead."""
        self.shown, self._seen_at = None, None
        self.set_class(True, "-nothing")
        self.notice.say(kind, title, message, hint)

    @on(Transcript.Painted)
    def _painted(self, event: Transcript.Painted) -> None:
        event.stop()
        row = self.shown.row if self.shown is not None else None
        if row is not None and event.key == (row.conversation_id, row.revision) and self._seen_at is None:
            self._seen_at = clock.ticks()
