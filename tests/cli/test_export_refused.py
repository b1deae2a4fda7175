"""What stands in the way of an export is answered once by the command, and nothing of it is left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from commanded import Command, command_for
from small_disks import close, mounted
from support import approved, fresh_database, import_items, logged_in, turns_of
from traintui.data.embedded import EmbeddedServer

Make = Callable[[Path], list[str]]
LONG = "word " * 8_000


@pytest.fixture(scope="module")
def workspace(server: EmbeddedServer) -> Iterator[str]:
    """A workspace with six approved conversations of 40 kB each."""
    with fresh_database(server) as name:
        yield server.conninfo("ada", name)


@pytest.fixture
async def command(workspace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`traintui` and some words."""
    async with logged_in(workspace) as db:
        if made := await import_items(db, [{"line": n, "turns": turns_of(f"{n}?", LONG)} for n in range(1, 7)]):
            await approved(db, *made)
    return command_for(workspace, monkeypatch, capsys)


def out(name: str, *options: str) -> Make:
    return lambda folder: ["--out", str(folder / name), *options]


def loop(folder: Path) -> list[str]:
    (folder / "loop.jsonl").symlink_to("loop.jsonl")
    return ["--out", str(folder / "loop.jsonl")]


def there(folder: Path) -> list[str]:
    (folder / "there.jsonl").write_text("mine")
    return ["--out", str(folder / "there.jsonl")]


def below_a_file(folder: Path) -> list[str]:
    return ["--out", f"{there(folder)[1]}/a.jsonl"]


CASES: list[tuple[str, Make, str]] = [
    ("a file as a directory", below_a_file, "is a file, and no directory"),
    ("a symlink loop", loop, "leads to itself"),
    ("a file that is there", there, "there already"),
    ("a name that says nothing", out("a.txt"), "what kind of file"),
    ("a format that is none", out("a.jsonl", "--format", "gpt"), 'no format "gpt"'),
    ("a file that cannot hold it", out("a.csv", "--format", "trl"), "does not go into csv"),
    ("nothing that matches", out("a.jsonl", "--filter", "tier:edge_case"), "no approved conversation"),
    ("a mistake in the filter", out("a.jsonl", "--filter", "personna:x"), "personna"),
    ("no row", out("a.jsonl", "--format", "trl-dpo"), "no row to write: 0 of 6 pass; 6 give no row"),
    ("what is too long", out("a.jsonl", "--format", "trl", "--if-cut", "stop"), "6 of the conversations.*too long"),
    ("a share that is none", out("a.jsonl", "--eval-share", "1.5"), "is no share"),
    ("sides that are none", out("a.jsonl", "--eval-share", "0.1", "--sides", "/nowhere"), "no sides to keep"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "answer"), [pytest.param(make, answer, id=name) for name, make, answer in CASES])
def test_each_has_one_clear_answer_and_leaves_nothing(
    command: Command, workspace: str, tmp_path: Path, make: Make, answer: str
) -> None:
    refused_and_nothing_left(command, workspace, tmp_path, make(tmp_path), answer)


@pytest.mark.parametrize(("closed", "answer"), [(False, "No space left"), (True, "may not write")])
def test_a_disk_that_fills_up_or_that_nobody_may_write_to_keeps_what_was_there(
    command: Command, workspace: str, tmp_path: Path, closed: bool, answer: str
) -> None:
    with mounted(tmp_path / "disk", "size=96k") as disk:
        (disk / "a.jsonl").write_text("mine")
        if closed:
            close(disk)
        refused_and_nothing_left(command, workspace, disk, ["--out", str(disk / "a.jsonl"), "--overwrite"], answer)
        assert (disk / "a.jsonl").read_text() == "mine"


def refused_and_nothing_left(command: Command, workspace: str, folder: Path, words: list[str], answer: str) -> None:
    before = sorted(folder.rglob("*"))
    code, printed, told = command("export", *words)
    assert (code, printed) == (1, "") and "Traceback" not in told
    what, remedy = told.splitlines()
    assert what.startswith("traintui: ") and remedy.endswith(".") and re.search(answer, what), told
    assert sorted(folder.rglob("*")) == before
    with closing(psycopg.connect(workspace)) as connection:
        states = {state for (state,) in connection.execute("SELECT DISTINCT state FROM export_logs")}
    assert "succeeded" not in states
