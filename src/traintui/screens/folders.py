"""Opening a folder with what the system has for that, where a person sits in front of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

PATIENCE = 3.0
"""Seconds after which an opener that has not ended counts as having opened the folder: some stay as long as it is."""
REMOTE = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")


def opener(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str | None:
    """The program that opens folders here; None over SSH, or where there is no display or no such program."""
    if any(environment.get(name) for name in REMOTE):
        return None
    if platform == "darwin":
        return shutil.which("open", path=environment.get("PATH"))
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return None
    return shutil.which("xdg-open", path=environment.get("PATH"))


async def opened(program: str, folder: Path) -> bool:
    """Whether a program opened a folder. It has a session of its own and none of our terminal, so it writes nothing
    there and outlives us."""
    try:
        child = await asyncio.create_subprocess_exec(
            program, os.fspath(folder), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except OSError:
        return False
    with suppress(TimeoutError):
        return await asyncio.wait_for(child.wait(), PATIENCE) == 0
    return True
