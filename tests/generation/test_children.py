"""The children of the app: they end with it unless it leaves them, and one that runs already is found."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from traintui.generation.children import Crew
from traintui.processes import Child, Found, Orders, Parting, orders
from traintui.settings import Settings

LISTENING = """
import asyncio
from traintui.processes import orders
async def main():
    async with orders(attached=True) as given:
        print("ready", flush=True)
        events = {"stop": given.stop, "stay": given.stay, "finish": given.finish}
        waiting = {asyncio.create_task(event.wait(), name=name) for name, event in events.items()}
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        open(PATH, "w").write(",".join(task.get_name() for task in done))
asyncio.run(main())
"""


def listening(path: Path) -> Child:
    """A process that writes down what it was asked, as a child."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"PATH = {str(path)!r}{LISTENING}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    return Child(process, "listener", path.with_suffix(".log"))


@pytest.mark.parametrize("parting", ["stay", "finish"])
async def test_a_child_that_is_left_knows_how_to_go_on(tmp_path: Path, parting: Parting) -> None:
    child = listening(tmp_path / "asked")
    assert await child.first_line() == "ready"
    child.leave(parting)
    assert await child.wait() == 0
    assert (tmp_path / "asked").read_text() == parting


async def test_a_child_whose_parent_leaves_without_a_word_stops(tmp_path: Path) -> None:
    child = listening(tmp_path / "asked")
    await child.first_line()
    child.let_go()
    assert await child.wait() == 0
    assert (tmp_path / "asked").read_text() == "stop"


async def test_a_worker_that_was_found_is_asked_to_finish_by_a_signal(tmp_path: Path) -> None:
    child = listening(tmp_path / "asked")
    await child.first_line()
    found = Found(psutil.Process(child.pid))
    await found.stop()
    assert found.running, "it is not ours to end"
    found.leave("finish")
    assert await child.wait() == 0
    assert (tmp_path / "asked").read_text() == "finish" and not found.running
    child.let_go()


# Found again --------------------------------------------------------------------------------------------------------

APP = """
import asyncio, sys
from pathlib import Path
from traintui.processes import Child
async def main():
    child = await Child.start("worker", environment={}, log=Path(LOG))
    print(child.pid, flush=True)
    sys.stdin.readline()
    child.leave("stay")
asyncio.run(main())
"""
WORKER = (sys.executable, "-m", "traintui", "worker")


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database that says nothing, so that a worker waits for it and does not end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("TRAINTUI_DATABASE_URL", f"postgresql://127.0.0.1:{server.getsockname()[1]}/none")
        monkeypatch.setenv("TRAINTUI_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
        yield


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process for a block."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_worker_is_found_once_its_app_is_gone_and_not_while_that_is_open(tmp_path: Path, silent: None) -> None:
    log = tmp_path / "worker.log"
    with running(sys.executable, "-c", f"LOG = {str(log)!r}{APP}") as app:
        assert app.stdout is not None
        pid = int(app.stdout.readline())
        crew = Crew(Settings(home=tmp_path))
        try:
            crew.find([pid])
            assert not crew.working, "it belongs to an app that is open"
            app.communicate(b"\n")
            crew.find([pid])
            assert crew.working, log.read_text()
        finally:
            psutil.Process(pid).kill()


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(WORKER, id="a service that somebody started by hand"),
        pytest.param((*WORKER, "--attached"), id="a child of what is no app"),
        pytest.param((sys.executable, "-c", "input()", "worker", "--attached"), id="a worker of another program"),
    ],
)
def test_what_no_app_left_behind_is_not_taken_for_a_worker_of_one(
    tmp_path: Path, silent: None, command: tuple[str, ...]
) -> None:
    with running(*command) as process:
        crew = Crew(Settings(home=tmp_path))
        crew.find([process.pid])
        assert not crew.working and process.poll() is None


async def test_a_worker_that_has_ended_is_neither_found_nor_asked_for_anything(tmp_path: Path) -> None:
    child = listening(tmp_path / "asked")
    found = Found(psutil.Process(child.pid))
    await child.stop()
    found.leave("finish")
    assert Found.worker(child.pid) is None and not found.running


class Forbidding(psutil.Process):
    """A process of somebody else, which the system lets nobody signal."""

    def send_signal(self, sig: int) -> None:
        raise psutil.AccessDenied(self.pid)


def test_a_worker_that_may_not_be_signalled_keeps_nobody_from_leaving() -> None:
    Found(Forbidding(os.getpid())).leave("finish")


async def test_without_an_attachment_nobody_listens_to_standard_input() -> None:
    async with orders(attached=False) as given:
        assert isinstance(given, Orders)
        assert not (given.stop.is_set() or given.stay.is_set() or given.finish.is_set())
