"""How a fact is put: plainly, attributed to its document, quoted, or added to another one."""

from __future__ import annotations

from traintui.generation.rehearsal.desk import Desk
from traintui.generation.rehearsal.english import capitalise, lower_first, sentences_of
from traintui.generation.rehearsal.facts import Fact
from traintui.generation.rehearsal.phrases import ADDED, ATTRIBUTED, QUOTED


def framed(desk: Desk, item: Fact, short: str, *, plain: bool = False) -> str:
    """A fact as the heart of an answer; `short` is the "Yes" or "No" that its question calls for."""
    text = desk.rng.choice(item.statement.ways)
    lowered = lower_first(text)
    if short:
        return f"{short}, {lowered}" if lowered else f"{short}. {text}"
    drawn = desk.rng.random()
    named = desk.slots["doc"].lower() in text.lower()
    if plain or not desk.grounded or drawn < 0.4 or named:
        return text
    single = len(sentences_of(text)) == 1 and "\u201c" not in text and item.statement.kind != "row"
    if drawn < 0.52 and single and (quoted := desk.draw(QUOTED, fact="", Fact=text)):
        return quoted
    if lowered and (said := desk.draw(ATTRIBUTED, fact=lowered)):
        return said
    return text


def added(desk: Desk, item: Fact) -> str:
    """A fact that follows another one."""
    text = desk.rng.choice(item.statement.ways)
    lowered = lower_first(text)
    if lowered is None or desk.rng.random() < 0.3 or not desk.grounded or desk.slots["doc"].lower() in text.lower():
        return capitalise(text)
    return desk.draw(ADDED, fact=lowered) or capitalise(text)
