"""One submission can be called off while its batch goes on, and a person sees how each one stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from generation.batching_helpers import assert_each_once, begun, generated, run_until_idle
from support import Conninfo, beside, eventually, logged_in
from traintui.data import submission_views
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.submission_views import SubmissionView
from traintui.demo.contents import furnish
from traintui.generation.rehearsal import Pace, RehearsalServer


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0), batch_seconds=0) as server:
        yield server


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


async def out(db: Database) -> list[SubmissionView]:
    return [each for each in await submission_views.recent(db) if each.state == "in_progress"]


async def test_what_had_not_begun_of_one_that_is_called_off_goes_into_another(
    furnished: Database, rehearsal: RehearsalServer
) -> None:
    rehearsal.batches.seconds = 3600
    await begun(furnished, count=4)
    running = asyncio.create_task(run_until_idle(furnished, rehearsal, most=2))

    async def both() -> bool:
        return len(await out(furnished)) == 2

    await beside(running, eventually(both))
    newer, older = await out(furnished)
    assert older.requests == 2 and older.settled == 0 and older.polled_at is not None and older.expires_at is not None
    rehearsal.batches.seconds = 0  # what comes from here on is done at once
    await submission_views.call_off(furnished, older.id)

    async def called_off() -> bool:
        found = {each.id: each for each in await submission_views.recent(furnished)}
        return found[older.id].state == "cancelled"

    await beside(running, eventually(called_off))
    found = {each.id: each for each in await submission_views.recent(furnished)}
    off = found[older.id]
    assert off.unwanted_by == "ada" and off.failures == {"canceled": 2} and off.stored == off.cost_usd == 0
    assert found[newer.id].state == "in_progress"
    assert (await submission_views.recent(furnished))[0].closed_at is None  # what is out comes first
    await submission_views.call_off(furnished, newer.id)
    await running
    states = [each.state for each in await submission_views.recent(furnished)]
    assert states.count("cancelled") == 2 and sum(each.stored for each in await submission_views.recent(furnished)) == 4


async def test_one_that_came_home_shows_what_it_cost_and_cannot_be_called_off(
    furnished: Database, rehearsal: RehearsalServer, conninfo: Conninfo
) -> None:
    progress = await generated(furnished, rehearsal, count=3)
    (found,) = await submission_views.recent(furnished)
    assert (found.state, found.requests, found.settled, found.stored) == ("imported", 3, 3, 3)
    assert found.counts["succeeded"] == 3 and found.failures == {} and found.look_at is None
    assert found.cost_usd == progress.cost_usd > 0 and found.unpriced == 0 and not found.is_held
    with pytest.raises(Refused) as refused:
        await submission_views.call_off(furnished, found.id)
    assert refused.value.code == "TT003"
    async with logged_in(conninfo("rita")) as reviewer:
        with pytest.raises(Refused, match="No right"):
            await submission_views.call_off(reviewer, found.id)
    await assert_each_once(furnished, rehearsal, progress.id)
