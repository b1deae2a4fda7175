"""The OpenAI format, against its written rules."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traintui.data.records import ExportableConversation, Turn
from traintui.errors import TraintuiError
from traintui.export.formats import openai, problem_of, writer_of

CONTENT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1).filter(lambda text: text.strip())


@st.composite
def conversations(draw: st.DrawFn) -> ExportableConversation:
    contents = draw(st.lists(CONTENT, min_size=2, max_size=8).filter(lambda list_: len(list_) % 2 == 0))
    turns = [
        Turn(number, "user" if number % 2 else "assistant", content, draw(st.booleans()))
        for number, content in enumerate(contents, start=1)
    ]
    return ExportableConversation("c-1", 1, draw(st.none() | CONTENT), turns, False)


@given(conversations())
def test_a_line_is_one_object_with_messages_alone(conversation: ExportableConversation) -> None:
    line = openai(conversation)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert set(json.loads(line)) == {"messages"}


@given(conversations())
def test_roles_alternate_user_first_and_the_system_prompt_stands_before_them(
    conversation: ExportableConversation,
) -> None:
    roles = [message["role"] for message in json.loads(openai(conversation))["messages"]]
    if conversation.system_prompt:
        assert roles.pop(0) == "system"
    assert roles == ["user", "assistant"] * (len(roles) // 2)


@given(conversations())
def test_a_weight_stands_on_assistant_messages_only_and_only_where_one_is_not_trained_on(
    conversation: ExportableConversation,
) -> None:
    messages = json.loads(openai(conversation))["messages"]
    assert all("weight" not in message for message in messages if message["role"] != "assistant")
    weights = [message.get("weight") for message in messages if message["role"] == "assistant"]
    trained = [turn.train for turn in conversation.turns if turn.role == "assistant"]
    assert weights == ([None] * len(trained) if all(trained) else [int(train) for train in trained])


@given(conversations())
def test_every_character_survives_but_line_ends_of_windows(conversation: ExportableConversation) -> None:
    written = [message["content"] for message in json.loads(openai(conversation))["messages"]]
    wanted = [turn.content.replace("\r\n", "\n") for turn in conversation.turns]
    assert written[-len(wanted) :] == wanted


def test_a_conversation_that_ends_with_the_user_is_named_as_a_problem() -> None:
    turns = [Turn(1, "user", "a"), Turn(2, "assistant", "b"), Turn(3, "user", "c")]
    assert "ends with the user" in (problem_of(ExportableConversation("c-1", 1, None, turns, False)) or "")


def test_a_conversation_with_nothing_to_train_on_is_named_as_a_problem() -> None:
    turns = [Turn(1, "user", "a"), Turn(2, "assistant", "b", train=False)]
    assert "trained" in (problem_of(ExportableConversation("c-1", 1, None, turns, False)) or "")


def test_an_unknown_format_is_answered_with_those_there_are() -> None:
    with pytest.raises(TraintuiError, match="openai"):
        writer_of("opnai")
