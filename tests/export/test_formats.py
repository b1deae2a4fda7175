"""Formats, against the written rules of those who read them: what was said comes back from every one of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training_records import record_with, reviewed, trainable
from traintui.errors import TraintuiError
from traintui.export.formats import FORMATS, Files, Format, format_of
from traintui.export.formats.sharegpt import merged_dataset_info
from traintui.export.record import Shape, TrainingRecord, plain, shape_of

Said = list[tuple[str, str]]
QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
"""For promises about one format."""
EVERY = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
"""For promises that all formats keep: making a record takes longer than writing it."""
SUPERVISED = [format for format in FORMATS.values() if format.kind == "supervised"]
PREFERENCES = [format for format in FORMATS.values() if format.kind == "preference"]
SHAPES = st.builds(Shape, st.booleans(), st.booleans(), st.booleans())
ROLES = {"human": "user", "gpt": "assistant", "model": "assistant"}


def shaped(*records: TrainingRecord, **more: bool) -> Shape:
    return shape_of(records) | Shape(**more)


def rows_of(format: Format, record: TrainingRecord, shape: Shape | None = None) -> list[Any]:
    """What a reader of JSONL gets."""
    written = format.write(record, shape or shape_of([record]))
    return [json.loads(orjson.dumps(row)) for row in written.rows]


def said(messages: list[Mapping[str, Any]]) -> Said:
    return [(message["role"], message["content"]) for message in messages]


def in_sharegpt(messages: list[Mapping[str, Any]]) -> Said:
    return [(ROLES.get(message["from"], message["from"]), message["value"]) for message in messages]


def led(system: str | None, turns: Said) -> Said:
    return ([("system", system)] if system else []) + turns


def in_alpaca(row: Any) -> Said:
    pairs = [*row.get("history", []), [row["instruction"] + row["input"], row["output"]]]
    turns = [(role, text) for pair in pairs for role, text in zip(("user", "assistant"), pair, strict=True)]
    return led(row.get("system"), turns)


def in_gemini(row: Any) -> Said:
    turns = [(ROLES.get(content["role"], content["role"]), content["parts"][0]["text"]) for content in row["contents"]]
    return led(row["systemInstruction"]["parts"][0]["text"] if "systemInstruction" in row else None, turns)


PARSERS: dict[str, Callable[[Any], Said]] = {
    "trl-prompt-completion": lambda row: said(row["prompt"] + row["completion"]),
    "sharegpt": lambda row: in_sharegpt(row["conversations"]),
    "llama-factory": lambda row: led(row.get("system"), in_sharegpt(row["conversations"])),
    "alpaca": in_alpaca,
    "bedrock": lambda row: led(row.get("system"), said(row["messages"])),
    "gemini": in_gemini,
    "trl-kto": lambda row: said(row["prompt"] + row["completion"]),
    "llama-factory-kto": lambda row: led(row.get("system"), in_sharegpt(row["conversations"])),
}


def parsed(format: Format, row: Any) -> Said:
    return PARSERS.get(format.name, lambda row: said(row["messages"]))(row)


def expected(record: TrainingRecord) -> Said:
    return led(
        plain(record.system_prompt) if record.system_prompt else None,
        [(turn.role, plain(turn.content)) for turn in record.turns],
    )


def each(formats: list[Format]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("format", formats, ids=lambda format: format.name)


def fits(value: Any, column: Any) -> bool:
    """Whether a value is of a column's type, with every key in its order; a missing key stands for null."""
    if isinstance(column, str):
        return isinstance(value, {"string": str, "bool": bool, "int64": int}[column])
    if isinstance(column, list):
        return isinstance(value, list) and all(fits(inner, column[0]) for inner in value)
    present = [name for name in column if name in value]
    return list(value) == present and all(fits(value[name], column[name]) for name in present)


@EVERY
@given(record=trainable(), shape=SHAPES)
def test_what_was_said_comes_back(record: TrainingRecord, shape: Shape) -> None:
    for format in SUPERVISED:
        (row,) = rows_of(format, record, shape | shape_of([record]))
        assert parsed(format, row) == expected(record), format.name


@EVERY
@given(records=st.lists(reviewed(), min_size=1, max_size=4), shape=SHAPES)
def test_all_rows_of_a_file_have_one_schema(records: list[TrainingRecord], shape: Shape) -> None:
    shape |= shape_of(records)
    for format in FORMATS.values():
        if format.schema is not None:
            schema = format.schema(shape)
            rows = [row for record in records for row in rows_of(format, record, shape)]
            assert rows and all(list(row) == list(schema) and fits(row, schema) for row in rows), format.name


@EVERY
@given(record=reviewed())
def test_the_same_record_gives_the_same_bytes(record: TrainingRecord) -> None:
    again = TrainingRecord(**{name: getattr(record, name) for name in TrainingRecord.__dataclass_fields__})
    reordered = TrainingRecord(
        **{name: getattr(record, name) for name in TrainingRecord.__dataclass_fields__}
        | {"metadata": dict(reversed(list(record.metadata.items())))}
    )
    for format in FORMATS.values():
        texts = {
            b"".join(map(orjson.dumps, format.write(one, shape_of([one])).rows)) for one in (record, again, reordered)
        }
        assert len(texts) == 1, format.name


@each(SUPERVISED)
def test_line_ends_of_windows_become_those_of_training_files(format: Format) -> None:
    row = rows_of(format, record_with("a\r\nb", "c\r\n\nd", system_prompt="e\r\nf"))[0]
    assert parsed(format, row) == [("system", "e\nf"), ("user", "a\nb"), ("assistant", "c\n\nd")]


@each([*SUPERVISED, *PREFERENCES])
def test_a_system_prompt_of_blanks_is_none(format: Format) -> None:
    record = record_with("a", "b", system_prompt=" \n")
    assert shape_of([record]) == Shape()
    assert all("system" not in json.dumps(row) for row in rows_of(format, record))


@pytest.mark.parametrize("name", ["openai", "together", "fireworks", "mistral"])
@QUICK
@given(record=trainable(), elsewhere=st.booleans())
def test_weights_are_0_or_1_on_answers_alone_and_in_every_row_or_none(
    name: str, record: TrainingRecord, elsewhere: bool
) -> None:
    (row,) = rows_of(FORMATS[name], record, shaped(record, weighted=elsewhere))
    assert list(row) == ["messages"]
    weights = [message.get("weight") for message in row["messages"] if message["role"] == "assistant"]
    assert all("weight" not in message for message in row["messages"] if message["role"] != "assistant")
    trained = [turn.train for turn in record.turns if turn.role == "assistant"]
    assert weights == (list(map(int, trained)) if elsewhere or not all(trained) else [None] * len(trained))


@QUICK
@given(record=trainable())
def test_axolotl_is_told_of_every_message_whether_it_is_trained_on(record: TrainingRecord) -> None:
    (row,) = rows_of(FORMATS["axolotl"], record, Shape(weighted=True))
    trains = [message["train"] for message in row["messages"]]
    assert trains[-len(record.turns) :] == [turn.role == "assistant" and turn.train for turn in record.turns]
    assert not any(trains[: -len(record.turns)])


@pytest.mark.parametrize("name", ["trl", "unsloth", "sharegpt", "llama-factory", "alpaca", "bedrock", "gemini"])
def test_a_target_that_knows_no_weights_gets_none(name: str) -> None:
    marked, unmarked = record_with("a", "b", "c", "d", untrained=(2,)), record_with("a", "b", "c", "d")
    assert rows_of(FORMATS[name], marked) == rows_of(FORMATS[name], unmarked)


@QUICK
@given(record=trainable())
def test_bedrock_gets_its_two_keys_and_no_other_and_alternating_roles(record: TrainingRecord) -> None:
    (row,) = rows_of(FORMATS["bedrock"], record, Shape(True, True, True))
    assert list(row) == (["system", "messages"] if record.system_prompt else ["messages"])
    roles = [message["role"] for message in row["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert all(list(message) == ["role", "content"] for message in row["messages"])


@QUICK
@given(record=trainable())
def test_gemini_gets_the_roles_user_and_model(record: TrainingRecord) -> None:
    (row,) = rows_of(FORMATS["gemini"], record)
    roles = [content["role"] for content in row["contents"]]
    assert roles == ["user", "model"] * (len(roles) // 2)
    assert all(list(part) == ["text"] for content in row["contents"] for part in content["parts"])


@QUICK
@given(record=trainable())
def test_llama_factory_gets_an_even_number_of_messages_that_alternate_and_the_system_prompt_beside_them(
    record: TrainingRecord,
) -> None:
    (row,) = rows_of(FORMATS["llama-factory"], record, shaped(record, system=True))
    senders = [message["from"] for message in row["conversations"]]
    assert senders == ["human", "gpt"] * (len(senders) // 2)
    assert row["system"] == (plain(record.system_prompt) if record.system_prompt else "")


def test_alpaca_has_no_form_for_what_is_not_made_of_pairs() -> None:
    written = FORMATS["alpaca"].write(record_with("a", "b", "c"), Shape())
    assert written.rows == () and "pairs" in written.reasons[0]


def test_the_history_of_alpaca_holds_the_exchanges_before_the_last_and_stands_in_all_rows_or_none() -> None:
    long, short = record_with("a", "b", "c", "d"), record_with("e", "f")
    shape = shape_of([long, short])
    assert [rows_of(FORMATS["alpaca"], record, shape)[0]["history"] for record in (long, short)] == [[["a", "b"]], []]
    assert "history" not in rows_of(FORMATS["alpaca"], short)[0]


def test_csv_holds_alpaca_as_long_as_nothing_in_it_is_a_list() -> None:
    assert "csv" in FORMATS["alpaca"].containers_for(Shape(system=True))
    assert "csv" not in FORMATS["alpaca"].containers_for(Shape(multi_turn=True))
    assert all("csv" not in format.containers for format in FORMATS.values() if format.name != "alpaca")


@EVERY
@given(record=reviewed())
def test_preferences_end_their_prompt_with_the_user_and_answer_with_the_assistant(record: TrainingRecord) -> None:
    given_rows = [(format, rows_of(format, record)) for format in PREFERENCES]
    assert all(rows for _, rows in given_rows)
    for format, row in [(format, row) for format, rows in given_rows for row in rows]:
        if format.name.endswith("kto"):
            assert [role for role, _ in parsed(format, row) if role != "system"][-2:] == ["user", "assistant"]
            assert isinstance(row.get("label", row.get("kto_tag")), bool)
            continue
        if format.name == "llama-factory-dpo":
            assert len(row["conversations"]) % 2 == 1 and row["conversations"][-1]["from"] == "human"
            assert row["chosen"]["from"] == row["rejected"]["from"] == "gpt" and row["chosen"] != row["rejected"]
            continue
        prompt = row["prompt"] if "prompt" in row else row["input"]["messages"]
        better, worse = list(row.values())[1:]
        assert prompt[-1]["role"] == "user"
        assert [message["role"] for message in better + worse] == ["assistant", "assistant"] and better != worse


@QUICK
@given(record=reviewed())
def test_our_own_format_holds_everything_as_it_is_stored(record: TrainingRecord) -> None:
    (row,) = rows_of(FORMATS["traintui"], record)
    assert row["traintui"] == 2
    assert [(turn["role"], turn["content"], turn["train"]) for turn in row["turns"]] == [
        (turn.role, turn.content, turn.train) for turn in record.turns
    ]
    assert row["metadata"] == dict(record.metadata) and row["system_prompt"] == record.system_prompt
    assert {name: row[name] for name in record.dimensions} == record.dimensions
    assert [decision["action"] for decision in row["decisions"]] == ["reject", "edit", "approve"]
    assert row["earlier"][0]["turns"][1]["content"] == record.earlier[0].turns[1].content


def test_every_row_of_our_own_format_has_all_keys() -> None:
    (bare,), (full,) = (
        rows_of(FORMATS["traintui"], record)
        for record in (record_with("a", "b"), record_with("a", "b", persona="x", quality_score=7.25, model="m"))
    )
    assert list(bare) == list(full)


def test_llama_factory_is_given_an_entry_for_each_file_with_all_columns_and_tags() -> None:
    files = Files("retirement.jsonl", "retirement-eval.jsonl")
    made = FORMATS["llama-factory"].companions(files, Shape(system=True))
    info = json.loads(made["dataset_info.json"])
    assert info["retirement"]["file_name"] == "retirement.jsonl"
    assert info["retirement_eval"]["file_name"] == "retirement-eval.jsonl"
    assert info["retirement"]["columns"] == {"messages": "conversations", "system": "system"}
    assert len(info["retirement"]["tags"]) == 7 and info["retirement"]["formatting"] == "sharegpt"
    pairs = json.loads(FORMATS["llama-factory-dpo"].companions(files, Shape())["dataset_info.json"])
    assert pairs["retirement"]["ranking"] is True and pairs["retirement"]["columns"]["chosen"] == "chosen"


def test_other_datasets_stay_in_a_dataset_info_that_is_there_already() -> None:
    new = FORMATS["alpaca"].companions(Files("new.jsonl"), Shape())["dataset_info.json"]
    merged = json.loads(merged_dataset_info(b'{"old": {"file_name": "old.json"}, "new": {}}', new))
    assert merged["old"] == {"file_name": "old.json"} and merged["new"]["file_name"] == "new.jsonl"
    with pytest.raises(ValueError):
        merged_dataset_info(b"[]", new)


def test_a_format_that_is_not_known_is_answered_with_those_there_are() -> None:
    with pytest.raises(TraintuiError, match="llama-factory-kto"):
        format_of("opnai")
    assert format_of("gemini").title == "Gemini"


def test_all_formats_that_are_promised_are_there() -> None:
    assert set(FORMATS) == {
        "openai", "trl", "trl-prompt-completion", "sharegpt", "alpaca", "llama-factory", "axolotl", "together",
        "fireworks", "bedrock", "gemini", "mistral", "unsloth", "trl-dpo", "trl-kto", "openai-dpo",
        "llama-factory-dpo", "llama-factory-kto", "traintui",
    }  # fmt: skip
    assert all(format.name == name and "jsonl" in format.containers for name, format in FORMATS.items())
