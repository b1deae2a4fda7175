"""Which sentences of its source an answer draws on, by the words and numbers that grounding counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from traintui.quality.structure import Turn
from traintui.quality.words import Places, content_words, numbers, sentences, written_numbers

LEAST = 3
"""What a sentence of an answer must share with one of the source: content words, of which a number weighs two."""
NUMBER = 2
SHARE = 0.3
"""Of what the shorter of the two says, at least so much is shared."""
NEAR_BEST = 0.75
"""How much of what the nearest sentence shares another one must share to count too."""


def grounds(turns: Sequence[Turn], source: str) -> Mapping[int, Places]:
    """Return for the answers, by their place among the turns, the places of the sentences of the source that they draw
    on, in order; an answer that draws on none is left out."""
    places = tuple(sentences(source))
    said = [_weights(source[begin:end]) for begin, end in places]
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for number, weights in enumerate(said):
        for word in weights:
            holders[word].append(number)
    found = {}
    for place, turn in enumerate(turns):
        if turn.role != "assistant":
            continue
        drawn: set[int] = set()
        for begin, end in sentences(turn.content):
            drawn |= _nearest(_weights(turn.content[begin:end]), said, holders)
        if drawn:
            found[place] = tuple(places[number] for number in sorted(drawn))
    return found


def _weights(sentence: str) -> dict[str, int]:
    """What a sentence says, and what each of it weighs. Numbers begin with a sign, so that they are no words."""
    figures = numbers(sentence) | written_numbers(sentence)
    return dict.fromkeys(content_words(sentence), 1) | {f"#{figure}": NUMBER for figure in figures}


def _nearest(
    claimed: Mapping[str, int], said: Sequence[Mapping[str, int]], holders: Mapping[str, list[int]]
) -> set[int]:
    shared: Counter[int] = Counter()
    for word, weight in claimed.items():
        for number in holders.get(word, ()):
            shared[number] += weight
    if not shared:
        return set()
    whole, best = sum(claimed.values()), max(shared.values())
    return {
        number
        for number, weight in shared.items()
        if weight >= max(LEAST, best * NEAR_BEST) and weight >= SHARE * min(whole, sum(said[number].values()))
    }
