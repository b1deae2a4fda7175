"""The sides that conversations had in an earlier export, out of its manifest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import orjson

from traintui.errors import TraintuiError
from traintui.export.manifest import CONVERSATIONS, manifest_name
from traintui.export.request import ExportRequest
from traintui.export.splits import Kept, Side

SHARE = b'    "eval_share": '


def sides_for(request: ExportRequest, path: Path) -> Kept:
    """The sides that hold: of the manifest that is asked for, or of the one that an export over its own file replaces
    where it has the same share. Blocks. Raises `TraintuiError` when the one that is asked for has none."""
    if not request.eval_share:
        return Kept()
    if request.sides is not None:
        return read(request.sides)[1]
    beside = path.with_name(manifest_name(path.name))
    if request.overwrite and beside.is_file():
        with suppress(TraintuiError):
            share, kept = read(beside)
            if share == request.eval_share:
                return kept
    return Kept()


def read(path: Path) -> tuple[float | None, Kept]:
    """The share and the sides in a manifest, line by line: it may name a million conversations. Raises
    `TraintuiError`."""
    try:
        with path.expanduser().open("rb") as file:
            share = share_in(file)
            kept = Kept(entries(file))
    except OSError as error:
        raise _unusable(path, f"it cannot be read ({error.strerror or error})") from error
    except (ValueError, TypeError) as error:  # orjson's error is a ValueError
        raise _unusable(path, "it is no manifest of an export") from error
    if not len(kept):
        raise _unusable(path, "no conversation in it has a side")
    return share, kept


def share_in(file: BinaryIO) -> float | None:
    """What was asked for; reads on to where the conversations begin."""
    share = None
    for line in file:
        if line.startswith(SHARE):
            share = float(line.removeprefix(SHARE).strip().rstrip(b","))
        elif line.startswith(CONVERSATIONS):
            break
    return share


def entries(file: BinaryIO) -> Iterator[tuple[str, Side]]:
    """The conversations that have a side."""
    for line in file:
        entry = line.strip().rstrip(b",")
        if entry.startswith(b"]"):
            return
        name, _, *side = orjson.loads(entry)
        if side and side[0] in ("train", "eval"):
            yield str(name), side[0]


def _unusable(path: Path, why: str) -> TraintuiError:
    return TraintuiError(
        "Not exported", f"{path} has no sides to keep: {why}.",
        "Name the .manifest.json of an export with an eval share. Nothing was written.",
    )  # fmt: skip
