"""What a person notices while a large batch runs: how soon a key is answered, and how soon a pause holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

from textual.widget import Widget

from benchmarks.driven import Driven, RecordingDriver
from benchmarks.report import Figure, median, p95
from traintui.data import batches
from traintui.data.engine import Database
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.generate import GenerateScreen
from traintui.settings import Settings

KEY_GOAL_MS = 50
PAUSE_GOAL_MS = 1_000
SIZE = (160, 45)
BETWEEN_KEYS = 0.13
"""Seconds between two keys. The time between two looks at the batch is no multiple of it."""


async def answered(driven: Driven, key: str, state: Callable[[], object]) -> float:
    """Presses a key; milliseconds until what it changed is on the terminal: the first bytes after the change."""
    before = state()
    RecordingDriver.looked_for, RecordingDriver.found_at = (lambda: state() != before), None
    began = driven.press(key, key if len(key) == 1 else None)
    await driven.until(lambda: RecordingDriver.found_at is not None)
    return ((RecordingDriver.found_at or began) - began) * 1_000


async def keys(db: Database, settings: Settings, presses: int) -> dict[str, Figure]:
    """How soon keys are answered on Generate and on Conversations."""
    figures: dict[str, Figure] = {}
    async with Driven(settings, db, SIZE) as driven:
        app = driven.app
        await driven.until(lambda: app.live and app.live.mirror)
        driven.press("3", "3")
        await driven.until(lambda: isinstance(app.screen, GenerateScreen) and app.screen.watched.running)
        await asyncio.sleep(1)
        generate = app.screen

        def focus() -> tuple[bool, Widget | None]:
            return generate.query_one("#parts").has_class("-lists"), app.focused

        spans = await pressed(driven, ("tab",) * 6 + ("b", "b"), focus, presses)
        figures |= named("key_generate", spans)
        if not (isinstance(generate, GenerateScreen) and generate.watched.running):
            raise SystemExit("The batch ended before the keys were pressed: take more rows.")
        driven.press("1", "1")
        await driven.until(lambda: isinstance(app.screen, ConversationsScreen))
        await asyncio.sleep(1)
        table = app.screen
        if isinstance(table, ConversationsScreen):
            moves = ("down",) * 7 + ("pagedown", "up", "pageup")
            spans = await pressed(driven, moves, lambda: table.table.cursor, presses)
            figures |= named("key_conversations", spans)
    return figures


async def pressed(driven: Driven, wanted: tuple[str, ...], state: Callable[[], object], presses: int) -> list[float]:
    """Milliseconds that each of so many keys took."""
    spans = []
    for key in islice(cycle(wanted), presses):
        spans.append(await answered(driven, key, state))
        await asyncio.sleep(BETWEEN_KEYS)
    return spans


def named(name: str, spans: list[float]) -> dict[str, Figure]:
    """Median and p95, with the goal of a key."""
    return {
        f"{name}_median_ms": Figure(median(spans), "ms"),
        f"{name}_p95_ms": Figure(p95(spans), "ms", KEY_GOAL_MS),
    }


async def more_done(db: Database, batch_id: int) -> None:
    """Returns when a few more conversations of a batch are done: its calls are under way."""
    done = (await batches.progress(db, batch_id)).done
    while (await batches.progress(db, batch_id)).done < done + 5:  # noqa: ASYNC110 - another process does them
        await asyncio.sleep(0.05)


@dataclass
class Pauses:
    """When a batch was paused and went on again, by the machine's monotonic clock."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    async def make(self, db: Database, batch_id: int, number: int) -> None:
        """Pauses the batch so often, each time from when calls are under way."""
        for _ in range(number):
            await more_done(db, batch_id)
            began = time.monotonic()
            await batches.pause(db, batch_id)
            await asyncio.sleep(2 * PAUSE_GOAL_MS / 1_000)
            self.spans.append((began, time.monotonic()))
            await batches.resume(db, batch_id)

    def figures(self, told: dict[str, Any]) -> dict[str, Figure]:
        """Milliseconds from a pause to the last request of it, by the provider's own record; 0 where none came."""
        received = [each["received"] for each in told["asked"]]
        last = [
            max((moment - began for moment in received if began < moment < ended), default=0.0) * 1_000
            for began, ended in self.spans
        ]
        return {
            "pause_to_last_request_median_ms": Figure(median(last), "ms"),
            "pause_to_last_request_p95_ms": Figure(p95(last), "ms", PAUSE_GOAL_MS),
        }
