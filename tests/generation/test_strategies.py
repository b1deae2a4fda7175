from __future__ import annotations

from collections import Counter
from itertools import combinations, permutations, product
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.errors import TraintuiError
from traintui.generation.plan import DIMENSIONS, TIERS, Dimension, Plan
from traintui.generation.planned import PlannedConversation, planned
from traintui.generation.strategies import Gaps

VOCABULARY: dict[str, list[str]] = {
    "persona": ["anxious_planner", "busy_parent", "retiree"],
    "emotion": ["worried", "calm"],
    "topic": ["overdraft_fees", "savings", "cards", "loans"],
    "intent": ["understand", "complain"],
    "tone": ["formal", "warm"],
    "tier": list(TIERS),
}
COMBINATIONS = prod(map(len, VOCABULARY.values()))
LACKS = {("retiree", "calm"): 5, ("retiree", "worried"): 2, ("busy_parent", "calm"): 1, ("busy_parent", "worried"): 0}
GAPS = Gaps(("persona", "emotion"), LACKS)


def made(**given_: Any) -> tuple[PlannedConversation, ...]:
    return planned(Plan(name="x", **given_), VOCABULARY, [1, 2, 3], gaps=GAPS)


def refusal(**given_: Any) -> TraintuiError:
    with pytest.raises(TraintuiError) as caught:
        made(**given_)
    return caught.value


def cell(item: PlannedConversation) -> tuple[str, ...]:
    return tuple(getattr(item, dimension) for dimension in DIMENSIONS)


def pairs(items: tuple[PlannedConversation, ...]) -> Counter[Any]:
    return Counter(
        (one, other, getattr(item, one), getattr(item, other))
        for item in items
        for one, other in combinations(DIMENSIONS, 2)
    )


EVERY_PAIR = {
    (one, other, *values)
    for one, other in combinations(DIMENSIONS, 2)
    for values in product(VOCABULARY[one], VOCABULARY[other])
}


@given(count=st.integers(1, 600), seed=st.integers(0, 50))
@settings(deadline=None, max_examples=40)
def test_balanced_takes_each_value_equally_often_and_each_pair_nearly_so(count: int, seed: int) -> None:
    items = made(strategy="balanced", count=count, seed=seed)
    for dimension in DIMENSIONS:
        times = [Counter(getattr(item, dimension) for item in items)[value] for value in VOCABULARY[dimension]]
        assert sum(times) == count and max(times) - min(times) <= 1
    counted = pairs(items)
    for one, other in combinations(DIMENSIONS, 2):
        expected = count / len(VOCABULARY[one]) / len(VOCABULARY[other])
        for values in product(VOCABULARY[one], VOCABULARY[other]):
            assert abs(counted[one, other, *values] - expected) < 4


def test_balanced_pairs_are_nearer_to_each_other_than_independent_ones() -> None:
    def unevenness(strategy: str) -> float:
        counted = pairs(made(strategy=strategy, count=240))
        return sum(
            (counted[pair] - 240 / len(VOCABULARY[pair[0]]) / len(VOCABULARY[pair[1]])) ** 2 for pair in EVERY_PAIR
        )

    assert unevenness("balanced") * 5 < unevenness("independent")


def test_balanced_pairs_follow_the_weights_of_both_values() -> None:
    items = made(
        strategy="balanced",
        count=360,
        dimensions={"persona": {"retiree": 2, "busy_parent": 1}, "tone": {"warm": 3, "formal": 1}},
    )
    counted = pairs(items)
    assert counted["persona", "tone", "retiree", "warm"] == pytest.approx(180, abs=2)
    assert counted["persona", "tone", "busy_parent", "formal"] == pytest.approx(30, abs=2)


def test_product_takes_every_combination_once() -> None:
    items = made(strategy="product")
    assert len(items) == COMBINATIONS
    assert {cell(item) for item in items} == set(product(*(VOCABULARY[dimension] for dimension in DIMENSIONS)))


def test_product_repeats_the_combinations_of_a_larger_count_evenly() -> None:
    times = Counter(map(cell, made(strategy="product", count=COMBINATIONS * 2 + 10)))
    assert len(times) == COMBINATIONS and set(times.values()) == {2, 3}


def test_product_says_what_a_count_would_have_to_be() -> None:
    error = refusal(strategy="product", count=40)
    assert "makes 288 combinations (3 persona x 2 emotion x 4 topic x 2 intent x 2 tone x 3 tier)" in error.message
    assert "give 288 or more" in error.remedy


def test_product_says_which_count_its_weights_need() -> None:
    weighted = {"tone": {"warm": 3, "formal": 1}}
    error = refusal(strategy="product", count=300, dimensions=weighted)
    assert "comes less than once in 300" in error.message and "576" in error.remedy
    items = made(strategy="product", count=576, dimensions=weighted)
    assert Counter(item.tone for item in items) == {"warm": 432, "formal": 144}
    assert len({cell(item) for item in items}) == COMBINATIONS


def test_product_of_too_many_values_says_how_many_it_makes() -> None:
    vocabulary: dict[str, list[str]] = {dimension: [f"v{number}" for number in range(12)] for dimension in DIMENSIONS}
    vocabulary["tier"] = list(TIERS)
    with pytest.raises(TraintuiError, match="makes 746,496 combinations"):
        planned(Plan(name="x", strategy="product"), vocabulary, [1])


def test_pairwise_covers_every_pair_in_few_conversations() -> None:
    items = made(strategy="pairwise")
    assert set(pairs(items)) == EVERY_PAIR
    assert 12 <= len(items) <= 16


def test_pairwise_takes_values_evenly_where_no_pair_asks_otherwise() -> None:
    items = made(strategy="pairwise")
    for dimension in ("intent", "tone", "tier"):
        times = Counter(getattr(item, dimension) for item in items).values()
        assert max(times) - min(times) <= 2


def test_pairwise_fills_a_larger_count_evenly() -> None:
    items = made(strategy="pairwise", count=120)
    assert set(pairs(items)) == EVERY_PAIR and len(items) == 120
    for dimension in DIMENSIONS:
        times = Counter(getattr(item, dimension) for item in items).values()
        assert max(times) - min(times) <= 1


def test_pairwise_says_how_many_conversations_it_needs() -> None:
    error = refusal(strategy="pairwise", count=5)
    assert (
        f"needs {len(made(strategy='pairwise'))} conversations to cover each of {len(EVERY_PAIR)} pairs"
        in error.message
    )


def test_pairwise_keeps_weights_when_the_count_has_room_and_says_how_much_they_need() -> None:
    weighted = {"tone": {"warm": 9, "formal": 1}}
    error = refusal(strategy="pairwise", dimensions=weighted)
    needed = int(error.remedy.split("of ")[1].split(",")[0])
    items = made(strategy="pairwise", dimensions=weighted, count=needed)
    assert set(pairs(items)) == EVERY_PAIR
    assert Counter(item.tone for item in items)["formal"] == pytest.approx(needed / 10, abs=1)
    assert f"Raise the count to {needed}" in refusal(strategy="pairwise", dimensions=weighted, count=needed - 10).remedy


def test_gaps_fills_exactly_what_is_missing() -> None:
    items = made(strategy="gaps")
    assert Counter((item.persona, item.emotion) for item in items) == {
        key: times for key, times in LACKS.items() if times
    }
    assert len({item.topic for item in items}) == 4


@pytest.mark.parametrize("pair", [*permutations(DIMENSIONS, 2)])
def test_gaps_fills_exactly_the_cells_of_any_two_dimensions(pair: tuple[Dimension, Dimension]) -> None:
    first, second = pair
    lacks = {(VOCABULARY[first][0], VOCABULARY[second][1]): 5, (VOCABULARY[first][1], VOCABULARY[second][0]): 3}
    items = planned(Plan(name="x", strategy="gaps"), VOCABULARY, [1, 2], gaps=Gaps(pair, lacks))
    assert Counter((getattr(item, first), getattr(item, second)) for item in items) == lacks


def test_gaps_without_a_target_says_that_none_is_set() -> None:
    with pytest.raises(TraintuiError, match="no topic and tone has one") as caught:
        planned(Plan(name="x", strategy="gaps"), VOCABULARY, [1], gaps=Gaps(("topic", "tone"), {}, has_targets=False))
    assert caught.value.title == "No target is set"


def test_gaps_fills_what_lacks_most_first() -> None:
    cells = Counter((item.persona, item.emotion) for item in made(strategy="gaps", count=4))
    assert cells[("retiree", "calm")] >= 3 and cells.total() == 4


def test_gaps_leaves_out_values_that_the_plan_does_not_name() -> None:
    assert len(made(strategy="gaps", dimensions={"persona": ["busy_parent"]})) == 1


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"count": 9}, "8 conversations are missing to the targets, and 9 would pass them."),
        ({"dimensions": {"persona": ["anxious_planner"]}}, "no persona and emotion of this plan is under its target"),
        ({"dimensions": {"emotion": {"calm": 2, "worried": 1}}}, "weights of emotion cannot hold"),
    ],
)
def test_gaps_says_what_contradicts_them(given_: dict[str, Any], says: str) -> None:
    assert says in refusal(strategy="gaps", **given_).message


@pytest.mark.parametrize("strategy", ["independent", "balanced", "product", "pairwise", "gaps"])
def test_the_same_seed_gives_the_same_plan_and_another_seed_another(strategy: str) -> None:
    count = {"independent": 50, "balanced": 50}.get(strategy)
    shuffled = {dimension: list(reversed(values)) for dimension, values in VOCABULARY.items()}
    plan = Plan(name="x", strategy=strategy, count=count)
    backwards = Gaps(GAPS.dimensions, dict(reversed(LACKS.items())))
    assert planned(plan, VOCABULARY, [1, 2], gaps=GAPS) == planned(plan, shuffled, [2, 1], gaps=backwards)
    other = plan.model_copy(update={"seed": 1})
    assert planned(plan, VOCABULARY, [1, 2], gaps=GAPS) != planned(other, VOCABULARY, [1, 2], gaps=GAPS)


@pytest.mark.parametrize("strategy", ["balanced", "pairwise"])
def test_the_largest_plan_of_a_strategy_is_made_in_seconds(strategy: str) -> None:
    assert len(made(strategy=strategy, count=100_000)) == 100_000
