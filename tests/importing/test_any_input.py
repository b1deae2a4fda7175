"""Whatever a file holds, it is read or answered: never a traceback, never a conversation that breaks a rule.

`pytest tests/importing/test_any_input.py --hypothesis-profile=thorough` tries 10,000 of each.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importing.reading import Record, Whole, dump, read
from traintui.errors import TraintuiError
from traintui.importing.conversations import FORMATS, Format
from traintui.importing.mapping import Mapping

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
text_value = st.sampled_from(["hello", "", "\0", " ", "\r\n", '"]}']) | st.text(max_size=8)
role_value = st.sampled_from(["user", "assistant", "system", "human", "gpt", "tool"])
any_message = st.dictionaries(
    st.sampled_from(["role", "content", "from", "value", "weight", "train", "name", "tool_calls"]),
    role_value | text_value | json_value,
    max_size=6,
)
pairs = st.lists(st.lists(text_value, min_size=2, max_size=2), max_size=3)
any_record = st.dictionaries(
    st.sampled_from(
        [
            *("messages", "conversations", "system", "id", "prompt", "completion", "instruction", "input", "output"),
            *("history", "traintui", "conversation_id", "revision", "turns", "status", "metadata", "topic", "tier"),
            *("chosen", "rejected"),
        ]
    ),
    st.lists(any_message, max_size=5) | text_value | json_value | pairs | st.just(1),
    max_size=6,
)  # fmt: skip
alternating = st.lists(text_value, min_size=1, max_size=6).map(
    lambda said: {
        "messages": [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(said)]
    }
)
records = any_record | alternating
any_format = st.sampled_from([*FORMATS, None])
steps = st.sampled_from(["", "*", "a", "a.b", "messages", "*.messages", "a.*"])
any_mapping = st.builds(
    lambda records, turns, group: Mapping.model_validate(
        {"records": records, **({"turns": turns} if group is None else {"group": group, "turns": turns | {"list": ""}})}
    ),
    steps,
    st.fixed_dictionaries({
        "list": st.sampled_from(["", "messages", "turns", "messages.0", "*.content"]),
        "role": st.sampled_from(["role", "from", "content.0"]),
        "content": st.sampled_from(["content", "value", "content.*", "content.*.text"]),
        "train": st.sampled_from([None, "weight"]),
    }),
    st.sampled_from([None, None, "id", "prompt"]),
)  # fmt: skip


def tried(
    name: str, data: bytes, format: Format | None = None, mapping: Mapping | None = None
) -> tuple[Whole | None, TraintuiError | None]:
    """What came of a file; checks that it is an answer, or conversations that keep every rule."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            found = read(path, format, mapping)
        except TraintuiError as error:
            assert error.remedy and error.message and "\n" not in error.message
            return None, error
    for conversation in found.conversations:
        roles = [turn.role for turn in conversation.turns]
        assert roles == [("user", "assistant")[number % 2] for number in range(len(roles))] and len(roles) >= 2
        assert all(turn.content.strip() and "\0" not in turn.content for turn in conversation.turns)
        assert "\0" not in json.dumps(conversation.metadata, allow_nan=False)
        assert all(value for value in conversation.dimensions.values())
        orjson.dumps(conversation.metadata).decode("utf-8")
    assert (len(found.conversations), sum(found.findings.kinds.values())) == (found.findings.good, found.findings.bad)
    assert all(problem.why.endswith(".") and "\n" not in problem.why for problem in found.findings.problems)
    return found, None


@relaxed
@given(st.lists(records.map(dump), max_size=5), any_format, st.none() | any_mapping)
def test_any_record_is_a_conversation_or_a_problem(
    given_lines: list[bytes], format: Format | None, mapping: Mapping | None
) -> None:
    found, _ = tried("set.jsonl", b"\n".join(given_lines), format, mapping)
    if found is not None and (mapping is None or mapping.group is None) and found.known.source.container == "jsonl":
        assert found.findings.good + found.findings.bad == len(given_lines)


@relaxed
@given(st.lists(records, max_size=4), st.integers(0, 2), st.data())
def test_any_document_is_read_or_refused_wherever_it_is_cut_or_changed(
    given_records: list[Record], depth: int, data: st.DataObject
) -> None:
    document: Any = given_records
    for key in ("b", "a")[:depth]:
        document = {key: document, "other": [1, "]"]}
    raw = dump(document)
    cut = data.draw(st.integers(0, len(raw)))
    changed = raw[:cut] + data.draw(st.binary(max_size=3)) + raw[cut + data.draw(st.integers(0, 3)) :]
    tried("set.json", changed, None, data.draw(st.none() | any_mapping))
    tried("set.json", raw[:cut])


@relaxed
@given(st.lists(st.binary(max_size=60) | records.map(dump), max_size=4), any_format,
       st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.tsv", "a.parquet", "a.jsonl.gz", "a.zst"]))  # fmt: skip
def test_any_bytes_are_read_or_refused(given_lines: list[bytes], format: Format | None, name: str) -> None:
    tried(name, b"\n".join(given_lines), format)


@relaxed
@given(st.lists(records.map(dump), min_size=1, max_size=3), st.sampled_from([gzip.compress, zstd.compress]), st.data())
def test_any_packed_bytes_are_read_or_refused(given_lines: list[bytes], pack: Any, data: st.DataObject) -> None:
    packed = pack(b"\n".join(given_lines))
    cut = data.draw(st.integers(0, len(packed)))
    changed = packed[:cut] + data.draw(st.binary(max_size=4)) + packed[cut + data.draw(st.integers(0, 4)) :]
    tried("a.jsonl.gz", changed)
    tried("a.jsonl.gz", packed[:cut])


@relaxed
@given(st.lists(st.lists(text_value | any_message.map(json.dumps), max_size=5), max_size=5), st.sampled_from(",;\t"),
       st.none() | any_mapping)  # fmt: skip
def test_any_table_is_read_or_refused(rows: list[list[str]], delimiter: str, mapping: Mapping | None) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["prompt", "completion", "messages", "id"], *rows])
    tried("a.csv", text.getvalue().encode("utf-8", "replace"), None, mapping)


@relaxed
@given(
    st.lists(st.lists(text_value, max_size=3) | st.none(), min_size=1, max_size=4),
    st.lists(st.floats() | st.none(), max_size=4),
    st.data(),
)
def test_any_parquet_is_read_or_refused(
    said: list[list[str] | None], numbers: list[float | None], data: st.DataObject
) -> None:
    messages = [
        None
        if texts is None
        else [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
        for texts in said
    ]
    numbers = (numbers + [math.nan] * len(messages))[: len(messages)]
    blobs = [data.draw(st.binary(max_size=3)) for _ in messages]
    table = pa.table({
        "messages": pa.array(messages, pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        "number": pa.array(numbers, pa.float64()), "blob": pa.array(blobs, pa.binary()),
    })  # fmt: skip
    file = io.BytesIO()
    pq.write_table(table, file)
    raw = file.getvalue()
    tried("a.parquet", raw)
    tried("a.parquet", raw[: data.draw(st.integers(4, len(raw)))])
