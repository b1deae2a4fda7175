"""A real terminal: the app in tmux, keys pressed, the screen read."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed (apt-get install tmux)")
PATIENCE = 120.0
"""Seconds until a screen that does not come is given up; a passing test never waits for it."""

LOOK = 0.15
"""Seconds between two looks at the screen: each is a process of its own, which the app has to wait for."""


class Terminal:
    """One tmux session on a server of its own, with one command in it."""

    def __init__(
        self, *arguments: str, cwd: Path, environment: Mapping[str, str], columns: int = 120, lines: int = 40
    ) -> None:
        self.socket = f"traintui-{uuid.uuid4().hex[:8]}"
        variables = {"COLORTERM": "truecolor", "LANG": "C.UTF-8", **environment}
        # The size is the terminal's own: the test runner says another one in these variables.
        assignments = [f"{name}={value}" for name, value in variables.items()]
        program = [sys.executable, "-m", "traintui", *arguments]
        command = shlex.join(["env", "-u", "COLUMNS", "-u", "LINES", *assignments, *program])
        # The shell stays, so that the last screen can be read after the app has left.
        self._tmux("-u", "-f", os.devnull, "new-session", "-d", "-s", "t", "-x", str(columns), "-y", str(lines),
                   "-c", str(cwd), f"{command}; echo left with $?; exec sleep 600")  # fmt: skip

    def _tmux(self, *arguments: str) -> str:
        result = subprocess.run(
            ["tmux", "-L", self.socket, *arguments], capture_output=True, text=True, check=True, timeout=60
        )
        return result.stdout

    @property
    def screen(self) -> str:
        """What the terminal shows."""
        return self._tmux("capture-pane", "-p", "-t", "t")

    @property
    def pid(self) -> int:
        """The process of the app: the child of the shell that runs in the session."""
        shell = self._tmux("display-message", "-p", "-t", "t", "#{pane_pid}").strip()
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", shell], capture_output=True, text=True, check=True)
        return int(found.stdout.split()[0])

    def press(self, *keys: str) -> None:
        """Presses keys, by tmux's names for them."""
        self._tmux("send-keys", "-t", "t", *keys)

    def type(self, text: str) -> None:
        """Types text as it is."""
        self._tmux("send-keys", "-t", "t", "-l", text)

    def shows(self, *texts: str, without: str | None = None) -> str:
        """Waits until the screen shows all of the texts; the screen. Fails with it otherwise."""
        return self.until(
            lambda screen: all(text in screen for text in texts) and (without is None or without not in screen),
            f"{texts} {f'without {without}' if without else ''}",
        )

    def until(self, holds: Callable[[str], bool], wanted: str) -> str:
        """Waits until something holds of the screen; the screen."""
        deadline = time.monotonic() + PATIENCE
        while True:
            screen = self.screen
            if holds(screen):
                return screen
            if time.monotonic() > deadline:
                pytest.fail(f"The screen never showed {wanted}. It shows:\n{screen}")
            time.sleep(LOOK)

    def press_until(self, key: str, holds: Callable[[str], bool], wanted: str) -> str:
        """Presses a key, and again after two seconds in which nothing came of it: a press on what was not painted yet
        decides nothing, by design."""
        for _ in range(40):
            self.press(key)
            deadline = time.monotonic() + 2
            while time.monotonic() < deadline:
                if holds(self.screen):
                    return self.screen
                time.sleep(LOOK)
        pytest.fail(f"{key} never brought {wanted}. The screen shows:\n{self.screen}")

    def close(self) -> None:
        """Ends the session and what runs in it."""
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True, check=False)
