"""The manifest of an export: what is in it, why, and how to prove it. Pure: the same facts give the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter
from typing import Any, BinaryIO

import orjson

from traintui.data.fetched import Fetched
from traintui.export.preferences import kto_weights
from traintui.export.record import DIMENSIONS

VERSION = 1
CONVERSATIONS = b'  "conversations": ['
"""The line below which each conversation has one."""
COUNTED = (*DIMENSIONS, "status", "reviewer")


@dataclass(slots=True)
class Tally:
    """What is in an export, added up conversation by conversation. Cost in USD; scores 0 to 10.

    A conversation counts for the reviewer who approved or rejected it last.
    """

    conversations: int = 0
    turns: int = 0
    rehearsal: int = 0
    seeds: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    lowest_score: float | None = None
    highest_score: float | None = None
    unscored: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in COUNTED})

    def add(self, conversations: Sequence[Fetched]) -> None:
        """Adds some conversations."""
        self.conversations += len(conversations)
        self.turns += sum([each.turn_count for each in conversations])
        self.rehearsal += sum([each.is_rehearsal for each in conversations])
        self.seeds += sum([each.is_seed for each in conversations])
        costs = [each.cost_usd for each in conversations if each.cost_usd is not None]
        self.cost_usd += sum(costs)
        self.unpriced += len(conversations) - len(costs)
        scores = [each.quality_score for each in conversations if each.quality_score is not None]
        self.unscored += len(conversations) - len(scores)
        if scores:
            known = [score for score in (self.lowest_score, self.highest_score) if score is not None]
            self.lowest_score, self.highest_score = min(*scores, *known, scores[0]), max(*scores, *known, scores[0])
        for name, counter in self.counts.items():
            for value, number in Counter(map(attrgetter(name), conversations)).items():
                counter[value or "none"] += number

    def as_json(self) -> dict[str, Any]:
        """The sums as plain values, the most first."""
        return {
            "conversations": self.conversations,
            "turns": self.turns,
            "rehearsal": self.rehearsal,
            "seeds": self.seeds,
            **{name: dict(sorted(self.counts[name].items(), key=lambda item: (-item[1], item[0]))) for name in COUNTED},
            "score": {"lowest": self.lowest_score, "highest": self.highest_score, "none": self.unscored},
            "cost_usd": {"sum": str(self.cost_usd), "conversations_without": self.unpriced},
        }


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file of the export: its name without a directory, its size in bytes, its SHA-256 in hexadecimal, and how many
    rows it has (None where it has none, such as a README)."""

    name: str
    size: int
    sha256: str
    rows: int | None = None
    side: str | None = None


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """All that a manifest says but the conversations themselves.

    `filter_data` is the filter as data, `preflight` and `split` what `Totals` and `Splitter` give, `seal` the newest
    seal of the logs: workspace, number, hash and time (None where nothing is sealed yet). `left_out_rehearsal` are
    conversations that match and stay out. `labels` are rows (desirable, undesirable) of a format that labels answers.
    `exported_at` is ISO 8601, UTC; without it, `seal` and `export_id` the same export gives the same manifest.
    """

    format: str
    format_version: int
    container: str
    traintui: str
    schema_revision: str
    filter_text: str
    filter_data: Mapping[str, Any]
    tally: Tally
    files: tuple[FileFacts, ...]
    rows: int
    preflight: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    left_out_rehearsal: int = 0
    remarks: tuple[str, ...] = ()
    split: Mapping[str, Any] | None = None
    labels: tuple[int, int] | None = None
    seal: Mapping[str, Any] | None = None
    export_id: str | None = None
    exported_at: str | None = None
    exported_by: str | None = None


def head(facts: ManifestFacts) -> dict[str, Any]:
    """The manifest without its conversations, with all keys whatever the export is."""
    return {
        "manifest": VERSION,
        "export_id": facts.export_id,
        "exported_at": facts.exported_at,
        "exported_by": facts.exported_by,
        "format": {"name": facts.format, "version": facts.format_version, "container": facts.container},
        "traintui": facts.traintui,
        "schema": facts.schema_revision,
        "filter": {"words": facts.filter_text, "data": dict(facts.filter_data)},
        "options": dict(facts.options),
        "rows": facts.rows,
        "counts": facts.tally.as_json(),
        "left_out_rehearsal": facts.left_out_rehearsal,
        "preflight": dict(facts.preflight),
        "remarks": list(facts.remarks),
        "split": None if facts.split is None else dict(facts.split),
        "kto": None if facts.labels is None else kto(*facts.labels),
        "files": [
            {"name": file.name, "bytes": file.size, "sha256": file.sha256, "rows": file.rows, "side": file.side}
            for file in facts.files
        ],
        "seal": None if facts.seal is None else dict(facts.seal),
    }


def kto(desirable: int, undesirable: int) -> dict[str, Any]:
    """How many labels there are of both kinds, and the weights that balance them."""
    for_desirable, for_undesirable = kto_weights(desirable, undesirable)
    return {
        "desirable": desirable,
        "undesirable": undesirable,
        "desirable_weight": for_desirable,
        "undesirable_weight": for_undesirable,
    }


def write_manifest(
    file: BinaryIO, facts: ManifestFacts, conversations: Iterable[bytes], left_out: Iterable[bytes] = ()
) -> None:
    """Writes the manifest: the head, then a line for each conversation that matched and was left out (id, revision and
    why) and for each that was written (id, revision and, with a split, side), as JSON, as they come. Memory does not
    grow with them."""
    head_text = orjson.dumps(head(facts), option=orjson.OPT_INDENT_2).decode()
    file.write(head_text.removesuffix("\n}").encode())
    for begin, entries in ((b'  "left_out": [', left_out), (CONVERSATIONS, conversations)):
        file.write(b",\n" + begin)
        count = 0
        for count, entry in enumerate(entries, 1):
            file.write((b",\n    " if count > 1 else b"\n    ") + entry)
        file.write(b"\n  ]" if count else b"]")
    file.write(b"\n}\n")
