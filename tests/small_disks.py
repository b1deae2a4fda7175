"""Disks that fill up, and ones that nobody may write to, not even root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(place: Path, options: str) -> Iterator[Path]:
    """A disk in memory at a new directory."""
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True)
    if made.returncode:
        pytest.skip("only who may mount has a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def close(place: Path) -> None:
    """Lets nobody write there from then on."""
    if os.geteuid():
        place.chmod(0o555)
    else:
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
