"""Files as they come: packed, cut off, huge, of another kind than their name says; each is read or answered."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from importing.reading import Record, dump, good, lines_of, message, own, read, refusal, shared, texts, write
from traintui.errors import TraintuiError
from traintui.importing import compression, json_documents, lines
from traintui.importing.checking import check, recognise

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def put(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def read_through(path: Path) -> int:
    """Reads a file to its end and keeps nothing of it; the number of its good conversations."""
    return check(recognise(path)).good


@contextmanager
def memory_below(most: int) -> Iterator[None]:
    """Fails if more than so many bytes are held at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


# JSON lines and documents ---------------------------------------------------------------------------------------------


def test_the_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    record = dump(good())
    assert (
        len(read(put(tmp_path / "w.jsonl", b"\xef\xbb\xbf" + record + b"\r\n" + record + b"\r\n")).conversations) == 2
    )
    assert len(read(put(tmp_path / "w.json", b"\xef\xbb\xbf[" + record + b",\r\n" + record + b"]")).conversations) == 2


def test_a_json_list_gives_each_record_the_line_that_it_begins_on(tmp_path: Path) -> None:
    records = [good(a='brackets ] } " \\'), good(message("user")), good(), 5, [], "x"]
    found = read(put(tmp_path / "list.json", json.dumps(records, indent=2)))
    begins = [number for number, line in enumerate(json.dumps(records, indent=2).split("\n"), 1) if line == "  {"]
    assert [each.line for each in found.conversations] == [begins[0], begins[2]]
    assert found.problems[0] == (begins[1], "too few turns")
    assert [what for _, what in found.problems[1:]] == ["not an object"] * 3
    assert found.conversations[0].metadata == {"a": 'brackets ] } " \\'}


@pytest.mark.parametrize("portion", [1, 7, 100])
def test_a_document_is_read_alike_in_portions_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    records = [good(a='x\\"]}{[' * number, id=number) for number in range(12)]
    path = put(tmp_path / "deep.json", json.dumps({"v": [1, "]"], "data": {"all": records}, "end": {}}, indent=1))
    whole = read(path)
    monkeypatch.setattr(json_documents, "CHUNK", portion)
    monkeypatch.setattr(lines, "CHUNK", portion)
    again = read(path)
    assert again.conversations == whole.conversations and len(again.conversations) == 12
    assert "“data.all”" in again.known.seen


def test_what_is_inside_counts_and_not_the_name(tmp_path: Path) -> None:
    assert len(read(put(tmp_path / "list.jsonl", json.dumps([good(), good()]))).conversations) == 2
    assert len(read(put(tmp_path / "list2.jsonl", json.dumps([good(), good()], indent=1))).conversations) == 2
    assert len(read(put(tmp_path / "lines.json", lines_of(good(), good()))).conversations) == 2
    assert len(read(put(tmp_path / "one.json", json.dumps(good(), indent=1))).conversations) == 1
    assert len(read(put(tmp_path / "one.jsonl", json.dumps(good(), indent=1))).conversations) == 1
    assert len(read(put(tmp_path / "packed.jsonl", gzip.compress(dump(good())))).conversations) == 1


@pytest.mark.parametrize(
    ("end", "title"),
    [
        (b"", "File cut off"),
        (b",", "File cut off"),
        (b', {"messages": [', "File cut off"),
        (b', {"messages": ["', "File cut off"),
        (b"}", "Not JSON"),
        (b" 7]", "Not JSON"),
        (b",]", "Not JSON"),
        (b"] x", "Not JSON"),
    ],
)
def test_a_document_that_does_not_end_well_is_refused_with_its_line(tmp_path: Path, end: bytes, title: str) -> None:
    error = refusal(put(tmp_path / "bad.json", b"[\n" + dump(good()) + b"\n" + end))
    assert error.title == title and "line 3" in error.message


def test_a_record_of_a_document_that_is_no_json_is_a_problem_of_its_own(tmp_path: Path) -> None:
    found = read(put(tmp_path / "bad.json", b"[" + dump(good()) + b',\n{"messages" 7},\n' + dump(good()) + b"]"))
    assert (len(found.conversations), found.problems) == (2, [(2, "not JSON")])


# What is packed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_packed_files_are_read_as_what_is_inside(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    lines_found = read(put(tmp_path / "a.jsonl.gz", pack(lines_of(good(), good()))))
    assert len(lines_found.conversations) == 2 and "packed with" in lines_found.known.seen
    assert len(read(put(tmp_path / "a.json.zst", pack(dump([good()])))).conversations) == 1
    assert len(read(put(tmp_path / "a.csv.gz", pack(b"prompt,completion\na,b\n"))).conversations) == 1
    # Files that were packed in parts and put together are one.
    assert len(read(put(tmp_path / "two.jsonl.gz", pack(dump(good()) + b"\n") + pack(dump(good())))).conversations) == 2


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_packed_file_that_is_cut_off_is_refused_with_the_line(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    records = [good(message("user", os.urandom(200).hex()), message("assistant")) for _ in range(3_000)]
    packed = pack(lines_of(*records))
    error = refusal(put(tmp_path / "cut.jsonl.gz", packed[: len(packed) // 2]))
    assert error.title == "File cut off"
    line = int(error.message.split("line ")[1].split(":")[0])
    assert 1_000 < line < 2_000
    assert refusal(put(tmp_path / "cut2.jsonl.gz", packed[:12])).title == "File cut off"


def test_packed_data_that_is_damaged_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(lines_of(*[good(a=os.urandom(50).hex()) for _ in range(1_000)])))
    packed[len(packed) // 2] ^= 0xFF
    assert refusal(put(tmp_path / "bad.jsonl.gz", bytes(packed))).title in ("File damaged", "File cut off")
    packed = bytearray(gzip.compress(dump(good())))
    packed[-6] ^= 0xFF  # its check sum
    assert refusal(put(tmp_path / "sum.jsonl.gz", bytes(packed))).title == "File damaged"


@pytest.mark.parametrize(
    ("pack", "line"),
    [(gzip.compress, b"0" * 1_000), (gzip.compress, dump(good()) + b"\n"),
     (zstd.compress, b"0" * 1_000), (zstd.compress, b"\n")],
)  # fmt: skip
def test_a_bomb_is_refused_after_some_megabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes], line: bytes
) -> None:
    monkeypatch.setattr(compression, "FREE", 1_500_000)
    monkeypatch.setattr(compression, "MOST_RATIO", 20)
    path = put(tmp_path / "bomb.jsonl.gz", pack(line * (40_000_000 // len(line))))
    with memory_below(25_000_000), pytest.raises(TraintuiError) as caught:
        read_through(path)
    error = caught.value
    assert error.title == "File swells beyond reason" and "line" in error.message


@pytest.mark.parametrize(("head", "what"), [(b"PK\x03\x04rest", "zip"), (b"BZh91AY", "bzip2"), (b"\xfd7zXZ\x00", "xz")])
def test_other_archives_are_named(tmp_path: Path, head: bytes, what: str) -> None:
    assert what in refusal(put(tmp_path / "a.jsonl", head)).message


# What is long ---------------------------------------------------------------------------------------------------------


def test_a_line_beyond_the_limit_is_a_problem_and_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1_000_000)
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        file.write(dump(good()) + b"\n")
        for _ in range(60):
            file.write(b'"' + b"x" * 1_000_000)
        file.write(b"\n" + dump(good()))
    with memory_below(12_000_000):
        found = read(path)
    assert [each.line for each in found.conversations] == [1, 3] and found.problems == [(2, "line too long")]


def test_two_gigabytes_on_one_line_are_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path, dump(good()), b"{")
    os.truncate(path, 2_000_000_000)  # a hole, which takes no room on the disk
    read_before = Path("/proc/self/io").read_text() if sys.platform == "linux" else ""
    error = refusal(path)
    assert error.title == "Line too long" and "line 2" in error.message
    if read_before:
        begun, ended = (
            int(text.split("rchar: ")[1].split()[0]) for text in (read_before, Path("/proc/self/io").read_text())
        )
        assert ended - begun < 400_000_000


def test_a_record_of_a_document_beyond_the_limit_ends_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 100_000)
    error = refusal(put(tmp_path / "long.json", b"[" + dump(good()) + b',\n{"a": "' + b"x" * 3_000_000))
    assert error.title == "Record too long" and "line 2" in error.message


def test_memory_does_not_grow_with_a_file(tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        for number in range(5_000):
            file.write(dump(good(message("user", "x" * 8_000), message("assistant"), id=number)) + b"\n")
    assert path.stat().st_size > 40_000_000
    with memory_below(8_000_000):
        assert read_through(path) == 5_000


# Tables ---------------------------------------------------------------------------------------------------------------


def test_a_table_has_texts_or_lists_in_its_columns(tmp_path: Path) -> None:
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["prompt", "completion", "topic", "source"])
    rows.writerows([["a", "two\nlines", "fees", "web"], ["c", "d", "", ""], [], ["", "x", "", ""]])
    found = read(put(tmp_path / "t.csv", table.getvalue()))
    assert [(each.line, texts(each), each.metadata) for each in found.conversations] == [
        (2, ["a", "two\nlines"], {"source": "web"}),
        (4, ["c", "d"], {}),
    ]
    assert found.conversations[0].dimensions == {"topic": "fees"} and found.problems == [(6, "another shape")]
    table = io.StringIO()
    csv.writer(table, delimiter=";").writerows([["messages", "tier"], [json.dumps(good()["messages"]), "template"]])
    found = read(put(tmp_path / "m.csv", table.getvalue()))
    assert (found.known.format, found.one.dimensions) == ("openai", {"tier": "template"})


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (b"prompt,completion\na,b,c\n", (2, "too many columns")),
        (b"prompt,completion\na,\xff\n", (2, "not UTF-8")),
        (b"prompt,completion\na,b\0\n", (2, "NUL character")),
        (b"prompt,completion\na\n", (2, "another shape")),
    ],
)
def test_a_row_that_is_no_conversation_is_named(tmp_path: Path, table: bytes, problem: tuple[int, str]) -> None:
    found = read(put(tmp_path / "t.csv", table + b"x,y\n"))
    assert (found.problems, len(found.conversations)) == ([problem], 1)


@pytest.mark.parametrize(
    "table",
    [
        b"\x00,\ra,b\r",
        b"prompt,completion\ra,b\r",
        b"a,a\n1,2\n",
        b",,\n1,2,3\n",
        b'prompt,completion\n"a,b\n',
        b'prompt,completion\n"a"x,b\n',
    ],
)
def test_a_table_that_cannot_be_read_on_is_refused_with_the_line(tmp_path: Path, table: bytes) -> None:
    error = refusal(put(tmp_path / "t.csv", table))
    assert error.title == "Table not read" and "line " in error.message


def test_parquet_is_read_by_rows(tmp_path: Path) -> None:
    records: list[Record] = [
        good(source="web"),
        good(message("user")),
        good(message("user"), message("assistant", weight=0)),
    ]
    pq.write_table(pa.Table.from_pylist(records, schema=None), tmp_path / "a.parquet", compression="zstd")
    found = read(tmp_path / "a.parquet")
    assert [(each.line, each.metadata) for each in found.conversations] == [(1, {"source": "web"}), (3, {})]
    assert found.problems == [(2, "too few turns")] and "Parquet" in found.known.seen and "row 1" in found.known.seen


def test_parquet_that_is_damaged_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([good()] * 500), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    assert refusal(put(tmp_path / "cut.parquet", whole[:-9])).title == "File damaged"
    assert refusal(put(tmp_path / "bad.parquet", whole[:60] + b"x" * 40 + whole[100:])).title == "File damaged"
    assert refusal(put(tmp_path / "short.parquet", b"PAR1")).title == "File damaged"


# Files as a whole -----------------------------------------------------------------------------------------------------


def test_trouble_with_the_whole_file_is_raised(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.jsonl").title == "File not found"
    assert refusal(tmp_path / "nul\0.jsonl").title == "File not found"
    assert refusal(tmp_path).title == "Not a file"
    for name in ("e.jsonl", "e.json", "e.csv", "e.parquet"):
        assert refusal(put(tmp_path / name, b"")).title == "Empty file"
        assert refusal(put(tmp_path / name, b"\n \n")).title == "Empty file"
    assert refusal(put(tmp_path / "list.json", b"[]")).title == "Empty file"
    assert refusal(put(tmp_path / "only.csv", b"prompt,completion\n")).title == "Empty file"
    assert refusal(put(tmp_path / "packed.jsonl.gz", gzip.compress(b""))).title == "Empty file"
    assert "UTF-16" in refusal(put(tmp_path / "wide.jsonl", json.dumps(good()).encode("utf-16"))).message


def test_a_link_that_leads_to_itself_and_a_pipe_are_answered(tmp_path: Path) -> None:
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    error = refusal(tmp_path / "loop.jsonl")
    assert error.title == "File not readable" and "link" in error.remedy
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert refusal(tmp_path / "pipe.jsonl").title == "Not a file"
    (tmp_path / "link.jsonl").symlink_to(write(tmp_path, own()))
    assert read(tmp_path / "link.jsonl").one.own is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_answered(tmp_path: Path) -> None:
    path = write(tmp_path, shared(("human", "a"), ("gpt", "b")))
    path.chmod(0)
    assert refusal(path).title == "File not readable"
