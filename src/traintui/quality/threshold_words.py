"""What each threshold means, part by part, in the order in which a score lists its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from traintui.quality.thresholds import Thresholds, plain

WEIGHT = "_weight"


@dataclass(frozen=True, slots=True)
class PartWords:
    """A part of the score: its name, what it measures, and the names of the thresholds that say what is good in it."""

    name: str
    measures: str
    thresholds: tuple[str, ...]

    @property
    def weight(self) -> str:
        """The name of the threshold that weighs it."""
        return f"{self.name.replace(' ', '_')}{WEIGHT}"


PARTS: tuple[PartWords, ...] = (
    PartWords("turn count", "Turns, against the range of the plan.", ("usual_turns",)),
    PartWords(
        "turn length", "The share of turns with a sensible number of words.",
        ("user_words", "user_words_best", "assistant_words", "assistant_words_best"),
    ),
    PartWords("structure", "Flaws: turns out of order, empty or cut ones, what a template left behind.", ()),
    PartWords(
        "grounding", "The share of the answers' words and numbers that the source, or the user before, supports.",
        ("words_supported", "grounding_good"),
    ),
    PartWords(
        "repetition", "The share of phrases that were said before in the conversation.",
        ("repetition_good", "repetition_worst"),
    ),
    PartWords(
        "closeness", "How much alike it is with the nearest other conversation.", ("closeness_good", "closeness_worst")
    ),
    PartWords("language", "The share of turns in the language of the source.", ("language_good",)),
)  # fmt: skip
SENTENCES: Mapping[str, str] = {
    "usual_turns": "So many turns are usual for a conversation without a plan, such as an imported one.",
    "user_words": "A turn of the user with so many words is sensible; at the edges it has 70 % of the points.",
    "user_words_best": "A turn of the user with so many words has all of the points.",
    "assistant_words": "An answer with so many words is sensible; at the edges it has 70 % of the points.",
    "assistant_words_best": "An answer with so many words has all of the points.",
    "words_supported": "The share of the answers' words that the source has to support; the rest is courtesy.",
    "grounding_good": "From this share on the range says that grounding is good; its points follow the share itself.",
    "repetition_good": "Up to this share of phrases said before the range says that it is good.",
    "repetition_worst": "At this share of phrases said before no point is left.",
    "closeness_good": "Up to this likeness with another conversation it has all of the points.",
    "closeness_worst": "At this likeness with another conversation no point is left.",
    "language_good": "From this share of turns in the language of the source on it has all of the points.",
}
"""Each threshold but the weights, in one sentence."""


def part_of(name: str) -> PartWords:
    """The part that a threshold belongs to."""
    return next(part for part in PARTS if name == part.weight or name in part.thresholds)


def sentence_of(name: str) -> str:
    """What a threshold means."""
    if name.endswith(WEIGHT):
        return f"How much {part_of(name).name} counts beside the other parts; 0 leaves it out."
    return SENTENCES[name]


def allowed(name: str) -> str:
    """What a threshold may be, in words."""
    if name.endswith(WEIGHT):
        return "0 to 100"
    if isinstance(plain(name), list):
        return "two whole numbers from 1 to 100,000, the lower one first"
    return "above 0, up to 1" if name == "words_supported" else "a share of 1, from 0 to 1"


def points_of(part: PartWords, thresholds: Thresholds) -> Decimal:
    """The points that a part has of the ten, where all parts are measured."""
    weights = {each.name: Decimal(getattr(thresholds, each.weight)) for each in PARTS}
    return weights[part.name] * 10 / sum(weights.values())


def written(value: Any) -> str:
    """A threshold as it is typed: `0.4`, or `4..8`."""
    return "..".join(map(str, value)) if isinstance(value, list) else f"{value:g}"


def read_value(typed: str) -> Any:
    """What was typed, as numbers where it is some; anything else is refused by the threshold itself."""
    low, dots, high = typed.strip().partition("..")
    if dots:
        return [read_value(low), read_value(high)]
    for kind in (int, float):
        try:
            return kind(typed.strip())
        except ValueError:
            continue
    return typed.strip()
