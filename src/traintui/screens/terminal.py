"""A terminal that may be gone: nothing that is drawn waits for it, and that it is gone is seen."""

from __future__ import annotations

import select
from contextlib import suppress
from typing import Any, TextIO

from textual.driver import Driver

LOOK = 1.0
"""Seconds between two looks whether the terminal is there."""


class Unplugged:
    """A file that swallows everything once its other end is gone. Textual's thread would end there, its queue fill, and
    the app wait for it for good."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Writes, or does nothing. How many characters are done with."""
        try:
            return self._file.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Sends on what was written, or does nothing."""
        with suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def surviving(driver: type[Driver]) -> type[Driver]:
    """The driver of a terminal, made so that it outlives the terminal; others as they are."""
    try:
        from textual.drivers.linux_driver import LinuxDriver
    except ImportError:  # another system
        return driver
    if not issubclass(driver, LinuxDriver):
        return driver

    class Surviving(driver):  # type: ignore[misc, valid-type]
        """Writes to a terminal that may be gone."""

        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self._file: Any = Unplugged(self._file)

    return Surviving


def gone(driver: Driver | None) -> bool:
    """Whether the terminal behind a driver has hung up. Without a signal nothing else tells: reading it ends at once,
    over and over."""
    if driver is None or driver.is_headless or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(getattr(driver, "fileno", 0), select.POLLHUP)
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
