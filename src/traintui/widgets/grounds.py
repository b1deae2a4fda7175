"""The source of a conversation, with the sentences that its answers draw on."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from traintui import text
from traintui.quality.words import Places

LONGEST = 12_000
"""Characters of a source that are shown."""
DRAWN = "$foreground"
"""A sentence that some answer draws on."""
DRAWN_HERE = "$foreground on $assistant 28%"
"""One that the current turn draws on."""


def marked(source: str, grounds: Mapping[int, Places], turn: int | None) -> Content:
    """The source with the sentences that an answer draws on in the colour of text, the others muted, and those that
    the turn draws on behind a colour. Grounds are by the place of the answer."""
    here = set(grounds.get(turn, ())) if turn is not None else set()
    drawn = sorted({place for places in grounds.values() for place in places})
    parts: list[Content] = []
    at = 0
    for begin, end in drawn:
        if end > LONGEST:
            break
        parts.append(text.shown(source[at:begin], style="$muted"))
        parts.append(text.shown(source[begin:end], style=DRAWN_HERE if (begin, end) in here else DRAWN))
        at = end
    parts.append(text.shown(source[at:LONGEST] + ("…" if len(source) > LONGEST else ""), style="$muted"))
    return Content("").join(parts)


def first_marked(content: Content) -> int | None:
    """Where the first sentence of the current turn begins; None where none is marked."""
    return min((span.start for span in content.spans if span.style == DRAWN_HERE), default=None)
