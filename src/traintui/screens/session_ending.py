"""Whether what somebody runs is really to be ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from traintui import commands, text
from traintui.data.activity_records import Ending, named
from traintui.observing.waiting import MEANS
from traintui.screens.base import BaseDialog
from traintui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from traintui.observing.waiting import Standing


class EndSession(BaseDialog[bool]):
    """Whose it is, what it does, what ending it means, and one key that does it."""

    PLACES = ("ending",)
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("ending")
    CSS_PATH = "dialogs.tcss"

    def __init__(self, row: Standing, kind: Ending) -> None:
        super().__init__(classes="sheet")
        self._row = row
        self._kind = kind

    def compose(self) -> ComposeResult:
        """The question, and what becomes of it."""
        session, waiting = self._row.session, self._row.waiting
        whose = text.shown(session.login or session.kind, single_line=True, limit=50, style="bold")
        asks = ("Cancel the statement of ", "?") if self._kind == "cancel" else ("End the session of ", "?")
        lasts = f", for {text.duration(session.seconds * 1_000)}" if session.seconds is not None else ""
        about = session.about if session.runs or not session.about else f"last {session.about}"
        where = "" if session.machine is None else f" on {session.machine}"
        held_up = f"{text.plural(waiting, 'session waits', 'sessions wait')} for it. " if waiting else ""
        says = Content.assemble(
            text.shown(f"{named(session)}{where}, process {session.pid}:", single_line=True, limit=160), " ",
            text.shown(about or "nothing known", single_line=True, limit=200, style="bold"), (lasts, "bold"), ".\n",
            (held_up, "$warning"), (MEANS[self._kind], "$muted"),
            (" Who did it stands on record.", "$muted"),
        )  # fmt: skip
        with Vertical(classes="dialog") as panel:
            panel.border_title = Content.assemble(("✕ ", "$error"), asks[0], whose, asks[1])
            yield Static(says)
        yield KeyBar()

    def action_end(self) -> None:
        """Has it ended."""
        self.dismiss(True)
