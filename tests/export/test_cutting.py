"""Where a target stops reading."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from training_records import turns_of
from traintui.export.cutting import Limit, Segment, cut_of, shares
from traintui.export.preflight import segments_of
from traintui.export.tokens import CHARACTERS_PER_TOKEN, MESSAGE_TOKENS, Estimate

COUNTER = Estimate()


def segments(*tokens: int, system: int = 0) -> list[Segment]:
    """Messages of so many tokens, the template's among them."""
    texts = ["x" * ((count - MESSAGE_TOKENS) * CHARACTERS_PER_TOKEN) for count in (system, *tokens)]
    return segments_of(texts[0] if system else None, turns_of(*texts[1:]), COUNTER)


def test_what_fits_is_not_cut() -> None:
    assert cut_of(segments(100, 100), Limit(200, "cut"), COUNTER) is None
    assert cut_of(segments(100, 100), Limit(None, "drop"), COUNTER) is None


def test_the_end_is_cut_in_the_turn_that_passes_the_limit() -> None:
    cut = cut_of(segments(100, 100, 100, 100, system=50), Limit(200, "cut"), COUNTER)
    assert cut is not None
    assert (cut.tokens, cut.turn, cut.character, cut.lost) == (450, 2, 45 * CHARACTERS_PER_TOKEN, (3, 4))
    assert cut.what == "turn 2 is cut, the 2 turns after it are lost"


def test_a_turn_of_which_nothing_has_room_is_lost_as_a_whole() -> None:
    cut = cut_of(segments(100, 100, 100, 100), Limit(202, "cut"), COUNTER)
    assert cut is not None and (cut.turn, cut.character, cut.lost) == (3, 0, (3, 4))


def test_llama_factory_keeps_pairs_shortens_the_one_at_the_limit_and_leaves_out_the_rest() -> None:
    cut = cut_of(segments(100, 100, 100, 400, 100, 100), Limit(500, "pairs"), COUNTER)
    assert cut is not None
    assert (cut.turn, cut.lost) == (4, (5, 6))  # of 300 the question keeps its 100, the answer gets 200
    assert cut.character == (200 - MESSAGE_TOKENS) * CHARACTERS_PER_TOKEN
    at_the_limit = cut_of(segments(100, 100, 100, 100), Limit(200, "pairs"), COUNTER)
    assert at_the_limit is not None and (at_the_limit.turn, at_the_limit.lost) == (3, (3, 4))


def test_llama_factory_shortens_both_where_both_are_long() -> None:
    cut = cut_of(segments(1000, 1000), Limit(500, "pairs"), COUNTER)
    assert cut is not None and (cut.turn, cut.shortened) == (1, (1, 2)) and cut.touches(2)
    assert cut.what == "the end of turn 1 and of turn 2 is cut off"


def test_llama_factory_shortens_a_long_question_before_its_short_answer() -> None:
    cut = cut_of(segments(1000, 50), Limit(500, "pairs"), COUNTER)
    assert cut is not None and cut.turn == 1 and "the end of turn 1 is cut off" in cut.what


@given(st.integers(0, 3000), st.integers(1, 3000), st.integers(1, 3000))
def test_shares_never_pass_what_there_is_or_the_room(source: int, target: int, room: int) -> None:
    kept_source, kept_target = shares(source, target, room)
    assert 0 <= kept_source <= source and 0 <= kept_target <= target and kept_source + kept_target <= max(room, 0)


@given(
    st.lists(st.integers(MESSAGE_TOKENS + 1, 300), min_size=2, max_size=8).filter(lambda list_: len(list_) % 2 == 0),
    st.integers(10, 1500),
    st.sampled_from(["cut", "pairs", "drop"]),
    st.booleans(),
)
def test_there_is_a_cut_where_there_is_too_much_and_it_names_a_place(
    tokens: list[int], limit: int, excess: str, answer: bool
) -> None:
    given_segments = segments(*tokens)
    cut = cut_of(given_segments, Limit(limit, excess), COUNTER, answer=answer)  # type: ignore[arg-type]
    if sum(tokens) <= limit:
        assert cut is None
        return
    assert cut is not None and cut.tokens == sum(tokens) and cut.limit == limit
    if cut.turn is None:
        assert cut.lost == tuple(range(1, len(tokens) + 1))
    else:
        assert cut.character is not None
        assert 0 <= cut.character <= len(given_segments[cut.turn - 1].content)
