"""How a plan fills its conversations with values: the strategies, each a column of values per dimension."""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from typing import TypeVar

from traintui.errors import TraintuiError
from traintui.generation.covering import covering
from traintui.generation.plan import MOST_CONVERSATIONS, Dimension, Plan

T = TypeVar("T")

Drawn = Mapping[Dimension, Mapping[str, float]]
"""The values that each dimension takes, with their weights."""
Columns = dict[Dimension, list[str]]
"""The value of each dimension for every conversation, in the same order."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """How many conversations each combination of values of two dimensions lacks to its target.

    `has_targets` says whether any of them has one.
    """

    dimensions: tuple[Dimension, Dimension]
    missing: Mapping[tuple[str, str], int]
    has_targets: bool = True

    @property
    def named(self) -> str:
        """Both dimensions in words."""
        return " and ".join(self.dimensions)


def columns(plan: Plan, drawn: Drawn, gaps: Gaps | None = None) -> Columns:
    """The values of the plan's conversations by its strategy; the same plan, values and gaps give the same ones.

    Raises `TraintuiError` where the strategy contradicts count or weights, with what it would need.
    """
    # Sorted, because a plan that was stored as JSONB comes back with its keys in another order.
    drawn = {dimension: {value: drawn[dimension][value] for value in sorted(drawn[dimension])} for dimension in drawn}
    match plan.strategy:
        case "balanced":
            return _spread(drawn, plan.count or 0, dice(plan, "balanced"))
        case "product":
            return _every_combination(plan, drawn)
        case "pairwise":
            return _every_pair(plan, drawn)
        case "gaps":
            if gaps is None:
                raise ValueError("what is missing must be given")
            return _filled_gaps(plan, drawn, gaps)
        case _:
            return {
                dimension: counted_out(weights, plan.count or 0, dice(plan, dimension))
                for dimension, weights in drawn.items()
            }


def dice(plan: Plan, purpose: str) -> random.Random:
    """Chance of its own for each purpose: another weight for tone leaves the personas where they were."""
    return random.Random(f"{plan.seed}/{purpose}")  # noqa: S311 - repeatable on purpose, nothing secret


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a strategy makes of a plan. `covered` is how many pairs of values occur, None where it was not counted."""

    count: int
    combinations: int
    pairs: int
    covered: int | None


COUNTED_UP_TO = 20_000
"""Conversations up to which an outlook counts pairs: some tenths of a second."""


def outlook(plan: Plan, drawn: Drawn, gaps: Gaps | None = None) -> Outlook:
    """What the plan's strategy makes of it. Raises `TraintuiError` as `columns` does."""
    combinations_, pairs = combination_count(drawn), pair_count(drawn)
    if (plan.count or 0) > COUNTED_UP_TO and plan.strategy in {"independent", "balanced"}:
        return Outlook(plan.count or 0, combinations_, pairs, None)
    filled = columns(plan, drawn, gaps)
    return Outlook(len(filled["topic"]), combinations_, pairs, pairs_covered(filled))


def combination_count(drawn: Drawn) -> int:
    """How many combinations of values there are."""
    return math.prod(len(weights) for weights in drawn.values())


def pair_count(drawn: Drawn) -> int:
    """How many pairs of values of two dimensions there are."""
    return sum(len(one) * len(other) for one, other in combinations(drawn.values(), 2))


def pairs_covered(filled: Columns) -> int:
    """How many pairs of values of two dimensions occur in at least one conversation."""
    return sum(len(set(zip(one, other, strict=True))) for one, other in combinations(filled.values(), 2))


def counted_out(weights: Mapping[T, float] | Mapping[T, Fraction], count: int, chance: random.Random) -> list[T]:
    """`count` values in the proportion of their weights, shuffled."""
    values = [value for value, times in _shares(weights, count, chance).items() for _ in range(times)]
    chance.shuffle(values)
    return values


def _shares(weights: Mapping[T, float] | Mapping[T, Fraction], count: int, chance: random.Random) -> dict[T, int]:
    """How often each value comes among `count`: whole shares, then the largest remainders."""
    exact = {value: Fraction(weight) for value, weight in weights.items()}
    whole = sum(exact.values())
    shares = {value: weight * count / whole for value, weight in exact.items()}
    counts = {value: math.floor(share) for value, share in shares.items()}
    by_remainder = list(shares)
    chance.shuffle(by_remainder)
    by_remainder.sort(key=lambda value: counts[value] - shares[value])
    for value in by_remainder[: count - sum(counts.values())]:
        counts[value] += 1
    return counts


# Every combination


def _every_combination(plan: Plan, drawn: Drawn) -> Columns:
    """Each combination at least once; a larger count repeats them, as often as their weights ask."""
    number = combination_count(drawn)
    made = f"makes {number:,} combinations ({' x '.join(f'{len(drawn[each])} {each}' for each in drawn)})"
    if number > MOST_CONVERSATIONS:
        raise TraintuiError(
            "Plan not usable",
            f"`strategy`: product {made}, and a plan has at most {MOST_CONVERSATIONS:,} conversations.",
            "Name fewer values in [dimensions], or take pairwise.",
        )
    exact = {dimension: {value: Fraction(w) for value, w in weights.items()} for dimension, weights in drawn.items()}
    smallest = math.prod(
        (min(weights.values()) / sum(weights.values()) for weights in exact.values()), start=Fraction(1)
    )
    needed = math.ceil(1 / smallest)
    count = plan.count if plan.count is not None else needed
    if count < number:
        raise TraintuiError(
            "Plan not usable",
            f"`count`: product {made}, and {count:,} conversations do not hold them.",
            f"Leave count out, give {number:,} or more, or name fewer values in [dimensions].",
        )
    if count < needed:
        raise TraintuiError(
            "Plan not usable",
            f"`count`: product {made}; by its weight the rarest of them comes less than once in {count:,}.",
            f"Give a count of {needed:,} or more, or leave the weights out.",
        )
    if count > MOST_CONVERSATIONS:
        raise TraintuiError(
            "Plan not usable",
            f"`strategy`: with these weights product needs {count:,} conversations, and a plan has at most "
            f"{MOST_CONVERSATIONS:,}.",
            "Leave the weights out, or name fewer values in [dimensions].",
        )
    chance = dice(plan, "product")
    cells: dict[Sequence[str], Fraction] = {
        tuple(value for value, _ in cell): math.prod((weight for _, weight in cell), start=Fraction(1))
        for cell in product(*(weights.items() for weights in exact.values()))
    }
    return _as_columns(drawn, counted_out(cells, count, chance))


def _as_columns(drawn: Drawn, rows: Sequence[Sequence[str]]) -> Columns:
    return {dimension: [row[place] for row in rows] for place, dimension in enumerate(drawn)}


# Evenly over values and pairs of values


def _spread(
    drawn: Drawn,
    count: int,
    chance: random.Random,
    *,
    before: Columns | None = None,
    fixed: Columns | None = None,
) -> Columns:
    """`count` conversations in which values come as their weights ask and pairs of values as evenly as that allows.

    `before` are conversations that count with them, `fixed` the columns that are given already. One dimension after
    the other, each conversation takes the value that its pairs with the values it has need most.
    """
    before = before or {}
    fixed = fixed or {}
    order = [*(each for each in drawn if each in fixed), *(each for each in drawn if each not in fixed)]
    filled: Columns = {}
    for dimension in order:
        weights = drawn[dimension]
        if dimension in fixed:
            filled[dimension] = fixed[dimension]
            continue
        left = _left(weights, before.get(dimension, []), count, chance)
        if not filled:
            filled[dimension] = [value for value, times in left.items() for _ in range(times)]
            chance.shuffle(filled[dimension])
        else:
            loads = [
                (filled[other], _loads(drawn[other], weights, before.get(other, []), before.get(dimension, []), chance))
                for other in order[: order.index(dimension)]
            ]
            filled[dimension] = _dealt(left, loads)
    return {dimension: filled[dimension] for dimension in drawn}


def _left(weights: Mapping[str, float], before: Sequence[str], count: int, chance: random.Random) -> dict[str, int]:
    """How often each value comes among `count` more, so that all together come as their weights ask.

    What came too often before is taken from the others, from the most frequent first.
    """
    used = Counter(before)
    left = {value: times - used[value] for value, times in _shares(weights, len(before) + count, chance).items()}
    excess = -sum(times for times in left.values() if times < 0)
    left = {value: max(0, times) for value, times in left.items()}
    for _ in range(excess):
        left[max(left, key=left.__getitem__)] -= 1
    return left


def _loads(
    others: Mapping[str, float],
    weights: Mapping[str, float],
    others_before: Sequence[str],
    before: Sequence[str],
    chance: random.Random,
) -> dict[str, tuple[list[float], list[float]]]:
    """For each value of another dimension: what a pair of it with each value here carries, and what one more adds.

    A pair carries how often it occurs, and half more, by how often its weights ask for it: giving the next to the least
    burdened keeps the sum of squared differences small. A trace of chance decides between equals.
    """
    happened = Counter(zip(others_before, before, strict=True))
    everyone, everything = sum(others.values()), sum(weights.values())
    loads = {}
    for other, weight in others.items():
        steps = [everyone * everything / (weight * w) for w in weights.values()]
        carried = [
            (happened[other, value] + 0.5) * step * (1 + chance.random() / 1e6)
            for value, step in zip(weights, steps, strict=True)
        ]
        loads[other] = (carried, steps)
    return loads


def _dealt(
    left: dict[str, int], loads: Sequence[tuple[Sequence[str], dict[str, tuple[list[float], list[float]]]]]
) -> list[str]:
    """A value for each conversation: the least burdened among those that are left."""
    values = list(left)
    times = list(left.values())
    open_ = [place for place, number in enumerate(times) if number]
    dealt = []
    for row in zip(*(column for column, _ in loads), strict=True):
        beside = [load[other] for other, (_, load) in zip(row, loads, strict=True)]
        total = list(map(sum, zip(*(carried for carried, _ in beside), strict=True)))
        chosen = min(open_, key=total.__getitem__)
        for carried, steps in beside:
            carried[chosen] += steps[chosen]
        times[chosen] -= 1
        if not times[chosen]:
            open_.remove(chosen)
        dealt.append(values[chosen])
    return dealt


# Every pair


def _every_pair(plan: Plan, drawn: Drawn) -> Columns:
    """The fewest conversations in which each pair of values of two dimensions occurs, then the rest spread evenly."""
    least = math.prod(sorted(len(weights) for weights in drawn.values())[-2:])
    if least > MOST_CONVERSATIONS:
        raise TraintuiError(
            "Plan not usable",
            f"`strategy`: pairwise needs {least:,} conversations or more, and a plan has at most "
            f"{MOST_CONVERSATIONS:,}.",
            "Name fewer values in [dimensions].",
        )
    rows = covering(list(drawn.values()), dice(plan, "pairwise"))
    count = plan.count if plan.count is not None else len(rows)
    uneven = [dimension for dimension, weights in drawn.items() if len(set(weights.values())) > 1]
    if count < len(rows):
        raise TraintuiError(
            "Plan not usable",
            f"`count`: pairwise needs {len(rows):,} conversations to cover each of {pair_count(drawn):,} pairs,"
            f" and {count:,} do not hold them.",
            f"Leave count out, give {len(rows):,} or more, or name fewer values in [dimensions].",
        )
    covered = _as_columns(drawn, rows)
    for dimension in uneven:
        _room_for_weights(dimension, drawn[dimension], covered[dimension], count, count_given=plan.count is not None)
    rest = _spread(drawn, count - len(rows), dice(plan, "balanced"), before=covered)
    return {dimension: covered[dimension] + rest[dimension] for dimension in drawn}


def _room_for_weights(
    dimension: Dimension, weights: Mapping[str, float], covered: Sequence[str], count: int, *, count_given: bool
) -> None:
    """Raises `TraintuiError` when covering each pair takes a value more often than its weight gives it."""
    used, whole = Counter(covered), sum(weights.values())
    needed = max(math.ceil(used[value] * whole / weight) for value, weight in weights.items())
    if needed <= count:
        return
    value = max(weights, key=lambda value: used[value] / weights[value])
    share = f"{count * weights[value] / whole:.1f} of {count:,}"
    raise TraintuiError(
        "Plan not usable",
        f"`dimensions.{dimension}`: to cover each pair, pairwise needs {value!r} {used[value]:,} times, and its weight"
        f" gives it {share}.",
        f"{'Raise the count to' if count_given else 'Give a count of'} {needed:,}, or leave the weights out.",
    )


# What is missing


def _filled_gaps(plan: Plan, drawn: Drawn, gaps: Gaps) -> Columns:
    """The cells that lack conversations, those that lack most first; the other dimensions spread evenly."""
    first, second = gaps.dimensions
    for dimension in gaps.dimensions:
        if len(set(drawn[dimension].values())) > 1:
            raise TraintuiError(
                "Plan not usable",
                f"`dimensions.{dimension}`: gaps takes what is missing, so weights of {dimension} cannot hold.",
                f"Name the values without weights, as in {dimension} = [...].",
            )
    missing = {
        (one, other): number
        for (one, other), number in sorted(gaps.missing.items())
        if number > 0 and one in drawn[first] and other in drawn[second]
    }
    whole = sum(missing.values())
    if not gaps.has_targets:
        raise TraintuiError(
            "No target is set",
            f"`strategy`: gaps fills what is under its target, and no {gaps.named} has one.",
            "Set targets in Coverage (C, then t), or take another strategy.",
        )
    if not missing:
        raise TraintuiError(
            "Nothing is missing",
            f"`strategy`: no {gaps.named} of this plan is under its target.",
            "Set higher targets, or take another strategy.",
        )
    count = plan.count if plan.count is not None else min(whole, MOST_CONVERSATIONS)
    if count > whole:
        raise TraintuiError(
            "Plan not usable",
            f"`count`: {whole:,} conversations are missing to the targets, and {count:,} would pass them.",
            "Leave count out, or set higher targets.",
        )
    chance = dice(plan, "gaps")
    order = list(missing)
    chance.shuffle(order)
    heap = [(-missing[cell], place, cell) for place, cell in enumerate(order)]
    heapq.heapify(heap)
    cells = []
    for _ in range(count):
        lacks, place, cell = heap[0]
        cells.append(cell)
        heapq.heapreplace(heap, (lacks + 1, place, cell))
    chance.shuffle(cells)
    fixed: Columns = {first: [one for one, _ in cells], second: [other for _, other in cells]}
    return _spread(drawn, count, chance, fixed=fixed)
