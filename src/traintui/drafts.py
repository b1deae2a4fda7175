"""What was typed into a conversation and is not saved yet: it stays when its editor, the screen or the app is left.

Kept beside the settings file, for this person only. Where that file cannot be written, for as long as the app runs.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from traintui.settings import config_path

FILE = "drafts.json"
MOST = 50
"""Drafts that are kept; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text of somebody who edits: `before` is what stood there when it was begun."""

    text: str
    before: str


def drafts_path() -> Path | None:
    """Where drafts are kept: beside the settings file; None when there is to be no such file."""
    path = config_path()
    return None if path == Path(os.devnull) else path.parent / FILE


class Drafts:
    """Drafts by their conversation and what of it is edited (`turn 3`); with no path, for as long as the app runs."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._drafts: dict[str, Draft] | None = None
        self._unwritten = False

    def get(self, conversation_id: str, passage: str) -> Draft | None:
        """The draft of a passage, if there is one."""
        return self._all.get(_name(conversation_id, passage))

    def of(self, conversation_id: str) -> tuple[str, ...]:
        """The passages of a conversation that have drafts, by name."""
        found = (name.partition("/") for name in self._all)
        return tuple(sorted(passage for one, _, passage in found if one == conversation_id))

    def keep(self, conversation_id: str, passage: str, draft: Draft) -> None:
        """Remembers a draft; `write` puts it into the file."""
        name = _name(conversation_id, passage)
        if self._all.get(name) != draft:
            self._all.pop(name, None)
            self._all[name] = draft
            while len(self._all) > MOST:
                del self._all[next(iter(self._all))]
            self._unwritten = True

    def drop(self, conversation_id: str, passage: str) -> None:
        """The text was saved, or nobody wants it."""
        if self._all.pop(_name(conversation_id, passage), None) is not None:
            self._unwritten = True

    def write(self) -> None:
        """Writes the file anew, whole or not at all, if anything changed; nothing where it cannot be written."""
        if self._path is None or not self._unwritten:
            return
        self._unwritten = False
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Readable for this person alone, as the file of a database is.
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=FILE)
            try:
                with open(handle, "w", encoding="utf-8") as file:
                    json.dump({name: asdict(draft) for name, draft in self._all.items()}, file)
                Path(name).replace(self._path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise

    @property
    def _all(self) -> dict[str, Draft]:
        if self._drafts is None:
            self._drafts = self._read()
        return self._drafts

    def _read(self) -> dict[str, Draft]:
        if self._path is None:
            return {}
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): Draft(**fields) for name, fields in kept.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def _name(conversation_id: str, passage: str) -> str:
    return f"{conversation_id}/{passage}"
