"""Closing the app asks while there is something left to do, however old, and says what stopping ends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import psycopg
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from screens.test_submissions_screen import sent
from screens.waiting import until
from support import Conninfo, add_vocabulary, planned
from traintui.app import TraintuiApp
from traintui.data import batches, work
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.processes import Found
from traintui.screens.quitting import Quitting
from traintui.settings import Settings

NEWER = 25
"""Batches that are newer than the one that runs: more than Generate lists."""


@pytest.fixture
async def process() -> AsyncIterator[psutil.Process]:
    """A process that waits, and ends when it is asked to finish."""
    started = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    yield psutil.Process(started.pid)
    if started.returncode is None:
        started.kill()
    await started.wait()


@pytest.fixture
def app(db: Database, tmp_path: Path, process: psutil.Process) -> TraintuiApp:
    """The app with a worker that an earlier one left."""
    # A provider that does not answer: the app starts no worker of its own.
    app = TraintuiApp(Settings(home=tmp_path, api_base_url="http://127.0.0.1:9"), workspace=db)
    app.crew._worker = Found(process)
    return app


@pytest.fixture
def works_in(conninfo: Conninfo, process: psutil.Process) -> Callable[[int], None]:
    """Has a worker run in that process."""

    def moved(worker_id: int) -> None:
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            connection.execute("UPDATE workers SET pid = %s WHERE id = %s", [process.pid, worker_id])

    return moved


async def asked(pilot: Pilot[None], app: TraintuiApp) -> str:
    """What the app asks when it is to be closed."""
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("q")
    await until(pilot, lambda: isinstance(app.screen, Quitting) and app.screen.query("#always"))
    said = " ".join(str(static.content) for static in app.screen.query(Static))
    await pilot.press("escape")
    await until(pilot, lambda: not isinstance(app.screen, Quitting))
    return said


async def test_a_batch_that_runs_is_asked_about_however_many_are_newer(app: TraintuiApp, db: Database) -> None:
    await add_vocabulary(db)
    running = await planned(db, 3)
    await work.take_up_batches(db, is_rehearsal=False)
    for _ in range(NEWER):
        await batches.pause(db, await planned(db))
    assert [batch.id for batch in await batches.to_do(db)] == [running]
    async with app.run_test(size=(80, 24)) as pilot:
        assert "3 conversations of 1 batch are not done yet" in await asked(pilot, app)


async def test_stopping_ends_after_the_calls_of_the_worker_and_not_of_others(
    app: TraintuiApp, db: Database, works_in: Callable[[int], None]
) -> None:
    await add_vocabulary(db)
    await planned(db, 5)
    await work.take_up_batches(db, is_rehearsal=False)
    async with work.registered(db) as ours, work.registered(db) as other:
        works_in(ours)
        await work.claim(db, ours, 2, is_rehearsal=False)
        await work.claim(db, other, 1, is_rehearsal=False)
        async with app.run_test(size=(80, 24)) as pilot:
            assert "It ends after 2 calls under way" in await asked(pilot, app)


async def test_what_is_at_the_provider_at_half_price_keeps_no_worker(
    app: TraintuiApp, db: Database, works_in: Callable[[int], None]
) -> None:
    async with work.registered(db) as worker_id:
        works_in(worker_id)
        await sent(db, worker_id)
        async with app.run_test(size=(80, 24)) as pilot:
            said = await asked(pilot, app)
    assert "2 conversations of 1 batch" in said and "It ends at once" in said


async def test_calls_of_a_batch_that_was_just_paused_are_waited_for_without_a_question(
    app: TraintuiApp, db: Database, process: psutil.Process, works_in: Callable[[int], None]
) -> None:
    await add_vocabulary(db)
    batch_id = await planned(db, 2)
    await work.take_up_batches(db, is_rehearsal=False)
    async with work.registered(db) as worker_id:
        works_in(worker_id)
        await work.claim(db, worker_id, 2, is_rehearsal=False)
        await batches.pause(db, batch_id)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.workspace is not None)
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running)
    await asyncio.to_thread(process.wait, 180)
