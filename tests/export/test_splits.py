"""Splits: a conversation keeps its side, and what belongs together stays together."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.data.kin import Kin
from traintui.export.splits import Kept, Side, Splitter, position

IDS = st.lists(st.integers(1, 10**6), unique=True, max_size=60).map(sorted)
LINKS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=30)
TIERS = ("template", "scenario", "edge_case")


def joined(*links: tuple[int, int]) -> Kin:
    kin = Kin()
    for one, other in links:
        kin.join(one, other)
    return kin


def sides(
    share: float, nodes: Iterable[tuple[int, int]], kin: Kin | None = None, kept: dict[str, Side] | None = None
) -> tuple[dict[str, Side], Splitter]:
    """The sides of conversations, each a number and its node, and what put them there."""
    given = list(nodes)
    splitter = Splitter(share, kin or Kin(), Kept((kept or {}).items()))
    for number, node in given:
        splitter.expect(f"c-{number}", node)
    return {f"c-{number}": splitter.side_of(f"c-{number}", node) for number, node in given}, splitter


def alone(numbers: Iterable[int]) -> Sequence[tuple[int, int]]:
    return [(number, number) for number in numbers]


def on(side: Side, share: float = 0.5) -> list[int]:
    """Numbers of conversations that the hash puts on a side."""
    return [number for number in range(1, 99) if (position(f"c-{number}") < share) == (side == "eval")]


@settings(max_examples=50)
@given(IDS, IDS, st.floats(0, 0.99))
def test_a_larger_export_keeps_every_row_on_its_side(first: list[int], more: list[int], share: float) -> None:
    # Five chunks at least, so that none is most of it.
    chunks = [(number, -(number % 97 + 1)) for number in range(2_000, 2_100)]
    before, _ = sides(share, [(number, -(number % 97 + 1)) for number in first] + list(chunks))
    after, _ = sides(share, [(number, -(number % 97 + 1)) for number in sorted({*first, *more})] + list(chunks))
    assert before.items() <= after.items()


@given(st.lists(st.integers(1, 40), unique=True, max_size=40).map(sorted), LINKS, st.integers(1, 9))
def test_what_belongs_together_is_on_one_side(numbers: list[int], links: list[tuple[int, int]], chunks: int) -> None:
    node = {number: -(number % chunks + 1) if number % 3 == 0 else number for number in range(1, 41)}
    kin = joined(*((node[one], node[other]) for one, other in links))
    found, splitter = sides(0.5, [(number, node[number]) for number in numbers], kin)
    for one in numbers:
        for other in numbers:
            if kin.of(node[one]) == kin.of(node[other]):
                assert found[f"c-{one}"] == found[f"c-{other}"]
    assert splitter.number_apart == 0


@given(LINKS, st.randoms())
def test_what_belongs_together_is_the_same_in_whatever_order_it_is_found(
    links: list[tuple[int, int]], luck: random.Random
) -> None:
    one = joined(*links)
    luck.shuffle(links)
    other = joined(*((b, a) for a, b in links))
    assert [one.of(node) for node in range(1, 41)] == [other.of(node) for node in range(1, 41)]


def test_the_oldest_stands_for_those_that_belong_together_and_a_chunk_before_any() -> None:
    kin = joined((9, 4), (4, 7), (-8, 12), (-3, -8))
    assert {kin.of(node) for node in (4, 7, 9)} == {4} and {kin.of(node) for node in (12, -8, -3)} == {-3}
    assert kin.is_alone(5) and not kin.is_alone(9) and not kin.is_alone(-77)


def test_the_share_is_met_in_every_stratum() -> None:
    splitter = Splitter(0.1)
    for number in range(9_000):
        splitter.side_of(f"c-{number}", number + 1, stratum=(TIERS[number % 3],))
    assert splitter.uneven() == () and splitter.says() == ()
    assert all(0.08 < counts["eval"] / counts.total() < 0.12 for counts in splitter.strata.values())
    assert splitter.as_json()["train"] + splitter.as_json()["eval"] == 9_000
    assert [entry["stratum"] for entry in splitter.as_json()["strata"]] == [["edge_case"], ["scenario"], ["template"]]


def test_a_stratum_of_which_a_side_has_nothing_is_named() -> None:
    splitter = Splitter(0.5)
    evaluated, trained = on("eval"), on("train")
    for number, tier in ((evaluated[0], "scenario"), (trained[0], "scenario"), (trained[1], "edge_case")):
        splitter.side_of(f"c-{number}", number, stratum=(tier,))
    assert splitter.uneven() == ((("edge_case",), "eval"),)
    assert splitter.says() == ("No conversation of edge_case is on the eval side.",)


def test_a_side_without_a_conversation_is_said() -> None:
    _, splitter = sides(0.5, alone(on("train")[:3]))
    assert splitter.says() == ("Nothing is on the eval side.",)


def test_near_duplicates_follow_the_oldest() -> None:
    old, young = on("eval")[0], on("train")[-1]
    found, _ = sides(0.5, alone([old, young, *range(100, 104)]), joined((young, old)))
    assert found[f"c-{old}"] == found[f"c-{young}"] == "eval"


def test_what_is_most_of_an_export_is_trained_on() -> None:
    old = on("eval")[0]
    found, splitter = sides(0.5, alone(range(old, old + 9)), joined(*((old, old + more) for more in range(1, 8))))
    assert [found[f"c-{number}"] for number in range(old, old + 8)] == ["train"] * 8
    assert any("8 of 9 conversations belong together" in told or "has 8" in told for told in splitter.says())


def test_what_joins_two_groups_of_both_sides_moves_neither_goes_with_the_larger_and_is_listed() -> None:
    kept: dict[str, Side] = {"c-1": "train", "c-2": "eval", "c-3": "eval", "c-4": "train"}
    links = joined((1, 9), (2, 9), (3, 9), (4, 8), (2, 8), (4, 1))
    found, splitter = sides(0.5, alone(range(1, 10)), links, kept)
    assert kept.items() <= found.items() and found["c-9"] == "train"  # as many on both: it is learned from
    assert splitter.as_json()["on_both_sides"] == {
        "groups": 1, "new": 2,
        "conversations": [{"conversation_id": f"c-{number}", "side": "train"} for number in (8, 9)],
    }  # fmt: skip
    assert "2 new conversations join groups" in splitter.says()[-1]
    found, _ = sides(0.5, alone(range(1, 10)), joined((1, 9), (2, 9), (3, 9)), kept)
    assert found["c-9"] == "eval"


def test_what_is_new_goes_with_those_that_were_there() -> None:
    old = on("train")[0]
    found, splitter = sides(0.5, alone([old, 90]), joined((old, 90)), {f"c-{old}": "eval"})
    assert found == {f"c-{old}": "eval", "c-90": "eval"} and (splitter.held, splitter.number_apart) == (1, 0)


def test_sides_of_an_earlier_export_hold() -> None:
    number = on("eval")[0]
    assert sides(0.5, alone([number]))[0] == {f"c-{number}": "eval"}
    assert sides(0.5, alone([number]), kept={f"c-{number}": "train"})[0] == {f"c-{number}": "train"}


@given(st.dictionaries(st.text(max_size=5), st.sampled_from(["train", "eval"]), max_size=20), st.text(max_size=5))
def test_kept_sides_are_those_that_were_given(given_sides: dict[str, Side], other: str) -> None:
    kept = Kept(given_sides.items())
    assert {name: kept.get(name) for name in given_sides} == given_sides and len(kept) == len(given_sides)
    assert kept.get(other) == given_sides.get(other)


def test_the_hash_is_the_same_on_every_machine() -> None:
    assert position("c-1") == pytest.approx(0.6522, abs=1e-4)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_leaves_nothing_to_train_on_is_refused(share: float) -> None:
    with pytest.raises(ValueError):
        Splitter(share)
