"""A first score of a conversation from its form alone: quick, the same every time, and no judge of what it says."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Literal, Protocol

from traintui.quality.language import NAMES, language_of
from traintui.quality.thresholds import DEFAULTS, Counts, Thresholds
from traintui.quality.words import content_words, numbers, words, written_numbers

if TYPE_CHECKING:
    from traintui.data.signatures import Nearest

SENSIBLE_SHARE = 0.7
"""Of the points, at the edge of what is sensible; all of them where it is best."""
PHRASE = 4
"""Words of a phrase that may be said again."""
_CENT = Decimal("0.01")


class Turn(Protocol):
    """Any turn: what is scored of it is its role and its content."""

    @property
    def role(self) -> str: ...
    @property
    def content(self) -> str: ...


Unit = Literal["count", "share"]


@dataclass(frozen=True, slots=True)
class ScorePart:
    """One part: the figure found, the range in which it is good, its points of how many, and why in one sentence."""

    name: str
    value: float
    low: float
    high: float
    unit: Unit
    points: Decimal
    max_points: Decimal
    sentence: str


@dataclass(frozen=True, slots=True)
class _Measure:
    """One part before it has points: `share` is how much of them it earns, 0 to 1."""

    value: float
    low: float
    high: float
    share: float
    sentence: str
    unit: Unit = "share"


@dataclass(frozen=True, slots=True)
class StructureScore:
    """`total` is the sum of the parts' points: 0 to 10, two decimals."""

    total: Decimal
    parts: tuple[ScorePart, ...]
    _measures: Mapping[str, _Measure] = field(repr=False)
    _thresholds: Thresholds = field(repr=False)

    def with_closeness(self, nearest: Nearest | None) -> StructureScore:
        """The same with closeness to other conversations as a part; `nearest` is None where none is alike."""
        return self._with(_closeness(nearest, self._thresholds))

    def with_closeness_measured(self, value: float, sentence: str) -> StructureScore:
        """The same with a closeness that was measured before: only what it earns is worked out."""
        return self._with(_close(value, sentence, self._thresholds))

    def _with(self, closeness: _Measure) -> StructureScore:
        return _weighed({**self._measures, "closeness": closeness}, self._thresholds)


def score(
    turns: Sequence[Turn], *, expected_turns: range | None, source: str | None, thresholds: Thresholds = DEFAULTS
) -> StructureScore:
    """Return the structure score, 0 to 10, and the parts it is the sum of.

    `expected_turns` is the plan's range of turn counts, `source` the text that the answers should rest on. Without a
    source nothing can be said of grounding and language, and their weight goes to the other parts; so does that of
    closeness, until `with_closeness` adds it.
    """
    measures = {
        "turn count": _turn_count(turns, expected_turns, thresholds),
        "turn length": _turn_length(turns, thresholds),
        "structure": _structure(turns),
        "grounding": _grounding(turns, source, thresholds) if source is not None else None,
        "repetition": _repetition(turns, thresholds),
        "language": _language(turns, source, thresholds) if source is not None else None,
    }
    given = {name: measure for name, measure in measures.items() if measure is not None}
    if not turns:
        given = {name: replace(measure, share=0.0) for name, measure in given.items()}
    return _weighed(given, thresholds)


def _weighed(measures: Mapping[str, _Measure], thresholds: Thresholds) -> StructureScore:
    """The measures as parts of ten points, each by its weight."""
    weights: dict[str, Decimal] = {name: getattr(thresholds, f"{name.replace(' ', '_')}_weight") for name in measures}
    parts: list[ScorePart] = []
    left, weight_left = Decimal(10), sum(weights.values(), Decimal(0))
    for name, measure in measures.items():
        if not weights[name]:
            continue
        # Sharing out what is left, and not the whole, makes the rounded parts sum to 10.
        max_points = (weights[name] * left / weight_left).quantize(_CENT, ROUND_HALF_UP)
        left, weight_left = left - max_points, weight_left - weights[name]
        share = Decimal(str(round(min(1.0, max(0.0, measure.share)), 6)))
        points = (max_points * share).quantize(_CENT, ROUND_HALF_UP)
        parts.append(
            ScorePart(
                name, round(measure.value, 4), measure.low, measure.high, measure.unit, points, max_points,
                measure.sentence,
            )
        )  # fmt: skip
    total = sum((part.points for part in parts), Decimal("0.00"))
    return StructureScore(total, tuple(parts), measures, thresholds)


def _turn_count(turns: Sequence[Turn], expected: range | None, thresholds: Thresholds) -> _Measure:
    low, high = (min(expected), max(expected)) if expected else thresholds.usual_turns
    count = len(turns)
    missing = max(low - count, count - high, 0)
    wanted = str(low) if low == high else f"{low} to {high}"
    asks = "the plan asks for" if expected else "usual are"
    sentence = f"It has {_counted(count, 'turn')}; {asks} {wanted}."
    return _Measure(count, low, high, 1 - missing / 4, sentence, "count")


def _turn_length(turns: Sequence[Turn], thresholds: Thresholds) -> _Measure:
    sensible = {"user": thresholds.user_words, "assistant": thresholds.assistant_words}
    best = {"user": thresholds.user_words_best, "assistant": thresholds.assistant_words_best}
    shares: list[float] = []
    remark = ""
    for number, turn in enumerate(turns, 1):
        role = turn.role if turn.role in sensible else "assistant"
        count = len(list(words(turn.content)))
        share = length_share(count, sensible[role], best[role])
        if share < SENSIBLE_SHARE and (not shares or share < min(shares)):
            short = count < sensible[role][0]
            remark = f"; turn {number} is too {'short' if short else 'long'} ({_counted(count, 'word')})"
        shares.append(share)
    good = sum(share >= SENSIBLE_SHARE for share in shares)
    count = len(shares)
    sentence = f"{good} of {_counted(count, 'turn')} {'has' if good == 1 else 'have'} a sensible length{remark}."
    return _Measure(good / max(1, count), 0.9, 1, sum(shares) / max(1, count), sentence)


def length_share(count: int, sensible: Counts, best: Counts) -> float:
    """Return the share of the points that a turn of so many words earns, 0 to 1."""
    if count < sensible[0]:
        return SENSIBLE_SHARE * count / sensible[0]
    if count > sensible[1]:
        return SENSIBLE_SHARE * sensible[1] / count
    if count < best[0]:
        return SENSIBLE_SHARE + (1 - SENSIBLE_SHARE) * (count - sensible[0]) / (best[0] - sensible[0])
    if count > best[1]:
        return SENSIBLE_SHARE + (1 - SENSIBLE_SHARE) * (sensible[1] - count) / (sensible[1] - best[1])
    return 1.0


_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,200}`", re.DOTALL)
_RESIDUE = re.compile(
    r"\{\{|\}\}|\{%|%\}|<\|[^|>\n]{1,40}\|>|\[/?INST\]|</?s>"
    r"|</?(?:brief|turns?|conversation|document|chunk|source|system|user|assistant|instructions?|example|thinking|answer)"
    r"\b[^>\n]{0,80}>"
    r"|\[(?:insert|your|name|date|amount|placeholder)\b[^\]\n]{0,60}\]|\b(?:lorem ipsum|TODO:)"
    r"|^[ \t]{0,8}(?:\*\*)?(?:user|assistant|human|system)(?:\*\*)?:",
    re.IGNORECASE | re.MULTILINE,
)
_MACHINE = re.compile(r"\bas an? (?:AI|artificial intelligence|(?:large )?language model)\b", re.IGNORECASE)
_ENDED = tuple(".!?…:\"'”’»)]}|`。！？）」")  # noqa: RUF001 (full-width marks are meant)
_LIST_LINE = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s")
_LINK = re.compile(r"https?://\S+$")


def _structure(turns: Sequence[Turn]) -> _Measure:
    """Each flaw costs its share of the points; two grave ones cost all of them."""
    flaws: list[tuple[float, str]] = []
    if turns and turns[0].role != "user":
        flaws.append((0.4, "it does not begin with the user"))
    if turns and turns[-1].role != "assistant":
        flaws.append((0.5, "it does not end with the assistant"))
    for number, (before, turn) in enumerate(itertools.pairwise(turns), 2):
        if before.role == turn.role:
            flaws.append((0.4, f"turns {number - 1} and {number} are both from the {turn.role}"))
    for number, turn in enumerate(turns, 1):
        flaws += ((cost, f"turn {number} {what}") for cost, what in flaws_of(turn))
    flaws.sort(key=lambda flaw: -flaw[0])
    if not flaws:
        sentence = "It begins with the user, ends with the assistant, and no turn is damaged."
        return _Measure(0, 0, 0, 1, sentence, "count")
    named = ", ".join(what for _, what in flaws[:3])
    more = f", and {_counted(len(flaws) - 3, 'flaw')} more" if len(flaws) > 3 else ""
    share = 1 - sum(cost for cost, _ in flaws)
    return _Measure(len(flaws), 0, 0, share, f"{named[:1].upper()}{named[1:]}{more}.", "count")


def flaws_of(turn: Turn) -> list[tuple[float, str]]:
    """Return what is damaged about a turn: what it costs, as a share of the points, and what it is."""
    text = turn.content.strip()
    if not text:
        return [(0.5, "is empty")]
    flaws: list[tuple[float, str]] = []
    prose = _CODE.sub(" ", text)
    if found := _RESIDUE.search(prose):
        flaws.append((0.6, f"holds what a template left (“{found[0].strip()[:20]}”)"))
    if turn.role == "assistant":
        if _MACHINE.search(prose):
            flaws.append((0.4, "speaks of itself as a machine"))
        if _is_cut(text):
            flaws.append((0.3, "ends in the middle of a sentence"))
    return flaws


def _is_cut(text: str) -> bool:
    bare = text.rstrip("*_ ")
    if not bare or bare.endswith(_ENDED) or not (bare[-1].isalnum() or bare[-1] in ",;-–—"):  # noqa: RUF001
        return False  # also an emoji
    last_line = bare[bare.rfind("\n") + 1 :]
    return not (_LIST_LINE.match(last_line) or _LINK.search(last_line))


def _grounding(turns: Sequence[Turn], source: str, thresholds: Thresholds) -> _Measure | None:
    """How much of the answers the source, or what the user said before, supports: half words, half numbers."""
    supported_words = content_words(source)
    supported_numbers = numbers(source) | written_numbers(source)
    if not supported_words and not supported_numbers:
        return None
    said = 0
    said_supported = 0
    figures: list[str] = []
    unsupported: list[str] = []
    for turn in turns:
        if turn.role == "assistant":
            claimed = content_words(turn.content)
            said += len(claimed)
            said_supported += len(claimed & supported_words)
            here = sorted(numbers(turn.content))
            figures += here
            unsupported += (figure for figure in here if figure not in supported_numbers)
        else:
            supported_words = supported_words | content_words(turn.content)
            supported_numbers = supported_numbers | numbers(turn.content) | written_numbers(turn.content)
    word_share = said_supported / said if said else 0.0
    value = min(1.0, word_share / thresholds.words_supported)
    sentence = f"The source supports {word_share:.0%} of the answers' content words"
    if figures:
        value = (value + 1 - len(unsupported) / len(figures)) / 2
        found = len(figures) - len(unsupported)
        missing = ", ".join(figure[:20] for figure in unsupported[:3])
        if len(figures) == 1:
            sentence += f", but not their only number, {missing}" if unsupported else " and their only number"
        else:
            sentence += f" and {found} of their {len(figures):,} numbers" + (f", not {missing}" if unsupported else "")
    return _Measure(value, thresholds.grounding_good, 1, value, f"{sentence}.")


def _repetition(turns: Sequence[Turn], thresholds: Thresholds) -> _Measure:
    seen: set[tuple[str, ...]] = set()
    total = 0
    for turn in turns:
        said = list(words(turn.content))
        if len(said) > PHRASE:
            seen.update(zip(*(said[place:] for place in range(PHRASE)), strict=False))
        elif said:
            seen.add(tuple(said))
        total += max(1, len(said) - PHRASE + 1) if said else 0
    value = (total - len(seen)) / total if total else 0.0
    sentence = f"{value:.0%} of its phrases were said before in the conversation."
    return _Measure(value, 0, thresholds.repetition_good, 1 - value / thresholds.repetition_worst, sentence)


def _closeness(nearest: Nearest | None, thresholds: Thresholds) -> _Measure:
    if nearest is None:
        return _Measure(0, 0, thresholds.closeness_good, 1, "No other conversation is alike.")
    sentence = f"It is {nearest.similarity:.0%} alike with {nearest.conversation_id}, the nearest other."
    return _close(nearest.similarity, sentence, thresholds)


def _close(value: float, sentence: str, thresholds: Thresholds) -> _Measure:
    good, worst = thresholds.closeness_good, thresholds.closeness_worst
    return _Measure(value, 0, good, 1 - (value - good) / (worst - good), sentence)


def _language(turns: Sequence[Turn], source: str, thresholds: Thresholds) -> _Measure | None:
    """The share of turns in the source's language, of those that say enough to tell."""
    wanted = language_of(source)
    if wanted is None:
        return None
    spoken = Counter(language for turn in turns if (language := language_of(turn.content)) is not None)
    told, good = spoken.total(), thresholds.language_good
    if not told:
        return None
    value = spoken[wanted] / told
    others = [NAMES[language] for language, _ in spoken.most_common() if language != wanted]
    sentence = f"{spoken[wanted]} of {_counted(told, 'turn')} are in {NAMES[wanted]}"
    sentence += f", like the source; others are in {' and '.join(others[:2])}." if others else ", like the source."
    return _Measure(value, good, 1, value / good if good else 1, sentence)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
