"""Where an export goes: what is wrong with a place is said, and nothing half written is left there."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from small_disks import close, mounted
from support import approved, import_items, imported, newest_exports, turns_of
from traintui.data import exports
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.export.fileset import FileSet, checked_place
from traintui.export.write import export_conversations

HANGS = """
import asyncio, sys, time
from pathlib import Path
from traintui.data.engine import Database, make_engine
from traintui.export.request import ExportRequest
from traintui.export.write import run_export

def hang(done, total):
    print("middle", flush=True)
    time.sleep(600)

async def main():
    db = Database(make_engine(sys.argv[1], pooled=False), sys.argv[1], "test", "ada", "admin")
    await run_export(db, ExportRequest(Path(sys.argv[2]), overwrite=True), on_progress=hang)

asyncio.run(main())
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 96 kB."""
    with mounted(tmp_path / "small", "size=96k") as place:
        yield place


async def many(db: Database, number: int = 60) -> None:
    await approved(db, *await imported(db, number))


async def test_a_disk_that_fills_up_keeps_the_old_file_and_says_so(db: Database, small_disk: Path) -> None:
    long = [{"turns": turns_of(f"Question {number}?", "word " * 4_000), "line": number} for number in range(1, 9)]
    await approved(db, *await import_items(db, long))
    path = small_disk / "out.jsonl"
    path.write_text("mine")
    with pytest.raises(TraintuiError, match="No space left"):
        await export_conversations(db, path=path, overwrite=True)
    assert path.read_text() == "mine" and list(small_disk.iterdir()) == [path]
    assert [entry.state for entry in await newest_exports(db)] == ["failed"]


async def test_a_disk_that_nobody_may_write_to_is_named_before_anything_is_recorded(
    db: Database, small_disk: Path
) -> None:
    await many(db, 1)
    close(small_disk)
    for place in ("out.jsonl", "new/folder/out.jsonl"):
        with pytest.raises(TraintuiError, match=r"you may not write in .*small"):
            await export_conversations(db, path=small_disk / place)
    assert list(small_disk.iterdir()) == [] and await newest_exports(db) == ()


async def test_a_killed_export_leaves_the_old_file_and_no_success_and_the_next_one_cleans_up(
    db: Database, tmp_path: Path
) -> None:
    await many(db)
    path = tmp_path / "out.jsonl"
    path.write_text("mine")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HANGS, db.conninfo, path, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None and await child.stdout.readline() == b"middle\n"
    child.kill()
    await child.wait()
    assert path.read_text() == "mine" and any(left.suffix == ".part" for left in tmp_path.iterdir())
    (entry,) = await newest_exports(db)
    assert entry.state in {"under way", "silent"}  # the lease of the dead ends by itself
    await export_conversations(db, path=path, overwrite=True)
    assert {left.name for left in tmp_path.iterdir()} == {"out.jsonl", "out.manifest.json", "README.md"}


async def test_what_another_export_is_writing_stays(tmp_path: Path) -> None:
    with FileSet(tmp_path) as first, FileSet(tmp_path) as second:
        first.add("out.jsonl")
        second.add("out.jsonl")
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


async def test_a_link_that_leads_to_itself_is_named(db: Database, tmp_path: Path) -> None:
    link = tmp_path / "out.jsonl"
    link.symlink_to(link)
    await many(db, 1)
    with pytest.raises(TraintuiError, match="leads to itself"):
        await export_conversations(db, path=link)
    assert await newest_exports(db) == ()


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    real.write_text("mine")
    link.symlink_to(real)
    assert checked_place(link) == real


@pytest.mark.parametrize(("name", "says"), [("", "is a directory"), ("file/out.jsonl", "no directory")])
def test_what_is_no_place_for_a_file_is_said(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(TraintuiError, match=says):
        checked_place(tmp_path / name)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(TraintuiError, match="is no file"):
        checked_place(tmp_path / "pipe.jsonl")


async def test_a_place_that_is_closed_to_us_is_said(db: Database) -> None:
    await approved(db, *await imported(db, 1))
    with pytest.raises(TraintuiError, match=r"cannot be written|may not write"):
        await export_conversations(db, path=Path("/proc/traintui/out.jsonl"))  # closed to root too
    assert "succeeded" not in [entry.state for entry in await newest_exports(db)]


async def test_directories_are_made_and_those_of_an_export_that_fails_go_again(db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 1))
    path = tmp_path / "a" / "b" / "out.jsonl"
    await export_conversations(db, path=path)
    assert len(path.read_text().splitlines()) == 1
    with FileSet(tmp_path / "c" / "d") as files:
        files.add_text("x", "y")
    assert not (tmp_path / "c").exists()


async def test_every_file_is_asked_about(db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 1))
    (tmp_path / "out.manifest.json").write_text("mine")
    with pytest.raises(TraintuiError, match=r"out\.manifest\.json is there already"):
        await export_conversations(db, path=tmp_path / "out.jsonl")


async def test_a_readme_of_somebody_else_stays(db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 1))
    (tmp_path / "README.md").write_text("# Mine\n")
    for _ in range(2):
        await export_conversations(db, path=tmp_path / "out.jsonl", overwrite=True)
    assert (tmp_path / "README.md").read_text() == "# Mine\n" and (tmp_path / "out.README.md").exists()
    (tmp_path / "README.md").unlink()
    for _ in range(2):
        await export_conversations(db, path=tmp_path / "out.jsonl", overwrite=True)
    assert "out.jsonl" in (tmp_path / "README.md").read_text()


async def test_a_dataset_info_of_others_gets_our_entry(db: Database, tmp_path: Path) -> None:
    await approved(db, *await imported(db, 1))
    (tmp_path / "dataset_info.json").write_text('{"theirs": {"file_name": "x"}}')
    await export_conversations(db, path=tmp_path / "ours.jsonl", format="llama-factory")
    assert set(json.loads((tmp_path / "dataset_info.json").read_text())) == {"theirs", "ours"}
    (tmp_path / "dataset_info.json").write_text("[")
    with pytest.raises(TraintuiError, match="holds no JSON object"):
        await export_conversations(db, path=tmp_path / "more.jsonl", format="llama-factory")
    assert not (tmp_path / "more.jsonl").exists()


async def test_a_success_that_cannot_be_recorded_brings_the_old_file_back(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await approved(db, *await imported(db, 1))
    path = tmp_path / "out.jsonl"
    path.write_text("mine")
    real = exports.record

    async def refuses(database: Database, export_id: str, state: exports.LoggedState, **rest: object) -> None:
        if state == "succeeded":
            raise TraintuiError("Away", "The database is away.", "Wait.")
        await real(database, export_id, state, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(exports, "record", refuses)
    with pytest.raises(TraintuiError, match="is away"):
        await export_conversations(db, path=path, overwrite=True)
    assert path.read_text() == "mine" and list(tmp_path.iterdir()) == [path]
    assert [entry.state for entry in await newest_exports(db)] == ["failed"]
