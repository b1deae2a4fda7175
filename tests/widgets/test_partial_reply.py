"""A reply that is being written can be read at every moment."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.widgets.partial_reply import turns_so_far

messages = st.text(max_size=24) | st.text(alphabet='"\\{}[]:,nu0dé😀\n', max_size=20)
exchanges = st.lists(
    st.builds(lambda user, assistant: {"user": user, "assistant": assistant}, messages, messages), max_size=3
)


def said(reply: list[dict[str, str]]) -> list[tuple[str, str]]:
    """What each turn of a whole reply says."""
    return [(role, exchange[role]) for exchange in reply for role in ("user", "assistant")]


@settings(deadline=None, max_examples=50)
@given(exchanges, st.booleans(), st.sampled_from([None, 2]))
def test_every_beginning_of_a_reply_gives_a_beginning_of_its_turns(
    reply: list[dict[str, str]], ascii_only: bool, indent: int | None
) -> None:
    written = json.dumps({"exchanges": reply}, ensure_ascii=ascii_only, indent=indent)
    whole = said(reply)
    before = 0
    for length in range(len(written) + 1):
        turns = turns_so_far(written[:length])
        assert [turn.number for turn in turns] == list(range(1, len(turns) + 1))
        assert [(turn.role, turn.content) for turn in turns[:-1]] == whole[: max(0, len(turns) - 1)]
        if turns:
            role, content = whole[len(turns) - 1]
            assert turns[-1].role == role
            assert content.startswith(turns[-1].content)
        shown = sum(len(turn.content) + 1 for turn in turns)
        assert shown >= before
        before = shown
    assert [(turn.role, turn.content) for turn in turns_so_far(written)] == whole


@given(st.text() | st.text(alphabet='{}[]",:\\exchangsur ', max_size=60))
def test_no_text_at_all_breaks_the_reader(written: str) -> None:
    turns_so_far(written)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=12,
    )
)
def test_other_keys_of_a_reply_are_passed_over(other: Any) -> None:
    written = json.dumps({"note": other, "exchanges": [{"mood": other, "user": "Hello", "assistant": "Hi"}]})
    assert [turn.content for turn in turns_so_far(written)] == ["Hello", "Hi"]


def test_a_code_fence_around_the_reply_is_accepted() -> None:
    assert [turn.content for turn in turns_so_far('```json\n{"exchanges": [{"user": "Hel')] == ["Hel"]


def test_a_list_without_exchanges_has_no_turns() -> None:
    assert turns_so_far('{"user": "no", "other": [{"user": "neither"}]}') == ()
