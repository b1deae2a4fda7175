"""What is told of an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

ImportState = Literal["loading", "approving", "done", "removing", "removed", "undone"]


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What an import is of: `total` conversations that are good, `bad` records that are none; `sha256` of the file on
    disk, None where it is none. `options` has what it takes to read the file the same way again."""

    name: str
    path: str
    format: str
    total: int
    sha256: bytes | None = None
    bad: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Import:
    """One import as it stands. `passed` of `total` conversations are dealt with: `imported` are new, `known` were here
    and stay as they are, `revised` were here and are changed."""

    import_id: str
    user_id: str
    file: ImportedFile
    state: ImportState
    passed: int
    imported: int
    known: int
    revised: int
    started_at: datetime
    ended_at: datetime | None

    @property
    def is_whole(self) -> bool:
        """Whether all of the file is stored."""
        return self.passed == self.file.total


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of the removal of an import: rows `removed`, rows `kept` since somebody acted on them, and rows
    `remaining` after a stop."""

    removed: int
    kept: int
    remaining: int
