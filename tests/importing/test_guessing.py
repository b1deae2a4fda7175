"""A mapping is guessed from the first record of a file of another shape, and reads it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from importing.reading import read, texts
from traintui.importing.checking import first, recognise
from traintui.importing.conversations import ImportedConversation, LineProblem
from traintui.importing.guessing import guessed, tried
from traintui.importing.mapping import mapping_of

TWO = ["How much?", "Three."]


def test_a_guess_that_leads_to_no_conversation_is_none(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text(json.dumps([{"a": 1}, {"a": 2}]))
    assert tried(path) is None
    path.write_text(json.dumps([{"q": TWO[0], "answer": TWO[1], "question": TWO[0]}]))
    assert tried(path) == guessed(path)


@pytest.mark.parametrize(
    ("document", "keys"),
    [
        ({"data": [{"log": [{"by": "client", "says": TWO[0]}, {"by": "bot", "says": TWO[1]}]}]}, "data log by says"),
        ({"a": {"b": [{"x": {"turns": [{"n": "Q", "t": TWO[0]}, {"n": "A", "t": TWO[1]}]}}]}}, "a.b x.turns n t"),
        (
            [
                {
                    "chat": [
                        {"speaker": "customer", "body": {"text": TWO[0]}},
                        {"speaker": "agent", "body": {"text": TWO[1]}},
                    ]
                }
            ],
            "chat speaker body.text",
        ),
        ([{'o"dd': [{"role": "Übername", "content": TWO[0]}, {"role": "b\\c", "content": TWO[1]}]}], ""),
    ],
)
def test_what_is_guessed_reads_the_file(tmp_path: Path, document: Any, keys: str) -> None:
    path = tmp_path / "vendor.json"
    path.write_text(json.dumps(document))
    toml = guessed(path)
    assert all(f'"{key}"' in toml for key in keys.split())
    assert texts(read(path, mapping=mapping_of(tomllib.loads(toml))).one) == TWO


def test_a_role_that_is_no_text_is_shown_to_be_mended(tmp_path: Path) -> None:
    path = tmp_path / "vendor.json"
    turns = [{"by": "Q", "says": TWO[0]}, {"by": [], "says": TWO[1]}, {"by": "Q", "says": TWO[0]}]
    path.write_text(json.dumps([{"log": turns}]))
    assert mapping_of(tomllib.loads(guessed(path))).roles.keys() >= {"Q", "[]"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (f"ticket,question,answer\n1,{TWO[0]},{TWO[1]}\n", TWO),
        (f"Reply,Customer\n{TWO[1]},{TWO[0]}\n", TWO),
        (f"question_1,answer_1,question_2,answer_2\n{','.join(TWO)},Why?,So.\n", [*TWO, "Why?", "So."]),
    ],
)
def test_columns_that_are_called_as_questions_and_answers_are_guessed_as_turns(
    tmp_path: Path, table: str, said: list[str]
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(table)
    assert texts(read(path, mapping=mapping_of(tomllib.loads(guessed(path)))).one) == said


def test_a_file_without_turns_gives_something_to_begin_with(tmp_path: Path) -> None:
    path = tmp_path / "numbers.jsonl"
    path.write_text('{"a": 1}\n')
    assert mapping_of(tomllib.loads(guessed(path))).turns.list == "messages"


def test_the_first_conversation_is_shown_or_why_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    path.write_text(json.dumps({"messages": []}) + "\n" + json.dumps(good) + "\n")
    made = first(recognise(path))
    assert isinstance(made, ImportedConversation) and made.line == 2
    path.write_text((json.dumps({"messages": []}) + "\n") * 300 + json.dumps(good) + "\n")
    wrong = first(recognise(path))
    assert isinstance(wrong, LineProblem) and wrong.line == 1
