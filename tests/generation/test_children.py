"""The children of the app: they end with it unless it leaves them, and one that runs already is found."""

from __future__ import annotations

import os
import subprocess
import sys
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


def test_only_a_worker_is_taken_for_one(tmp_path: Path) -> None:
    crew = Crew(Settings(home=tmp_path))
    crew.find([os.getpid()])
    assert not crew.working
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert Found.worker(ended.pid) is None


async def test_without_an_attachment_nobody_listens_to_standard_input() -> None:
    async with orders(attached=False) as given:
        assert isinstance(given, Orders)
        assert not (given.stop.is_set() or given.stay.is_set() or given.finish.is_set())
