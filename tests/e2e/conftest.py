"""Terminals that are closed whatever a test does."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.terminal import Terminal


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short path, open enough for a server account."""
    directory = Path(tempfile.mkdtemp(prefix="te-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Opens terminals, and closes them in the end."""
    opened: list[Terminal] = []

    def open_terminal(*arguments: str, **options: object) -> Terminal:
        opened.append(Terminal(*arguments, **options))  # type: ignore[arg-type]  # passed on as they are
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()
