"""However a value is written down, nothing of it is left; and a text that was made to be slow is not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.test_personal import CARDS, EXAMPLES, NEAR_MISSES
from traintui.audit.redaction import redact, redact_text

SPACES = ["\u00a0", "\u2009", "\u202f", "\u2007", "\u3000"]
HYPHENS = ["\u2010", "\u2011", "\u2012", "\u2013"]
GROUPED = [(kind, said) for kind, _, said in EXAMPLES if " " in said and said.isascii() and "ext" not in said]
WIDE = str.maketrans("0123456789", "".join(chr(0xFF10 + digit) for digit in range(10)))
DIGITS = [(kind, said) for kind, _, said in EXAMPLES if said.isascii() and kind in {"card", "iban", "phone"}]


def left(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum())


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(("kind", "said"), GROUPED)
def test_groups_may_be_held_together_by_any_space(kind: str, said: str, space: str) -> None:
    written = said.replace(" ", space)
    for text in (f"It is {written}.", json.dumps({"a": written}), json.dumps(json.dumps({"a": written}))):
        found = redact_text(text)
        assert found.counts == {kind: 1}, found.value
        assert left(said) not in left(found.value)


@pytest.mark.parametrize("hyphen", HYPHENS)
@pytest.mark.parametrize("said", [said for said in CARDS if "-" in said] + ["212-555-1234"])
def test_groups_may_be_held_together_by_any_hyphen(said: str, hyphen: str) -> None:
    assert "[" in redact_text(f"It is {said.replace('-', hyphen)}.").value


@pytest.mark.parametrize(("kind", "said"), DIGITS)
def test_digits_may_be_full_width_and_escaped(kind: str, said: str) -> None:
    wide = said.translate(WIDE)
    for text in (f"It is {wide}.", json.dumps({"a": wide})):
        found = redact_text(text)
        assert found.counts == {kind: 1}, found.value
        assert not any(sign.isdecimal() and sign != "1" for sign in found.value), found.value


@pytest.mark.parametrize(
    "written", ["ann\\u0040example.org", "ann%40example.org", "ann\uff20example.org", "ANN@EXAMPLE.ORG"]
)
def test_an_address_of_mail_may_be_written_in_other_signs(written: str) -> None:
    assert redact_text(f'{{"a": "{written}"}}').value == '{"a": "[e-mail 1]"}'


said = st.sampled_from([said for _, _, said in EXAMPLES])
clean = st.sampled_from(NEAR_MISSES) | st.text(max_size=30)
inner: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | clean | said,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from("abcdef"), each, max_size=3),
    max_leaves=8,
)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value).__name__


@settings(deadline=None, max_examples=200)
@given(inner, st.booleans(), st.integers(0, 2))
def test_json_within_a_text_stays_json_of_the_same_shape_however_often_it_is_nested(
    value: Any, ascii_only: bool, depth: int
) -> None:
    text = json.dumps({"value": value}, ensure_ascii=ascii_only)
    for _ in range(depth):
        text = json.dumps(text, ensure_ascii=ascii_only)
    found: Any = redact_text(text).value
    assert redact_text(found).value == found
    for _ in range(depth + 1):
        found = json.loads(found)
    assert shape(found) == shape({"value": value})


@pytest.mark.parametrize("unit", ["7", "@", "[", "a@b", "\\u0037", "\\", "4111 ", ":", '{"a":['])
def test_a_megabyte_of_one_thing_takes_time_in_proportion(unit: str) -> None:
    def seconds(size: int) -> float:
        text = (unit * (size // len(unit) + 1))[:size]
        began = time.thread_time()
        redact_text(text)
        return time.thread_time() - began

    small, large = (min(seconds(size) for _ in range(2)) for size in (125_000, 1_000_000))
    assert large < 24 * max(small, 0.01), "eight times the text; the square would take 64 times as long"


def test_a_record_that_nests_deeper_than_the_stack_is_redacted() -> None:
    record: Any = "ann@example.org"
    for _ in range(100_000):
        record = [record]
    found: Any = redact(record).value
    for _ in range(100_000):
        (found,) = found
    assert found == "[e-mail 1]"
