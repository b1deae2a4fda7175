"""Payloads are shown as they are, and never act on the terminal."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.widgets.detail_view import wrapped
from traintui.widgets.json_lines import LONG, json_lines

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), values, max_size=4), st.integers(20, 90))
def test_no_payload_brings_a_control_character_to_the_screen(payload: dict[str, object], width: int) -> None:
    for line in json_lines(payload):
        for part in wrapped(line, width):
            assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in part.plain)


def test_a_line_break_in_a_string_begins_a_new_line_below_it() -> None:
    lines = [line.plain for line in json_lines({"text": "One.\nTwo.\n"})]
    assert lines == ["{", '  "text": "One.\\n', '    Two.\\n"', "}"]


def test_a_backslash_before_an_n_is_no_line_break() -> None:
    assert len(list(json_lines({"path": "C:\\new"}))) == 3


def test_what_is_cut_says_how_much_there_is_more() -> None:
    payload = {"text": "x" * 500}
    *_, last = json_lines(payload, most=100)
    assert last.plain == f"… {len(json.dumps(payload, indent=2)) - 100:,} more characters"


def test_a_wrapped_line_keeps_its_words_and_stays_in_its_width() -> None:
    (_, line, _) = json_lines({"text": "word " * 60})
    parts = wrapped(line, 40)
    assert all(part.cell_length <= 40 for part in parts)
    assert all(part.plain.startswith("    ") for part in parts[1:])
    assert " ".join(part.plain.strip() for part in parts).count("word") == 60


def test_what_lies_deeper_says_how_much_there_is() -> None:
    payload = {"a": {"b": {"c": 1}}, "d": [1, 2], "e": {}, "f": "x" * (LONG + 5)}
    shown = "\n".join(line.plain for line in json_lines(payload, depth=1))
    assert '"a": { 1 key, + unfolds },' in shown and '"d": [ 2 items, + unfolds ],' in shown and '"e": {},' in shown
    assert "5 more characters, + unfolds" in shown
    whole = "\n".join(line.plain for line in json_lines({**payload, "f": "x"}))
    assert json.loads(whole) == {**payload, "f": "x"}
