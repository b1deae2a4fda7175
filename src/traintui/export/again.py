"""An export that is on record, made again: as it was, or of its scope as of now; and whether its bytes are the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from traintui.audit import export_archive
from traintui.data import export_reading
from traintui.data.engine import Database
from traintui.data.export_history import is_in_log, one
from traintui.data.exports import manifest_name
from traintui.data.id_lists import Ids
from traintui.data.log_records import Export
from traintui.data.noted import Noted
from traintui.errors import TraintuiError
from traintui.export.containers import container_of
from traintui.export.formats import Container, Format
from traintui.export.manifest import FileFacts
from traintui.export.record import Shape
from traintui.export.standing import files_in, host_of, place_of, standing_of
from traintui.export.tokens import NoTokenizer, counter_of

AsOf = Literal["then", "now"]
OF_NOW = {"own": "metadata, dimensions, scores and the names of documents are those of now"}
"""What the database keeps no earlier state of, by the kind of format that writes it."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An export that is made again. What the log of an older Traintui does not say is None, or empty."""

    export_id: str
    as_of: AsOf
    noted: Noted
    snapshot: str = ""
    filter_state: Mapping[str, Any] = field(default_factory=dict)
    shape: Shape | None = None
    container: Container | None = None
    format_version: int | None = None
    traintui: str | None = None
    sha256s: tuple[str, ...] = ()
    sides: str | None = None
    """The name of the manifest whose sides it kept, where one was asked for."""

    @property
    def is_then(self) -> bool:
        """Whether it is to hold what it held."""
        return self.as_of == "then"

    def as_json(self) -> dict[str, Any]:
        """It for log and manifest."""
        return {"export": self.export_id, "as_of": self.as_of}


async def earlier_of(db: Database, export: Export, as_of: AsOf) -> Earlier:
    """What of an export another one must know that is to be the same. Raises `TraintuiError` when it holds nothing."""
    if export.state != "succeeded":
        raise TraintuiError(
            "Not exported again", f"{export.export_id} wrote nothing: it is {export.state}.",
            "Name one that succeeded; 4 Audit lists them.",
        )  # fmt: skip
    said = export.metadata
    shape = said.get("shape")
    container = said.get("container") or container_or_none(str(said.get("file") or ""))
    return Earlier(
        export.export_id, as_of, await noted_of(db, export), export.snapshot, export.filter_state,
        None if not isinstance(shape, Mapping) else Shape(**{name: bool(value) for name, value in shape.items()}),
        container, said.get("format_version"), said.get("traintui"),
        tuple(str(file["sha256"]) for file in said.get("files") or ({"sha256": export.file_sha256},)),
        (said.get("options") or {}).get("sides"),
    )  # fmt: skip


def container_or_none(name: str) -> Container | None:
    """What the end of a name says, where it says something."""
    try:
        return container_of(name)
    except TraintuiError:
        return None


async def found(db: Database, export_id: str, as_of: AsOf) -> tuple[Export, Earlier]:
    """An export of the log that is to be made again. Raises `TraintuiError` when there is none, or it holds nothing."""
    try:
        export = await one(db, export_id)
    except TraintuiError:
        archived = await export_archive.one(db, export_id)
        if archived is None:
            raise
        export = archived
    return export, await earlier_of(db, export, as_of)


async def noted_of(db: Database, export: Export) -> Noted:
    """What was noted of its conversations: where the log has it, or out of the archive where it has it no longer."""
    if await is_in_log(db, export.export_id):
        return Noted(export.export_id, export.started_at)
    return await export_archive.noted(db, export)


async def selection_of(db: Database, export: Export, noted: Noted) -> Ids | None:
    """Those of its selection that it held and that are here still, by internal id; None where it was of a filter. What
    was left out then is not on record."""
    if export.filter_state.get("selected") is None:
        return None
    return await export_reading.still_here(db, noted)


def options_of(export: Export, as_of: AsOf) -> dict[str, Any]:
    """Its options, as a request names them; of the files among them those that can be used here. As it was it keeps the
    sides that it had, where its own manifest still stands as it was written. What it held as it was passed then,
    whatever is said of its length now. Blocks: it reads these files."""
    said, paths = export.metadata.get("options") or {}, export.metadata.get("paths") or {}
    known = {name: said[name] for name in ("if_refused", "if_cut", "limit", "eval_share") if name in said}
    known["strata"] = tuple(said.get("strata") or ())
    if (tokenizer := paths.get("tokenizer")) and is_tokenizer(Path(tokenizer)):
        known["tokenizer"] = Path(tokenizer)
    if said.get("eval_share"):
        given = Path(paths["sides"]) if paths.get("sides") else None
        sides = own_manifest(export) if as_of == "then" else None
        known["sides"] = sides or (given if given is not None and given.is_file() else None)
    return known | ({"if_cut": "write"} if as_of == "then" else {})


def own_manifest(export: Export) -> Path | None:
    """Its manifest, where it stands on this machine as it was written."""
    directory, name = place_of(export.metadata), manifest_name(str(export.metadata.get("file") or ""))
    written = next((file for file in files_in(export.metadata) if file.name == name), None)
    if directory is None or written is None or host_of(export.metadata) is not None:
        return None
    found = standing_of(written, directory / name, lambda _read: None, threading.Event())
    return directory / name if found.standing == "unchanged" else None


def is_tokenizer(path: Path) -> bool:
    """Whether it counts here."""
    try:
        return not counter_of(path).is_estimate
    except NoTokenizer:
        return False


def is_exact(format: Format) -> bool:
    """Whether everything that a format writes is kept for each revision."""
    return format.kind not in OF_NOW


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether the files are those that an earlier export wrote, byte for byte, and, where not, why they may differ."""

    export_id: str
    same: bool
    reasons: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """It in a sentence."""
        if self.same:
            return f"The same bytes as {self.export_id}."
        return f"Other bytes than {self.export_id}: {'; '.join(self.reasons)}."

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"export": self.export_id, "same_bytes": self.same, "reasons": list(self.reasons)}


def compared(
    earlier: Earlier, format: Format, container: Container, files: Sequence[FileFacts], *, is_split: bool,
    keeps_sides: bool, version: str,
) -> Comparison:  # fmt: skip
    """How the data of an export that was made again compares with what was written then. `keeps_sides` says that it
    keeps those of a manifest, `version` is Traintui's."""
    data = tuple(file.sha256 for file in files if file.rows is not None)
    if data == earlier.sha256s[: len(data)]:
        return Comparison(earlier.export_id, True)
    reasons = []
    if not earlier.is_then:
        reasons.append("it is of now")
    if earlier.container is not None and earlier.container != container:
        reasons.append(f"it is {container} now, and was {earlier.container}")
    if earlier.format_version is not None and earlier.format_version != format.version:
        reasons.append(f"the format is of version {format.version} now, and was of {earlier.format_version}")
    elif earlier.traintui is not None and earlier.traintui != version:
        reasons.append(f"Traintui {earlier.traintui} wrote it")
    if earlier.is_then and not is_exact(format):
        reasons.append(OF_NOW[format.kind])
    if earlier.is_then and is_split and not keeps_sides:
        reasons.append("what is alike is kept on one side as it is known now, for its manifest does not stand here")
    if is_split and not keeps_sides and earlier.sides is not None:
        reasons.append(f"it kept the sides that {earlier.sides} has, which is not here")
    if earlier.is_then and earlier.shape is None:
        reasons.append("which keys all of its rows had is not on record")
    return Comparison(earlier.export_id, False, tuple(reasons or ["why is not on record; the manifests tell more"]))
