"""Whatever is changed in a good file, it is read or answered; and what is said to be good, the database takes.

As in `test_any_input.py`, `--hypothesis-profile=thorough` tries thousands.
"""

from __future__ import annotations

import copy
import io
import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importing.reading import Record, dump, good, message, shared
from importing.test_any_input import any_record, json_value, relaxed, text_value, tried
from importing.test_own_format import whole
from support import add_vocabulary, scalar
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.importing.checking import first, recognise
from traintui.importing.documents import read_document
from traintui.importing.guessing import guessed
from traintui.importing.manifests import verified
from traintui.importing.mapping import read_mapping
from traintui.importing.store import import_paths

GOOD: list[Record] = [
    whole(),
    good(message("system", "Be kind."), message("user"), message("assistant", weight=0), id=7, topic="savings"),
    shared(("human", "a"), ("gpt", "b"), system="Be kind.", metadata={"k": {"l": [1, None]}}),
    {"prompt": [message("user", "a")], "completion": [message("assistant", "b")], "tier": "scenario"},
    {"prompt": "a", "completion": "b", "tone": "Warm"},
    {"instruction": "a", "input": "b", "output": "c", "history": [["d", "e"]], "system": ""},
]
ODD = (
    json_value
    | text_value
    | st.sampled_from([2**31, 2**63, 2**70, -1, 0, 1e308, 0.5, "9" * 400, "x" * 501, "ä" * 201, "\u2028", "0001-01-01"])
    | st.sampled_from(["2026-11-28T10:00:00+99:00", "2026-11-28", "infinity", "24:00", "{}", "\\N", "a\tb\\n"])
)
THOROUGH = settings().max_examples > 1_000


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a record, the record itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, each in inner for found in ((*way, key), *places(each, (*way, key)))]


@st.composite
def changed(draw: st.DrawFn) -> Record:
    """A good record in which some things are others, twice there, or missing."""
    record = copy.deepcopy(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 2))):
        *way, last = draw(st.sampled_from(places(record)))
        holder: Any = record
        for key in way:
            holder = holder[key]
        become = draw(st.sampled_from(["other", "other", "missing", "twice"]))
        if become == "other":
            holder[last] = draw(ODD)
        elif become == "missing":
            del holder[last]
        elif isinstance(holder, list):
            holder.insert(last, copy.deepcopy(holder[last]))
        else:
            holder[draw(st.text(max_size=3))] = holder[last]
        if not record:
            break
    return record


@relaxed
@given(st.lists(changed(), max_size=5), st.data())
def test_any_change_of_a_good_record_is_read_or_named(records: list[Record], data: st.DataObject) -> None:
    raw = b"\n".join(map(dump, records))
    tried("set.jsonl", raw)
    at = data.draw(st.integers(0, len(raw)))
    tried("set.jsonl", raw[:at] + data.draw(st.binary(max_size=2)) + raw[at + data.draw(st.integers(0, 2)) :])
    tried("set.json", dump(records))


@settings(
    max_examples=500 if THOROUGH else 12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(changed(), min_size=20, max_size=20))
async def test_what_is_said_to_be_good_is_stored(db: Database, records: list[Record]) -> None:
    await add_vocabulary(db)
    for number, record in enumerate(records):
        if record.get("conversation_id") == "c-abc":
            record["conversation_id"] = f"c-{number % 15}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.jsonl"
        # Each shape is a file of its own for a reader.
        for known in ("traintui", "openai", "sharegpt", "trl-prompt-completion", "prompt-completion", "alpaca"):
            path.write_bytes(b"\n".join(map(dump, records)))
            before = await scalar(db, "SELECT count(*) FROM conversations")
            try:
                summary = await import_paths(db, [path], format=known, unknown="add", keep_going=True)
            except TraintuiError as error:
                assert error.title in ("Values not known", "Conversations not imported"), error.message
                continue
            (file,) = summary.conversations
            assert file.imported + file.known + file.revised + file.bad == len(records)
            assert await scalar(db, "SELECT count(*) FROM conversations") == before + file.imported


@relaxed
@given(st.one_of(changed(), any_record, json_value.map(lambda value: {"data": [value]})), st.sampled_from(["", "x."]))
def test_a_mapping_is_guessed_for_any_file_and_can_be_read(record: Record, way: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, shape = Path(folder) / "set.json", Path(folder) / "shape.toml"
        path.write_bytes(dump({way[0]: [record]} if way else [record]))
        with suppress(TraintuiError):
            shape.write_text(guessed(path), encoding="utf-8")
            mapping = read_mapping(shape)
            assert first(recognise(path, mapping=mapping)).line >= 1


@relaxed
@given(st.binary(max_size=80) | json_value.map(dump) | st.dictionaries(
    st.sampled_from(["files", "name", "sha256"]),
    st.lists(st.dictionaries(st.sampled_from(["name", "sha256"]), json_value | st.just("set.jsonl"))) | json_value,
).map(dump))  # fmt: skip
def test_any_manifest_is_read_or_answered(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.jsonl"
        path.write_bytes(dump(good()))
        for name in ("set.manifest.json", "set.jsonl.manifest.json"):
            path.with_name(name).write_bytes(content)
            try:
                verified(path)
            except TraintuiError as error:
                assert error.remedy and "\n" not in error.message


MAPPINGS = [b"[turns]\nlist = 'a'", b"[roles]\na = 'user'", b"[values.topic]\na = 1", b"[[turn]]", b"records = '*'"]


@relaxed
@given(
    st.binary(max_size=60)
    | st.text(st.characters(codec="utf-8"), max_size=60).map(str.encode)
    | st.sampled_from(MAPPINGS)
)
def test_any_mapping_and_any_document_is_read_or_answered(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.md"
        path.write_bytes(content)
        for read in (read_mapping, read_document):
            try:
                read(path)
            except TraintuiError as error:
                assert error.remedy and "\n" not in error.message


def parquet() -> bytes:
    messages = [
        [{"role": "user", "content": f"Question {n}?"}, {"role": "assistant", "content": "Yes."}] for n in range(9)
    ]
    file = io.BytesIO()
    pq.write_table(pa.table({"messages": messages, "n": list(range(9)), "tier": ["scenario"] * 9}), file)
    return file.getvalue()


PARQUET = parquet()


@relaxed
@given(st.integers(4, len(PARQUET) - 9), st.binary(min_size=1, max_size=3), st.integers(0, 3))
def test_parquet_that_was_damaged_anywhere_is_read_or_refused(at: int, other: bytes, less: int) -> None:
    tried("a.parquet", PARQUET[:at] + other + PARQUET[at + less :])


def test_the_good_ones_are_good(tmp_path: Path) -> None:
    for number, record in enumerate(GOOD):
        found, error = tried("set.jsonl", orjson.dumps(record))
        assert found is not None and found.findings.bad == 0, (number, error)
        assert json.loads(dump(record)) == record
