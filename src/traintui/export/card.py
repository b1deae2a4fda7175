"""The dataset card beside an export: a README with the YAML head that Hugging Face reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from traintui.export.formats.messages import quoted
from traintui.export.manifest import ManifestFacts
from traintui.export.record import DIMENSIONS

SIZES = (
    (1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"),
    (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"),
)  # fmt: skip
"""The size categories of the Hub (dataset cards, `size_categories`)."""
SPLITS = {"train": "train", "eval": "test", None: "train"}
"""How sides are called as splits."""
SHOWN = 20
"""Values of a dimension that a card lists."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card says beyond the manifest: the title, and of the license and the languages what is known (SPDX in
    small letters; ISO 639-1)."""

    title: str
    manifest: ManifestFacts
    manifest_name: str
    license: str | None = None
    languages: Sequence[str] = ()


def size_category(rows: int) -> str:
    """The category of the Hub for so many rows."""
    return next((name for most, name in SIZES if rows < most), "n>1B")


def card(facts: CardFacts) -> str:
    """The text of the README."""
    return f"---\n{head(facts)}---\n\n{body(facts)}"


def head(facts: CardFacts) -> str:
    """The YAML between the dashes: what it is, and which file is which split, so that `load_dataset` of the directory
    reads them and nothing else."""
    data = [file for file in facts.manifest.files if file.rows is not None]
    lines = [f"pretty_name: {quoted(facts.title)}"]
    lines += [f"license: {quoted(facts.license)}"] if facts.license else []
    lines += ["language:", *(f"  - {quoted(name)}" for name in facts.languages)] if facts.languages else []
    lines += [
        "task_categories:",
        "  - text-generation",
        "size_categories:",
        f"  - {size_category(facts.manifest.rows)}",
        "tags:",
        "  - conversational",
        "  - traintui",
        *(["  - synthetic"] if facts.manifest.tally.seeds < facts.manifest.tally.conversations else []),
        "configs:",
        "  - config_name: default",
        "    data_files:",
    ]
    for file in data:
        lines += [f"      - split: {SPLITS[file.side]}", f"        path: {quoted(file.name)}"]
    return "\n".join(lines) + "\n"


def body(facts: CardFacts) -> str:
    """What people read."""
    manifest, tally = facts.manifest, facts.manifest.tally
    rows = "" if manifest.rows == tally.conversations else f", which give {manifest.rows:,} rows"
    parts = [
        f"# {escaped(facts.title)}",
        f"{tally.conversations:,} reviewed conversations of {tally.turns:,} turns{rows}, exported by Traintui"
        f" {manifest.traintui} as `{manifest.format}` (version {manifest.format_version}).",
        scope(manifest),
    ]
    statuses: Mapping[str, int] = tally.counts.get("status", {})
    if set(statuses) - {"approved"}:
        parts.append(f"**Not all of them are approved:** {listed(statuses.items())}.")
    if tally.rehearsal:
        parts.append(
            f"**{tally.rehearsal:,} of them were written by Traintui's rehearsal,** by rule and without a model:"
            " they are for trying, not for training."
        )
    if manifest.left_out_rehearsal:
        parts.append(f"{manifest.left_out_rehearsal:,} that match were written by the rehearsal and left out.")
    parts.append("## Files\n\n" + table(("file", "rows", "bytes", "SHA-256"), (
        (code(file.name), "" if file.rows is None else f"{file.rows:,}", f"{file.size:,}", code(file.sha256))
        for file in manifest.files
    )))  # fmt: skip
    parts.append(f"What is in it, by id and revision, and what was checked stands in {code(facts.manifest_name)}.")
    for name in DIMENSIONS:
        counts: Mapping[str, int] = tally.counts.get(name, {})
        if set(counts) - {"none"}:
            parts.append(f"## {name.capitalize()}\n\n" + shares(counts, tally.conversations))
    words = manifest.preflight.get("words")
    checked = [f"- {escaped(str(words))}"] if words else []
    checked += [f"- {escaped(remark)}" for remark in manifest.remarks]
    if checked:
        parts.append("## What the target does with it\n\n" + "\n".join(checked))
    return "\n\n".join(parts) + "\n"


def scope(manifest: ManifestFacts) -> str:
    """Which conversations were taken, in a sentence."""
    words, selected = manifest.filter_text, manifest.filter_data.get("selected")
    named = f"Filter: {code(words)}." if words else "All approved conversations."
    if selected is not None:
        return f"A selection of {selected:,}" + (f", out of {code(words)}." if words else ".")
    return f"The view {code(str(manifest.filter_data['view']))}. {named}" if manifest.filter_data.get("view") else named


def shares(counts: Mapping[str, int], whole: int) -> str:
    """A table of the values of a dimension, the most first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [(code(value), f"{count:,}", f"{count / max(1, whole):.0%}") for value, count in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        rest = sum(count for _, count in ordered[SHOWN:])
        rows.append((f"{len(ordered) - SHOWN} more", f"{rest:,}", f"{rest / max(1, whole):.0%}"))
    return table(("value", "conversations", "share"), rows)


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table of Markdown."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def listed(counts: Iterable[tuple[str, int]]) -> str:
    """Values and how many, in one line."""
    return ", ".join(
        f"{count:,} {code(value)}" for value, count in sorted(counts, key=lambda item: (-item[1], item[0]))
    )


def code(content: str) -> str:
    """Text that Markdown shows as it is: in a fence that is longer than any in it."""
    content = " ".join(content.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", content)), default=0) + 1)
    room = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{room}{content}{room}{fence}"


def escaped(content: str) -> str:
    """Text that means nothing to Markdown, in one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(content.split()))
