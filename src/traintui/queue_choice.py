"""Which conversations this person reviews, in which order: kept beside the settings file.

A comfort: where the file cannot be read or written, the app goes on without it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from traintui.settings import config_path

FILE = "queue.json"


@dataclass(frozen=True, slots=True)
class QueueChoice:
    """A filter of those that wait, and the text of an order."""

    filter_text: str = ""
    order: str = "score"


def choice_path() -> Path | None:
    """Where it is kept; None when there is to be no such file."""
    path = config_path()
    return None if path == Path(os.devnull) else path.parent / FILE


def read_choice(path: Path | None) -> QueueChoice | None:
    """What was kept; None where nothing was, or where it is no choice."""
    try:
        written = orjson.loads(path.read_bytes()) if path else None
        return QueueChoice(str(written["filter_text"]), str(written["order"])) if written else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_choice(path: Path | None, choice: QueueChoice) -> None:
    """Keeps a choice: whole, or as it was."""
    if path is None:
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{FILE}.{os.getpid()}")
        partial.write_bytes(orjson.dumps(asdict(choice), option=orjson.OPT_INDENT_2))
        partial.replace(path)
