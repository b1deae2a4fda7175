"""A bulk reject of many and its undo, beside what other people do meanwhile."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import select

from benchmarks.driven import Driven
from benchmarks.report import Figure, p95
from benchmarks.while_running import answered
from traintui.data import bulk, conversations, reviews
from traintui.data.engine import Database
from traintui.data.models import Conversation as C
from traintui.screens.conversations import ConversationsScreen

BULK_GOAL_S = 15.0
WAIT_GOAL_MS = 200


async def many(driven: Driven, db: Database, most: int) -> dict[str, Figure]:
    """A bulk reject and its undo, beside another reviewer's decisions and keys on the table."""
    async with db.read() as connection:
        waiting = select(C.id).where(C.status == "generated", C.deleted_at.is_(None)).order_by(C.id)
        ids = list(await connection.scalars(waiting.limit(most)))
        others = list(
            await connection.scalars(
                select(C.conversation_id).where(C.status == "rejected", C.deleted_at.is_(None)).limit(2_000)
            )
        )
    driven.press("1", "1")
    await driven.until(lambda: isinstance(driven.app.screen, ConversationsScreen) and driven.app.screen.is_mounted)
    table = driven.app.screen
    assert isinstance(table, ConversationsScreen)  # noqa: S101 - waited for
    waits: list[float] = []
    presses: list[float] = []
    over = asyncio.Event()

    async def other() -> None:
        for one in others:
            if over.is_set():
                return
            row = (await conversations.read(db, one)).row
            began = time.perf_counter()
            await reviews.decide(db, reviews.Seen.of(row), "approve", key=reviews.new_key())
            waits.append((time.perf_counter() - began) * 1_000)
            await asyncio.sleep(0.05)

    async def person() -> None:
        while not over.is_set():
            presses.append(
                await answered(driven, "down" if len(presses) % 40 < 20 else "up", lambda: table.table.cursor)
            )
            await asyncio.sleep(0.13)

    beside = [asyncio.create_task(other()), asyncio.create_task(person())]
    seen = await bulk.snapshot(db)
    began = time.perf_counter()
    result = await bulk.decide(db, ids, "reject", seen=seen, reason="Benchmark")
    rejected = time.perf_counter()
    undone = await bulk.undo(db, result.bulk_id)
    ended = time.perf_counter()
    over.set()
    await asyncio.gather(*beside)
    goal = BULK_GOAL_S * max(0.02, len(ids) / 100_000)
    return {
        "bulk_rows": Figure(result.done, "rows"),
        "bulk_reject_s": Figure(round(rejected - began, 2), "s", goal),
        "bulk_undo_s": Figure(round(ended - rejected, 2), "s", goal),
        "bulk_left": Figure(result.done - undone.undone, "rows", 0),
        "bulk_other_p95_ms": Figure(p95(waits), "ms", WAIT_GOAL_MS),
        "bulk_other_most_ms": Figure(round(max(waits), 1), "ms", WAIT_GOAL_MS),
        "bulk_key_p95_ms": Figure(p95(presses), "ms", 50),
    }
