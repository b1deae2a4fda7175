"""What a window had open that died is free at once; one that lives keeps it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

from support import fetch, imported
from traintui.data import reservations
from traintui.data.engine import Database
from traintui.outbox.kept import folder_of
from traintui.windows import OpenWindow, open_window

THERE = uuid4()
LIVING = """
import sys
from pathlib import Path
from uuid import UUID

from traintui.windows import OpenWindow

OpenWindow(Path(sys.argv[1]), UUID(sys.argv[2])).open()
print("open", flush=True)
sys.stdin.read()
"""


def another(folder: Path, window_id: UUID) -> subprocess.Popen[str]:
    """A process with a window of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", LIVING, str(folder), str(window_id)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    return process


async def held_by(db: Database) -> list[UUID]:
    return [row[0] for row in await fetch(db, "SELECT DISTINCT window_id FROM reservations")]


async def test_only_the_dead_lose_what_they_had(db: Database, tmp_path: Path) -> None:
    folder = tmp_path / "windows" / folder_of(tmp_path, db.conninfo, db.login).name
    await reservations.reserve(db, THERE, await imported(db, 2), 2)
    process = another(folder, THERE)
    try:
        (await open_window(db, tmp_path, uuid4())).close()
        assert await held_by(db) == [THERE]
        process.send_signal(signal.SIGKILL)
        process.wait()
        (await open_window(db, tmp_path, uuid4())).close()
        assert await held_by(db) == []
    finally:
        process.kill()
        process.communicate()
    assert not list(folder.glob("*.window"))


async def test_nobody_frees_what_another_person_has(db: Database, reviewer_db: Database, tmp_path: Path) -> None:
    await reservations.reserve(reviewer_db, THERE, await imported(db, 1), 1)
    folder = tmp_path / "windows" / folder_of(tmp_path, db.conninfo, db.login).name
    folder.mkdir(parents=True)
    (folder / f"{THERE}.window").touch()
    (await open_window(db, tmp_path, uuid4())).close()
    assert await held_by(db) == [THERE]


def test_what_is_no_window_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.window").write_text("mine")
    window = OpenWindow(tmp_path, uuid4())
    assert window.open() == ()
    window.close()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.window"]
