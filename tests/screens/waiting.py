"""Waiting for what the app shows, never for time."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from textual._context import visible_screen_stack
from textual.app import App
from textual.css.query import NoMatches
from textual.events import Key
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot
from textual.strip import Strip
from textual.worker import WorkerFailed

import traintui
from traintui import clock
from traintui.app import TraintuiApp
from traintui.data.live import Live
from traintui.screens.keys_in_turn import KeysInTurn

PATIENCE = 180.0
"""Seconds until what does not come is given up; a passing test never waits for it."""


def _holds(app: App[Any], condition: Callable[[], object]) -> bool:
    try:
        return bool(condition()) and (not app.is_running or app.screen.is_mounted)
    except NoMatches:  # of a screen that is not composed yet
        return False


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Returns as soon as a condition holds. What is asked of a screen that is still being made does not hold yet."""
    deadline = clock.ticks() + PATIENCE
    while True:
        asked = clock.ticks()
        if _holds(pilot.app, holds):
            return
        if asked > deadline:
            pytest.fail(f"It did not come true. The screen shows:\n{on_screen(pilot.app)}")
        # A pause of the pilot would send each widget a message, and draw. The app gets most of the time.
        await asyncio.sleep(max(0.005, 3 * (clock.ticks() - asked)))


def on_screen(app: App[Any]) -> str:
    """What the terminal shows."""
    return "\n".join(strip.text.rstrip() for strip in strips(app))


def strips(app: App[Any]) -> list[Strip]:
    """The lines of the screen. A dialog that is drawn without the screens beneath it stays so until it changes."""
    visible_screen_stack.set(app._background_screens)
    return app.screen._compositor.render_strips()


def _acts(app: App[Any]) -> bool:
    return isinstance(app, KeysInTurn) and app._key_under_way is not None


_press_by_idleness = Pilot.press


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Presses keys, each once the one before it has acted; returns when what they asked for was told and drawn. What
    they read or write may still be under way.

    It takes the place of the pilot's own `press`, for which an app that gets no time on a busy machine is done.
    """
    app = pilot.app
    if not isinstance(app, KeysInTurn):
        await _press_by_idleness(pilot, *keys)
        return
    for key in keys:
        event = _event_of(key)
        event.set_sender(app)
        app.post_message(event)
        await _while(app, lambda: app.message_queue_size or _acts(app))
        await pilot._wait_for_screen(timeout=PATIENCE)
    await app._animator.wait_until_complete()
    screen, drawn = app.screen, asyncio.Event()
    screen.call_after_refresh(drawn.set)
    await _while(app, lambda: not drawn.is_set() and screen.is_current and not app._batch_count)


async def _while(app: App[Any], holds: Callable[[], object]) -> None:
    """Waits as long as something holds of an app that runs."""
    deadline = clock.ticks() + PATIENCE
    while app.is_running and app._exception is None and not app._exit and holds():
        if clock.ticks() > deadline:
            pytest.fail(f"A key is still under way. The screen shows:\n{on_screen(app)}")
        await asyncio.sleep(0.001)


def _event_of(key: str) -> Key:
    """The event of a key, as the pilot makes it: by its name or its character."""
    name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
    character: str | None
    try:
        character = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(name, name)))
    except KeyError:
        character = key if len(key) == 1 else None
    return Key(name, character)


async def written(app: TraintuiApp) -> None:
    """Waits for everything that is being written, and for what was pressed to be saved; what only reads may go on.
    A press that the database cannot take at the moment stays in the outbox."""
    if writing := [worker for worker in app.workers if worker.group.startswith("write")]:
        with suppress(WorkerFailed):  # the app answers what fails
            await app.workers.wait_for_complete(writing)
    if app.outbox is not None:
        await app.outbox.settled()


class Waiting(TraintuiApp):
    """The app as it is before its copy in memory has been read."""

    CSS_PATH = Path(traintui.__file__).with_name("app.tcss")

    async def _follow(self) -> None:
        self._fields = await self._registered()
        self.live = Live(self.db, self._fields)
