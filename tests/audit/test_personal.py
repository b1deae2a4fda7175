"""Names, numbers and addresses here are made up or kept for examples by those who give them out."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.audit.nearby import called_otherwise, is_of_goods
from traintui.audit.personal import look_for_phones_of
from traintui.audit.phones import DEFAULT_REGIONS
from traintui.audit.redaction import redact, redact_text

MAILS = ["ann@example.org", "ann.lee+x@sub.example.co.uk", "JÖRG@müller.example.de", "o'neil@example.com"]
PHONES = [
    *("+1 (212) 555-0142", "+12125550142", "212-555-1234", "(212) 555-1234", "212.555.1234", "1-800-555-0199"),
    *("+44 20 7946 0958", "+44 (0)20 7946 0958", "0044 20 7946 0958", "020 7946 0958", "+44 7700 900123"),
    *("+49 30 901820", "030 901820", "0171 1234567", "089/12345678"),
    *("01 23 45 67 89", "+33 1 23 45 67 89", "612 34 56 78", "06 1234 5678", "333 123 4567"),
    *("020 123 4567", "06-12345678", "(11) 91234-5678", "98765 43210", "+1 212 555 0142 ext. 12"),
    "+\u0664\u0664 \u0662\u0660 \u0667\u0669\u0664\u0666 \u0660\u0669\u0665\u0668",  # in Arabic digits
]
CARDS = [
    *("4111 1111 1111 1111", "4111-1111-1111-1111", "4012888888881881", "5555555555554444", "2223003122003222"),
    *("3782 822463 10005", "371449635398431", "6011111111111117", "30569309025904", "3530111333300000"),
]
IBANS = [
    *("DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR14 2004 1010 0505 0001 3M02 606"),
    *("NL91ABNA0417164300", "ES91 2100 0418 4502 0005 1332", "de89370400440532013000", "CH93-0076-2011-6238-5295-7"),
]
CHECKED_IDS = [
    *("36574261809", "36 574 261 809", "54362315K", "X2482300W", "295109912611193", "2 95 10 99 126 111 93"),
    *("RSSMRA85T10A562S", "390.533.447-05", "39053344705", "2341 2341 2346", "756.9217.0769.85", "880320-0016"),
    *("85.07.30-033 28", "360426199101010071", "BOXW310820HNERXN09"),
]
NAMED_IDS = [
    *(
        "SSN: {536-22-8726}",
        "her social security number is {536-22-8726}",
        "{536-22-8726} is my SSN",
        "SSN {536228726}",
    ),
    *("ITIN {912-90-3456}", "NI number {QQ 12 34 56 C}", "National Insurance no. {AB123456C}", "BSN {111222333}"),
    *("my SIN is {123-456-782}", "TFN {123 456 782}", "NHS number {943 476 5870}", "PESEL {44051401359}"),
    *("PAN {ACUPA7085R}", "Aadhaar {234123412346}", '"ssn": "{536-22-8726}"'),
]
ADDRESSES = [
    "203.0.113.7",
    "10.0.0.1",
    "192.168.1.20",
    "2001:db8::1",
    "2001:db8:85a3:0:0:8a2e:370:7334",
    "::ffff:10.1.2.3",
]

PLACES = [
    "{}",
    "It is {}.",
    "({})",
    '"{}"',
    "a\n{}\nb",
    "\\n{}\\n",
    "<{}>",
    "one, {}, two",
    "is it {}?",
    "x={}&y",
    "**{}**",
]
KINDS = {
    "email": ("[e-mail 1]", MAILS),
    "phone": ("[phone 1]", PHONES),
    "card": ("[card 1]", CARDS),
    "iban": ("[IBAN 1]", IBANS),
    "national_id": ("[national id 1]", CHECKED_IDS),
    "ip_address": ("[IP address 1]", ADDRESSES),
}
EXAMPLES = [(kind, token, said) for kind, (token, all_said) in KINDS.items() for said in all_said]


@pytest.mark.parametrize(("kind", "token", "said"), EXAMPLES)
def test_what_tells_who_somebody_is_goes_wherever_it_stands(kind: str, token: str, said: str) -> None:
    for place in PLACES:
        found = redact_text(place.format(said))
        assert (found.value, found.counts) == (place.format(token), {kind: 1})


@pytest.mark.parametrize("sentence", NAMED_IDS)
def test_a_number_without_check_digits_goes_where_a_word_says_what_it_is(sentence: str) -> None:
    before, hidden, after = sentence.replace("}", "{").split("{")
    found = redact_text(f"Note: {before}{hidden}{after}")
    assert (found.value, found.counts) == (f"Note: {before}[national id 1]{after}", {"national_id": 1})
    assert redact_text(f"Use {hidden} here").counts.get("national_id") is None


@pytest.mark.parametrize("word", ["call", "Tel.", "phone:", "my mobile is", "Handy", "text me at", '"phone": "'])
def test_a_telephone_number_in_bare_digits_goes_where_a_word_says_so(word: str) -> None:
    assert redact_text(f"{word} 2125551234 now").value == f"{word} [phone 1] now"
    assert redact_text("take 2125551234 now").counts == {}


NEAR_MISSES = [
    "It costs $1,234,567.89, 1.234.567,89 EUR, 12 345 678 EUR or 912 345 678 in all, at 4.25% of 350 000.",
    "On 2026-11-01 at 14:05, 2026-11-01T14:00:00.123456Z, 11/01/2026, 01.11.2026, in 2024-2025 and 1990 - 1995.",
    "Order 4111222233334444, order number 4111111111111111, tracking number 4242424242424242, order 123-4567890-12.",
    "Your account number 0012345678, sort code 12-34-56, account 12345678, routing number 021000021, invoice 2026-001.",
    "Call us about account 2125551234. Please phone us quoting policy no. 11144477735.",
    "IBAN DE89 3704 0044 0532 0130 01 and card 4111 1111 1111 1112 and CPF 390.533.447-06 have wrong check digits.",
    "54362315A X2482300A RSSMRA85T10A562T 295109912611194 36574261808 756.9217.0769.84 are wrong too",
    "The singer's sin was the pan. A part ABCDE1234F, flight LH123456, room AB123456C, SKU AB12345678, COVID-19.",
    "v1.2.3.4, version 10.20.30.40, Chrome/120.0.6099.109, Section 1.2.3.4, mask 255.255.255.0, 300.1.1.1, 1.2.3.4.5",
    "1.2.3.4 Fees of the account\n  2.1.4.1 Overdraft",
    "http://127.0.0.1:8080/ and 0.0.0.0 and [::1]:80",
    "std::vector<int> and face::add and 12:30:45 and 00:1a:2b:3c:4d:5e",
    "lodash@4.17.21, icon@2x.png, @handle, a @ b, ann@localhost, ssh://git@example.org/x.git, git@example.org:x/y.git",
    "550e8400-e29b-41d4-a716-446655440000 bf5adaae-9753-6746-8451-f5b71990bc24",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "0.4539578763621486 63.056284337230196 1764072000 1764072000123",
    "claude-haiku-4-5-20251001 req_011CSHoEeqs5C35K2UUqR7Fy",
    "| 362 | 6781 | 09648.45 | between 91669 - 31036, 370 7435 948 921 7 61",
    "MAH-04179-78, form 0324-660, ISBN 978-0-306-40615-7",
    "[e-mail 1], [phone 2], [card 3], [IBAN 4], [national id 5], [IP address 6] and [secret 7] stand for something.",
]


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_amounts_dates_and_numbers_of_things_stay(text: str) -> None:
    found = redact_text(text)
    assert (found.value, found.counts) == (text, {})


@pytest.mark.parametrize("name", ["account", "Customer number", "reference:", "policy no.", "member", "invoice"])
def test_a_card_stays_only_where_it_is_said_to_be_of_goods(name: str) -> None:
    assert redact_text(f"{name} 4111111111111111").value == f"{name} [card 1]"
    for goods in ("order", "Order number", "EAN", "serial no.", "tracking id:", "SKU"):
        assert redact_text(f"{goods} 4111111111111111").counts == {}


def test_an_address_of_a_domain_that_looks_like_a_file_and_one_in_the_address_of_a_page_go() -> None:
    said = "ann@example.py, https://ann.lee@example.com/a and ssh://ann@example.com but not icon@2x.png"
    assert redact_text(said).value == ("[e-mail 1], https://[e-mail 2]/a and ssh://ann@example.com but not icon@2x.png")


@pytest.mark.parametrize(
    "line",
    [
        "{10.0.0.1} Gateway of the house", "# {10.1.2.3} gateway", "db-host/{10.0.0.5}:5432 refused",
        "{1.0.0.1} Resolver", "{8.8.8.8} dns.google", "{8.8.4.4} is the resolver", "{1.2.3.4} responded late",
        "{1.1.1.1} localhost",
    ],
)  # fmt: skip
def test_an_address_at_the_beginning_of_a_line_is_no_section_where_it_is_named_or_of_a_house(line: str) -> None:
    before, hidden, after = line.replace("}", "{").split("{")
    for opening in ("", "A line\n"):
        found = redact_text(f"{opening}{before}{hidden}{after}")
        assert found.value == f"{opening}{before}[IP address 1]{after}"


def _digits(dice: random.Random, count: int) -> str:
    return "".join(str(dice.randrange(10)) for _ in range(count))


def _numbers_of_things() -> Iterator[str]:
    dice = random.Random(7)
    for _ in range(300):
        yield f"It costs ${dice.randrange(1, 10 ** dice.randrange(1, 9)):,}.{_digits(dice, 2)} a year"
        yield f"Das sind {dice.randrange(1, 10**9):,} EUR".replace(",", ".")
        yield f"a total of {dice.randrange(10**6, 10**9):,} people".replace(",", " ")
        for length in (6, 7, 8, 9, 10, 11, 12, 16):
            yield f"Your order number {_digits(dice, length)} ships, account {_digits(dice, min(length, 12))}"
        yield f"account {_digits(dice, 4)}-{_digits(dice, 4)}-{_digits(dice, 4)}, sort code 12-34-{_digits(dice, 2)}"
        yield f"score {dice.random()} and {dice.random() * 100}"
        yield f"{_digits(dice, 8)}-{_digits(dice, 4)}-4{_digits(dice, 3)}-8{_digits(dice, 3)}-{_digits(dice, 12)}"


def test_of_thousands_of_numbers_of_things_none_is_taken_for_a_persons() -> None:
    assert [text for text in _numbers_of_things() if redact_text(text).counts] == []


def test_the_same_thing_in_another_form_has_the_same_token_and_each_is_counted() -> None:
    found = redact(
        {
            "a": "ann@example.org or Ann@Example.org, call +1 212 555 0142 or (212) 555-0142",
            "b": ["4111 1111 1111 1111", "4111111111111111", "bob@example.org"],
            "ann@example.org": "DE89 3704 0044 0532 0130 00 is DE89370400440532013000",
        }
    )
    assert found.value == {
        "a": "[e-mail 1] or [e-mail 1], call [phone 1] or [phone 1]",
        "b": ["[card 1]", "[card 1]", "[e-mail 2]"],
        "[e-mail 1]": "[IBAN 1] is [IBAN 1]",
    }
    assert found.counts == {"email": 4, "phone": 2, "card": 2, "iban": 2}


def test_json_inside_a_text_stays_json() -> None:
    inner = {"user": "Tel.\n+49 30 901820\tend", "é": "éric@example.fr \\ ann@example.org\n10.1.2.3"}
    found: Any = redact({"text": json.dumps(inner)})
    assert json.loads(found.value["text"]) == {
        "user": "Tel.\n[phone 1]\tend",
        "é": "[e-mail 1] \\ [e-mail 2]\n[IP address 1]",
    }


def test_a_number_of_json_is_not_called_what_the_next_text_of_its_list_says() -> None:
    for depth in range(3):
        text: Any = json.dumps([1000000, "Call us about it"])
        for _ in range(depth):
            text = json.dumps(text)
        assert redact_text(text).value == text
    assert redact_text("2125551234, my phone").value == "[phone 1], my phone"


def test_numbers_without_a_countrys_code_are_those_of_the_workspaces_regions() -> None:
    said = "Ring 044 668 18 00 or +41 44 668 18 00"
    try:
        look_for_phones_of(["US"])
        assert redact_text("(044 668 18 00) +41 44 668 18 00").value == "(044 668 18 00) [phone 1]"
        look_for_phones_of(["CH"])
        assert redact_text(said).value == "Ring [phone 1] or [phone 1]"
    finally:
        look_for_phones_of(DEFAULT_REGIONS)


glue = st.sampled_from([" ", "\n", "\\n", ", ", '"', "'", "(", ") ", ": ", "; ", " is ", " SSN ", " call ", " x"])
hidden = st.sampled_from([said for _, _, said in EXAMPLES])
APART = ("\n", ", ", '"', "; ", ": ")  # no letter or digit that would belong to it
apart = st.sampled_from(APART)
plain = st.text(max_size=12) | st.sampled_from(NEAR_MISSES) | st.text("0123456789 -.()+@:aSN/", max_size=20)


def names_nothing(said: str) -> bool:
    """Whether what comes next is not called an order, an invoice or the like, which is no telephone number."""
    return not any(names(said + each, len(said + each)) for names in (called_otherwise, is_of_goods) for each in APART)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(plain.filter(names_nothing), apart, hidden, apart), max_size=4))
def test_nothing_of_a_person_survives_in_any_company(parts: list[tuple[str, ...]]) -> None:
    found = redact_text("".join("".join(part) for part in parts))
    for _, _, said, _ in parts:
        assert said not in found.value


@settings(deadline=None, max_examples=300)
@given(st.lists(plain | glue | hidden, max_size=8))
def test_a_second_pass_finds_nothing(parts: list[str]) -> None:
    once = redact_text("".join(parts)).value
    assert redact_text(once).value == once


json_value: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("abc é", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_value, hidden)
def test_any_record_keeps_its_shape_and_its_input_untouched(value: Any, said: str) -> None:
    record = {"value": value, "more": [value, said]}
    before = json.dumps(record)
    found: Any = redact(record).value
    assert json.dumps(record) == before
    assert said not in json.dumps(found)
    assert (found["value"], found["more"][0]) == (value, value)


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "1",
            "1 ",
            "1-",
            "12 ",
            "a1",
            "a@",
            "@",
            "a.",
            "1.",
            "1:",
            ":",
            "::",
            "f:",
            "+1",
            "(1",
            "+1 2",
            "a@b.",
            "0 0",
            "ab1 ",
        ),
        *(
            "4111 1111 1111 1111 ",
            "212-555-1234 ",
            "ann@example.org ",
            "10.1.2.3 ",
            "SSN 536-22-8726 ",
            "DE89 3704 0044 ",
        ),
        *("call 1 ", "0123456789 ", "1 (", "x1.2.3.4 ", "\\", "\\n1", "\\u0061", "%40", "12345678-", "[e-mail 1] "),
    ],
)
def test_a_long_hostile_text_takes_time_in_proportion_to_its_length(unit: str) -> None:
    def seconds(size: int) -> float:
        text = (unit * (size // len(unit) + 1))[:size]
        began = time.thread_time()
        redact_text(text)
        return time.thread_time() - began

    # A busy machine makes one run slower, not each of them.
    small, large = (min(seconds(size) for _ in range(3)) for size in (4_000, 32_000))
    # Eight times the text; what grows with the square would take 64 times as long.
    assert large < 24 * max(small, 0.002)
