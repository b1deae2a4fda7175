"""What the checks of the score complain about, turn by turn: where a reader should look first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from traintui.quality.language import NAMES, language_of
from traintui.quality.structure import PHRASE, SENSIBLE_SHARE, Turn, flaws_of, length_share
from traintui.quality.thresholds import DEFAULTS, Thresholds
from traintui.quality.words import content_words, numbers, words, written_numbers

CLAIMS = 12
"""Content words from which an answer says enough to be held against its source."""
PHRASES = 12
"""Phrases from which a turn says enough to repeat itself."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A turn by its place, counted from 0, the part of the score that complains, and what it says of the turn."""

    place: int
    part: str
    says: str


def complaints(turns: Sequence[Turn], source: str | None, thresholds: Thresholds = DEFAULTS) -> tuple[Complaint, ...]:
    """Return what the parts of the score that look at single turns complain about, in the order of the turns. A part
    that weighs nothing is not asked."""
    found: list[Complaint] = []
    if thresholds.structure_weight:
        found += _structure(turns)
    if thresholds.grounding_weight and source is not None:
        found += _grounding(turns, source, thresholds)
    if thresholds.language_weight and source is not None:
        found += _language(turns, source)
    if thresholds.turn_length_weight:
        found += _length(turns, thresholds)
    if thresholds.repetition_weight:
        found += _repetition(turns, thresholds)
    return tuple(sorted(found, key=lambda complaint: complaint.place))


def _structure(turns: Sequence[Turn]) -> Iterator[Complaint]:
    if turns and turns[0].role != "user":
        yield Complaint(0, "structure", "is no user's, and the first")
    for place, turn in enumerate(turns):
        if place and turns[place - 1].role == turn.role:
            yield Complaint(place, "structure", "is from the same role as the one before")
        for _, what in flaws_of(turn):
            yield Complaint(place, "structure", what)
    if turns and turns[-1].role != "assistant":
        yield Complaint(len(turns) - 1, "structure", "is the last one, and no answer")


def _grounding(turns: Sequence[Turn], source: str, thresholds: Thresholds) -> Iterator[Complaint]:
    supported_words = content_words(source)
    supported_numbers = numbers(source) | written_numbers(source)
    if not supported_words and not supported_numbers:
        return
    for place, turn in enumerate(turns):
        if turn.role != "assistant":
            supported_words = supported_words | content_words(turn.content)
            supported_numbers = supported_numbers | numbers(turn.content) | written_numbers(turn.content)
            continue
        unsupported = sorted(numbers(turn.content) - supported_numbers)
        if unsupported:
            more = f" and {len(unsupported) - 3} more" if len(unsupported) > 3 else ""
            verb = "is" if len(unsupported) == 1 else "are"
            named = ", ".join(figure[:20] for figure in unsupported[:3])
            yield Complaint(place, "grounding", f"{named}{more} {verb} not in the source")
        claimed = content_words(turn.content)
        share = len(claimed & supported_words) / max(1, len(claimed))
        if len(claimed) >= CLAIMS and share < thresholds.words_supported / 2 and not _only_closes(turns, place):
            yield Complaint(place, "grounding", f"only {share:.0%} of its words are in the source")


def _only_closes(turns: Sequence[Turn], place: int) -> bool:
    """Whether a turn ends a conversation without a claim: the last of several answers, without a number, that takes up
    no word of what was asked ("Please come back whenever something else comes up"). No source says such things."""
    if place < 2 or place != len(turns) - 1 or numbers(turns[place].content):
        return False
    return not content_words(turns[place].content) & content_words(turns[place - 1].content)


def _language(turns: Sequence[Turn], source: str) -> Iterator[Complaint]:
    wanted = language_of(source)
    for place, turn in enumerate(turns) if wanted is not None else ():
        spoken = language_of(turn.content)
        if spoken not in (None, wanted) and wanted is not None:
            yield Complaint(place, "language", f"is in {NAMES[spoken]}, its source in {NAMES[wanted]}")


def _length(turns: Sequence[Turn], thresholds: Thresholds) -> Iterator[Complaint]:
    sensible = {"user": thresholds.user_words, "assistant": thresholds.assistant_words}
    best = {"user": thresholds.user_words_best, "assistant": thresholds.assistant_words_best}
    for place, turn in enumerate(turns):
        role = turn.role if turn.role in sensible else "assistant"
        count = sum(1 for _ in words(turn.content))
        if length_share(count, sensible[role], best[role]) < SENSIBLE_SHARE:
            low, high = sensible[role]
            wrong = f"short, less than {low:,}" if count < low else f"long, more than {high:,}"
            yield Complaint(place, "turn length", f"has {_counted(count)}: too {wrong}")


def _repetition(turns: Sequence[Turn], thresholds: Thresholds) -> Iterator[Complaint]:
    seen: set[tuple[str, ...]] = set()
    for place, turn in enumerate(turns):
        said = list(words(turn.content))
        phrases = [tuple(said[at : at + PHRASE]) for at in range(max(0, len(said) - PHRASE + 1))]
        repeated = 0
        for phrase in phrases:
            repeated += phrase in seen
            seen.add(phrase)
        if len(phrases) >= PHRASES and repeated / len(phrases) >= thresholds.repetition_worst:
            yield Complaint(place, "repetition", f"{repeated / len(phrases):.0%} of its phrases were said before")


def _counted(count: int) -> str:
    return "1 word" if count == 1 else f"{count:,} words"
