"""A server for a while, in a folder of its own in the home: what was done there is gone afterwards."""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from traintui.data.embedded import EmbeddedServer


def place(home: Path) -> Path:
    """Where such folders are made: on the disk of the home, which has held the workspace before."""
    return home.expanduser().absolute() / "scratch"


@contextmanager
def scratch_server(programs: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """An empty server with the programs of a home, beside that of the home, for the block. Raises `TraintuiError` when
    it does not start."""
    directory = made_place(programs.home)
    clear(programs)
    folder = Path(tempfile.mkdtemp(prefix="verify-", dir=directory))
    folder.chmod(0o711)
    server = EmbeddedServer(folder, durable=False, programs=Path(programs.program("postgres")).parent)
    try:
        server.start()
        yield server
    finally:
        take_away(server)
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()


def made_place(home: Path) -> Path:
    """The folder of such folders, which the account of the server passes through."""
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    place(home).mkdir(mode=0o711, exist_ok=True)
    return place(home)


def clear(programs: EmbeddedServer) -> None:
    """Takes away what a process left that was killed; what another one works with stays."""
    for folder in place(programs.home).glob("verify-*"):
        left = EmbeddedServer(folder, durable=False, programs=Path(programs.program("postgres")).parent)
        if (folder / "clients").is_dir() and left.others():
            continue
        take_away(left)


def take_away(server: EmbeddedServer) -> None:
    """Stops the server of a home, whichever process started it, and removes that home. A data folder that is elsewhere
    stays, and so does the server that another home runs on it."""
    if server.running() and not server.is_of_another():
        server.start()
    server.stop()
    shutil.rmtree(server.home, ignore_errors=True)
    if server.socket_dir.is_dir() and not any(server.socket_dir.iterdir()):
        server.socket_dir.rmdir()


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Within the block an end from outside, or a terminal that hangs up, is a KeyboardInterrupt as ctrl+c is, so that
    nothing is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # One that was told to be ignored, as by nohup, stays so.
    before: dict[int, Any] = {number: handler for number in (signal.SIGTERM, signal.SIGHUP)
                              if (handler := signal.getsignal(number)) is not signal.SIG_IGN}  # fmt: skip
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
