"""Closing the app while a batch runs: the worker goes on, or ends after what is under way, and is found again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from e2e.terminal import Terminal, needs_tmux
from e2e.test_loop import command, furnish, query
from held import HeldRehearsal
from traintui.data.embedded import EmbeddedServer
from traintui.generation.rehearsal import Pace, RehearsalServer

pytestmark = [needs_tmux, pytest.mark.xdist_group("terminal")]
Open = Callable[..., Terminal]
DONE = "SELECT count(*) FROM generation_items WHERE state = 'done'"
WORKERS = "SELECT pid FROM workers WHERE ended_at IS NULL"


async def begun(terminal: Open, place: Path, environment: dict[str, str]) -> Terminal:
    """The app on Generate, with a batch of 12 of which the first calls are under way."""
    await furnish(place, environment)
    app = await asyncio.to_thread(terminal, cwd=place, environment=environment)
    await asyncio.to_thread(app.shows, "Careful planner")
    home = Path(environment["TRAINTUI_HOME"])
    calls = "SELECT count(*) FROM generation_logs WHERE state = 'sending'"
    await asyncio.to_thread(app.until, lambda _: query(home, calls) > [(0,)], "calls under way")
    return app


async def ended(home: Path, pid: int) -> None:
    """Waits until a process and the embedded server of a home have ended."""
    deadline = time.monotonic() + 180
    server = EmbeddedServer(home)
    while psutil.pid_exists(pid) or server.running():
        assert time.monotonic() < deadline, f"worker {psutil.pid_exists(pid)}, server {server.running()}"
        await asyncio.sleep(0.05)


async def test_a_worker_that_is_left_running_writes_all_of_it_is_found_again_and_ends_by_itself_with_its_database(
    terminal: Open, place: Path
) -> None:
    home = place / "home"
    async with HeldRehearsal() as server:
        environment = {"TRAINTUI_HOME": str(home), "TRAINTUI_API_BASE_URL": server.url}
        app = await begun(terminal, place, environment)
        ((pid,),) = await asyncio.to_thread(query, home, WORKERS)
        app.press("q")
        await asyncio.to_thread(app.shows, "still running", "The worker goes on without the app")
        app.press("l")
        await asyncio.to_thread(app.shows, "left with 0")
        assert psutil.pid_exists(int(str(pid))) and EmbeddedServer(home).running()
        before = (await asyncio.to_thread(query, home, DONE))[0]
        again = await asyncio.to_thread(terminal, cwd=place, environment=environment)
        again.press("3")
        await asyncio.to_thread(again.shows, "being written")
        server.let_go(1)
        await asyncio.to_thread(again.until, lambda _: query(home, DONE)[0] > before, "that it goes on")
        assert await asyncio.to_thread(query, home, WORKERS) == [(pid,)], "a second worker was started"
        again.press("q")
        await asyncio.to_thread(again.shows, "still running")
        again.press("l")
        await asyncio.to_thread(again.shows, "left with 0")
        server.let_all_go()
        await ended(home, int(str(pid)))
        last = await asyncio.to_thread(terminal, cwd=place, environment=environment)
        await asyncio.to_thread(last.shows, "While you were away", "generated", "Trial finished", "3 shows it")
        assert await asyncio.to_thread(query, home, DONE) == [(12,)]
        last.press("3")
        await asyncio.to_thread(last.shows, "While you were away", "● finished")
        last.press("1")
        await asyncio.to_thread(last.until, lambda screen: "away" not in screen, "the screen without what was seen")
        last.press("q")
        await asyncio.to_thread(last.shows, "left with 0")
        assert not EmbeddedServer(home).running()


async def test_a_worker_that_is_to_stop_ends_its_calls_and_begins_no_other_and_the_wish_is_remembered(
    terminal: Open, place: Path
) -> None:
    home, config = place / "home", place / "config.toml"
    config.write_text('theme = "light"\n\n[keymap]\n"review.approve" = "y"\n')
    async with HeldRehearsal() as server:
        environment = {
            "TRAINTUI_HOME": str(home), "TRAINTUI_API_BASE_URL": server.url, "TRAINTUI_CONFIG": str(config),
        }  # fmt: skip
        app = await begun(terminal, place, environment)
        ((pid,),) = await asyncio.to_thread(query, home, WORKERS)
        app.press("q")
        await asyncio.to_thread(app.shows, "□ Do the same each time")
        app.press("Space")
        await asyncio.to_thread(app.shows, "■ Do the same each time")
        app.press("s")
        await asyncio.to_thread(app.shows, "left with 0")
        server.let_all_go()
        await ended(home, int(str(pid)))
        asked = [request for request in server.requests if request.path == "/v1/messages"]
        assert 0 < len(asked) < 12
    assert config.read_text() == 'worker_on_quit = "stop"\ntheme = "light"\n\n[keymap]\n"review.approve" = "y"\n'
    with EmbeddedServerOf(home) as conninfo, psycopg.connect(conninfo) as connection:
        states = connection.execute("SELECT state, count(*)::int FROM generation_logs GROUP BY 1").fetchall()
        assert states == [("ok", len(asked))], "what was under way was paid for and is there"
        assert connection.execute("SELECT state FROM batches").fetchall() == [("interrupted",)]


async def test_a_worker_that_is_killed_is_followed_by_another_and_a_batch_from_the_command_line_finds_one(
    terminal: Open, place: Path
) -> None:
    home = place / "home"
    async with RehearsalServer(port=0, pace=Pace(tokens_per_second=100)) as server:
        environment = {"TRAINTUI_HOME": str(home), "TRAINTUI_API_BASE_URL": server.url}
        app = await begun(terminal, place, environment)
        ((pid,),) = await asyncio.to_thread(query, home, WORKERS)
        os.kill(int(str(pid)), signal.SIGKILL)
        await asyncio.to_thread(app.shows, "Worker ended", "It ended by signal 9")
        server.pace = Pace(0)
        await asyncio.to_thread(app.until, lambda _: query(home, DONE) == [(12,)], "that another writes the rest")
        assert (pid,) not in await asyncio.to_thread(query, home, WORKERS)
        ((other,),) = await asyncio.to_thread(query, home, WORKERS)
        os.kill(int(str(other)), signal.SIGTERM)
        await asyncio.to_thread(app.until, lambda _: query(home, WORKERS) == [], "that the worker ends")
        await asyncio.to_thread(command, place, environment, "generate", "--plan", "plan.toml")
        await asyncio.to_thread(
            app.until, lambda _: query(home, DONE) == [(24,)], "the batch that was queued elsewhere"
        )
        app.press("q")
        await asyncio.to_thread(app.shows, "left with 0")


class EmbeddedServerOf:
    """The server of a home for a block."""

    def __init__(self, home: Path) -> None:
        self.server = EmbeddedServer(home)

    def __enter__(self) -> str:
        from traintui.data import users

        self.server.start()
        return self.server.conninfo(users.own_login())

    def __exit__(self, *_: object) -> None:
        self.server.stop()
