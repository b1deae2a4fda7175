"""Payloads are shown as they are, fold away part by part, and never act on the terminal."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.widgets.json_lines import INDENT, around, cuts, foldable, folded_below, in_view, json_lines

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
payloads = st.dictionaries(st.text(max_size=8), values, max_size=4)


def shown(payload: Any, folded: set[int] | None = None) -> list[str]:
    lines, away = json_lines(payload), folded or set()
    return [
        " " * INDENT * lines[place].indent + lines[place].content(place in away).plain for place in in_view(lines, away)
    ]


@settings(deadline=None)
@given(payloads)
def test_no_payload_brings_a_control_character_to_the_screen(payload: dict[str, object]) -> None:
    for line in shown(payload):
        assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in line)


@settings(deadline=None)
@given(payloads, st.data())
def test_what_is_folded_is_gone_and_all_else_stays_in_its_order(
    payload: dict[str, object], data: st.DataObject
) -> None:
    lines = json_lines(payload)
    every = {place for place, line in enumerate(lines) if line.more}
    folded = data.draw(st.sets(st.sampled_from(sorted(every)))) if every else set()
    seen = list(in_view(lines, folded))
    assert seen == [place for place in range(len(lines)) if not folded & set(around(lines, place))]
    assert list(in_view(lines, set())) == list(range(len(lines)))


def test_a_line_break_in_a_string_begins_a_new_line_below_it() -> None:
    assert shown({"text": "One.\nTwo.\n"}) == ["{", '  "text": "One.\\n', '    Two.\\n"', "}"]
    assert shown({"text": "One.\nTwo.\n"}, {1}) == ["{", '  "text": "One.\\n … 1 more line', "}"]


def test_a_backslash_before_an_n_is_no_line_break() -> None:
    assert len(json_lines({"path": "C:\\new"})) == 3


def test_what_lies_deeper_says_how_much_there_is() -> None:
    payload = {"a": {"b": {"c": 1}}, "d": [1, 2], "e": {}, "f": "one\ntwo"}
    lines = json_lines(payload)
    assert shown(payload, folded_below(lines, 1)) == [
        "{", '  "a": { 1 key },', '  "d": [ 2 items ],', '  "e": {},', '  "f": "one\\n', '    two"', "}",
    ]  # fmt: skip
    assert shown(payload, foldable(lines))[-2:] == ['  "f": "one\\n … 1 more line', "}"]
    assert folded_below(lines, None) == set()


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "M"]), max_size=200), st.integers(12, 40), st.integers(0, 8))
def test_a_cut_line_keeps_every_sign_and_stays_in_its_width(plain: str, room: int, hang: int) -> None:
    from rich.cells import cell_len

    parts = list(cuts(plain, room, hang))
    assert "".join(plain[start:end] for start, end in parts) == plain
    for place, (start, end) in enumerate(parts):
        fits = room if not place else max(8, room - hang)
        assert cell_len(plain[start:end].rstrip(" ")) <= fits or end - start == 1


def test_a_cut_line_keeps_its_words() -> None:
    plain = "word " * 60
    assert all(plain[start:end].endswith("word ") for start, end in cuts(plain, 40, 2))
    whole = json.dumps({"a": 1})
    assert list(cuts(whole, 40, 2)) == [(0, len(whole))]
