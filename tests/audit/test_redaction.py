"""Secrets here are put together from parts, so that no scanner takes this file for a leak."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.audit.redaction import Redacted, redact, redact_text
from traintui.audit.secret_names import kind_of

MIXED = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7d"
ANTHROPIC = "sk-" + "ant-api03-" + MIXED
OPENAI = "sk-" + MIXED
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9" + "." + "eyJ" + "zdWIiOiIxMjM0In0" + "." + MIXED
PEM_BODY = "\n".join("MIIE" + MIXED + str(number) for number in range(4)) + "\nab12=\n"
BEGIN, END = ("-----" + part + " RSA PRIVATE KEY-----" for part in ("BEGIN", "END"))

KEYS = {
    "anthropic_key": ANTHROPIC,
    "openai_key": OPENAI,
    "aws_key": "AKIA" + "ABCDEFGH12345678",
    "github_token": "ghp_" + MIXED[:36],
    "gitlab_token": "glpat-" + MIXED[:20],
    "google_key": "AIza" + MIXED[:35],
    "slack_token": "xoxb" + "-123456789012-" + MIXED[:24],
    "hugging_face_token": "hf_" + MIXED[:34],
    "stripe_key": "sk_" + "live_" + MIXED[:24],
    "jwt": JWT,
}
MORE = [
    "sk-" + "proj-" + MIXED,
    "ASIA" + "ABCDEFGH12345678",
    "github" + "_pat_" + "11ABCDEFG0_" + MIXED,
    "gho_" + MIXED[:36],
    "xoxp-" + MIXED[:30],
    "rk_" + "test_" + MIXED[:24],
    JWT.rsplit(".", 1)[0],
]


@pytest.mark.parametrize(("kind", "key"), KEYS.items())
def test_a_provider_key_goes_wherever_it_stands(kind: str, key: str) -> None:
    for text in ("{}", "key={} and more", "see ({}).", "\\n{}\\n", '"{}"', "https://h/?k={}&b=1", "a\n{}\nb"):
        found = redact_text(text.format(key))
        assert found.value == text.format("[secret 1]")
        assert found.counts == {kind: 1}


@pytest.mark.parametrize("key", MORE)
def test_other_forms_of_a_key_go_too(key: str) -> None:
    assert redact_text(f"It is {key} today").value == "It is [secret 1] today"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Authorization: Bearer {MIXED}", "Authorization: Bearer [secret 1]"),
        ("authorization: Basic " + "dXNlcjpwYXNzd29yZA==", "authorization: Basic [secret 1]"),
        (f"curl -H 'x-api-key: {MIXED}' https://h", "curl -H 'x-api-key: [secret 1]' https://h"),
        (f"sent bearer {MIXED}.", "sent bearer [secret 1]."),
        (f"aws_secret_access_key = {MIXED}", "aws_secret_access_key = [secret 1]"),
        (f"{{'x-api-key': '{MIXED}', 'a': 1}}", "{'x-api-key': '[secret 1]', 'a': 1}"),
        (f"(b'authorization', b'Bearer {MIXED}')", "(b'authorization', b'Bearer [secret 1]')"),
        ('{"password": "plum", "user": "ann"}', '{"password": "[secret 1]", "user": "ann"}'),
        ('{"password": "pl\\"um", "user": "ann"}', '{"password": "[secret 1]", "user": "ann"}'),
        (r"{\"password\": \"plum\", \"user\": \"ann\"}", r"{\"password\": \"[secret 1]\", \"user\": \"ann\"}"),
        ("password: plum4tree", "password: [secret 1]"),
    ],
)
def test_a_header_or_a_named_value_loses_what_it_holds(text: str, expected: str) -> None:
    assert redact_text(text).value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://ann:plum@db.example:5432/x", "postgresql://[secret 1]@db.example:5432/x"),
        ("postgresql+psycopg://ann:pl%20um@h1,h2/x?a=b@c", "postgresql+psycopg://[secret 1]@h1,h2/x?a=b@c"),
        ("postgres://ann:p@ss@h/x", "postgres://[secret 1]@h/x"),
        ("postgres://ann:pl/um@h/x", "postgres://[secret 1]@h/x"),
        ("postgres://ann:p@l/um@h/x", "postgres://[secret 1]@h/x"),
        ("postgres://ann:pl?u#m@h/x", "postgres://[secret 1]@h/x"),
        ("redis://:plum@h/0", "redis://[secret 1]@h/0"),
        ("https://ann:plum@example.org/a", "https://[secret 1]@example.org/a"),
        ("host=h password=plum user=ann", "host=h password=[secret 1] user=ann"),
        ("host=h password='pl um\\'s' user=ann", "host=h password=[secret 1] user=ann"),
        ("host=h password='pl um", "host=h password=[secret 1]"),
        ("host=h password=pl&u;m,x$y user=ann", "host=h password=[secret 1] user=ann"),
        ("postgresql://h/x?password=plum&user=ann", "postgresql://h/x?password=[secret 1]&user=ann"),
        ("Server=h;Pwd=plum;Database=x", "Server=h;Pwd=[secret 1];Database=x"),
        ("PGPASSWORD=plum psql", "PGPASSWORD=[secret 1] psql"),
        ("failed:\\npassword=plum\\nhost=h", "failed:\\npassword=[secret 1]\\nhost=h"),
    ],
)
def test_a_connection_string_keeps_its_host_and_loses_who_logs_in(text: str, expected: str) -> None:
    found = redact_text(text)
    assert found.value == expected
    assert sum(found.counts.values()) == 1


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\\n", "\\\\n"])
def test_a_private_key_goes_whole_or_cut(line_end: str) -> None:
    body = PEM_BODY.replace("\n", line_end)
    assert redact_text(f"a {BEGIN}{line_end}{body}{END} b").value == "a [secret 1] b"
    for cut in range(10, len(body), 17):
        found = redact_text(f"key: {BEGIN}{line_end}{body[:cut]}").value
        assert found == "key: [secret 1]", found
    tail = redact_text(f"log line{line_end}{body[30:]}{END}{line_end}next").value
    assert tail == f"log line{line_end}[secret 1]{line_end}next"


def test_text_after_a_cut_private_key_stays() -> None:
    text = f"{BEGIN}\nMIIE{MIXED}\nand then the connection broke."
    assert redact_text(text).value == "[secret 1]and then the connection broke."


def test_the_same_secret_has_the_same_token_in_one_record_and_nothing_is_kept() -> None:
    found = redact(
        {
            "headers": {"x-api-key": ANTHROPIC, "Authorization": f"Bearer {OPENAI}"},
            "raw": [["x-api-key", "plum"], ["content-type", "json"]],
            "error": f"bad key {ANTHROPIC}, tried {OPENAI}",
            ANTHROPIC: {"deep": [ANTHROPIC, 1, None, True, 2.5]},
        }
    )
    assert found.value == {
        "headers": {"x-api-key": "[secret 1]", "Authorization": "Bearer [secret 2]"},
        "raw": [["x-api-key", "[secret 3]"], ["content-type", "json"]],
        "error": "bad key [secret 1], tried [secret 2]",
        "[secret 1]": {"deep": ["[secret 1]", 1, None, True, 2.5]},
    }
    assert found.counts == {"anthropic_key": 4, "openai_key": 2, "api_key": 1}
    assert ANTHROPIC not in repr(found) and OPENAI not in repr(found)


def test_a_field_whose_name_says_secret_is_redacted_whatever_it_holds() -> None:
    found = redact({"db_password": "plum", "apiKey": 12345678, "password": ["a", "b"], "Set-Cookie": "sid=1; Path=/"})
    assert found.value == {
        "db_password": "[secret 1]",
        "apiKey": "[secret 2]",
        "password": ["[secret 3]", "[secret 4]"],
        "Set-Cookie": "[secret 5]",
    }


NAMED = [
    ("token={}", MIXED),
    ("https://h/?token={}&b=1", MIXED[:12]),
    ("SECRET={}", "plum-tree"),
    ("export DB_PASS={}", "plum4tree"),
    ("SMTP_PWD={}", "plum"),
    ("AWS_SESSION_TOKEN={}", MIXED),
    ("webhook secret: {}", MIXED[:20]),
    ("csrf-token: {}", MIXED[:20]),
    ("credentials={}", "ann:plum"),
    ('password = "{}"', "plum"),
    ("password = '{}'", "pl um"),
    ('password: "{}"', "plum-tree"),
    ('{{"session_token": "{}", "a": 1}}', "plum-tree"),
    ('{{\\"bot_token\\": \\"{}\\", \\"a\\": 1}}', MIXED),
    ("{{'db_pass': '{}'}}", "plum"),
    ("Cookie: {}", "session=" + MIXED),
    ("Set-Cookie: {}\nX: y", "sid=31d4; Path=/; HttpOnly"),
    ("bot {}", "123456789:AA" + MIXED[:33]),
    ("https://api.telegram.org/bot{}/getMe", "1234567890:AA" + MIXED[:33]),
    ("{}", "sk-" + "None-" + MIXED),
]


@pytest.mark.parametrize(("text", "hidden"), NAMED)
def test_what_stands_under_the_name_of_a_secret_goes(text: str, hidden: str) -> None:
    found = redact_text(text.format(hidden))
    assert found.value == text.format("[secret 1]")
    assert sum(found.counts.values()) == 1
    assert redact_text(found.value).value == found.value


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("token", MIXED), ("sessionToken", "plum"), ("secret", "plum"), ("app_secret", "plum"), ("pwd", "plum"),
        ("db_pass", 1234), ("dbPass", "plum"), ("credentials", "ann:plum"), ("credential", MIXED),
    ],
)  # fmt: skip
def test_a_field_whose_name_ends_as_those_of_secrets_do_is_redacted(name: str, hidden: str | int) -> None:
    assert redact({name: hidden}).value == {name: "[secret 1]"}


@pytest.mark.parametrize(
    "record",
    [
        {"token": " the", "logprob": -0.1}, {"token": 15339}, {"TOKEN": 1.0000000000000002e+16},
        {"eos_token": "<|endoftext|>", "pad_token": "pad4pad8x"},
        {"max_token": 4096, "first_token": 0.31, "cost_per_token": "0.0000031"}, {"next_page_token": "CAE"},
        {"pass": 12, "fail": 3}, {"pass": "all of them", "compass": "north7north", "bypass": "a1b2c3d4"},
        {"secret": "he is afraid of flying"}, {"credentials": "include"}, {"credentials": "MD, PhD"},
        {"pwd": "/root/work"}, {"secret": True, "token": None, "tokens": ["a1b2c3d4e5"], "token_count": 12345678},
        {"secret": "${{ secrets.TOKEN1 }}", "token": "settings.OAUTH2_TOKEN"},
    ],
)  # fmt: skip
def test_such_a_field_that_holds_something_else_stays(record: Any) -> None:
    assert redact(record) == Redacted(record, {})


def test_keys_that_become_alike_are_kept_apart() -> None:
    found = redact({"[secret 1]": "a", ANTHROPIC: "b"})
    assert found.value == {"[secret 1]": "a", "[secret 1] (2)": "b"}


ORDINARY = [
    "The bearer of this certificate, and any bearer instruments, need a 12-month-certificate-extension.",
    "Bearer authentication is required; see Authorization: Bearer tokens.",
    "Set the x-api-key header: it is required. Your api key: ask an administrator.",
    "Password: must contain 12 characters. Reset your password. password=required&reset_password=true",
    "PWD=/root/work and cd ~",
    "550e8400-e29b-41d4-a716-446655440000",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "scikit-learn, risk-assessment, task-sk-list, sk-learn-contrib-tools-and-more-things, disk-ant-farm",
    "claude-sonnet-4-5-20250929 and gpt-4o-mini-2024-07-18 and hf_hub_download and ghp_ and AKIA",
    "https://example.com:8443/a/@user?x=1 and http://[::1]:80/ and ssh://git@example.org/x.git and ann@example",
    "postgresql://db.example:5432/x?user=ann and postgresql:///x and postgresql://ann@h/x and postgresql://ann:***@h/x",
    "Order 4111222233334444, account 0012345678, $1,234.56, 555-0142, 2026-11-01T14:00:00Z",
    "input_tokens: 1234567890, max_tokens=4096, cache_read_input_tokens: 12345678",
    "-----BEGIN CERTIFICATE-----\nMIIE" + MIXED + "\n-----END CERTIFICATE-----",
    "eyJ is how a token begins. Version 1.2.3 of a.b.c",
    "[secret 1] is what stands for it.",
    "Then the token = 12 and max_tokens: 4096, token_count = 12345678, tokens: 12345678, a token: understanding it.",
    "token = tokenizer.encode(text2)[0]; secret = get_secret('x'); token=os.environ['TOKEN2']; tests pass: 12",
    "eos_token=</s> pad_token=pad1pad2 next_page_token=abc12345 token=${TOKEN2} secret: {{ secret2 }} DB_PASS=$P2",
    "The cookie: a small file. The secret: write daily. My credentials: MD. Kubernetes secret: my-secret-2.",
    "token=settings.OAUTH2_TOKEN, token: https://example.com/v2/token, a bypass: a1b2c3d4e5, compass=n0rthn0rth",
    'password = "" and password = input("Password: ") and password: "string"',
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    found = redact_text(text)
    assert (found.value, found.counts) == (text, {})


def test_ordinary_fields_stay_as_they_are() -> None:
    record: Any = {
        "max_tokens": 5,
        "usage": {"input_tokens": 3, "cache_creation": {"ephemeral_5m_input_tokens": 0}},
        "schema": {"properties": {"password": {"type": "string"}, "api_key": None, "authorization": True}},
        "fields": ["password", "username"],
        "stop_reason": "end_turn",
    }
    assert redact(record).value == record


def test_one_megabyte_of_anything_comes_back() -> None:
    for unit in (
        *(
            "a",
            " ",
            "\\",
            "eyJ",
            "eyJaaaaaaaaa.",
            "sk-",
            "A",
            "a\n",
            "password='",
            "postgres://a:",
            "://a:",
            "bearer .",
        ),
        *('password": "', 'password\\": \\"', "authorization: .", f"{BEGIN}", f"{END}", "postgres://a:@", "pwd=;a "),
        *("secret:", 'token="', "token=a1", "Cookie: a=b;", "pass : ", "token\\\\"),
        *("postgres://a:" + "@/" * 50, "Bearer " + "." * 999, f"{END}\\n" + "A" * 99, BEGIN + "\\n" + "A" * 999 + "!"),
    ):
        text = (unit * (250_000 // len(unit)))[:250_000]
        assert len(redact_text(text).value) <= 2 * len(text)
    assert len(redact_text("Plain words of an ordinary answer. " * 30_000).value) == 1_050_000


def test_a_record_nested_beyond_the_stack_is_walked() -> None:
    record: Any = ANTHROPIC
    for _ in range(5000):
        record = [{"a": record}]
    value: Any = redact(record).value
    for _ in range(5000):
        value = value[0]["a"]
    assert value == "[secret 1]"


secret = st.sampled_from([*KEYS.values(), *MORE])
glue = st.sampled_from(
    [
        " ",
        "\n",
        "\\n",
        ", ",
        '"',
        "'",
        "(",
        "): ",
        "=",
        "& ",
        "Bearer ",
        "password=",
        "x-api-key: ",
        "token=",
        '"secret": "',
    ]
)
mark = st.sampled_from([" ", "\n", "\\n", ", ", '"', "'", ")", "& "])  # no letter that would belong to the secret
plain = st.text(max_size=12) | st.sampled_from(ORDINARY)


@settings(deadline=None)
@given(st.lists(st.tuples(plain, glue, secret, mark), max_size=4))
def test_no_secret_survives_in_any_company_and_a_second_pass_finds_nothing(parts: list[tuple[str, ...]]) -> None:
    text = "".join("".join(part) for part in parts)
    once = redact_text(text)
    for _, _, hidden, _ in parts:
        assert hidden not in once.value
    assert redact_text(once.value).value == once.value


name = st.text(max_size=5).filter(lambda name: not kind_of(name))  # PWD is a password's, whatever it holds
json_value: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(name, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_value, secret)
def test_any_record_keeps_its_shape_and_its_input_untouched(value: Any, hidden: str) -> None:
    record = {"value": value, "more": [value, hidden]}
    before = json.dumps(record)
    found: Any = redact(record).value
    assert json.dumps(record) == before
    assert hidden not in json.dumps(found)
    assert found["value"] == value
