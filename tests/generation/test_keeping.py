"""A worker runs beside the app while something waits for one, and no end of workers is started where each fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import add_vocabulary, planned
from traintui.data import work
from traintui.data.engine import Database
from traintui.generation import keeping
from traintui.generation.children import Crew
from traintui.generation.keeping import Keeper
from traintui.generation.rehearsal import RehearsalServer
from traintui.processes import Child
from traintui.settings import Settings


def ending(code: int) -> subprocess.Popen[bytes]:
    """A process that ends with a code once it is told to."""
    command = [sys.executable, "-c", f"import sys; sys.stdin.readline(); sys.exit({code})"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


class Kept:
    """A keeper whose workers are processes that end at once with a code of their own."""

    def __init__(self, home: Path, url: str) -> None:
        self.crew = Crew(Settings(home=home, api_base_url=url))
        self.keeper = Keeper(self.crew, self._ensure, lambda said, bad: self.said.append((said, bad)))
        self.said: list[tuple[str, bool]] = []
        self.code = 0
        self.started = 0
        self.home = home

    async def _ensure(self) -> None:
        self.started += 1
        self.crew._worker = Child(ending(self.code), "worker", self.home / "worker.log")

    async def ends(self, db: Database) -> None:
        """A look while a worker runs, and one when it has ended."""
        child = self.crew._worker
        assert isinstance(child, Child)
        await self.keeper.look(db)
        child.leave("stay")
        await child.wait()
        await self.keeper.look(db)


async def test_what_is_queued_gets_a_worker_and_where_nothing_is_none_is_started(db: Database, tmp_path: Path) -> None:
    async with RehearsalServer(port=0) as server:
        kept = Kept(tmp_path, server.url)
        await kept.keeper.look(db)
        await add_vocabulary(db)
        await planned(db)
        await kept.keeper.look(db)
        assert kept.started == 0, "what a real provider is to write is none of the rehearsal's"
        await planned(db, is_rehearsal=True)
        await kept.keeper.look(db)
        await kept.keeper.look(db)
        assert kept.started == 1
        await kept.crew.stop()


async def test_one_that_was_asked_to_end_stays_ended_until_a_batch_is_queued_anew(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    await planned(db, is_rehearsal=True)
    async with RehearsalServer(port=0) as server:
        kept = Kept(tmp_path, server.url)
        await kept.keeper.look(db)
        await work.take_up_batches(db, is_rehearsal=True)
        await kept.ends(db)
        await kept.keeper.look(db)
        assert kept.started == 1 and kept.said == []
        await planned(db, is_rehearsal=True)
        await kept.keeper.look(db)
        assert kept.started == 2
        await kept.crew.stop()


async def test_workers_that_fail_at_once_are_followed_by_so_many_and_then_by_none(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PAUSES", (0.0, 0.0))
    await add_vocabulary(db)
    await planned(db, is_rehearsal=True)
    async with RehearsalServer(port=0) as server:
        kept = Kept(tmp_path, server.url)
        kept.code = 3
        await kept.keeper.look(db)
        for _ in range(3):
            await kept.ends(db)
        await kept.keeper.look(db)
        assert kept.started == 3 and [bad for _, bad in kept.said] == [False, False, True]
        assert "nobody asked it to" in kept.said[0][0] and "3 times in a row" in kept.said[2][0]
        await planned(db, is_rehearsal=True)
        await kept.keeper.look(db)
        assert kept.started == 4
        await kept.crew.stop()
