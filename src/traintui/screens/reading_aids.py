"""What helps to read a conversation, worked out beside the painting: grounds, complaints, and what is known already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content

from traintui import clock, text
from traintui.data.records import Conversation, Turn
from traintui.quality.complaints import complaints
from traintui.quality.grounding import grounds
from traintui.quality.words import Places
from traintui.widgets.marked_transcript import unchanged, what_is_said

if TYPE_CHECKING:
    from traintui.data.seen import Changed, Known
    from traintui.quality.thresholds import Thresholds

A_WHILE = 300.0
"""Seconds after which a look at the same text is worth a word."""
CHANGED: Mapping[Changed, str] = {
    "by nobody": "nothing changed since", "by oneself": "only you changed it since",
    "by others": "it changed since, and what it said then is not kept",
}  # fmt: skip
"""What is said of a text where there is nothing to hold it against."""


@dataclass(frozen=True, slots=True)
class Aids:
    """Of one revision: the sentences of the source that the answers draw on and what is wrong with turns, both by
    place, the sentences that are known, and the turns that have no others."""

    drawn: Mapping[int, Places] = field(default_factory=dict)
    complaints: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    known: Known | None = None
    sentences: frozenset[str] = frozenset()
    unchanged: frozenset[int] = frozenset()


def work_out(conversation: Conversation, known: Known | None, thresholds: Thresholds) -> Aids:
    """All of it. Takes some milliseconds, and a second for a megabyte: for a thread."""
    source = conversation.source.content if conversation.source is not None else None
    wrong: defaultdict[int, list[str]] = defaultdict(list)
    for complaint in complaints(conversation.turns, source, thresholds):
        wrong[complaint.place].append(complaint.says)
    for place, says in judged(conversation):
        wrong[place].append(says)
    turns = known_turns(known)
    sentences = what_is_said(turns) if turns else frozenset()
    return Aids(
        grounds(conversation.turns, source) if source is not None else {},
        {place: tuple(said) for place, said in wrong.items()},
        known,
        sentences,
        unchanged(conversation.turns, sentences) if sentences else frozenset(),
    )


def judged(conversation: Conversation) -> list[tuple[int, str]]:
    """What a judge points at, by the places of the turns: only once it is decided, so that nobody is influenced."""
    opinion = conversation.judging.judgement if conversation.judging is not None else None
    if opinion is None or conversation.row.status not in {"approved", "rejected"}:
        return []
    return [
        (span.turn - 1, f"judge, {criterion.name}: “{text.visible(span.quote, single_line=True, limit=60)}”")
        for criterion in opinion.criteria
        for span in criterion.spans
    ]


def known_turns(known: Known | None) -> tuple[Turn, ...]:
    """The turns that are held against the text: of one's last look where it has changed since, else of the approved
    conversation that says nearly the same."""
    if known is None:
        return ()
    if known.before is not None and known.before.turns:
        return known.before.turns
    return known.approved.turns if known.approved is not None else ()


def _when(at: datetime) -> str:
    ago = text.ago(at)
    return "just now" if ago == "now" else f"on {ago}" if "-" in ago else f"{ago} ago"


def hint(known: Known | None) -> Content:
    """Says what need not be read, and why; nothing where all of it must be."""
    if known is None:
        return Content("")
    parts: list[Content] = []
    if (before := known.before) is not None and before.turns:
        parts.append(
            Content.assemble(
                ("◑ ", "$accent"), f"You read revision {before.revision} {_when(before.looked_at)}: ",
                ("bright is what changed since", "$muted"),
            )
        )  # fmt: skip
    elif before is not None and (clock.now() - before.looked_at).total_seconds() > A_WHILE:
        parts.append(
            Content.assemble(
                ("◑ ", "$accent"), f"You read this {_when(before.looked_at)}; ", (CHANGED[before.changed], "$muted")
            )
        )
    if (approved := known.approved) is not None:
        parts.append(
            Content.assemble(
                ("≈ ", "$warning"), f"{approved.similarity:.0%} like ",
                text.shown(approved.conversation_id, single_line=True, limit=40), (", approved", "$approved"),
                ("" if before is not None and before.turns else ": bright is what differs", "$muted"),
            )
        )  # fmt: skip
    if parts and (approved is not None or (before is not None and before.turns)):
        parts.append(Content.assemble(("=", "bold $accent"), (" shows it", "$muted")))
    return Content("   ").join(parts)
