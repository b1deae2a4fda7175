"""Train and eval: which side a conversation is on, the same in every export however it grows."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Side = Literal["train", "eval"]
_PARTS = 1 << 64


def position(name: str) -> float:
    """Where a name stands between 0 and 1: its SHA-256, so the same on every machine and evenly spread."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big") / _PARTS


@dataclass(frozen=True, slots=True)
class Torn:
    """A conversation that is alike to ones on both sides: it went with its first group, and `group` has others on the
    other side."""

    conversation_id: str
    group: str


@dataclass(slots=True)
class Splitter:
    """Puts conversations on a side, one after the other.

    `share` is that of the eval side, 0 to 1. The side is decided by a hash of the conversation's id, or of its first
    group where it has any, so everything of a group is on one side. Neither depends on what else is exported: a larger
    export keeps every row where it was. `kept` are sides of an earlier export, from its manifest, which hold whatever
    groups have become of since.

    In each stratum the share is met as nearly as the luck of a hash allows: correcting it would move rows as the export
    grows. `strata` says what each has, `uneven` which have no row on a side.

    Memory grows with the groups, not with the rows.
    """

    share: float
    kept: Mapping[str, Side] = field(default_factory=dict)
    counts: Counter[Side] = field(default_factory=Counter)
    strata: dict[Hashable, Counter[Side]] = field(default_factory=dict)
    torn: list[Torn] = field(default_factory=list)
    _sides: dict[str, Side] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ValueError("the share of the eval side is 0 or more, and less than 1")

    def side_of(self, conversation_id: str, groups: Sequence[str] = (), stratum: Hashable = None) -> Side:
        """The side of a conversation, which is thereby placed. `groups` are names of what must stay together, such as
        `chunk:12` or the first of those that say nearly the same; what depends least on the export comes first."""
        side = self.kept.get(conversation_id)
        if side is None:
            side = next((self._sides[group] for group in groups if group in self._sides), None)
        if side is None:
            side = "eval" if position(groups[0] if groups else conversation_id) < self.share else "train"
        for group in groups:
            if self._sides.setdefault(group, side) != side:
                self.torn.append(Torn(conversation_id, group))
        self.counts[side] += 1
        self.strata.setdefault(stratum, Counter())[side] += 1
        return side

    def uneven(self) -> tuple[Hashable, ...]:
        """The strata of which one side has no row."""
        if not self.share:
            return ()
        return tuple(name for name, counts in self.strata.items() if not counts["eval"] or not counts["train"])

    def as_json(self) -> dict[str, Any]:
        """The split as plain values, for the manifest."""
        return {
            "share": self.share,
            "train": self.counts["train"],
            "eval": self.counts["eval"],
            "strata": [
                {"stratum": list(name) if isinstance(name, tuple) else name,
                 "train": counts["train"], "eval": counts["eval"]}
                for name, counts in sorted(self.strata.items(), key=lambda item: str(item[0]))
            ],
            "on_both_sides": [{"conversation_id": torn.conversation_id, "group": torn.group} for torn in self.torn],
        }  # fmt: skip
