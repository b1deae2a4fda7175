from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traintui.errors import TraintuiError
from traintui.importing import conversations as module
from traintui.importing.conversations import ConversationFile, Format, read_conversations

Record = dict[str, Any]


def message(role: str, content: Any = "text", **more: Any) -> Record:
    return {"role": role, "content": content, **more}


def good(*messages: Record, **more: Any) -> Record:
    return {"messages": list(messages or (message("user", "Hello?"), message("assistant", "Hello."))), **more}


def shared(*pairs: tuple[str, str], **more: Any) -> Record:
    return {"conversations": [{"from": role, "value": value} for role, value in pairs], **more}


def write(folder: Path, *lines: str | bytes | Record) -> Path:
    path = folder / "set.jsonl"
    raw = [
        line if isinstance(line, bytes) else line.encode() if isinstance(line, str) else dump(line) for line in lines
    ]
    path.write_bytes(b"\n".join(raw))
    return path


def dump(record: Any) -> bytes:
    return json.dumps(record).encode()


def problem_of(folder: Path, line: str | bytes | Record, format: Format = "openai") -> str:
    """What is wrong with one line; checks that its neighbour is read nevertheless."""
    neighbour = good() if format == "openai" else shared(("human", "a"), ("gpt", "b"))
    found = read_conversations(write(folder, line, neighbour), format)
    assert [conversation.line for conversation in found.conversations] == [2]
    (problem,) = found.problems
    assert problem.line == 1
    assert problem.why.endswith(".") and "\n" not in problem.why
    return problem.what


def refusal(path: Path, format: Format | None = None) -> TraintuiError:
    with pytest.raises(TraintuiError) as caught:
        read_conversations(path, format)
    return caught.value


def test_openai_records_are_recognised_and_read(tmp_path: Path) -> None:
    record = good(message("system", "Be kind."), message("user", "Hi?"), message("assistant", "Hi."), id=7, tags=["a"])
    found = read_conversations(write(tmp_path, "", record, "  \r", good()))
    first, second = found.conversations
    assert found.format == "openai" and not found.problems
    assert (first.line, first.system_prompt, first.metadata) == (2, "Be kind.", {"id": 7, "tags": ["a"]})
    assert [(turn.role, turn.content, turn.train) for turn in first.turns] == [
        ("user", "Hi?", False),
        ("assistant", "Hi.", True),
    ]
    assert (second.line, second.system_prompt, second.metadata) == (4, None, {})


def test_sharegpt_records_are_recognised_with_all_their_names(tmp_path: Path) -> None:
    found = read_conversations(
        write(
            tmp_path,
            shared(("human", "a"), ("gpt", "b"), ("user", "c"), ("assistant", "d"), system="Be brief.", source="x"),
            shared(("system", "Be long."), ("human", "a"), ("gpt", "b")),
            shared(("human", "a"), ("gpt", "b"), system=" "),
        )
    )
    assert found.format == "sharegpt" and not found.problems
    assert [turn.role for turn in found.conversations[0].turns] == ["user", "assistant"] * 2
    assert [each.system_prompt for each in found.conversations] == ["Be brief.", "Be long.", None]
    assert found.conversations[0].metadata == {"source": "x"}


def test_a_system_prompt_beside_the_messages_is_taken_in_either_shape(tmp_path: Path) -> None:
    found = read_conversations(write(tmp_path, good(system="Be kind.")))
    assert (found.conversations[0].system_prompt, found.conversations[0].metadata) == ("Be kind.", {})


def test_weights_say_which_answers_are_trained_on(tmp_path: Path) -> None:
    turns = [message("user"), message("assistant", weight=0), message("user"), message("assistant", weight=1)]
    (conversation,) = read_conversations(write(tmp_path, good(*turns))).conversations
    assert [turn.train for turn in conversation.turns] == [False, False, False, True]


def test_keys_inside_messages_that_are_not_kept_are_named(tmp_path: Path) -> None:
    found = read_conversations(write(tmp_path, good(message("user", name="Ann", weight=0), message("assistant"))))
    assert found.ignored == ("name", "weight")


def test_the_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "w.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + dump(good()) + b"\r\n" + dump(good()) + b"\r\n")
    assert len(read_conversations(path).conversations) == 2


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{nonsense", "not JSON"),
        ('{"messages": NaN}', "not JSON"),
        ("[1, 2]", "not an object"),
        ('"text"', "not an object"),
        ({"other": 1}, "no messages"),
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
        (good(message("user"), message("assistant", weight="1")), "unknown weight"),
        ('{"messages": ' + "[" * 200 + "]" * 200 + "}", "nested too deeply"),
        ("[" * 5000, "not JSON"),
    ],
)
def test_a_line_that_is_no_conversation_is_named_and_the_others_are_read(
    tmp_path: Path, line: str | Record, what: str
) -> None:
    assert problem_of(tmp_path, line) == what


def test_problems_of_the_other_shape_are_named_too(tmp_path: Path) -> None:
    assert problem_of(tmp_path, shared(("bot", "a"), ("gpt", "b")), "sharegpt") == "unknown role"
    assert problem_of(tmp_path, good(), "sharegpt") == "no messages"


def test_a_line_beyond_the_limit_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 1000)
    assert problem_of(tmp_path, good(message("user", "é" * 600), message("assistant"))) == "line too long"


def test_a_strange_role_is_shown_short_and_escaped(tmp_path: Path) -> None:
    found = read_conversations(write(tmp_path, good(message("\x1b[2J" + "x" * 500), message("assistant"))), None)
    assert "\x1b" not in found.problems[0].why
    assert len(found.problems[0].why) < 160


def test_the_format_comes_from_the_first_record_behind_broken_lines(tmp_path: Path) -> None:
    found = read_conversations(write(tmp_path, "{broken", shared(("human", "a"), ("gpt", "b"))))
    assert found.format == "sharegpt"
    assert [problem.line for problem in found.problems] == [1]


def test_trouble_with_the_whole_file_is_raised(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.jsonl").title == "File not found"
    assert refusal(tmp_path).title == "Not a file"
    assert refusal(write(tmp_path, b"\n \n")).title == "Empty file"
    assert "line 2, byte" in refusal(write(tmp_path, good(), b'{"a": "\xff"}')).message
    assert "line 1" in refusal(write(tmp_path, {"text": "x"}, good())).message
    assert refusal(write(tmp_path, "[", "{}", "]")).title == "Format not recognised"
    assert refusal(write(tmp_path, "plain text")).title == "Format not recognised"
    assert refusal(write(tmp_path, good()), "alpaca").title == "Format not recognised"  # type: ignore[arg-type]


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
text_value = st.sampled_from(["hello", "", "\0", " "]) | st.text(max_size=8)
role_value = st.sampled_from(["user", "assistant", "system", "human", "gpt", "tool"])
any_message = st.dictionaries(
    st.sampled_from(["role", "content", "from", "value", "weight", "name", "tool_calls"]),
    role_value | text_value | json_value,
    max_size=6,
)
any_record = st.dictionaries(
    st.sampled_from(["messages", "conversations", "system", "id"]),
    st.lists(any_message, max_size=5) | text_value | json_value,
    max_size=4,
)


def read_lines(lines: list[bytes], format: Format | None) -> ConversationFile | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return read_conversations(write(Path(folder), *lines), format)
        except TraintuiError as error:
            assert error.remedy
            return None


@settings(deadline=None)
@given(st.lists(any_record.map(dump), max_size=5), st.sampled_from(["openai", "sharegpt", None]))
def test_any_record_is_a_conversation_or_a_problem(lines: list[bytes], format: Format | None) -> None:
    found = read_lines(lines, format)
    if found is not None:
        assert len(found.conversations) + len(found.problems) == len(lines)
        for conversation in found.conversations:
            roles = [turn.role for turn in conversation.turns]
            assert roles == [("user", "assistant")[number % 2] for number in range(len(roles))] and len(roles) >= 2
            assert all(turn.content.strip() and "\0" not in turn.content for turn in conversation.turns)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60) | any_record.map(dump), max_size=4), st.sampled_from(["openai", None]))
def test_any_bytes_are_read_or_refused(lines: list[bytes], format: Format | None) -> None:
    read_lines(lines, format)
