"""A conversation as it is being written: its turns so far, the end in view unless somebody scrolled away from it."""

from __future__ import annotations

from collections.abc import Sequence

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from traintui.data.records import Turn
from traintui.widgets.notice import Kind, Notice
from traintui.widgets.transcript import Transcript


class WritingPane(Container):
    """A heading over the turns, or a notice where there are none."""

    DEFAULT_CSS = """
    WritingPane {
        height: 1fr; width: 1fr;
        & > Static.heading { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > Notice { display: none; }
        &.-nothing > Notice { display: block; }
        &.-nothing > Transcript, &.-nothing > Static.heading { display: none; }
    }
    """

    transcript = getters.query_one(Transcript)
    heading = getters.query_one(".heading", Static)
    notice = getters.query_one(Notice)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="-nothing")
        self.shown: str | None = None
        """The conversation that is shown."""

    def compose(self) -> ComposeResult:
        """Heading and turns."""
        yield Static(classes="heading")
        yield Transcript()
        yield Notice("loading")

    def show(self, conversation_id: str, heading: Content, turns: Sequence[Turn], *, growing: bool) -> None:
        """Shows a conversation. One that is `growing` is followed to its end, another is shown from its beginning."""
        self.set_class(False, "-nothing")
        self.heading.update(heading, layout=False)
        transcript = self.transcript
        same = self.shown == conversation_id
        if same and tuple(turns) == transcript.turns:
            return
        at_end = transcript.scroll_offset.y >= transcript.max_scroll_y - 1
        self.shown = conversation_id
        transcript.show(turns, None, key=conversation_id, keep=same)
        if growing and turns and (at_end or not same):
            transcript.action_edge(1)

    def nothing(self, kind: Kind, title: str, message: str = "", hint: str = "") -> None:
        """Shows a notice instead."""
        self.shown = None
        self.set_class(True, "-nothing")
        self.notice.say(kind, title, message, hint)

    @on(Transcript.Painted)
    def _painted(self, event: Transcript.Painted) -> None:
        event.stop()
