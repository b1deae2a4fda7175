"""An import whose process is killed is finished or removed by the next one; one that is interrupted removes itself."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from homes import furnished_home
from traintui.data.embedded import SUPERUSER, EmbeddedServer

ROWS = 3_000
pytestmark = pytest.mark.xdist_group("homes")


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """A workspace of its own, with a server that this test keeps running."""
    with tempfile.TemporaryDirectory(prefix="tk-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        embedded = EmbeddedServer(furnished_home(Path(directory) / "home"), durable=False)
        embedded.start()
        yield embedded
        embedded.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Conversations that take some seconds to store, and have little in common."""
    path = tmp_path / "chats.jsonl"
    with path.open("w") as out:
        for number in range(ROWS):
            words = [hashlib.sha256(f"{number} {each}".encode()).hexdigest()[:8] for each in range(12)]
            messages = [{"role": "user", "content": " ".join(words)}, {"role": "assistant", "content": "Yes."}]
            out.write(json.dumps({"messages": messages}) + "\n")
    return path


def command(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "traintui", "import", *arguments], stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TRAINTUI_HOME": str(home)},
        # Whoever runs the tests in the background may leave interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def run(home: Path, *arguments: str) -> str:
    process = command(home, *arguments)
    out, errors = process.communicate(timeout=180)
    assert process.returncode == 0 and "Traceback" not in errors, errors
    return out + errors


def value(server: EmbeddedServer, statement: str) -> Any:
    with psycopg.connect(server.conninfo(SUPERUSER), autocommit=True) as connection:
        found = connection.execute(statement.encode())
        row = found.fetchone() if found.description else None
        return row[0] if row else None


def when_under_way(server: EmbeddedServer, process: subprocess.Popen[str]) -> None:
    """Returns once a part of the import is stored, and not all of it."""
    deadline = time.monotonic() + 180
    while not value(server, "SELECT passed FROM imports WHERE passed > 0"):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)


def killed(server: EmbeddedServer, file: Path) -> None:
    """An import in the middle of which its process was killed, so long ago that its lease is over."""
    process = command(server.home, str(file))
    when_under_way(server, process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=180)
    assert 0 < value(server, "SELECT passed FROM imports") < ROWS
    value(server, "UPDATE imports SET lease_until = now()")


def test_what_was_killed_is_named_by_the_next_import_and_finished_as_it_was_begun(
    server: EmbeddedServer, file: Path, tmp_path: Path
) -> None:
    killed(server, file)
    other = tmp_path / "other.md"
    other.write_text("# Fees\n\nA late payment costs $25.\n")
    assert "was cut off at" in run(server.home, str(other))
    said = run(server.home, "--unfinished", "finish")
    assert f"{ROWS} new, 0 known" in said
    assert value(server, "SELECT count(*) FROM conversations") == ROWS
    assert value(server, "SELECT string_agg(state, ' ') FROM imports") == "done"
    assert value(server, "SELECT count(DISTINCT details->>'line') FROM review_logs WHERE action = 'import'") == ROWS


def test_what_was_killed_is_removed_as_a_whole(server: EmbeddedServer, file: Path) -> None:
    killed(server, file)
    assert "Removed again" in run(server.home, "--unfinished", "remove")
    for table in ("conversations", "conversation_turns", "conversation_revisions", "search_turns", "import_items"):
        assert value(server, f"SELECT count(*) FROM {table}") == 0, table
    assert value(server, "SELECT state FROM imports") == "removed"


def test_an_interrupt_removes_what_came_in(server: EmbeddedServer, file: Path) -> None:
    process = command(server.home, str(file))
    when_under_way(server, process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=180)
    assert process.returncode != 0 and "Traceback" not in errors, errors
    assert value(server, "SELECT count(*) FROM conversations") == 0
    assert value(server, "SELECT state FROM imports") == "removed"
