"""A worker that is left alone goes on as long as anything is left to do, and then ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import event

from screens.test_submissions_screen import sent
from support import eventually, scalar
from traintui.data import batches, submission_views, submissions, work
from traintui.data.engine import Database
from traintui.generation import serve
from traintui.generation.provider import Provider
from traintui.processes import Orders

PROVIDER = Provider(None, "none", "api.example.org", is_rehearsal=False)


@pytest.fixture
def looks(db: Database) -> list[str]:
    """What is asked about submissions from now on."""
    asked: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        if "FROM batch_submissions" in statement:
            asked.append(statement)

    event.listen(db.engine.sync_engine, "before_cursor_execute", hear)
    return asked


async def test_it_stays_for_what_is_out_of_a_batch_that_was_paused_and_ends_when_that_is_settled(
    db: Database, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "LOOK_SECONDS", 0.01)
    said: list[str] = []
    given = Orders()
    async with work.registered(db) as worker_id:
        await sent(db, worker_id)
        await batches.hold(db, await scalar(db, "SELECT id FROM batches"), "The provider account has no credit.")
        given.stay.set()
        staying = asyncio.create_task(serve.end_when_done(db, PROVIDER, given, said.append))

        async def looked() -> bool:
            return len(looks) > 2 or staying.done()

        await eventually(looked)
        assert not staying.done() and not given.stop.is_set()
        (out,) = await submission_views.recent(db)
        await submission_views.call_off(db, out.id)
        submission = await submissions.claim(db, worker_id, endpoint=PROVIDER.endpoint, is_rehearsal=False)
        assert submission is not None
        await submissions.close(db, submission, state="lost")
        async with asyncio.timeout(180):
            await staying
    assert given.stop.is_set() and said[-1] == "Nothing is left to do."
