"""What was pressed and is not saved yet, in a line under the header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from traintui import text

if TYPE_CHECKING:
    from traintui.outbox.outcomes import Standing


def said(standing: Standing) -> Content:
    """How many presses wait, why, and what becomes of them."""
    kept = (
        Content.styled(f"only in this app, this machine cannot keep them ({standing.unkept})", "bold $error")
        if standing.unkept
        else Content.styled("kept on this machine, sent by itself", "$muted")
    )
    why = text.shown(standing.why, single_line=True, limit=120)
    return Content.assemble(
        ("! ", "$error"), (f"not saved yet: {standing.number:,}", "bold"), "   ", kept, "   ", why
    )  # fmt: skip


class UnsentLine(Static):
    """Hidden unless something waits, or was sent that an earlier run of the app had left."""

    DEFAULT_CSS = """
    UnsentLine {
        display: none;
        height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis;
    }
    UnsentLine.-told { display: block; }
    """

    def show(self, standing: Standing | None, news: str = "") -> None:
        """Says what waits; else the news, if there are any."""
        self.set_class(standing is not None or bool(news), "-told")
        if standing is not None:
            self.update(said(standing))
        elif news:
            self.update(Content.assemble(("● ", "$success"), text.shown(news, single_line=True)))
