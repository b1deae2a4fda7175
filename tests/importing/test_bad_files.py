"""What is wrong with a file is answered once by the command, with the line, and nothing of it is written anywhere."""

from __future__ import annotations

import gzip
import json
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commanded import Command, command_for
from importing.reading import dump, good, lines_of, message
from small_disks import close, mounted
from support import fresh_database
from traintui.data.embedded import EmbeddedServer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Make = Callable[[Path], Path]
FINE = dump(good())


def file_of(*lines: bytes | dict[str, Any], name: str = "set.jsonl") -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(lines_of(*lines))
        return path

    return make


def packed(name: str, pack: Callable[[bytes], bytes], content: bytes, cut: int | None = None) -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(pack(content)[:cut])
        return path

    return make


def bomb(name: str, opening: Callable[..., Any]) -> Make:
    """A hundred megabytes of one letter in a tenth of one; that it would go on changes nothing."""

    def make(folder: Path) -> Path:
        path = folder / name
        with opening(path, "wb") as file:
            file.write(FINE + b'\n{"messages":[{"role":"user","content":"')
            for _ in range(100):
                file.write(b"a" * 1_000_000)
        return path

    return make


def endless(name: str, begin: bytes) -> Make:
    """Two gigabytes without a line end, of which the disk keeps nothing."""

    def make(folder: Path) -> Path:
        path = folder / name
        with path.open("wb") as file:
            file.write(begin)
            file.truncate(2_000_000_000)
        return path

    return make


def parquet_of(said: str, rows: int) -> Make:
    """One question in many rows, which the file holds once, and no answer."""

    def make(folder: Path) -> Path:
        path = folder / "set.parquet"
        one = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([said]))
        pq.write_table(pa.table({"prompt": one, "completion": [" "] * rows}), path, compression="zstd")
        return path

    return make


def folder_named(name: str) -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.mkdir()
        return path

    return make


def loop(folder: Path) -> Path:
    path = folder / "set.jsonl"
    path.symlink_to("other.jsonl")
    (folder / "other.jsonl").symlink_to("set.jsonl")
    return path


def memory() -> float:
    """The most that this process ever had, in MB. Linux tells kilobytes, macOS bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1_000 if sys.platform == "linux" else 1_000_000)


NOISE = bytes(range(256)) * 4_000
LINES = lines_of(*(good(n=number) for number in range(2_000)))
WHOLE: list[tuple[str, Make, str]] = [
    ("UTF-16", file_of(FINE.decode().encode("utf-16")), "UTF-16"),
    ("two gigabytes on one line", endless("set.jsonl", FINE + b"\n" + FINE[:-1]), "line 2: .*does not end within"),
    ("two gigabytes of one record", endless("set.json", b"[" + FINE[:-1]), "line 1: .*longer than 16 MB"),
    ("two gigabytes in a table", endless("set.csv", b'prompt,completion\na,"b'), "line 2: .*does not end within"),
    ("two gigabytes of nothing", endless("set.jsonl", b""), "line 1: .*does not end within"),
    ("a truncated gzip", packed("set.jsonl.gz", gzip.compress, LINES, -2_000), "line 1[0-9]+: .*ends in the middle"),
    ("a truncated zstd", packed("set.jsonl.zst", zstd.compress, LINES + NOISE, -50), "line [0-9]+: .*in the middle"),
    ("a gzip cut in its head", packed("set.jsonl.gz", gzip.compress, FINE, 5), "line 1: .*ends in the middle"),
    ("a damaged gzip", packed("set.jsonl.gz", gzip.compress, FINE, -6), "ends in the middle|cannot be unpacked"),
    ("a zip bomb", bomb("set.jsonl.gz", gzip.open), "line 2: .*times as large"),
    ("a bomb of zstd", bomb("set.jsonl.zst", zstd.open), "line 2: .*times as large"),
    ("a bomb of Parquet", parquet_of("a" * 80_000_000, 1), "row 1: .*times as large"),
    ("a cut Parquet", file_of(b"PAR1abcdef", name="set.parquet"), "row 1: .*no whole Parquet"),
    ("bad ones alone", file_of(good(message("user"), message("user"))), "cannot be taken, and no other: line 1: "),
    ("an empty file", file_of(), "holds no text"),
    ("blanks only", file_of(b"  ", b" "), "holds no text"),
    ("a directory", folder_named("set.jsonl"), "is a directory"),
    ("a directory of any name", folder_named("chats"), "is a directory"),
    ("a symlink loop", loop, "could not be read"),
    ("no file", lambda folder: folder / "missing.jsonl", "There is no file"),
    ("no file of any kind", lambda folder: folder / "missing", "There is no file"),
    ("a zip archive", file_of(b"PK\x03\x04 and so on"), "is a zip archive"),
    ("labelled answers", file_of({"prompt": [message("user")], "completion": [message("assistant")], "label": False}),
     "line 1: .*“label”.*never imported"),
]  # fmt: skip
"""Files that cannot be read on."""
LINES_OF: list[tuple[str, Make, str]] = [
    ("not UTF-8", file_of(FINE, FINE[:-8] + b"\xff\xfe" + FINE[-8:]), r"line 2: Byte .* not UTF-8"),
    ("a NUL", file_of(FINE, FINE.replace(b"Hello.", b"Hel\0lo.")), "line 2: .*NUL"),
    ("an escaped NUL", file_of(FINE, FINE.replace(b"Hello.", rb"Hel\u0000lo.")), "line 2: .*NUL"),
    ("an unknown role", file_of(FINE, good(message("user"), message("wizard"))), "line 2: .*“role” 'wizard'"),
    ("two users in a row", file_of(FINE, good(message("user"), message("user"))), "line 2: Message 2 is from the user"),
    ("an id twice", file_of(good(id="c-7"), good(message("user", "Other"), message("assistant")), good(id="c-7")),
     "line 3: The id 'c-7' is in line 1 already"),
]  # fmt: skip
"""Files of which one record is bad."""


@pytest.fixture(scope="module")
def workspace(server: EmbeddedServer) -> Iterator[str]:
    """A workspace to which nothing comes but what is good."""
    with fresh_database(server) as name:
        yield server.conninfo("ada", name)


@pytest.fixture
def command(workspace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`traintui import` and some words."""
    return partial(command_for(workspace, monkeypatch, capsys), "import")


def stored(workspace: str) -> Any:
    with closing(psycopg.connect(workspace)) as connection:
        counts = "SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM imports WHERE state <> 'done')"
        return connection.execute(counts).fetchone()


def by_name(cases: list[tuple[str, Make, str]]) -> list[Any]:
    return [pytest.param(make, answer, id=name) for name, make, answer in cases]


@pytest.mark.parametrize("keep_going", [False, True])
@pytest.mark.parametrize(("make", "answer"), by_name(WHOLE))
def test_what_cannot_be_read_on_has_one_clear_answer_and_leaves_nothing(
    command: Command, workspace: str, tmp_path: Path, make: Make, answer: str, keep_going: bool
) -> None:
    path = make(tmp_path)
    refused_and_nothing_left(command, workspace, path, answer, *(["--keep-going"] if keep_going else []))


@pytest.mark.parametrize(("make", "answer"), by_name(LINES_OF))
def test_a_bad_record_has_one_clear_answer_and_is_left_out_where_one_wants_the_rest(
    command: Command, workspace: str, tmp_path: Path, make: Make, answer: str
) -> None:
    path = make(tmp_path)
    refused_and_nothing_left(command, workspace, path, answer)
    code, printed, _ = command(str(path), "--keep-going", "--json")
    (file,) = json.loads(printed)["conversations"]
    assert code == 0 and (file["imported"] + file["known"], file["bad"]) == (len(path.read_bytes().splitlines()) - 1, 1)
    assert Path(file["bad_file"]).read_bytes().rstrip(b"\n") in path.read_bytes().splitlines()


def refused_and_nothing_left(command: Command, workspace: str, path: Path, answer: str, *options: str) -> None:
    before, files, peak, began = stored(workspace), sorted(path.parent.iterdir()), memory(), time.process_time()
    code, printed, told = command(str(path), *options)
    assert (code, printed) == (1, "") and "Traceback" not in told
    what, remedy = told.splitlines()
    assert what.startswith("traintui: ") and len(what) < 600 and remedy.endswith(".")
    assert re.search(answer, what), what
    assert sorted(path.parent.iterdir()) == files and stored(workspace) == before
    assert memory() - peak < 150 and time.process_time() - began < 30


def test_good_files_beside_a_bad_one_are_not_written_either(command: Command, workspace: str, tmp_path: Path) -> None:
    fine = tmp_path / "fine.jsonl"
    fine.write_bytes(dump(good(message("user", "Never stored?"), message("assistant"))))
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(FINE + b"\n{")
    before = stored(workspace)
    code, _, told = command(str(fine), str(broken))
    assert code == 1 and "line 2" in told and stored(workspace) == before


def test_a_long_text_that_stands_in_many_rows_is_held_a_few_times_at_once(
    command: Command, workspace: str, tmp_path: Path
) -> None:
    path = parquet_of("a" * 10_000_000, 100)(tmp_path)
    refused_and_nothing_left(command, workspace, path, "100 rows that cannot be taken")


@pytest.mark.parametrize(("options", "why"), [("size=96k", "No space left"), ("size=4m", "Read-only file system")])
def test_what_is_left_out_and_finds_no_place_beside_the_file_stops_the_import(
    command: Command, workspace: str, tmp_path: Path, options: str, why: str
) -> None:
    with mounted(tmp_path / "disk", options) as disk:
        path = disk / "set.jsonl"
        path.write_bytes(FINE + b"\n" + b"{" * 60_000 + b"\n")
        if why.startswith("Read-only"):
            close(disk)
        before = stored(workspace)
        code, _, told = command(str(path), "--keep-going")
        assert code == 1 and why in told and "Nothing was stored" in told, told
        assert list(disk.iterdir()) == [path] and stored(workspace) == before
