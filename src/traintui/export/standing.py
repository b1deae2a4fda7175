"""Whether what an export wrote still stands where it was written."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from traintui.export.machine import machine_id
from traintui.export.manifest import FileFacts

PORTION = 1 << 20
"""Bytes that are read at once: between two, it is looked whether anybody still wants to know."""

Standing = Literal["unchanged", "changed", "gone", "elsewhere", "unreadable", "unknown"]
Looked = Callable[[int, int], None]
"""Is told how many bytes were read, of how many."""


@dataclass(frozen=True, slots=True)
class FileStanding:
    """What has become of a file; `why` says more where there is more to say."""

    file: FileFacts
    standing: Standing
    why: str = ""


def files_in(metadata: Mapping[str, Any]) -> tuple[FileFacts, ...]:
    """The files that the log has of an export, the data first; none where an older Traintui wrote it. One of which it
    does not have all is left out: the log takes what whoever exports says, and there is nothing to compare with."""
    said = metadata.get("files")
    return tuple(
        FileFacts(str(file["name"]), file["bytes"], str(file["sha256"]), rows if isinstance(rows, int) else None)
        for file in (said if isinstance(said, list) else ())
        if isinstance(file, Mapping) and {"name", "sha256"} <= file.keys() and isinstance(file.get("bytes"), int)
        for rows in [file.get("rows")]
    )


def place_of(metadata: Mapping[str, Any]) -> Path | None:
    """The directory that an export wrote into; None where it is not on record."""
    return Path(metadata["directory"]) if metadata.get("directory") else None


def host_of(metadata: Mapping[str, Any]) -> str | None:
    """The name of the machine that wrote it, where that is another one: by its id, or by its name where either machine
    has none."""
    host, machine, here = metadata.get("host"), metadata.get("machine"), machine_id()
    is_here = machine == here if machine and here else not host or host == socket.gethostname()
    return None if is_here else str(host or "its name is not on record")


def look(metadata: Mapping[str, Any], *, looked: Looked, stop: threading.Event) -> Sequence[FileStanding]:
    """What has become of each file. Reads those whose size is as it was to their end, so it blocks; `stop` ends it."""
    files, directory = files_in(metadata), place_of(metadata)
    if directory is None:
        return [FileStanding(file, "unknown", "where it was written is not on record") for file in files]
    if (host := host_of(metadata)) is not None:
        return [FileStanding(file, "elsewhere", f"on another machine ({host})") for file in files]
    total, done = sum(file.size for file in files), 0
    found = []
    for file in files:
        before = done

        def read(number: int, before: int = before) -> None:
            looked(before + number, total)

        standing = standing_of(file, directory / file.name, read, stop)
        if standing.standing == "gone" and (host := metadata.get("host")) not in (None, socket.gethostname()):
            # The id of a machine goes along when it is copied.
            standing = replace(
                standing, why=f"it was written when this machine, or one that it is a copy of, was {host}"
            )
        found.append(standing)
        done += file.size
        looked(done, total)
        if stop.is_set():
            break
    return found


def standing_of(file: FileFacts, path: Path, read: Callable[[int], None], stop: threading.Event) -> FileStanding:
    """What has become of one file."""
    try:
        size = path.stat().st_size
        if size != file.size:
            return FileStanding(file, "changed", f"{size:,} bytes now")
        digest, done = hashlib.sha256(), 0
        with path.open("rb") as source:
            while (portion := source.read(PORTION)) and not stop.is_set():
                digest.update(portion)
                done += len(portion)
                read(done)
    except (FileNotFoundError, NotADirectoryError):
        return FileStanding(file, "gone")
    except OSError as error:
        return FileStanding(file, "unreadable", error.strerror or str(error))
    if stop.is_set():
        return FileStanding(file, "unknown")
    if digest.hexdigest() != file.sha256:
        return FileStanding(file, "changed", "its SHA-256 is another")
    return FileStanding(file, "unchanged")
