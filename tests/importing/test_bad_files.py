"""What is wrong with a file is answered once, with the line, and nothing of it is written anywhere."""

from __future__ import annotations

import gzip
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from importing.reading import dump, good, lines_of, message
from support import fetch
from traintui.data import conversations
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.importing.store import import_paths

Make = Callable[[Path], Path]
FINE = dump(good())


def file_of(*lines: bytes | dict[str, Any], name: str = "set.jsonl") -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(lines_of(*lines))
        return path

    return make


def packed(content: bytes, cut: int | None = None) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "set.jsonl.gz"
        path.write_bytes(gzip.compress(content)[:cut])
        return path

    return make


def bomb(folder: Path) -> Path:
    """A gigabyte of one letter in a megabyte."""
    path = folder / "bomb.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b'{"messages":[{"role":"user","content":"')
        for _ in range(1_000):
            file.write(b"a" * 1_000_000)
    return path


def endless(folder: Path) -> Path:
    """Two gigabytes on one line, of which the disk keeps nothing."""
    path = folder / "endless.jsonl"
    with path.open("wb") as file:
        file.write(FINE + b"\n" + FINE[:-1])
        file.truncate(2_000_000_000)
    return path


def folder_itself(folder: Path) -> Path:
    path = folder / "set.jsonl"
    path.mkdir()
    return path


def loop(folder: Path) -> Path:
    path = folder / "set.jsonl"
    path.symlink_to("other.jsonl")
    (folder / "other.jsonl").symlink_to("set.jsonl")
    return path


def memory() -> float:
    """The most that this process ever had, in MB. Linux tells kilobytes, macOS bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1_000 if sys.platform == "linux" else 1_000_000)


NOISE = bytes(range(256)) * 400
CASES: list[tuple[str, Make, str]] = [
    ("not UTF-8", file_of(FINE, FINE[:-8] + b"\xff\xfe" + FINE[-8:]), r"line 2: Byte .* not UTF-8"),
    ("UTF-16", file_of(FINE.decode().encode("utf-16")), "UTF-16"),
    ("a NUL", file_of(FINE, FINE.replace(b"Hello.", b"Hel\0lo.")), "line 2: .*NUL"),
    ("an escaped NUL", file_of(FINE, FINE.replace(b"Hello.", rb"Hel\u0000lo.")), "line 2: .*NUL"),
    ("two gigabytes on one line", endless, "line 2: .*does not end within"),
    ("a truncated gzip", packed(FINE + b"\n" + NOISE, cut=200), "ends in the middle"),
    ("a damaged gzip", packed(FINE, cut=-6), "ends in the middle|cannot be unpacked"),
    ("a zip bomb", bomb, "line 1: .*times as large"),
    ("an unknown role", file_of(FINE, good(message("user"), message("wizard"))), "line 2: .*“role” 'wizard'"),
    ("two users in a row", file_of(FINE, good(message("user"), message("user"))), "line 2: Message 2 is from the user"),
    ("an empty file", file_of(), "holds no text"),
    ("blanks only", file_of(b"  ", b" "), "holds no text"),
    ("a directory", folder_itself, "is a directory"),
    ("a symlink loop", loop, "could not be read"),
    ("no file", lambda folder: folder / "missing.jsonl", "There is no file"),
    ("an id twice", file_of(good(id="c-7"), good(message("user", "Other"), message("assistant")), good(id="c-7")),
     "line 3: The id 'c-7' is in line 1 already"),
    ("a zip archive", file_of(b"PK\x03\x04 and so on"), "is a zip archive"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "answer"), [pytest.param(make, answer, id=name) for name, make, answer in CASES])
@pytest.mark.parametrize("keep_going", [False, True])
async def test_each_has_one_clear_answer_and_leaves_nothing(
    db: Database, tmp_path: Path, make: Make, answer: str, keep_going: bool
) -> None:
    path = make(tmp_path)
    before = sorted(tmp_path.iterdir())
    peak = memory()
    one_of_several = keep_going and answer.startswith("line ") and make not in (endless, bomb)
    if one_of_several:
        (file,) = (await import_paths(db, [path], keep_going=True)).conversations
        assert (file.imported + file.known, file.bad) == (len(path.read_bytes().splitlines()) - 1, 1)
        assert file.bad_file is not None and Path(file.bad_file).exists()
        return
    with pytest.raises(TraintuiError, match=answer) as caught:
        await import_paths(db, [path], keep_going=keep_going)
    assert caught.value.remedy and "\n" not in caught.value.message and len(caught.value.message) < 600
    assert sorted(tmp_path.iterdir()) == before
    assert await conversations.count(db) == 0
    assert await fetch(db, "SELECT FROM imports UNION ALL SELECT FROM review_logs") == []
    assert memory() - peak < 150


async def test_good_files_beside_a_bad_one_are_not_written_either(db: Database, tmp_path: Path) -> None:
    fine = tmp_path / "fine.jsonl"
    fine.write_bytes(FINE)
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(FINE + b"\n{")
    with pytest.raises(TraintuiError, match="line 2"):
        await import_paths(db, [fine, broken])
    assert await conversations.count(db) == 0


async def test_a_folder_that_is_not_writable_keeps_nobody_from_importing_what_is_good(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(lines_of(FINE, b"{"))
    opening = Path.open

    def refused(self: Path, *given: Any, **named: Any) -> Any:
        if self.name == "set.bad.jsonl":
            raise PermissionError(13, "Permission denied")
        return opening(self, *given, **named)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(TraintuiError, match=r"cannot be written beside it.*Permission denied"):
        await import_paths(db, [path], keep_going=True)
    assert await conversations.count(db) == 0
