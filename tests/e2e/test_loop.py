"""The app as people use it: a terminal, keys, and what the screen says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from e2e.terminal import Terminal, needs_tmux
from homes import furnished_home
from traintui.data import users
from traintui.data.embedded import EmbeddedServer
from traintui.generation.rehearsal import Pace, RehearsalServer

pytestmark = [needs_tmux, pytest.mark.xdist_group("terminal")]
Open = Callable[..., Terminal]


def query(home: Path, statement: str) -> list[tuple[object, ...]]:
    """What the embedded database of a running app answers."""
    with psycopg.connect(EmbeddedServer(home).conninfo(users.own_login())) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_the_demo_shows_conversations_arriving_takes_a_decision_and_writes_a_file(terminal: Open, place: Path) -> None:
    home = place / "home"
    app = terminal("demo", "--home", str(home), cwd=place, environment={})
    app.shows("Conversations", "Review", "Generate")
    app.shows("DEMO", "to review")
    app.press("2")
    app.shows("User", "Assistant")
    app.press_until("a", lambda _: query(home, "SELECT FROM review_logs WHERE action = 'approve'") != [], "an approval")
    app.press_until("x", lambda screen: "Not grounded in the source" in screen, "the reasons")
    app.press("1")
    app.until(lambda _: query(home, "SELECT reason FROM review_logs WHERE action = 'reject'") != [], "a rejection")
    app.press("u")
    app.until(lambda _: query(home, "SELECT count(*) FROM review_logs WHERE action = 'undo'") == [(1,)], "an undo")
    app.press("C-e")
    app.shows("traintui-export")
    app.press("C-s")
    app.shows("SHA-256")
    (written,) = place.glob("*.jsonl")
    for line in written.read_text(encoding="utf-8").splitlines():
        roles = [message["role"] for message in json.loads(line)["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
    app.press("Escape")
    app.until(lambda screen: "traintui-export" not in screen, "the screen without the dialog")
    app.press("q")
    app.shows("left with 0")
    assert not EmbeddedServer(home).running()


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (160, 45)])
def test_every_screen_opens_and_says_what_it_is_for(terminal: Open, place: Path, columns: int, lines: int) -> None:
    app = terminal("demo", cwd=place, environment={}, columns=columns, lines=lines)
    app.shows("DEMO", "to review")
    for key, texts in {"2": ("User",), "3": ("Member questions",), "4": ("generate",), "5": ("PostgreSQL",)}.items():
        app.press(key)
        app.shows(*texts)
    app.press("?")
    app.shows("Everywhere")
    app.press("Escape")
    app.until(lambda screen: "Everywhere" not in screen, "the screen without the help")
    app.press("q")
    app.shows("left with 0")


def test_a_terminal_that_is_too_small_is_an_answer(terminal: Open, place: Path) -> None:
    app = terminal(cwd=place, environment={"TRAINTUI_HOME": str(place / "home")}, columns=79, lines=23)
    app.shows("Terminal too small", "80 by 24", "left with 1")


@pytest.mark.parametrize("restarts", [False, True], ids=["the app", "the machine"])
async def test_after_a_kill_no_call_lacks_its_row_and_the_app_goes_on_with_the_batch(
    terminal: Open, place: Path, restarts: bool
) -> None:
    home = place / "home"
    async with RehearsalServer(port=0, pace=Pace(tokens_per_second=30)) as server:
        environment = {"TRAINTUI_HOME": str(home), "TRAINTUI_API_BASE_URL": server.url}
        await furnish(place, environment)
        app = await asyncio.to_thread(terminal, cwd=place, environment=environment)
        # The app takes up the batch that is queued.
        await asyncio.to_thread(app.shows, "Careful planner")
        calls = "SELECT count(*) FROM generation_logs WHERE state = 'sending'"
        await asyncio.to_thread(app.until, lambda _: query(home, calls) > [(1,)], "calls under way")
        children = psutil.Process(app.pid).children(recursive=True)
        workers = [child for child in children if "worker" in child.cmdline()]
        gone = [app.pid]
        if restarts:
            database = psutil.Process(int(next(home.glob("postgres/*/postmaster.pid")).read_text().split()[0]))
            gone += [each.pid for each in (*workers, database, *database.children())]
        for pid in gone:
            with contextlib.suppress(ProcessLookupError):  # some go with the one before
                os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(app.shows, "left with 137")
        # A worker that still ends its calls would be taken for one that goes on.
        assert workers and not (await asyncio.to_thread(psutil.wait_procs, workers, 120))[1]
        server.pace = Pace(0)
        again = await asyncio.to_thread(terminal, cwd=place, environment=environment)
        await asyncio.to_thread(again.shows, "to review")
        again.press("3")
        await asyncio.to_thread(again.shows, "Trial")
        done = "SELECT count(*) FROM generation_items WHERE state = 'done'"
        await asyncio.to_thread(again.until, lambda _: query(home, done) == [(12,)], "12 that are done")
        asked = {request.request_id for request in server.requests if request.path == "/v1/messages"}
        rows = await asyncio.to_thread(query, home, "SELECT request_id, state FROM generation_logs")
        assert len(rows) >= len(asked)
        states = [state for _, state in rows]
        assert "sending" not in states and ("unknown" in states or not restarts)
        assert len(rows) - states.count("unknown") == len(asked & {key for key, _ in rows})
        again.press("q")
        await asyncio.to_thread(again.shows, "left with 0")


def command(place: Path, environment: dict[str, str], *arguments: str) -> str:
    """What a command of Traintui prints."""
    return subprocess.run(
        [sys.executable, "-m", "traintui", *arguments],
        cwd=place, env={**os.environ, **environment}, check=True, capture_output=True, text=True, timeout=180,
    ).stdout  # fmt: skip


async def furnish(place: Path, environment: dict[str, str]) -> None:
    """A workspace with a document, a vocabulary of one value each, and a batch of 12 in the queue."""
    (place / "fees.md").write_text("# Fees\n\n## Late payment\n\nA payment that is ten days late costs $25.\n")
    words = ("persona", "emotion", "topic", "intent", "tone")
    (place / "plan.toml").write_text('name = "Trial"\ncount = 12\nexchanges = [2, 2]\nslots = 2\n')

    def prepare() -> None:
        server = EmbeddedServer(furnished_home(Path(environment["TRAINTUI_HOME"]), durable=True))
        server.start()
        command(place, environment, "import", "fees.md")
        with psycopg.connect(server.conninfo(users.own_login())) as connection:
            for word in words:
                connection.execute("INSERT INTO vocabulary (dimension, value, label) VALUES (%s, 'v', 'V')", [word])
        assert re.search("queued", command(place, environment, "generate", "--plan", "plan.toml"))
        server.stop()

    await asyncio.to_thread(prepare)
