"""The answer to a commit may be lost on its way: what was done stays done, is done once, and the worker goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from generation.batching_helpers import IMPATIENT, Quick, assert_each_once, cost, plan
from lossy import lossy
from support import fetch, scalar
from traintui.data import batches
from traintui.data.engine import Database
from traintui.demo.contents import furnish
from traintui.generation.client import ModelClient
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.start import start_batch
from traintui.generation.worker import Worker


@pytest.fixture
async def rehearsal() -> AsyncIterator[RehearsalServer]:
    async with RehearsalServer(port=0, pace=Pace(0), batch_seconds=0) as server:
        yield server


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


async def worked_without(db: Database, server: RehearsalServer, mode: str, *words: str) -> int:
    """A batch of three, worked on while the answers to these commits are lost; its id."""
    batch_id = await start_batch(db, plan(count=3, mode=mode), is_rehearsal=True)
    provider = Provider(server.url, "rehearsal", "rehearsal", is_rehearsal=True)
    async with (
        lossy(db) as (over, line), asyncio.timeout(180), ModelClient(api_key="key", base_url=server.url) as client,
    ):  # fmt: skip
        line.lose(*words)
        worker = Worker(over, client, provider, slots=2, patience=IMPATIENT, dice=Quick())
        await worker.run(asyncio.Event(), until_idle=True)
    assert line.lost == len(words)
    return batch_id


@pytest.mark.parametrize(
    "words",
    [
        ("store_generated",),
        ("store_generated", "store_generated"),
        ("claim_items",),
        ("claim_items", "store_generated", "claim_items"),
        ("release_item", "finish_attempt"),
    ],
)
async def test_of_a_call_whose_end_was_stored_unheard_nothing_is_paid_twice(
    furnished: Database, rehearsal: RehearsalServer, words: tuple[str, ...]
) -> None:
    if "release_item" in words:
        rehearsal.fail_next(None, "529")
    batch_id = await worked_without(furnished, rehearsal, "calls", *words)
    progress = await batches.progress(furnished, batch_id)
    assert (progress.state, progress.done, progress.failed) == ("finished", 3, 0)
    assert await scalar(furnished, "SELECT count(*) FROM conversation_revisions") == 3
    assert await fetch(furnished, "SELECT id FROM generation_logs WHERE state IN ('sending', 'unknown')") == []
    assert abs(await cost(furnished) - sum(rehearsal.bill.usd.values())) < Decimal("0.0001")


@pytest.mark.parametrize(
    "words",
    [
        ("claim_for_submission",),
        ("claim_submission",),
        ("start_submission(",),
        ("note_submission",),
        ("note_submission", "settle_submission_item", "close_submission"),
        ("settle_submission_item", "settle_submission_item"),
    ],
)
async def test_of_a_submission_whose_steps_were_stored_unheard_nothing_is_submitted_twice(
    furnished: Database, rehearsal: RehearsalServer, words: tuple[str, ...]
) -> None:
    batch_id = await worked_without(furnished, rehearsal, "batches", *words)
    await assert_each_once(furnished, rehearsal, batch_id)
