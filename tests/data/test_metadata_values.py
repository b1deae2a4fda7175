"""What people write becomes a JSON value of the right type, or an answer that says what would be right."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from traintui.data.metadata_values import (
    GREATEST_INTEGER,
    VALUE_TYPES,
    checked_key,
    is_json,
    parse_value,
    write_value,
)
from traintui.errors import TraintuiError

RIGHT: list[tuple[str, str | None, Any]] = [
    (" 4 ", "integer", 4), ("-9007199254740992", "integer", -(2**53)), ("4.5", "number", 4.5),
    ("1e3", "number", 1000.0), (".5", "number", 0.5), ("7", "number", 7), ("YES", "boolean", True),
    ("false", "boolean", False),
    ("2024-02-29", "date", "2024-02-29"), ("true", "text", "true"), (' "x" ', "text", ' "x" '), ("", "text", ""),
    ("true", None, True), ("4.5", None, 4.5), ("null", None, None), ('"4"', None, "4"), ("0123", None, "0123"),
    ("+5", None, "+5"), ("NaN", None, "NaN"), ("1e999", None, "1e999"), ("[1, 2]", None, [1, 2]),
    ("[sic] a", None, "[sic] a"),
    ("two words", None, "two words"), ("[1e999]", None, "[1e999]"), ("[" * 100_000, None, "[" * 100_000),
]  # fmt: skip
WRONG = [
    ("abc", "number", '"abc" is not a number. Write a number such as 4.5.'),
    ("4.5", "integer", '"4.5" is not a whole number. Write a whole number such as 4.'),
    ("9007199254740993", "integer", "at most 9,007,199,254,740,992"), ("1e999", "number", "that can be kept"),
    ("nan", "number", "is not a number"), ("\u0664", "integer", "is not a whole number"),
    ("", "number", '"" is not a number'),
    ("maybe", "boolean", '"maybe" is not true or false. Write true or false.'),
    ("2026-02-30", "date", '"2026-02-30" is not a day of the calendar. Write a day such as 2026-11-01.'),
    ("tomorrow", "date", "Write a day such as 2026-11-01."), ("0000-01-01", "date", "calendar"),
    ("x" * 9_000, "number", "x…"), ("1", "colour", "there is no type"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "value_type", "value"), RIGHT)
def test_what_is_right_is_read(written: str, value_type: str | None, value: Any) -> None:
    read = parse_value(written, value_type)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(("written", "value_type", "answer"), WRONG)
def test_what_is_wrong_is_answered_with_what_would_be_right(written: str, value_type: str, answer: str) -> None:
    with pytest.raises(TraintuiError) as refused:
        parse_value(written, value_type)
    assert answer in f"{refused.value.message} {refused.value.remedy}"


@given(written=st.text(), value_type=st.sampled_from([None, *VALUE_TYPES]))
@example(written="1" * 5_000, value_type=None)
@example(written="[" + "1" * 5_000 + "]", value_type=None)
@example(written="1" * 5_000, value_type="integer")
def test_anything_that_is_typed_is_a_value_or_an_answer(written: str, value_type: str | None) -> None:
    try:
        value = parse_value(written, value_type)
    except TraintuiError as answer:
        assert value_type is not None and answer.remedy
    else:
        assert is_json(value)
        if isinstance(value, int) and value_type == "integer":
            assert abs(value) <= GREATEST_INTEGER


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.sampled_from(["true", "4", " 4", "null", '"a"', "[1]", "{", "-0", "1e5", " "]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=6,
)  # fmt: skip


@given(value=json_values)
def test_a_value_that_is_written_reads_as_it_was(value: Any) -> None:
    assert json.dumps(parse_value(write_value(value), None)) == json.dumps(value)


@pytest.mark.parametrize(
    ("key", "answer"),
    [("", "has a name"), ("a b", "a blank"), ("a:b", "cannot hold :"), ("a\x01", "U+0001"), ("x" * 101, "at most 100")],
)
def test_a_key_that_a_filter_cannot_name_is_answered(key: str, answer: str) -> None:
    with pytest.raises(TraintuiError, match=re.escape(answer)):
        checked_key(key)
    assert checked_key("source.page-2/é") == "source.page-2/é"
