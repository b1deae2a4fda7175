"""The manifests of exports that can be found: in the folders where the log says that exports went, and in others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

ENDING = ".manifest.json"
HEAD = b',\n  "left_out": ['
"""What follows the head of a manifest: lines of conversations, of which there may be a million."""
MOST = 16 << 20
"""Bytes of a head; it has a few kB for most, and a line for each remark."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a manifest says. `workspace` is None where it was written before anything was sealed; `files` are names and
    SHA-256 in hexadecimal; `problem` says why it cannot be read."""

    path: Path
    export_id: str = ""
    exported_by: str = ""
    exported_at: str = ""
    workspace: str | None = None
    count: int | None = None
    files: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def manifests_in(written: Iterable[Path], folders: Iterable[Path]) -> Iterator[Path]:
    """Each manifest once: those beside what was written, and all in and below the folders. Blocks."""
    seen = set()
    for folder in dict.fromkeys(written):
        seen |= {path.resolve() for path in folder.glob(f"*{ENDING}") if path.is_file()}
    for folder in dict.fromkeys(folders):
        seen |= {path.resolve() for path in folder.rglob(f"*{ENDING}") if path.is_file()}
    yield from sorted(seen)


def read(path: Path) -> Found:
    """What a manifest says of its export. Blocks; reads its head and no more."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST)
        end = content.find(HEAD)
        said = orjson.loads(content[:end] + b"\n}" if end >= 0 else content)
        if not isinstance(said, dict) or "export_id" not in said or "manifest" not in said:
            return Found(path, problem="it is no manifest of an export")
        seal = said.get("seal") or {}
        counts = said.get("counts") or {}
        return Found(
            path, str(said["export_id"] or ""), str(said.get("exported_by") or ""), str(said.get("exported_at") or ""),
            seal.get("workspace"), counts.get("conversations"),
            tuple((str(file["name"]), str(file["sha256"])) for file in said.get("files") or ()),
        )  # fmt: skip
    except OSError as error:
        return Found(path, problem=f"it cannot be read ({error.strerror or error})")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Found(path, problem="it is damaged, or not a manifest of an export")
