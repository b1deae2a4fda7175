"""The manifest beside a file that Traintui wrote, which has the SHA-256 of every file of an export."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from traintui.errors import TraintuiError
from traintui.importing.files import opened, read_bytes, shown, unreadable

MOST_BYTES = 500_000_000  # it names every conversation of an export
_PORTION = 1 << 20


@dataclass(frozen=True, slots=True)
class Verified:
    """A manifest that speaks the truth about a file; `content` is all it says."""

    path: Path
    sha256: str
    content: dict[str, Any]


def manifest_beside(path: Path) -> Path | None:
    """The manifest of a file; None if there is none.

    It has the name of the file, or that name without some of its suffixes, and `.manifest.json` behind it; the files of
    a split share one. A manifest of a shorter name that does not mention the file is another's.
    """
    whole = path.with_name(f"{path.name}.manifest.json")
    if whole.is_file():
        return whole
    name = path.name
    while "." in name.lstrip("."):
        name = name.rpartition(".")[0]
        shorter = path.with_name(f"{name}.manifest.json")
        if shorter.is_file() and _digest_in(_read(shorter), path.name):
            return shorter
    return None


def verified(path: Path) -> Verified | None:
    """What the manifest beside a file says of it; None if there is no manifest.

    Raises TraintuiError if the file is not the one that was written: its SHA-256 is another, or it is not named.
    """
    beside = manifest_beside(path)
    if beside is None:
        return None
    content = _read(beside)
    wanted = _digest_in(content, path.name)
    if wanted is None:
        raise TraintuiError(
            "Manifest not followed",
            f"{shown(beside)} has no SHA-256 of {shown(Path(path.name))}.",
            "Give the file its name back, or move the manifest away to import without it.",
        )
    found = digest_of(path)
    if found != wanted:
        raise TraintuiError(
            "File changed",
            f"{shown(path)} is not the file that its manifest was written for: its SHA-256 is {found[:12]}…, and "
            f"{shown(Path(beside.name))} has {shown(Path(wanted[:12]))}….",
            "Fetch it again; if you changed it on purpose, move the manifest away. Nothing was stored.",
        )
    return Verified(beside, found, content)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file on disk, in hexadecimal. Raises TraintuiError if it cannot be read."""
    digest = hashlib.sha256()
    with opened(path) as source:
        try:
            while portion := source.read(_PORTION):
                digest.update(portion)
        except OSError as error:
            raise unreadable(path, error) from error
    return digest.hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(read_bytes(path, limit=MOST_BYTES))
    except orjson.JSONDecodeError as error:
        raise _no_manifest(path, f"it is not JSON ({error.msg})") from error
    if not isinstance(content, dict):
        raise _no_manifest(path, "it is no JSON object")
    return content


def _digest_in(content: dict[str, Any], name: str) -> str | None:
    """The SHA-256 that a manifest has for a file of that name, in lower case."""
    files = content.get("files")
    if isinstance(files, dict):
        files = [entry | {"name": key} for key, entry in files.items() if isinstance(entry, dict)]
    if not isinstance(files, list):
        return None
    for entry in files:
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get("sha256"), str):
            return str(entry["sha256"]).lower()
    return None


def _no_manifest(path: Path, why: str) -> TraintuiError:
    return TraintuiError(
        "Manifest not read", f"{shown(path)} cannot be read: {why}.", "Fetch it again, or move it away."
    )
