"""What was pressed and is not saved yet, and what becomes of a database that ended, in a line under the header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from traintui import text

if TYPE_CHECKING:
    from traintui.outbox.outcomes import Standing


def said(standing: Standing, ended: str = "") -> Content:
    """How many presses wait, why, and what becomes of them; `ended` is what becomes of a database that ended."""
    kept = (
        Content.styled(f"only in this app, this machine cannot keep them ({standing.unkept})", "bold $error")
        if standing.unkept
        else Content.styled("kept on this machine, sent by itself", "$muted")
    )
    number = f"not saved yet: {standing.number:,}"
    if ended:  # what is to be done goes before what happens by itself
        parts = [text.shown(ended, single_line=True, limit=200), kept]
    else:
        parts = [kept, text.shown(standing.why, single_line=True, limit=120)]
    return Content.assemble(("! ", "$error"), (number, "bold"), "   ", Content("   ").join(parts))


class UnsentLine(Static):
    """Hidden unless something waits, was sent that an earlier run of the app had left, or the database ended."""

    DEFAULT_CSS = """
    UnsentLine {
        display: none;
        height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis;
    }
    UnsentLine.-told { display: block; }
    """

    def show(self, standing: Standing | None, news: str = "", ended: str = "", stays: str = "") -> None:
        """Says what waits and what becomes of a database that ended; else the news, if there are any; else what
        goes on beside the work and could not do all."""
        self.set_class(standing is not None or bool(news or ended or stays), "-told")
        if standing is not None:
            self.update(said(standing, ended))
        elif ended:
            self.update(Content.assemble(("! ", "$error"), text.shown(ended, single_line=True)))
        elif news:
            self.update(Content.assemble(("● ", "$success"), text.shown(news, single_line=True)))
        elif stays:
            left = text.shown(stays, single_line=True, limit=400)
            self.update(Content.assemble(("! ", "$error"), left))
