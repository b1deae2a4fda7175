"""Combinations of values in which every pair occurs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

Pair = tuple[int, str, int, str]
"""Two dimensions by place, the lower first, each with its value."""


def covering(dimensions: Sequence[Mapping[str, float]], chance: random.Random) -> list[tuple[str, ...]]:
    """Combinations of a value of each dimension in which each pair of values occurs: nearly as few as there can be.

    Where no pair needs it, a value is taken as its weight asks.
    """
    from allpairspy import AllPairs

    # Numbers, since the library would sort values, in an order of chance.
    values = [list(weights) for weights in dimensions]
    for each in values:
        chance.shuffle(each)
    made = AllPairs([list(range(len(each))) for each in values])
    rows = [[value[number] for value, number in zip(values, row, strict=True)] for row in made]
    chance.shuffle(rows)
    _even_out(rows, dimensions)
    return [tuple(row) for row in rows]


def _even_out(rows: Sequence[list[str]], dimensions: Sequence[Mapping[str, float]]) -> None:
    """Replaces values whose pairs all occur elsewhere, as long as that brings their numbers nearer to the weights."""
    pairs: Counter[Pair] = Counter()
    for row in rows:
        pairs.update((i, row[i], j, row[j]) for i, j in combinations(range(len(row)), 2))
    uses = [Counter(row[place] for row in rows) for place in range(len(dimensions))]
    moved = True
    while moved:
        moved = False
        for row in rows:
            for place, weights in enumerate(dimensions):
                value, used = row[place], uses[place]
                rare = min(weights, key=lambda each: (used[each] + 1) / weights[each])
                if (used[rare] + 1) / weights[rare] >= used[value] / weights[value]:
                    continue
                held = _pairs_of(row, place)
                if any(pairs[pair] == 1 for pair in held):
                    continue
                pairs.subtract(held)
                row[place] = rare
                pairs.update(_pairs_of(row, place))
                used[value] -= 1
                used[rare] += 1
                moved = True


def _pairs_of(row: Sequence[str], place: int) -> list[Pair]:
    """The pairs that the value at a place is part of."""
    value = row[place]
    return [
        (place, value, other, row[other]) if place < other else (other, row[other], place, value)
        for other in range(len(row))
        if other != place
    ]
