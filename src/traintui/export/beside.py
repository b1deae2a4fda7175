"""What goes beside the data: what trainers need to read it, the card, the manifest; and how all of it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import traintui
from traintui.data import schema
from traintui.data.export_reading import ScopeCounts
from traintui.data.exports import manifest_name
from traintui.errors import TraintuiError
from traintui.export.assembly import Assembly, eval_name
from traintui.export.card import CardFacts, card
from traintui.export.fileset import FileSet
from traintui.export.formats import Files
from traintui.export.formats.messages import quoted
from traintui.export.formats.sharegpt import merged_dataset_info
from traintui.export.manifest import ManifestFacts, write_manifest
from traintui.export.preflight import Remark, remarks
from traintui.export.record import Shape
from traintui.export.request import ExportRequest, said_of_moment
from traintui.export.rules import Severity
from traintui.export.sides import is_own

MERGED = "dataset_info.json"
"""LLaMA-Factory reads one for a whole directory: entries of others stay in it."""
CARD = "README.md"


def names_of(request: ExportRequest, path: Path) -> list[str]:
    """The files that are this export's own, so that one that is there is asked about."""
    given = Files(path.name, eval_name(path.name) if request.eval_share else None)
    beside = [name for name in request.target.companions(given, Shape()) if name != MERGED]
    return [name for name in (given.train, given.eval, manifest_name(path.name), *beside) if name]


def card_name(directory: Path, data: str) -> str:
    """README.md, unless one stands there that is not about this file: that stays."""
    try:
        present = (directory / CARD).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return CARD
    except OSError:
        return f"{Files(data).dataset}.{CARD}"
    ours = "\n  - traintui\n" in present and f"path: {quoted(data)}\n" in present
    return CARD if ours else f"{Files(data).dataset}.{CARD}"


def said_of(assembly: Assembly, size: int | None = None) -> tuple[Remark, ...]:
    """What is to say of the whole."""
    said = remarks(
        assembly.format, rows=assembly.rows, container=assembly.container, shape=assembly.shape, size=size,
        desirable=assembly.desirable, instead=assembly.instead,
    )  # fmt: skip
    of_split = (*sides_kept(assembly), *assembly.splitter.says()) if assembly.request.eval_share else ()
    every = [*(Remark(Severity.IGNORED, says) for says in of_split), *said]
    return tuple(sorted(every, key=lambda remark: not remark.is_grave))


def sides_kept(assembly: Assembly) -> tuple[str, ...]:
    """Whose sides hold, where a hash does not decide alone."""
    sides = assembly.request.sides
    if sides is None:
        return ()
    replaced = (
        ", which this export replaces,"
        if is_own(assembly.request, assembly.files.directory / assembly.names.train)
        else ""
    )
    held = assembly.splitter.held
    noun = "conversation keeps its side" if held == 1 else "conversations keep their sides"
    return (f"{held:,} {noun}: those of {sides.name}{replaced} hold.",)


def add_all(
    files: FileSet, assembly: Assembly, counts: ScopeCounts, filter_state: Mapping[str, Any], told: Mapping[str, Any]
) -> tuple[Remark, ...]:
    """Adds everything that goes beside the data. `told` has who exported, when, under which id, and the seal. Returns
    what is to say of the whole. Raises `TraintuiError` when a `dataset_info.json` is there that cannot be read.
    Blocks."""
    request, directory = assembly.request, files.directory
    said = (*said_of_moment(filter_state), *said_of(assembly, max(part.hashed.size for part in files.parts)))
    for name, content in assembly.format.companions(assembly.names, assembly.shape).items():
        files.add_text(name, merged(directory / name, content) if name == MERGED else content)
    facts = ManifestFacts(
        format=assembly.format.name,
        format_version=assembly.format.version,
        container=assembly.container,
        traintui=traintui.__version__,
        schema_revision=schema.HEAD,
        filter_text=str(filter_state["filter"]),
        filter_data={name: value for name, value in filter_state.items() if name != "filter"},
        tally=assembly.tally,
        files=tuple(part.facts for part in files.parts),
        rows=assembly.rows,
        preflight=assembly.totals.as_json()
        | {"file_refused": [remark.says for remark in said if remark.severity is Severity.REFUSED]},
        options=request.options(),
        left_out_rehearsal=counts.left_out_rehearsal,
        remarks=tuple(remark.says for remark in said),
        split=assembly.splitter.as_json() if request.eval_share else None,
        labels=assembly.labels if any(assembly.labels) else None,
        export_id=told["export_id"],
        exported_at=told["exported_at"],
        exported_by=told["exported_by"],
        seal=told["seal"],
    )
    manifest = manifest_name(assembly.names.train)
    if request.card:
        content = card(CardFacts(assembly.names.dataset, facts, manifest))
        part = files.add_text(card_name(directory, assembly.names.train), content)
        facts = replace(facts, files=(*facts.files, part.facts))
    part = files.add(manifest)
    write_manifest(part.file, facts, part.draining(assembly.roll()), part.draining(assembly.omitted()))
    return said


def merged(path: Path, content: str) -> str:
    """The entries of this export among those that are there."""
    try:
        return merged_dataset_info(path.read_bytes(), content)
    except FileNotFoundError:
        return content
    except ValueError as error:
        raise TraintuiError(
            "Not exported", f"{path} is there and holds no JSON object, so nothing can be added to it.",
            "Mend it or move it away. Nothing was written.",
        ) from error  # fmt: skip
