"""Splits: a conversation keeps its side, and what belongs together stays together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.export.splits import Splitter, position

IDS = st.lists(st.integers(0, 10**6).map(lambda number: f"c-{number}"), unique=True, max_size=60)
TIERS = ("template", "scenario", "edge_case")


@settings(max_examples=50)
@given(IDS, IDS, st.floats(0, 0.99), st.randoms())
def test_a_larger_export_keeps_every_row_on_its_side_in_whatever_order_it_comes(
    first: list[str], more: list[str], share: float, luck: object
) -> None:
    small, large = Splitter(share), Splitter(share)
    chunk = {name: f"chunk:{int(name[2:]) % 7}" for name in first + more}
    sides = {name: small.side_of(name, (chunk[name],)) for name in first}
    luck.shuffle(more)  # type: ignore[attr-defined]
    later = {name: large.side_of(name, (chunk[name],)) for name in [*more, *first]}
    assert {name: later[name] for name in first} == sides


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 9)), max_size=60))
def test_conversations_of_one_chunk_are_on_one_side(made: list[tuple[int, int]]) -> None:
    splitter = Splitter(0.5)
    sides: dict[int, set[str]] = {}
    for number, chunk in made:
        sides.setdefault(chunk, set()).add(splitter.side_of(f"c-{number}", (f"chunk:{chunk}",)))
    assert all(len(found) == 1 for found in sides.values()) and splitter.torn == []


def test_the_share_is_met_in_every_stratum() -> None:
    splitter = Splitter(0.1)
    for number in range(9_000):
        splitter.side_of(f"c-{number}", stratum=(TIERS[number % 3],))
    assert splitter.uneven() == ()
    assert all(0.08 < counts["eval"] / counts.total() < 0.12 for counts in splitter.strata.values())
    assert splitter.as_json()["train"] + splitter.as_json()["eval"] == 9_000
    assert [entry["stratum"] for entry in splitter.as_json()["strata"]] == [["edge_case"], ["scenario"], ["template"]]


def test_a_stratum_of_which_a_side_has_nothing_is_named() -> None:
    splitter = Splitter(0.2)
    splitter.side_of("c-1", stratum="edge_case")
    assert splitter.uneven() == ("edge_case",)
    assert Splitter(0.0).uneven() == ()


def test_near_duplicates_follow_the_one_that_came_first() -> None:
    splitter = Splitter(0.5)
    eval_id = next(f"c-{number}" for number in range(99) if position(f"c-{number}") < 0.5)
    train_id = next(f"c-{number}" for number in range(99) if position(f"c-{number}") >= 0.5)
    first = splitter.side_of(eval_id, (eval_id,))
    assert first == "eval" and splitter.side_of(train_id, (eval_id,)) == "eval"


def test_what_is_alike_to_ones_on_both_sides_is_named_as_torn() -> None:
    splitter = Splitter(0.5)
    groups = [f"near:{number}" for number in range(99)]
    left = next(group for group in groups if position(group) < 0.5)
    right = next(group for group in groups if position(group) >= 0.5)
    splitter.side_of("c-1", (left,))
    splitter.side_of("c-2", (right,))
    assert splitter.side_of("c-3", (left, right)) == "eval"
    assert [(torn.conversation_id, torn.group) for torn in splitter.torn] == [("c-3", right)]


def test_sides_of_an_earlier_export_hold() -> None:
    name = next(f"c-{number}" for number in range(99) if position(f"c-{number}") < 0.5)
    assert Splitter(0.5).side_of(name) == "eval"
    assert Splitter(0.5, kept={name: "train"}).side_of(name) == "train"


def test_the_hash_is_the_same_on_every_machine() -> None:
    assert position("c-1") == pytest.approx(0.6522, abs=1e-4)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_leaves_nothing_to_train_on_is_refused(share: float) -> None:
    with pytest.raises(ValueError):
        Splitter(share)
