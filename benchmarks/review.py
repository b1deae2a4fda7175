"""Review: from the key to the next conversation, bulk decisions beside others, and a transcript of a megabyte.

`python -m benchmarks.review --rows 1000000 --home DIR` measures in a workspace that `benchmarks.furnish` made.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select

from benchmarks.driven import Driven
from benchmarks.furnish import furnish
from benchmarks.report import Figure, median, p95, publish
from benchmarks.while_running import answered
from traintui.data import bulk, conversations, imports, reviews
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.models import Conversation as C
from traintui.data.workspace import open_workspace
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.review import ReviewScreen
from traintui.settings import Settings

SIZE = (160, 45)
TURNS = 10
WORDS = 60
"""Words of a turn: about 80 tokens."""
READ = 0.35
"""Seconds that a conversation is on the screen before it is decided."""
KEY_GOAL_MS = 60
BULK_GOAL_S = 15.0
WAIT_GOAL_MS = 200
LONG_TURNS, LONG_BYTES = 200, 1_000_000
LONG_GOAL_MS = 150
FRAMES = 25


def token(number: int, turn: int) -> str:
    """A word that stands in that turn of that conversation and nowhere else."""
    return f"B{number:06d}T{turn}"


def spoken(number: int, turns: int, words: int) -> dict[str, Any]:
    """A conversation as an import has it, each turn of which begins with its `token`."""
    said = " ".join(("account", "fee", "deposit", "month", "the", "and", "member")[each % 7] for each in range(words))
    return {
        "turns": [
            {"role": ("user", "assistant")[turn % 2], "content": f"{token(number, turn)} {said}."}
            for turn in range(turns)
        ],
        "system_prompt": None,
        "line": 1,
    }  # fmt: skip


async def to_read(db: Database, home: Path, first: int, number: int) -> list[str]:
    """Conversations of ten turns that wait before all others; their public ids in the order of the queue."""
    await imports.conversations(
        db, [spoken(first + each, TURNS, WORDS) for each in range(number)], source=f"benchmark {first}", format="chatml"
    )
    with psycopg.connect(EmbeddedServer(home).conninfo(SUPERUSER, DATABASE)) as connection:
        # The lowest score comes first; ties go by id.
        connection.execute(
            "UPDATE conversations SET quality_score = 0 WHERE id IN"
            " (SELECT id FROM conversations ORDER BY id DESC LIMIT %s)",
            [number],
        )
    async with db.read() as connection_:
        newest = select(C.conversation_id).order_by(C.id.desc()).limit(number)
        return list(await connection_.scalars(newest))[::-1]


async def review(driven: Driven) -> ReviewScreen:
    """Review, on the screen with all that it is made of."""
    driven.press("2", "2")
    await driven.until(lambda: isinstance(driven.app.screen, ReviewScreen) and driven.app.screen.is_mounted)
    screen = driven.app.screen
    assert isinstance(screen, ReviewScreen)  # noqa: S101 - waited for
    return screen


async def keys(driven: Driven, db: Database, wanted: Sequence[str], first: int) -> dict[str, Figure]:
    """From `a` to the bytes that show the next conversation: its id and its first turns."""
    screen = await review(driven)
    await driven.until(lambda: screen.reading.shown is not None)
    screen.action_refresh_queue()
    await driven.until(lambda: screen.queue.waiting and wanted[0] in screen.queue.ids, seconds=60)
    screen.visit(wanted[0])
    await driven.until(lambda: screen.queue.current == wanted[0] and screen.reading.seconds_seen is not None)
    spans: list[float] = []
    for place, following in enumerate(wanted[1:], start=1):
        await asyncio.sleep(READ)
        await driven.until(lambda: screen.reading.seconds_seen is not None)
        began = driven.press("a", "a")
        shown = await driven.shows([following, token(first + place, 0), token(first + place, 1)])
        spans.append((shown - began) * 1_000)
    await driven.settled()
    logged = 0
    async with asyncio.timeout(30):
        while logged < len(spans):
            async with db.read() as connection:
                logged = len(
                    list(
                        await connection.scalars(
                            select(C.id).where(C.conversation_id.in_(wanted), C.status == "approved")
                        )
                    )
                )
    return {
        "next_median_ms": Figure(median(spans), "ms"),
        "next_p95_ms": Figure(p95(spans), "ms", KEY_GOAL_MS),
        "decisions_lost": Figure(len(spans) - logged, "decisions", 0),
    }


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


async def long_one(driven: Driven, db: Database, first: int, times: int) -> dict[str, Figure]:
    """A transcript of 200 turns and a megabyte: its first screenful, and frames while it scrolls."""
    words = LONG_BYTES // LONG_TURNS // 6
    items = [spoken(first + each, LONG_TURNS, words) for each in range(times)]
    await imports.conversations(db, items, source=f"benchmark {first}", format="chatml")
    async with db.read() as connection:
        newest = list(await connection.scalars(select(C.conversation_id).order_by(C.id.desc()).limit(times)))[::-1]
    screen = await review(driven)
    spans = []
    for each, one in enumerate(newest):
        await driven.settled()
        driven.press("f12")  # nothing is bound to it: the clock begins with what is written after it
        began = time.perf_counter()
        screen.visit(one)
        spans.append((await driven.shows([token(first + each, 0)]) - began) * 1_000)
    size = sum(len(turn["content"]) for turn in items[0]["turns"])
    return {
        "long_bytes": Figure(size, "bytes"),
        "long_first_median_ms": Figure(median(spans), "ms", LONG_GOAL_MS),
        "long_page_frames": Figure(round(await driven.held("pagedown"), 1), "1/s", FRAMES, at_least=True),
        "long_line_frames": Figure(round(await driven.held("down"), 1), "1/s", FRAMES, at_least=True),
    }


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[tuple[Driven, Database]]:
    """The app over a workspace, once it has all in memory."""
    settings = Settings(home=home)
    async with open_workspace(settings) as db, Driven(settings, db, SIZE) as driven:
        await driven.until(lambda: driven.app.live and driven.app.live.mirror, seconds=120)
        yield driven, db


async def measure(home: Path, presses: int, most: int) -> dict[str, Figure]:
    """Everything, one after the other."""
    first = int(time.time()) % 500_000
    async with opened(home) as (driven, db):
        wanted = await to_read(db, home, first, presses + 1)
        figures = await keys(driven, db, wanted, first)
        figures |= await long_one(driven, db, first + presses + 1, 5)
        return figures | await many(driven, db, most)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--keys", type=int, default=200, help="conversations that are decided with a key")
    parser.add_argument("--bulk", type=int, default=100_000, help="conversations that are rejected at once")
    parser.add_argument("--home", type=Path, help="a workspace that is kept; made where it is missing")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    os.environ["TRAINTUI_CONFIG"] = os.devnull
    with tempfile.TemporaryDirectory(prefix="tb-", dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        home = chosen.home or Path(directory) / "home"
        furnish(home, chosen.rows, say=lambda _: None)
        figures = asyncio.run(measure(home, chosen.keys, chosen.bulk))
    notes = [f"{chosen.keys} decisions on conversations of {TURNS} turns, each {READ} s on the screen before its key"]
    publish("review", chosen.rows, figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
