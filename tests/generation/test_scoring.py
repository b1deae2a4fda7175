"""What is written is scored against the plan, the source, the workspace's thresholds, and what is there already."""

from __future__ import annotations

from sqlalchemy import text

from traintui.data import batches, conversations, workspace_settings
from traintui.data.engine import Database
from traintui.data.records import BatchProgress
from traintui.demo.contents import furnish
from traintui.generation.plan import Plan
from traintui.generation.provider import provider_of
from traintui.generation.rehearsal import Pace, RehearsalServer
from traintui.generation.serve import run_worker
from traintui.generation.start import start_batch
from traintui.quality import thresholds
from traintui.settings import Settings

PLAN = Plan(name="Trial", count=4, exchanges=(2, 3))


async def generate(db: Database, server: RehearsalServer) -> BatchProgress:
    """A batch of the plan, worked on until nothing is left to do."""
    batch_id = await start_batch(db, PLAN, is_rehearsal=True)
    provider = await provider_of(Settings(api_base_url=server.url))
    await run_worker(db, provider, slots=2)
    return await batches.progress(db, batch_id)


async def test_every_part_is_stored_with_its_value_its_range_its_points_and_a_sentence(db: Database) -> None:
    await furnish(db)
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        await generate(db, server)
    for row in (await conversations.first_rows(db)).rows:
        parts = (await conversations.read(db, row.conversation_id)).score_parts
        assert [part.name for part in parts] == [
            "turn count", "turn length", "structure", "grounding", "repetition", "language", "closeness",
        ]  # fmt: skip
        assert sum(part.max_points for part in parts) == 10
        assert all(part.value is not None and part.sentence.endswith(".") for part in parts)
        (count, closeness) = (parts[0], parts[-1])
        assert (count.value, count.low, count.high, count.unit) == (row.turn_count, 4, 6, "count")
        assert (closeness.low, closeness.high, closeness.unit) == (0, 0.5, "share")
    async with db.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM conversation_signatures")) == 4


async def test_the_thresholds_of_the_workspace_count(db: Database) -> None:
    await furnish(db)
    for name in ("grounding_weight", "language_weight", "closeness_weight", "repetition_weight"):
        await thresholds.change(db, name, 0)
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        await generate(db, server)
    for row in (await conversations.first_rows(db)).rows:
        parts = (await conversations.read(db, row.conversation_id)).score_parts
        assert [part.name for part in parts] == ["turn count", "turn length", "structure"]


async def test_a_bad_threshold_pauses_the_batch_before_anything_is_paid_and_says_which(db: Database) -> None:
    await furnish(db)
    await workspace_settings.change(db, "score.grounding_good", "high")
    async with RehearsalServer(port=0, pace=Pace(0)) as server:
        progress = await generate(db, server)
        assert (progress.state, progress.queued, progress.calls) == ("paused", 4, 0)
        assert progress.state_reason is not None and "grounding_good is 'high'" in progress.state_reason
        await thresholds.change(db, "grounding_good", None)
        await batches.resume(db, progress.id)
        await run_worker(db, await provider_of(Settings(api_base_url=server.url)), slots=2)
        assert (await batches.progress(db, progress.id)).done == 4
