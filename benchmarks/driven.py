"""The app driven by keys, in this process, with every byte that it writes to its terminal recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from textual import events
from textual.drivers.headless_driver import HeadlessDriver

from traintui.app import TraintuiApp
from traintui.data.engine import Database
from traintui.settings import Settings

QUIET = 0.12
"""Seconds without a byte after which the app has finished drawing."""
PATIENCE = 30.0
DRAWN = 50
"""Bytes from which on what is written is a frame, and not the place of the cursor alone."""


class RecordingDriver(HeadlessDriver):
    """A terminal of which only what is written to it is kept, with the time."""

    written: list[tuple[float, str]] = []  # noqa: RUF012 - one app at a time
    looked_for: Callable[[], object] | None = None
    found_at: float | None = None
    """When something was written while what is looked for held; None as long as it did not."""

    @property
    def is_headless(self) -> bool:
        """The app draws as for a real terminal."""
        return False

    def write(self, data: str) -> None:
        """Keeps what is written."""
        self.written.append((time.perf_counter(), data))
        looked_for = RecordingDriver.looked_for
        if RecordingDriver.found_at is None and looked_for is not None and looked_for():
            RecordingDriver.found_at = self.written[-1][0]


class Driven:
    """An app that runs beside the benchmark."""

    def __init__(self, settings: Settings, workspace: Database, size: tuple[int, int]) -> None:
        self.app = TraintuiApp(settings, workspace=workspace)
        self.app.driver_class = RecordingDriver
        self._size = size

    async def __aenter__(self) -> Driven:
        self._running = asyncio.create_task(self.app.run_async(size=self._size, mouse=False))
        await self.until(lambda: self.app._driver is not None and self.app.is_running)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.app.run_quit()
        await self._running

    def press(self, key: str, character: str | None = None) -> float:
        """Presses a key; the moment at which it was pressed."""
        pressed = events.Key(key, character)
        pressed.set_sender(self.app)
        moment = time.perf_counter()
        RecordingDriver.written.clear()
        if self.app._driver is None:
            raise SystemExit("The app has ended.")
        self.app._driver.send_message(pressed)
        return moment

    async def until(self, holds: Callable[[], object], *, seconds: float = PATIENCE, every: float = 0.005) -> None:
        """Returns as soon as a condition holds, which is looked at `every` so many seconds."""
        deadline = time.perf_counter() + seconds
        while not holds():
            if time.perf_counter() > deadline or (hasattr(self, "_running") and self._running.done()):
                said = ", ".join(str(toast.message) for toast in self.app._notifications)
                raise SystemExit(f"The app did not show in time what the benchmark waits for. {said}")
            await asyncio.sleep(every)

    async def settled(self, quiet: float = QUIET) -> float:
        """Waits until nothing was written for a while; the moment of the last byte."""
        while True:
            await asyncio.sleep(quiet / 4)
            last = RecordingDriver.written[-1][0] if RecordingDriver.written else 0.0
            if time.perf_counter() - last >= quiet:
                return last

    async def drawn(self, size: int = 2_000) -> float:
        """Waits until a page has been drawn since the last key; the moment at which it was."""
        await self.until(lambda: any(len(data) > size for _, data in RecordingDriver.written))
        return next(moment for moment, data in RecordingDriver.written if len(data) > size)

    async def held(self, key: str, presses: int = 90, per_second: float = 30.0) -> float:
        """Frames a second while a key is held."""
        await self.settled()
        frames, began = 0, time.perf_counter()
        for number in range(presses):
            self.press(key)
            await asyncio.sleep(max(0.0, began + (number + 1) / per_second - time.perf_counter()))
            frames += sum(len(data) > DRAWN for _, data in RecordingDriver.written)
        return frames / (time.perf_counter() - began)

    def shown_at(self, needles: Iterable[str]) -> float | None:
        """The moment at which all of these texts had been written since the last key, or None."""
        missing = set(needles)
        for moment, data in RecordingDriver.written:
            missing = {needle for needle in missing if needle not in data}
            if not missing:
                return moment
        return None

    async def shows(self, needles: Iterable[str], *, seconds: float = PATIENCE) -> float:
        """Waits until all of these texts have been written since the last key; the moment at which they had been."""
        wanted = set(needles)
        await self.until(lambda: self.shown_at(wanted) is not None, seconds=seconds)
        return self.shown_at(wanted) or 0.0
