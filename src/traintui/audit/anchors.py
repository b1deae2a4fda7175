"""Anchors: hashes of seals that stand outside of the database, where who rewrites the record does not reach them.

`anchors.jsonl` in the home is one: each app and worker there adds a line for each newest seal that it sees. The
manifest of every export is another, and so is the page of every report.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from traintui import clock
from traintui.data.seals import Sealed
from traintui.data.unfinished import sync_directory

SEAL_LINE = re.compile(rb"(?m)^Seal (\d+) of workspace `([0-9a-f-]{36})`, made (\S+), has the hash `([0-9a-f]{64})`\.$")
"""The seal on the page of a report."""
TAIL = 4_096
"""Bytes at the end of the file that hold its last line, and more."""
LOOKED = 262_144
"""Bytes at the end of the file in which the last anchors of a workspace are looked for."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A seal as something outside of the database has it; `where` says what that is, `label` what the database was
    called."""

    workspace: str
    number: int
    hash: bytes
    at: str
    where: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Restoring:
    """That the database that is called `label` was taken back to a backup: from then on it is the workspace of that,
    and what was sealed after `number` is no part of it."""

    workspace: str
    number: int
    at: str
    path: str
    label: str


@dataclass(frozen=True, slots=True)
class Reported:
    """That a report was saved from the database that is called `label`, with the newest seal of then."""

    path: Path
    label: str


def anchors_path(home: Path) -> Path:
    """The anchors file of a home."""
    return home.expanduser() / "anchors.jsonl"


def anchor(home: Path, seal: Sealed, label: str) -> bool:
    """Adds a seal of the workspace that is called `label`, unless it is the last one there already. Whether it was
    added: then it is on the disk. Several processes may do so at once. Raises `OSError`."""
    line = {
        "workspace": seal.workspace, "label": label, "seal": seal.number, "hash": seal.hash.hex(),
        "made_at": f"{seal.made_at:%Y-%m-%dT%H:%M:%SZ}", "at": now(),
    }  # fmt: skip

    def is_new(last: dict[str, Any]) -> bool:
        known = (last.get("workspace"), last.get("seal"), last.get("hash"))
        return known != (seal.workspace, seal.number, line["hash"])

    return append(anchors_path(home), line, is_new)


def note_restore(home: Path, path: Path, workspace: str, number: int) -> None:
    """Notes that the workspace of this home is from now on what it was in a backup, whose newest seal is `number`, 0
    where it has none. Raises `OSError`."""
    line = {"restored": str(path), "workspace": workspace, "label": "embedded", "seal": number, "at": now()}
    append(anchors_path(home), line, lambda _: True)


def note_report(home: Path, page: Path, seal: Sealed, label: str) -> None:
    """Notes where the page of a report is, which bears a seal of the workspace. Raises `OSError`."""
    line = {"report": str(page), "workspace": seal.workspace, "label": label, "seal": seal.number, "at": now()}
    append(anchors_path(home), line, lambda _: True)


def seal_line(seal: Sealed) -> str:
    """The line of a page that makes it an anchor."""
    made_at = f"{seal.made_at:%Y-%m-%dT%H:%M:%SZ}"
    return f"Seal {seal.number} of workspace `{seal.workspace}`, made {made_at}, has the hash `{seal.hash.hex()}`."


def read_page(path: Path) -> Anchor | None:
    """The seal on the page of a report; None where it has none. Raises `OSError`."""
    with path.open("rb") as file:
        found = SEAL_LINE.search(file.read(1 << 20))
    if found is None:
        return None
    number, workspace, made_at, digest = (part.decode() for part in found.groups())
    return Anchor(workspace, int(number), bytes.fromhex(digest), made_at, str(path))


def read_anchors(home: Path) -> Iterator[Anchor | Restoring | Reported]:
    """The lines of a home, in their order, those of other workspaces among them. A line that is not whole says nothing,
    as one that a power failure cut. Raises `OSError` when the file is there and cannot be read."""
    path = anchors_path(home)
    if not path.exists():
        return
    with path.open("rb") as file:
        for place, text in enumerate(file, 1):
            if (line := read_entry(text, f"line {place} of {path}")) is not None:
                yield line


def read_entry(text: bytes, where: str) -> Anchor | Restoring | Reported | None:
    """What a line of the file says; None for one that is not whole."""
    try:
        line = orjson.loads(text)
        if "report" in line:
            return Reported(Path(line["report"]), line["label"])
        if "restored" in line:
            return Restoring(line["workspace"], int(line["seal"]), line["at"], line["restored"], line["label"])
        return Anchor(
            line["workspace"], int(line["seal"]), bytes.fromhex(line["hash"]), line["at"], where, line["label"]
        )
    except (ValueError, KeyError, TypeError):
        return None


def last_anchors(home: Path, workspace: str, number: int) -> list[Anchor]:
    """The last anchors of a workspace in a home, the newest first, `number` at most: those in the last `LOOKED` bytes.
    Raises `OSError` when the file is there and cannot be read."""
    path = anchors_path(home)
    if not path.exists():
        return []
    found: list[Anchor] = []
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        rest = b""
        for after in range(size, max(0, size - LOOKED), -TAIL):
            begin = max(0, after - TAIL)
            file.seek(begin)
            rest, *lines = (file.read(after - begin) + rest).split(b"\n")
            for text in reversed(lines if begin else [rest, *lines]):
                line = read_entry(text, str(path))
                if isinstance(line, Anchor) and line.workspace == workspace:
                    found.append(line)
                    if len(found) == number:
                        return found
    return found


def read_manifest(path: Path) -> Anchor | None:
    """The seal in the manifest of an export; None where it has none, or is no manifest. Raises `OSError`."""
    with path.open("rb") as file:
        head = file.read(1 << 20)
    # Thousands of conversations follow; what is asked for stands before them.
    start = head.find(b'\n  "seal": {')
    if start < 0:
        return None
    end = head.find(b"}", start)
    try:
        seal = orjson.loads(head[start + len(b'\n  "seal": ') : end + 1])
        return Anchor(seal["workspace"], int(seal["number"]), bytes.fromhex(seal["hash"]), seal["made_at"], str(path))
    except (ValueError, KeyError, TypeError):
        return None


def now() -> str:
    return f"{clock.now():%Y-%m-%dT%H:%M:%SZ}"


def append(path: Path, line: dict[str, Any], is_new: Any) -> bool:
    """Adds a line under a lock, and waits until it is on the disk."""
    with open(os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600), "rb+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL))
        tail = file.read(TAIL)
        try:
            last = orjson.loads(tail.splitlines()[-1]) if tail else {}
        except ValueError:
            last = {}
        if not is_new(last):
            return False
        # What a power failure cut stays a line of its own.
        written = (b"" if not tail or tail.endswith(b"\n") else b"\n") + orjson.dumps(line) + b"\n"
        file.write(written)
        os.fsync(file.fileno())
        if size == 0:
            sync_directory(path.parent)
    return True
