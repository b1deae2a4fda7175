"""A terminal that is gone ends the app, whether a signal says so or not, and nothing of it is left running."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from traintui.data.embedded import EmbeddedServer

PATIENCE = 120.0
"""Seconds within which all of it has ended; it takes one or two."""


@contextmanager
def on_a_terminal(place: Path, *, controls: bool) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The app on a pseudo-terminal, and the end at which a person would sit. Where the terminal `controls` the process,
    the system sends it a signal when the person is gone."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def take_the_terminal() -> None:
        os.setsid()
        if controls:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "traintui"], stdin=slave, stdout=slave, stderr=slave, cwd=place,
        preexec_fn=take_the_terminal, env={**environment, "TRAINTUI_HOME": str(place / "home")},
    )  # fmt: skip
    os.close(slave)
    try:
        yield process, master
    finally:
        with suppress(OSError):
            os.close(master)
        process.kill()
        process.wait()
        EmbeddedServer(place / "home").stop()


def read_until(master: int, words: bytes) -> None:
    """Reads what is drawn until the words are there."""
    drawn, deadline = b"", time.monotonic() + 180
    while words not in drawn:
        assert time.monotonic() < deadline, drawn[-2_000:]
        drawn += os.read(master, 65_536)


@pytest.mark.parametrize("controls", [True, False], ids=["with a signal", "without one"])
def test_an_app_whose_terminal_is_gone_ends_and_leaves_nothing_behind(place: Path, controls: bool) -> None:
    with on_a_terminal(place, controls=controls) as (process, master):
        read_until(master, b"No conversations yet")
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        server = EmbeddedServer(place / "home")
        assert server.running()
        os.close(master)
        process.wait(PATIENCE)
        _, alive = psutil.wait_procs(family[1:], PATIENCE)
        assert not alive and not server.running()


def test_one_whose_terminal_takes_nothing_more_ends_too_when_that_is_closed(place: Path) -> None:
    with on_a_terminal(place, controls=True) as (process, master):
        read_until(master, b"No conversations yet")
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:  # keys that redraw everything, and nobody reads
            os.write(master, b"12345")
            time.sleep(0.01)
        os.close(master)
        process.wait(PATIENCE)
        assert not EmbeddedServer(place / "home").running()
