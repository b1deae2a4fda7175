"""How a fact is put: plainly, attributed to its document, quoted, or added to another one."""

from __future__ import annotations

import re

from traintui.generation.rehearsal.desk import Desk
from traintui.generation.rehearsal.english import capitalise, lower_first, sentences_of
from traintui.generation.rehearsal.facts import Fact
from traintui.generation.rehearsal.phrases import ADDED, ATTRIBUTED, QUOTED


def framed(desk: Desk, item: Fact, short: str, *, plain: bool = False) -> str:
    """A fact as the heart of an answer; `short` is the "Yes" or "No" that its question calls for."""
    text = desk.rng.choice(item.statement.ways)
    lowered = lower_first(text)
    if re.match(r"(?:please|call|first,|with)\b", text, re.I):
        plain = True
    if short:
        return _affirmed(desk, short, text, lowered)
    drawn = desk.rng.random()
    named = desk.slots["doc"].lower() in text.lower()
    if plain or not desk.grounded or drawn < 0.4 or named or item.statement.kind in {"row", "entry"}:
        return text
    single = len(sentences_of(text)) == 1 and desk.verbatim(text)
    if drawn < 0.52 and single and (quoted := desk.draw(QUOTED, fact="", Fact=text)):
        return quoted
    if lowered and (said := desk.draw(ATTRIBUTED, fact=lowered)):
        return said
    return text


def _affirmed(desk: Desk, short: str, text: str, lowered: str | None) -> str:
    """A fact after the "Yes" or "No" that its question calls for."""
    drawn = desk.rng.random()
    if lowered is None or drawn < 0.15:
        return f"{short}. {text}"
    if drawn < 0.3:
        return f"The short answer is {short.lower()}: {lowered}"
    if drawn < 0.45 and desk.grounded and desk.verbatim(text):
        return f"{short}, and {desk.slots['doc']} says so in these words: \u201c{text}\u201d"
    return f"{short}, {lowered}"


def added(desk: Desk, item: Fact) -> str:
    """A fact that follows another one."""
    text = desk.rng.choice(item.statement.ways)
    lowered = lower_first(text)
    if (
        lowered is None
        or desk.rng.random() < 0.3
        or not desk.grounded
        or re.match(r"(?:please|call|ask|first|with)\b", lowered, re.I)
        or desk.slots["doc"].lower() in text.lower()
    ):
        return capitalise(text)
    return desk.draw(ADDED, fact=lowered) or capitalise(text)
