"""The filters that this person applied, newest first, kept beside the settings file.

A comfort: where the file cannot be read or written, the app goes on without it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from traintui.settings import config_path

MOST = 100
"""Filters that are kept."""
FILE = "filters.txt"


def history_path() -> Path | None:
    """Where the filters are kept: beside the settings file; None when there is to be no such file."""
    path = config_path()
    return None if path == Path(os.devnull) else path.parent / FILE


class History:
    """Filters, newest first and each once; with no path, for as long as the app runs."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._filters: list[str] | None = None

    @property
    def filters(self) -> tuple[str, ...]:
        """What was applied, newest first."""
        if self._filters is None:
            self._filters = self._read()
        return tuple(self._filters)

    def add(self, text: str) -> None:
        """Puts a filter first, and writes the file anew: whole or not at all."""
        line = " ".join(text.split("\n")).replace("\r", " ").strip()
        if not line or (self._filters and self._filters[0] == line):
            return
        # What another Traintui wrote meanwhile is kept.
        before = self._read() if self._path else [*self.filters]
        self._filters = [line, *(one for one in before or self.filters if one != line)][:MOST]
        with suppress(OSError):
            self._write()

    def _read(self) -> list[str]:
        if self._path is None:
            return []
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return []
        return list(dict.fromkeys(line for line in reversed(lines) if line.strip()))[:MOST]

    def _write(self) -> None:
        if self._path is None or self._filters is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=FILE)
        try:
            with open(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
                file.writelines(f"{line}\n" for line in reversed(self._filters))
            Path(name).replace(self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
