"""The shapes of training files: each is recognised by what is in it, and every broken rule is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from importing.reading import Record, good, message, own, read, refusal, shared, texts, write
from traintui.importing import checking
from traintui.importing.conversations import Format


def problem_of(folder: Path, line: str | bytes | Record, format: Format = "openai") -> str:
    """What is wrong with one line; checks that its neighbour is read nevertheless."""
    neighbours: dict[str, Record] = {"openai": good(), "sharegpt": shared(("human", "a"), ("gpt", "b"))}
    found = read(write(folder, line, neighbours.get(format, own("c-2"))), format)
    assert [conversation.line for conversation in found.conversations] == [2]
    (problem,) = found.findings.problems
    assert problem.line == 1
    assert problem.why.endswith(".") and "\n" not in problem.why
    return problem.what


def test_openai_records_are_recognised_and_read(tmp_path: Path) -> None:
    record = good(message("system", "Be kind."), message("user", "Hi?"), message("assistant", "Hi."), id=7, tags=["a"])
    found = read(write(tmp_path, "", record, "  \r", good()))
    first, second = found.conversations
    assert found.known.format == "openai" and not found.findings.bad
    assert "JSON lines" in found.known.seen and "“messages” in line 2" in found.known.seen
    assert (first.line, first.system_prompt, first.metadata) == (2, "Be kind.", {"id": 7, "tags": ["a"]})
    assert [(turn.role, turn.content, turn.train) for turn in first.turns] == [
        ("user", "Hi?", True),
        ("assistant", "Hi.", True),
    ]
    assert (second.line, second.system_prompt, second.metadata) == (4, None, {})


def test_sharegpt_records_are_recognised_with_all_their_names(tmp_path: Path) -> None:
    found = read(
        write(
            tmp_path,
            shared(("human", "a"), ("gpt", "b"), ("user", "c"), ("assistant", "d"), system="Be brief.", source="x"),
            shared(("system", "Be long."), ("human", "a"), ("gpt", "b")),
            shared(("human", "a"), ("gpt", "b"), system=" "),
            {"conversations": [message("user", "a"), message("assistant", "b")]},
        )
    )
    assert found.known.format == "sharegpt" and not found.findings.bad
    assert [turn.role for turn in found.conversations[0].turns] == ["user", "assistant"] * 2
    assert [each.system_prompt for each in found.conversations] == ["Be brief.", "Be long.", None, None]
    assert found.conversations[0].metadata == {"source": "x"}


def test_alpaca_brings_its_history_and_joins_an_input_to_its_instruction(tmp_path: Path) -> None:
    record = {"instruction": "Sum up.", "input": "A text.", "output": "So.", "history": [["a", "b"]], "system": "s"}
    found = read(write(tmp_path, record, {"instruction": "Only.", "input": "", "output": "x"}))
    first, second = found.conversations
    assert found.known.format == "alpaca" and first.system_prompt == "s"
    assert (texts(first), texts(second)) == (["a", "b", "Sum up.\nA text.", "So."], ["Only.", "x"])
    assert first.metadata == second.metadata == {}


def test_prompt_and_completion_are_texts_or_messages(tmp_path: Path) -> None:
    texts_found = read(write(tmp_path, {"prompt": "a", "completion": "b", "source": "web"}))
    assert (texts_found.known.format, texts(texts_found.one)) == ("prompt-completion", ["a", "b"])
    assert texts_found.one.metadata == {"source": "web"}
    prompt = [message("system", "s"), message("user", "a"), message("assistant", "b"), message("user", "c")]
    found = read(write(tmp_path, {"prompt": prompt, "completion": [message("assistant", "d")]}))
    assert (found.known.format, found.one.system_prompt) == ("trl-prompt-completion", "s")
    assert [turn.train for turn in found.one.turns] == [True, False, True, True]


def test_our_own_records_keep_their_identity_and_everything_beside_their_text(tmp_path: Path) -> None:
    found = read(write(tmp_path, own(turns=[message("user", "a", train=False), message("assistant", "b", train=True)])))
    assert found.known.format == "traintui" and found.one.own is not None
    assert (found.one.own.conversation_id, found.one.own.revision, found.one.own.status) == ("c-1", 2, "approved")
    assert (found.one.own.rest, found.one.metadata) == ({"decisions": []}, {"k": [1]})
    assert found.one.dimensions == {"topic": "fees"}
    assert [turn.train for turn in found.one.turns] == [False, True]


def test_values_of_dimensions_are_taken_and_metadata_is_flat_unless_a_key_is_there_twice(tmp_path: Path) -> None:
    record = good(persona="parent", tone="", tier=None, topic=3, metadata={"source": "web"})
    found = read(write(tmp_path, record, good(a=1, metadata={"a": 2})))
    first, second = found.conversations
    assert (first.dimensions, first.metadata) == ({"persona": "parent"}, {"topic": 3, "source": "web"})
    assert second.metadata == {"a": 1, "metadata": {"a": 2}}
    assert found.findings.values == {("persona", "parent"): 1}


def test_a_system_prompt_beside_the_messages_is_taken_by_either_name(tmp_path: Path) -> None:
    found = read(write(tmp_path, good(system="Be kind."), good(system_prompt="Be brief.")))
    assert [each.system_prompt for each in found.conversations] == ["Be kind.", "Be brief."]
    assert found.conversations[0].metadata == {}


def test_weights_say_which_answers_are_trained_on(tmp_path: Path) -> None:
    turns = [
        message("user", weight=0), message("assistant", weight=0), message("user"), message("assistant", weight=1),
        message("user"), message("assistant", train=False), message("user"), message("assistant", train=True),
    ]  # fmt: skip
    found = read(write(tmp_path, good(*turns)))
    assert [turn.train for turn in found.one.turns] == [True, False, True, True, True, False, True, True]


def test_keys_inside_messages_that_are_not_kept_are_named(tmp_path: Path) -> None:
    found = read(write(tmp_path, good(message("user", name="Ann", weight=0), message("assistant", refusal=None))))
    assert list(found.findings.ignored) == ["name", "weight"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{nonsense", "not JSON"),
        ('{"messages": NaN}', "not JSON"),
        ('{"messages": 1e999}', "not JSON"),
        (b'{"messages": "\xff"}', "not UTF-8"),
        (b'{"messages": "\0"}', "NUL character"),
        ("[1, 2]", "not an object"),
        ('"text"', "not an object"),
        ({"other": 1}, "another shape"),
        (shared(("human", "a"), ("gpt", "b")), "another shape"),
        ({"messages": "text"}, "no messages"),
        ({"messages": ["text"]}, "message not an object"),
        (good(message("tool"), message("assistant")), "unknown role"),
        (good({"content": "x"}), "unknown role"),
        (good(message(["user"], "x")), "unknown role"),  # type: ignore[arg-type]
        (good(message("user"), message("system"), message("assistant")), "system not first"),
        (good(message("user"), message("user"), message("assistant")), "two user turns in a row"),
        (good(message("user"), message("assistant"), message("assistant")), "two assistant turns in a row"),
        (good(message("assistant"), message("user")), "starts with assistant"),
        (good(message("user", ""), message("assistant")), "empty content"),
        (good(message("user", " \n\u3000"), message("assistant")), "empty content"),
        (good(message("system", " "), message("user"), message("assistant")), "empty content"),
        (good(message("user", None), message("assistant")), "content not text"),
        (good(message("user", [{"type": "text", "text": "x"}]), message("assistant")), "content not text"),
        (good(system=3), "content not text"),
        (good(message("system", "a"), message("user"), message("assistant"), system="b"), "two system prompts"),
        (good(message("user", "a\0b"), message("assistant")), "NUL character"),
        (good(**{"ke\0y": 1}), "NUL character"),
        ('{"messages": [{"role": "user", "content": "\\ud800"}]}', "lone surrogate"),
        ('{"messages": [{"role": "user", "content": "\\udc00 x"}]}', "lone surrogate"),
        (good(message("user")), "too few turns"),
        ({"messages": []}, "too few turns"),
        (good(message("system"), message("user")), "too few turns"),
        (good(message("user"), message("assistant", tool_calls=[{"id": "1"}])), "tool calls"),
        (good(message("user"), message("assistant", weight=0.5)), "unknown weight"),
        (good(message("user"), message("assistant", weight="half")), "unknown weight"),
        (good(message("user"), message("assistant", train=[])), "unknown weight"),
        (good(blob="x" * 70_000), "metadata too large"),
        ('{"messages": ' + "[" * 200 + "]" * 200 + "}", "nested too deeply"),
        ("[" * 5000, "not JSON"),
    ],
)
def test_a_line_that_is_no_conversation_is_named_and_the_others_are_read(
    tmp_path: Path, line: str | bytes | Record, what: str
) -> None:
    assert problem_of(tmp_path, line) == what


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"traintui": 3}, "unknown version"),
        ({"traintui": True}, "unknown version"),
        ({"conversation_id": ""}, "no id"),
        ({"conversation_id": 7}, "no id"),
        ({"revision": 0}, "no revision"),
        ({"revision": "1"}, "no revision"),
        ({"status": 1}, "no status"),
        ({"metadata": [1]}, "metadata not an object"),
        ({"turns": [message("user", train="maybe"), message("assistant")]}, "unknown weight"),
    ],
)
def test_a_record_of_our_own_that_cannot_be_ours_is_named(tmp_path: Path, more: dict[str, Any], what: str) -> None:
    assert problem_of(tmp_path, own(**more), "traintui") == what


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ({"history": [["a"]]}, "content not text"),
        ({"history": "a"}, "no messages"),
        ({"history": [["", "b"]]}, "empty content"),
        ({"input": 3}, "content not text"),
        ({"instruction": ""}, "empty content"),
        ({"output": None}, "content not text"),
    ],
)
def test_problems_of_alpaca_are_named(tmp_path: Path, record: Record, what: str) -> None:
    alpaca = {"instruction": "a", "output": "b"}
    assert read(write(tmp_path, alpaca, alpaca | record)).problems == [(2, what)]


def test_problems_of_sharegpt_are_named_too(tmp_path: Path) -> None:
    assert problem_of(tmp_path, shared(("bot", "a"), ("gpt", "b")), "sharegpt") == "unknown role"


def test_preference_data_is_refused_as_what_it_is(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, {"prompt": "a", "chosen": "b", "rejected": "c"}))
    assert "line 1" in error.message and "preference data" in error.message


LABELLED: list[Record] = [
    {"prompt": [message("user")], "completion": [message("assistant")], "label": False},
    {"prompt": "a", "completion": "b", "label": True},
    {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "kto_tag": False},
]


@pytest.mark.parametrize("record", LABELLED, ids=["trl", "texts", "llama-factory"])
def test_an_answer_that_may_be_labelled_as_bad_does_not_come_in_as_a_good_one(tmp_path: Path, record: Record) -> None:
    assert "preference data" in refusal(write(tmp_path, record)).message
    plain = {key: value for key, value in record.items() if key not in ("label", "kto_tag")}
    assert read(write(tmp_path, plain, plain | {"label": "spam"}, record)).problems == [(3, "preference data")]


def test_an_id_that_comes_again_is_named_with_the_line_where_it_was(tmp_path: Path) -> None:
    found = read(write(tmp_path, good(id="x"), good(id="y"), good(id="x"), good(id=""), good(id=None), good(id="")))
    assert found.problems == [(3, "id again")]
    assert "line 1" in found.findings.problems[0].why
    assert read(write(tmp_path, own("c-1"), own("c-2"), own("c-1"))).problems == [(3, "id again")]


def test_an_id_is_found_again_among_thousands(tmp_path: Path) -> None:
    numbers = [*range(20_000), 17]
    found = read(write(tmp_path, *(good(id=number) for number in numbers)))
    assert found.problems == [(20_001, "id again")] and "line 18" in found.findings.problems[0].why


def test_a_strange_role_is_shown_short_and_escaped(tmp_path: Path) -> None:
    found = read(write(tmp_path, good(message("\x1b[2J" + "x" * 500), message("assistant"))), None)
    assert "\x1b" not in found.findings.problems[0].why
    assert len(found.findings.problems[0].why) < 160


def test_the_format_comes_from_the_first_record_of_a_known_shape(tmp_path: Path) -> None:
    found = read(write(tmp_path, "{broken", {"text": "x"}, shared(("human", "a"), ("gpt", "b"))))
    assert found.known.format == "sharegpt"
    assert found.problems == [(1, "not JSON"), (2, "another shape")]


def test_a_file_of_no_known_shape_is_answered_with_what_is_in_it(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, {"text": "x", "label": 1}))
    assert error.title == "Format not recognised"
    assert "line 1" in error.message and "“text”, “label”" in error.message and "--mapping" in error.remedy
    assert refusal(write(tmp_path, "plain text")).title == "Format not recognised"
    assert refusal(write(tmp_path, "[", "{}", "]")).title == "Format not recognised"
    assert refusal(write(tmp_path, good()), "llama").title == "Format not recognised"  # type: ignore[arg-type]


def test_all_bad_lines_are_counted_and_the_first_thousand_kept(tmp_path: Path) -> None:
    found = read(write(tmp_path, good(), *["{"] * 1_500))
    assert (found.findings.good, found.findings.bad, len(found.findings.problems)) == (1, 1_500, checking.PROBLEMS_KEPT)
    assert found.findings.kinds == {"not JSON": 1_500}
