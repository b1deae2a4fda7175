"""Whatever is done to turns, user and assistant alternate, user first; or it is refused with why."""

from __future__ import annotations

import pytest

from support import said
from traintui.data import turns as shaping
from traintui.data.records import Turn
from traintui.errors import TraintuiError

FOUR = tuple(said("a", "b", "c", "d"))
THREE = FOUR[:3]


def texts(turns: tuple[Turn, ...]) -> str:
    """The texts in a row, if the turns are whole."""
    assert [turn.number for turn in turns] == list(range(1, len(turns) + 1))
    assert all(turn.role == ("user" if turn.number % 2 else "assistant") for turn in turns)
    return " ".join(turn.content for turn in turns)


def test_turns_are_added_by_pairs() -> None:
    assert texts(shaping.added(FOUR, 2, ["x", "y"])) == "a b x y c d"
    assert texts(shaping.added(FOUR, 0, ["x", "y"])) == "x y a b c d"
    assert texts(shaping.added(FOUR, 4, ["x", "y"])) == "a b c d x y"
    with pytest.raises(TraintuiError, match="one turn before turn 3 would leave two of the user in a row"):
        shaping.added(FOUR, 2, ["x"])


def test_the_end_takes_any_number() -> None:
    assert texts(shaping.added(THREE, 3, ["x"])) == "a b c x"
    assert texts(shaping.added(FOUR, 4, ["x"])) == "a b c d x"


def test_a_turn_between_others_is_split_in_three() -> None:
    assert texts(shaping.split(FOUR, 1, ["b1", "u", "b2"])) == "a b1 u b2 c d"
    with pytest.raises(TraintuiError, match="2 turns instead of turn 2 would leave two of the user in a row"):
        shaping.split(FOUR, 1, ["b1", "b2"])


def test_the_last_turn_is_split_in_any_number() -> None:
    assert texts(shaping.split(FOUR, 3, ["d1", "u"])) == "a b c d1 u"
    with pytest.raises(TraintuiError, match="one turn still"):
        shaping.split(FOUR, 3, ["d"])


def test_what_is_split_is_trained_on_as_it_was() -> None:
    turns = shaping.trained_on(FOUR, 1, train=False)
    assert [turn.train for turn in shaping.split(turns, 1, ["x", "y", "z"])] == [True, False, False, False, True, True]


@pytest.mark.parametrize("place", [0, 1])
def test_two_exchanges_become_one(place: int) -> None:
    assert texts(shaping.merged(FOUR, place)) == "a\n\nc b\n\nd"
    assert texts(shaping.merged(THREE, place)) == "a\n\nc b"


def test_a_merged_turn_is_trained_on_where_both_were() -> None:
    assert [turn.train for turn in shaping.merged(shaping.trained_on(FOUR, 3, train=False), 0)] == [True, False]


def test_the_last_exchange_has_nothing_to_merge_with() -> None:
    with pytest.raises(TraintuiError, match="turns 3 and 4 are the last exchange"):
        shaping.merged(FOUR, 3)
    with pytest.raises(TraintuiError, match="turn 3 is the last exchange"):
        shaping.merged(THREE, 2)


@pytest.mark.parametrize(("place", "left"), [(0, "c d"), (1, "c d"), (2, "a b"), (3, "a b")])
def test_an_exchange_goes_as_one(place: int, left: str) -> None:
    assert texts(shaping.without(FOUR, place)) == left


def test_two_turns_are_left_at_least() -> None:
    assert texts(shaping.without(THREE, 2)) == "a b"
    for turns, place in ((FOUR[:2], 0), (THREE, 0)):
        with pytest.raises(TraintuiError, match="2 turns at least"):
            shaping.without(turns, place)


@pytest.mark.parametrize("empty", ["", "  \n\t"])
def test_no_turn_is_empty(empty: str) -> None:
    with pytest.raises(TraintuiError, match="empty"):
        shaping.rewritten(FOUR, 0, empty)
    with pytest.raises(TraintuiError, match="empty"):
        shaping.added(FOUR, 4, [empty])
    with pytest.raises(TraintuiError, match="part 2 of 2 is empty"):
        shaping.split(FOUR, 3, ["x", empty])
