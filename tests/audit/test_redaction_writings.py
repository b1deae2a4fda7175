"""However a value is written down, nothing of it is left; and a text that was made to be slow is not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
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


def written(record: Any, depth: int, ascii_only: bool = True) -> str:
    """JSON that is in JSON so often."""
    text = json.dumps(record, ensure_ascii=ascii_only)
    for _ in range(depth):
        text = json.dumps(text, ensure_ascii=ascii_only)
    return text


def read(text: str, depth: int) -> Any:
    found: Any = text
    for _ in range(depth + 1):
        found = json.loads(found)
    return found


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value).__name__


@settings(deadline=None, max_examples=200)
@given(inner, st.booleans(), st.integers(0, 2))
def test_json_within_a_text_stays_json_of_the_same_shape_however_often_it_is_nested(
    value: Any, ascii_only: bool, depth: int
) -> None:
    found = redact_text(written({"value": value}, depth, ascii_only)).value
    assert redact_text(found).value == found
    assert shape(read(found, depth)) == shape({"value": value})


odd = st.text("aZ9\"'\\\n\t/é;,=&)]}", max_size=6)


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["password", "db_pass", "secret", "session_token", "api_key", "Authorization", "clientSecret"]),
    st.builds("{}plum4tree{}".format, odd, odd),
    st.booleans(),
    st.integers(0, 3),
)
@example("password", 'pl"um', True, 1)
@example("session_token", 'plum4"tree\\', True, 2)
@example("secret", "it's-plum4tree", True, 1)
def test_all_of_a_secret_goes_whatever_signs_are_in_it_however_often_json_is_nested(
    name: str, hidden: str, ascii_only: bool, depth: int
) -> None:
    assume(name == "password" or len(hidden.split()) == 1)
    found = redact_text(written({"a": "plum", name: hidden, "z": 1}, depth, ascii_only)).value
    assert read(found, depth) == {"a": "plum", name: "[secret 1]", "z": 1}


@pytest.mark.parametrize("depth", range(3))
@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"password": 12345678, "a": 1}, {"password": "[secret 1]", "a": 1}),
        ({"a": {"db_pass": -123456.5}}, {"a": {"db_pass": "[secret 1]"}}),
        ({"secret": 1e16, "token": 1e16}, {"secret": "[secret 1]", "token": 1e16}),
        ({"password": None, "token_count": 12345678}, {"password": None, "token_count": 12345678}),
    ],
)
def test_a_number_under_the_name_of_a_secret_goes_from_json_within_a_text_as_from_a_record(
    record: Any, kept: Any, depth: int
) -> None:
    found = redact_text(written(record, depth)).value
    assert read(found, depth) == kept == redact(record).value
    assert redact_text(found).value == found


@pytest.mark.parametrize("depth", range(3))
def test_a_token_in_place_of_a_number_of_json_within_a_text_is_a_text_of_it(depth: int) -> None:
    found = redact_text(written({"pay": [{"with": 4111111111111111}], "phone": -2125551234}, depth)).value
    assert read(found, depth) == {"pay": [{"with": "[card 1]"}], "phone": "[phone 1]"}
    assert redact_text("He has {4111111111111111}.").value == "He has {[card 1]}."


@pytest.mark.parametrize("depth", range(3))
@pytest.mark.parametrize(
    "record",
    [
        {"password": "password="},
        {"a": "password=", "b": "plum"},
        {"a": ["The secret: ", "plum"], "b": {"c": "PWD ="}},
        [{"a": "token="}, {"b": {"c": "Passphrase: "}}],
        {"a": ["password=", 0, {"b": None}], "PWD=": -1.5},
    ],
)
def test_a_name_at_the_end_of_a_text_of_json_takes_nothing_of_what_follows(record: Any, depth: int) -> None:
    kept = json.loads(json.dumps(record).replace('"password": "password="', '"password": "[secret 1]"'))
    assert read(redact_text(written(record, depth)).value, depth) == kept


@pytest.mark.parametrize("depth", range(4))
def test_a_password_at_the_end_of_a_text_of_json_takes_none_of_the_signs_that_end_it(depth: int) -> None:
    found = redact_text(written(["SMTP_PWD=plum", {"a": "host=h password=pl\\\\um"}], depth)).value
    assert read(found, depth) == ["SMTP_PWD=[secret 1]", {"a": "host=h password=[secret 2]"}]


def test_a_name_at_the_end_of_a_text_of_a_printed_record_takes_nothing_of_what_follows() -> None:
    for text in ("{'a': 'password=', 'b': 'plum'}", "{'a': ['The secret: ', 'plum'], 'b': {'c': 'PWD='}}"):
        assert redact_text(text).value == text


@pytest.mark.parametrize("form", ['{"session_token": "?", "a": 1}', "AWS_SESSION_TOKEN=? b", "session_token='?'"])
def test_a_long_secret_goes_whole(form: str) -> None:
    hidden = form.replace("?", "aB3dE5fG7h" * 200)
    for said, kept in ((hidden, form), (json.dumps(hidden), json.dumps(form))):
        assert redact_text(said).value == kept.replace("?", "[secret 1]")


@pytest.mark.parametrize(
    "unit",
    [
        "7",
        "@",
        "[",
        "a@b",
        "\\u0037",
        "\\",
        "4111 ",
        ":",
        '{"a":[',
        "token=a1",
        'PWD=",' + "1" * 99 + "x",
    ],
)
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
