"""Containers: the rows that were written, the same bytes every time."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_records import CONTENT, record_with
from traintui.errors import TraintuiError
from traintui.export.containers import container_of, opened
from traintui.export.formats import FORMATS, Container, Row
from traintui.export.record import Shape

ROWS = st.lists(st.fixed_dictionaries({"instruction": CONTENT, "input": st.just(""), "output": CONTENT}), max_size=5)
SCHEMA = {"instruction": "string", "input": "string", "output": "string"}


def written(container: Container, rows: list[Row]) -> bytes:
    file = io.BytesIO()
    with opened(container, file, SCHEMA) as writer:
        for row in rows:
            writer.write(row)
    assert writer.rows == len(rows)
    return file.getvalue()


@given(ROWS)
def test_json_lines_are_one_object_a_line_and_end_in_lf(rows: list[Row]) -> None:
    content = written("jsonl", rows)
    assert content.count(b"\n") == len(rows) and b"\r" not in content
    assert [json.loads(line) for line in content.split(b"\n")[:-1]] == rows


@given(ROWS)
def test_json_is_one_list(rows: list[Row]) -> None:
    assert json.loads(written("json", rows)) == rows


@given(ROWS)
def test_csv_has_a_head_and_gives_back_every_character(rows: list[Row]) -> None:
    content = io.StringIO(written("csv", rows).decode(), newline="")
    assert list(csv.DictReader(content)) == rows


@pytest.mark.parametrize("container", ["jsonl", "json", "csv"])
def test_the_same_rows_give_the_same_bytes(container: Container) -> None:
    row = FORMATS["alpaca"].write(record_with("a", "b"), Shape()).rows[0]
    assert written(container, [row, row]) == written(container, [row, row])


def test_a_list_does_not_go_into_csv() -> None:
    with pytest.raises(TraintuiError, match="csv"):
        opened("csv", io.BytesIO(), {"messages": ["string"]})
    with pytest.raises(TraintuiError, match="parquet"):
        opened("parquet", io.BytesIO(), None)


def test_parquet_without_its_package_is_answered_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TraintuiError, match=r"traintui\[parquet\]"):
        opened("parquet", io.BytesIO(), SCHEMA)


def test_an_error_while_rows_are_written_ends_no_file() -> None:
    file = io.BytesIO()
    with pytest.raises(RuntimeError), opened("json", file, SCHEMA) as writer:
        writer.write({"instruction": "a"})
        raise RuntimeError
    with pytest.raises(ValueError):
        json.loads(file.getvalue())


def test_the_name_of_a_file_says_what_it_is_to_be() -> None:
    assert [container_of(name) for name in ("a.jsonl", "a.json", "A.PARQUET", "a.b.csv")] == [
        "jsonl", "json", "parquet", "csv"
    ]  # fmt: skip
    with pytest.raises(TraintuiError, match=r"\.jsonl"):
        container_of("out.txt")
