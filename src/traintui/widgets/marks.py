"""Small signs that mean the same everywhere: status, score, flag, rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from textual.content import Content

from traintui import text
from traintui.data.records import ConversationRow, VocabularyValue

Labels = Mapping[tuple[str, str], VocabularyValue]

STATUS: dict[str, tuple[str, str]] = {
    "generated": ("○", "to review"),
    "approved": ("●", "approved"),
    "rejected": ("✕", "rejected"),
    "failed": ("!", "failed"),
    "generating": ("◐", "generating"),
    "planned": ("◌", "planned"),
}
"""Glyph and word of each status, in the order in which they matter; its colour is the variable of its name."""

BAR_WIDTH = 5
REHEARSAL = "R"
"""What stands for the rehearsal where there is no room for the word."""
STALE = "≠"
"""What stands for a source that has changed."""


def status(name: str, *, word: bool = True) -> Content:
    """A status as its glyph, and its word."""
    glyph, said = STATUS.get(name, ("?", text.visible(name, single_line=True)))
    colour = f"${name}" if name in STATUS else "$muted"
    return Content.assemble((f"{glyph} {said}" if word else glyph, colour))


def status_or_holder(name: str, holder: str | None) -> Content:
    """A status as its glyph, and who has the conversation open: `○ @rita`; its word where nobody has."""
    if holder is None:
        return status(name)
    said = text.shown(f"@{holder}", single_line=True, limit=40, style="bold $warning")
    return Content.assemble(status(name, word=False), " ", said)


def status_counts(counts: Mapping[str, int]) -> Content:
    """How many there are of each status, those that there are none of left out."""
    parts = [
        Content.assemble((f"{glyph} {counts[name]:,}", f"${name}"), (f" {said}", "$muted"))
        for name, (glyph, said) in STATUS.items()
        if counts.get(name)
    ]
    return Content("   ").join(parts)


def score_colour(value: Decimal | float | None) -> str:
    """The variable of a score's colour: below 4 bad, below 7 doubtful."""
    if value is None:
        return "$faint"
    return "$error" if value < 4 else "$warning" if value < 7 else "$success"


def score(value: Decimal | None) -> Content:
    """A score with its bar, `BAR_WIDTH` + 5 cells."""
    figure = f"{text.score(value):>4} "
    if value is None:
        return Content.assemble((figure, "$faint"))
    return Content.assemble(figure, meter(float(value), 10, BAR_WIDTH))


def meter(value: float, most: float, width: int) -> Content:
    """A bar in the colour of how good `value` is of `most`."""
    full, empty = text.bar(value, most, width)
    return Content.assemble((full, score_colour(value / most * 10 if most else 0)), (empty, "$rule"))


def label(labels: Labels, dimension: str, value: str | None) -> Content:
    """The label of a dimension's value, its value where the vocabulary has none, a dash where there is no value."""
    if value is None:
        return Content.assemble((text.NOTHING, "$faint"))
    known = labels.get((dimension, value))
    return text.shown(known.label if known else value, single_line=True, limit=60)


def short_tags(row: ConversationRow) -> Content:
    """The same in three cells, for a table: the flag, the letter of the rehearsal, and the sign of a changed source."""
    return Content.assemble(
        ("⚑" if row.flagged else " ", "$warning"),
        (REHEARSAL if row.is_rehearsal else " ", "bold $generating"),
        (STALE if row.stale_at else " ", "bold $warning"),
    )


def tags(row: ConversationRow) -> Content:
    """Flagged, stale, rehearsal, seed: what a conversation is marked as."""
    found = []
    if row.flagged:
        found.append(Content.assemble(("⚑ flagged", "$warning")))
    if row.stale_at:
        found.append(Content.assemble((f"{STALE} stale", "$warning")))
    if row.is_rehearsal:
        found.append(Content.assemble(("rehearsal", "$generating")))
    if row.is_seed:
        found.append(Content.assemble(("imported", "$muted")))
    return Content("  ").join(found)
