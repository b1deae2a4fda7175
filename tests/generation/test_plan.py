from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.errors import TraintuiError
from traintui.generation.plan import DIMENSIONS, TIERS, Plan, load_plan, parse_plan
from traintui.generation.planned import PlannedConversation, planned

VOCABULARY: dict[str, list[str]] = {
    "persona": ["anxious_planner", "busy_parent", "retiree"],
    "emotion": ["worried", "calm"],
    "topic": ["overdraft_fees", "savings", "cards", "loans"],
    "intent": ["understand", "complain"],
    "tone": ["formal", "warm"],
    "tier": list(TIERS),
}
FULL = """
name = "Fees, first batch"
model = "claude-haiku-5-5"
count = 1_000
seed = 7
documents = ["Fee schedule", "Terms"]
exchanges = [3, 3]
max_tokens = 8192
template = "conversation"
slots = 2
budget_usd = 12.50

[dimensions]
persona = ["anxious_planner", "retiree"]
tier = { template = 0.5, scenario = 2, edge_case = 1 }
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> TraintuiError:
    with pytest.raises(TraintuiError) as caught:
        load_plan(written(tmp_path, text))
    return caught.value


def test_a_plan_reads_everything_from_toml(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, FULL))
    assert plan.count == 1000
    assert plan.documents == ("Fee schedule", "Terms")
    assert plan.exchanges == (3, 3)
    assert plan.budget_usd == Decimal("12.50")
    assert plan.dimensions["persona"] == {"anxious_planner": 1.0, "retiree": 1.0}
    assert plan.dimensions["tier"] == {"template": 0.5, "scenario": 2.0, "edge_case": 1.0}


def test_a_name_and_a_count_are_a_plan(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, 'name = "All"\ncount = 12\n'))
    assert (plan.model, plan.template, plan.slots, plan.max_tokens) == ("claude-sonnet-5-5", "conversation", 4, 4096)
    assert plan.exchanges == (2, 4)
    assert plan.budget_usd is None
    assert plan.documents == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"\ncuont = 3', "`cuont` is not a key of a plan, did you mean 'count'? (1 more"),
        ('name = "x"', "`count` is missing."),
        ('name = "x"\ncount = 0', "`count`: should be greater than or equal to 1."),
        ('name = "x"\ncount = 100_001', "`count`: should be less than or equal to 100000."),
        ('name = "x"\ncount = "3"', "`count`: should be a valid integer."),
        ('name = " x"\ncount = 3', "`name` must be one line without blanks around it."),
        (
            'name = "x"\ncount = 3\nexchanges = [4, 2]',
            "`exchanges`: give the least and the most exchanges, from 1 to 20",
        ),
        ('name = "x"\ncount = 3\nexchanges = [1, 21]', "`exchanges`: give the least and the most exchanges"),
        ('name = "x"\ncount = 3\nbudget_usd = 0', "`budget_usd`: should be greater than 0."),
        ('name = "x"\ncount = 10_000_000', "`count`: should be less than or equal to 100000."),
        ('name = "x"\ncount = 3\nbudget_usd = -5', "`budget_usd`: should be greater than 0."),
        ('name = "x"\ncount = 3\nbudget_usd = nan', "`budget_usd`: should be a finite number."),
        ('name = "x"\ncount = 3\nseed = 99999999999999999999', "`seed`: should be less than 9223372036854775808."),
        ('name = "x"\ncount = 3\nmodel = ""', "`model`: should have at least 1 character."),
        ('name = "x"\ncount = 3\n[dimensions.tone]\nwarm = nan', "the weight of 'warm' in tone must be a number"),
        ('name = "x"\ncount = 3\npriority = 2.5', "`priority`: should be a valid integer."),
        ('name = "x"\ncount = 3\nmode = "batch"', "`mode`: should be 'calls' or 'batches'."),
        ('name = "x"\ncount = 3\nchunks = [2.5]', "`chunks`: each is the number of a chunk, or a text as in"),
        ('name = "x"\ncount = 3\nstrategy = "paiwise"', "'paiwise' is no strategy, did you mean 'pairwise'?"),
        ('name = "x"\nstrategy = "balanced"', "`count` is missing."),
        ('name = "x"\ncount = 3\npersona = ["a"]', "`persona` is a dimension and belongs into the table of them."),
        ('name = "x"\ncount = 3\n[dimensions]\npersonas = ["a"]', "is not a dimension, did you mean 'persona'?"),
        ('name = "x"\ncount = 3\n[dimensions]\ntone = "warm"', "`dimensions.tone` must be a list of values or a table"),
        ('name = "x"\ncount = 3\n[dimensions]\ntone = [1]', "`dimensions.tone` must be a list of values or a table"),
        ('name = "x"\ncount = 3\n[dimensions]\ntone = ["a", "a"]', "'a' is listed twice"),
        ('name = "x"\ncount = 3\n[dimensions.tone]\nwarm = 0', "the weight of 'warm' in tone must be a number above 0"),
        (
            'name = "x"\ncount = 3\n[dimensions.tone]\nwarm = inf',
            "the weight of 'warm' in tone must be a number above 0",
        ),
        (
            'name = "x"\ncount = 3\n[dimensions]\ntier = ["edgecase"]',
            "'edgecase' is not a tier, did you mean 'edge_case'?",
        ),
        ("name = x", "is not valid TOML"),
    ],
)
def test_every_mistake_names_the_key_and_what_would_be_right(tmp_path: Path, text: str, says: str) -> None:
    error = refusal(tmp_path, text)
    assert says in error.message
    assert error.remedy
    assert "\n" not in error.message


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(TraintuiError, match="cannot be read: No such file"):
        load_plan(tmp_path / "missing.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes('name = "Gebühren"'.encode("latin-1"))
    with pytest.raises(TraintuiError, match="not UTF-8"):
        load_plan(latin)


def test_a_stored_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, FULL))
    assert parse_plan(json.loads(plan.model_dump_json())) == plan


def test_the_order_of_stored_keys_does_not_change_the_conversations(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, FULL))
    stored = json.loads(plan.model_dump_json())
    stored["dimensions"] = {
        dimension: dict(reversed(weights.items())) for dimension, weights in reversed(stored["dimensions"].items())
    }
    shuffled = {dimension: list(reversed(values)) for dimension, values in VOCABULARY.items()}
    assert planned(plan, VOCABULARY, [3, 1, 2]) == planned(parse_plan(stored), shuffled, [2, 3, 1])


plans = st.builds(
    Plan,
    name=st.just("x"),
    count=st.integers(1, 400),
    seed=st.integers(-(2**63), 2**63 - 1),
    exchanges=st.tuples(st.integers(1, 20), st.integers(1, 20)).map(lambda pair: (min(pair), max(pair))),
)


@given(plan=plans, chunks=st.lists(st.integers(1, 10_000), min_size=1, max_size=40, unique=True))
@settings(deadline=None, max_examples=60)
def test_unweighted_values_chunks_and_lengths_come_equally_often(plan: Plan, chunks: list[int]) -> None:
    conversations = planned(plan, VOCABULARY, chunks)
    assert len(conversations) == plan.count
    for dimension in DIMENSIONS:
        assert_even(Counter(getattr(item, dimension) for item in conversations), VOCABULARY[dimension])
    assert_even(Counter(item.chunk_id for item in conversations), chunks)
    least, most = plan.exchanges
    assert_even(Counter(item.exchanges for item in conversations), range(least, most + 1))


def assert_even(counts: Counter[Any], values: Iterable[Any]) -> None:
    times = [counts[value] for value in values]
    assert max(times) - min(times) <= 1
    assert sum(times) == counts.total()


@given(plan=plans, weights=st.lists(st.floats(0.01, 100), min_size=4, max_size=4))
@settings(deadline=None, max_examples=60)
def test_weighted_values_come_as_often_as_their_weight_asks(plan: Plan, weights: list[float]) -> None:
    topics = dict(zip(VOCABULARY["topic"], weights, strict=True))
    counts = Counter(
        item.topic for item in planned(plan.model_copy(update={"dimensions": {"topic": topics}}), VOCABULARY, [1])
    )
    for topic, weight in topics.items():
        assert abs(counts[topic] - counts.total() * weight / sum(weights)) < 1 + 1e-6


@given(plan=plans)
@settings(deadline=None, max_examples=30)
def test_the_same_seed_gives_the_same_conversations_and_no_variation_twice(plan: Plan) -> None:
    conversations = planned(plan, VOCABULARY, [1, 2, 3])
    assert conversations == planned(plan, VOCABULARY, [1, 2, 3])
    assert len({item.variation for item in conversations}) == plan.count


def test_another_seed_gives_other_conversations() -> None:
    assert planned(Plan(name="x", count=50), VOCABULARY, [1]) != planned(
        Plan(name="x", count=50, seed=1), VOCABULARY, [1]
    )


def test_other_weights_for_one_dimension_leave_the_others_where_they_were() -> None:
    plain = planned(Plan(name="x", count=60), VOCABULARY, [1, 2])
    warmer = planned(Plan(name="x", count=60, dimensions={"tone": {"warm": 5, "formal": 1}}), VOCABULARY, [1, 2])
    assert [item.persona for item in plain] == [item.persona for item in warmer]
    assert [item.tone for item in plain] != [item.tone for item in warmer]


def test_the_largest_plan_is_made_in_seconds() -> None:
    conversations = planned(
        Plan(name="x", count=100_000), VOCABULARY, range(1, 501), affinity=lambda _, chunk: chunk % 7
    )
    assert len({item.variation for item in conversations}) == 100_000


def test_a_value_outside_the_vocabulary_is_refused_with_the_nearest_one() -> None:
    plan = Plan(name="x", count=1, dimensions={"persona": {"busy_parents": 1}})
    with pytest.raises(TraintuiError, match="'busy_parents' is not an active persona, did you mean 'busy_parent'"):
        planned(plan, VOCABULARY, [1])


def test_a_dimension_without_values_is_refused() -> None:
    with pytest.raises(TraintuiError, match="no active emotion"):
        planned(Plan(name="x", count=1), {**VOCABULARY, "emotion": []}, [1])


def test_tiers_need_no_vocabulary() -> None:
    without = {dimension: values for dimension, values in VOCABULARY.items() if dimension != "tier"}
    assert {item.tier for item in planned(Plan(name="x", count=9), without, [1])} == set(TIERS)


def test_a_plan_without_text_to_write_from_is_refused() -> None:
    with pytest.raises(TraintuiError, match="finds no text in Fee schedule"):
        planned(Plan(name="x", count=1, documents=("Fee schedule",)), VOCABULARY, [])


def chunks_by_topic(conversations: tuple[PlannedConversation, ...], topic: str) -> Counter[int]:
    return Counter(item.chunk_id for item in conversations if item.topic == topic)


def test_a_topic_takes_the_chunks_that_speak_of_it_in_proportion() -> None:
    speaks = {("cards", 1): 2.0, ("cards", 2): 1.0}
    conversations = planned(
        Plan(name="x", count=120), VOCABULARY, [1, 2, 3, 4], affinity=lambda topic, chunk: speaks.get((topic, chunk), 0)
    )
    assert chunks_by_topic(conversations, "cards") == {1: 20, 2: 10}


def test_topics_that_no_chunk_speaks_of_take_the_chunks_in_turn() -> None:
    conversations = planned(
        Plan(name="x", count=80),
        VOCABULARY,
        [1, 2, 3, 4],
        affinity=lambda _topic, _chunk: 0.0,
    )
    assert set(Counter(item.chunk_id for item in conversations).values()) == {20}


def test_chunks_that_say_equally_much_take_turns() -> None:
    conversations = planned(Plan(name="x", count=80), VOCABULARY, [1, 2, 3, 4], affinity=lambda _topic, _chunk: 1.0)
    assert set(chunks_by_topic(conversations, "loans").values()) == {5}
