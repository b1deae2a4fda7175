"""Files of another shape: a mapping says where conversations, turns and values are."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from importing.reading import good, message, read, refusal, texts, write
from traintui.errors import TraintuiError
from traintui.importing.mapping import Mapping, read_mapping

CHATS = """
records = "data.threads"
[turns]
list = "chat.messages"
role = "sender.kind"
content = "body"
train = "use"
[roles]
visitor = "user"
agent = "assistant"
note = "skip"
[fields]
system_prompt = "setup"
topic = "labels.topic"
[values.topic]
"Retirement (401k)" = "retirement"
"""


def mapped(folder: Path, text: str) -> Mapping:
    path = folder / "shape.toml"
    path.write_text(text, encoding="utf-8")
    return read_mapping(path)


def said(kind: str, body: Any, **more: Any) -> dict[str, Any]:
    return {"sender": {"kind": kind}, "body": body, **more}


def test_a_nested_document_is_read_as_the_mapping_says(tmp_path: Path) -> None:
    thread = {
        "id": 7,
        "setup": "Be kind.",
        "labels": {"topic": "Retirement (401k)", "other": 1},
        "chat": {
            "messages": [said("visitor", "a", at=1), said("note", "x"), said("agent", [{"text": "b"}, "c"], use=0)]
        },
    }
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"version": 3, "data": {"threads": [thread]}}, indent=1))
    found = read(path, mapping=mapped(tmp_path, CHATS))
    assert "“data.threads”" in found.known.seen and "mapping" in found.known.seen
    assert (found.one.system_prompt, texts(found.one)) == ("Be kind.", ["a", "b\n\nc"])
    assert [turn.train for turn in found.one.turns] == [True, False]
    assert (found.one.dimensions, found.one.metadata) == ({"topic": "retirement"}, {"id": 7, "labels": {"other": 1}})
    assert list(found.findings.ignored) == ["at"]


def test_every_value_of_an_object_is_a_record_with_a_star(tmp_path: Path) -> None:
    path = tmp_path / "by_day.json"
    path.write_text(json.dumps({"monday": {"c": [good(a=1)]}, "tuesday": {"c": [good(a=2), good(a=3)]}, "note": 1}))
    found = read(path, mapping=Mapping(records="*.c"))
    assert [each.metadata for each in found.conversations] == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_a_table_with_a_row_for_each_turn_is_put_together(tmp_path: Path) -> None:
    path = tmp_path / "turns.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["thread", "who", "text", "channel", "at"])
        rows.writerows([["1", "visitor", "a", "web", "10"], ["1", "agent", "b", "web", "11"]])
        rows.writerows(
            [["2", "visitor", "c", "app", "12"], ["2", "visitor", "d", "app", "13"], ["", "agent", "x", "", ""]]
        )
        rows.writerows([["3", "visitor", "e", "app", "14"], ["3", "agent", "f", "web", "15"]])
        rows.writerows([["1", "visitor", "g", "web", "16"], ["1", "agent", "h", "web", "17"]])
    text = '[turns]\nrole = "who"\ncontent = "text"\n[roles]\nvisitor = "user"\nagent = "assistant"\n'
    found = read(path, mapping=mapped(tmp_path, 'group = "thread"\n' + text))
    assert [(each.line, texts(each), each.metadata) for each in found.conversations] == [
        (2, ["a", "b"], {"thread": "1", "channel": "web"}),
        (7, ["e", "f"], {"thread": "3"}),
    ]
    assert sorted(found.problems) == [(4, "two user turns in a row"), (6, "no conversation"), (9, "id again")]
    assert set(found.findings.ignored) == {"at", "channel"}


def test_a_table_with_a_column_for_each_turn_is_read_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "columns.csv"
    path.write_text("q1,a1,q2,a2,who\na,b,c,d,Ann\ne,f,,,Bob\n")
    columns = (("user", "q1"), ("assistant", "a1"), ("user", "q2"), ("assistant", "a2"))
    turns = "".join(f'[[turn]]\nrole = "{role}"\ncontent = "{name}"\n' for role, name in columns)
    found = read(path, mapping=mapped(tmp_path, turns))
    assert [texts(each) for each in found.conversations] == [["a", "b", "c", "d"], ["e", "f"]]
    assert [each.metadata for each in found.conversations] == [{"who": "Ann"}, {"who": "Bob"}]


def test_a_mapping_may_only_name_fields_and_values_of_a_known_shape(tmp_path: Path) -> None:
    mapping = mapped(tmp_path, '[fields]\npersona = "who"\n[values.persona]\n"A parent" = "parent"\n')
    found = read(write(tmp_path, good(who="A parent"), good(who=3), good(who=[])), mapping=mapping)
    assert [each.dimensions for each in found.conversations] == [{"persona": "parent"}, {"persona": "3"}]
    assert found.known.format == "openai" and found.problems == [(3, "field not text")]


def test_a_place_deep_inside_is_found_in_a_document_of_one_line_too(tmp_path: Path) -> None:
    found = read(write(tmp_path, {"data": [good(), good()]}), mapping=Mapping(records="data"))
    assert [each.line for each in found.conversations] == [1, 1]


@pytest.mark.parametrize(
    ("messages", "what"),
    [
        ([said("robot", "a")], "unknown role"),
        ([said("visitor", None)], "content not text"),
        ([said("visitor", [{"image": 1}])], "content not text"),
        (["a"], "message not an object"),
        ("a", "no turns"),
        ([said("note", "a")], "too few turns"),
        ([said("visitor", "a"), said("agent", "b", tool_calls=[1])], "tool calls"),
    ],
)
def test_what_the_mapping_does_not_fit_is_named(tmp_path: Path, messages: Any, what: str) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"data": {"threads": [{"chat": {"messages": messages}}]}}))
    assert read(path, mapping=mapped(tmp_path, CHATS)).problems == [(1, what)]


def test_a_place_that_is_not_there_is_answered_with_what_is(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"items": [good()], "count": 1}))
    error = refusal(path, mapping=Mapping(records="data.threads"))
    assert error.title == "Records not found" and "“items”, “count”" in error.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("records =", "TOML"),
        ('recrods = "x"', "recrods"),
        ('[turns]\nlist = "a"\nrole = 3', "turns.role"),
        ('[roles]\nagent = "robot"', "roles.agent"),
        ('[fields]\nmood = "x"', "fields.mood"),
        ('group = "a"\n[turns]\nlist = "b"', "three ways"),
        ('[[turn]]\nrole = "system"\ncontent = "x"', "turn.0.role"),
    ],
)
def test_a_mistake_in_a_mapping_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TraintuiError, match=said) as caught:
        mapped(tmp_path, text)
    assert caught.value.title == "Mapping not read" and "\n" not in caught.value.message


def test_a_message_of_a_document_keeps_the_rules_of_every_shape(tmp_path: Path) -> None:
    mapping = Mapping.model_validate({"turns": {"list": "log"}})
    found = read(
        write(tmp_path, {"log": [message("user"), message("assistant")]}, {"log": [message("gpt")]}), mapping=mapping
    )
    assert (len(found.conversations), found.problems) == (1, [(2, "starts with assistant")])
