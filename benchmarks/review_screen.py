"""Review on the screen: from the key to the next conversation, and a transcript of a megabyte."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select

from benchmarks.driven import Driven
from benchmarks.indexing import searchable
from benchmarks.report import Figure, median, p95
from traintui.data import imports
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.models import Conversation as C
from traintui.export import training_targets
from traintui.export.training_targets import TrainingTarget, TrainingTargets
from traintui.screens.review import ReviewScreen

TURNS = 10
WORDS = 60
"""Words of a turn: about 80 tokens."""
READ = 0.35
"""Seconds that a conversation is on the screen before it is decided."""
KEY_GOAL_MS = 60
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


async def look_through(driven: Driven, db: Database, tokenizer: Path | None) -> None:
    """Chooses training targets of which the first cuts what is read, and puts its lens over it."""
    chosen = (TrainingTarget("trl", 500), TrainingTarget("axolotl"), TrainingTarget("llama-factory"))
    await training_targets.change(db, TrainingTargets(chosen, tokenizer))
    screen = await review(driven)
    driven.app.training = await training_targets.read(db)
    await driven.until(lambda: screen.reading.shown is not None)
    driven.press("l", "l")
    await driven.until(lambda: screen.preflight.display)


async def keys(driven: Driven, db: Database, wanted: Sequence[str], first: int) -> dict[str, Figure]:
    """From `a` to the bytes that show the next conversation: its id and its first turns."""
    screen = await review(driven)
    await driven.until(lambda: screen.reading.shown is not None)
    screen.action_refresh_queue()
    await driven.until(lambda: screen.queue.waiting)
    screen.visit(wanted[0])
    await driven.until(lambda: screen.queue.current == wanted[0] and screen.reading.seconds_seen is not None)
    await driven.until(lambda: wanted[1] in screen.queue.ids, seconds=60)  # the copy has them too
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


async def long_one(driven: Driven, db: Database, first: int, times: int) -> dict[str, Figure]:
    """A transcript of 200 turns and a megabyte: its first screenful, and frames while it scrolls."""
    words = LONG_BYTES // LONG_TURNS // 6
    items = [spoken(first + each, LONG_TURNS, words) for each in range(times)]
    await imports.conversations(db, items, source=f"benchmark {first}", format="chatml")
    async with db.read() as connection:
        newest = list(await connection.scalars(select(C.conversation_id).order_by(C.id.desc()).limit(times)))[::-1]
    await searchable(db)
    screen = await review(driven)
    spans = []
    for each, one in enumerate(newest):
        # A megabyte is read for longer than its aids take.
        await driven.until(lambda: not any(screen.reading_now(name) for name in ("ahead", "aids", "aids of the next")))
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
