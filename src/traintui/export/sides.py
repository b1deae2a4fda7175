"""The sides that conversations had in an earlier export, out of its manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson

from traintui.data.export_reading import ExportReader
from traintui.data.exports import manifest_name
from traintui.errors import TraintuiError
from traintui.export.manifest import CONVERSATIONS
from traintui.export.request import ExportRequest
from traintui.export.splits import Kept, Side, Splitter

SHARE = b'    "eval_share": '


def manifest_for(request: ExportRequest, path: Path) -> Path | None:
    """The manifest whose sides hold: the one that is asked for, or the one that an export over its own file replaces
    where it has the same share; None where a hash decides alone. Blocks. Raises `TraintuiError` when the one that
    stands there cannot be read."""
    if not request.eval_share:
        return None
    beside = path.with_name(manifest_name(path.name))
    if request.sides is None and beside.is_file() and share_of(beside) == request.eval_share:
        return beside
    return request.sides


def is_own(request: ExportRequest, path: Path) -> bool:
    """Whether the manifest whose sides hold is the one that the export replaces."""
    return request.sides is not None and request.sides.expanduser().absolute() == path.absolute().with_name(
        manifest_name(path.name)
    )


async def splitter_for(
    reader: ExportReader, request: ExportRequest, kept: Kept, on_kin: Callable[[int, int], None]
) -> Splitter:
    """What puts each on a side, told of all of them. `on_kin` gets how many were compared with the others, of how
    many."""
    if not request.eval_share:
        return Splitter(0.0)
    splitter = Splitter(request.eval_share, await reader.kin(on_kin), kept)
    async for public, node, is_compared in reader.nodes():
        splitter.expect(public, node, is_compared=is_compared)
    return splitter


def share_of(path: Path) -> float | None:
    """The share that a manifest says was asked for; None where it says none. Raises `TraintuiError`."""
    with readable(path) as file:
        return share_in(file)


def read(path: Path) -> Kept:
    """The sides in a manifest, line by line: it may name a million conversations. Raises `TraintuiError`."""
    with readable(path.expanduser()) as file:
        share_in(file)
        kept = Kept(entries(file))
    if not len(kept):
        raise _unusable(path, "no conversation in it has a side")
    return kept


@contextmanager
def readable(path: Path) -> Iterator[BinaryIO]:
    """A manifest that is open. Raises `TraintuiError` when what is read of it is none."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise _unusable(path, f"it cannot be read ({error.strerror or error})") from error
    except (ValueError, TypeError) as error:  # orjson's error is a ValueError
        raise _unusable(path, "it is no manifest of an export") from error


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
        "Name the .manifest.json of an export with an eval share, or move this one away. Nothing was written.",
    )  # fmt: skip
