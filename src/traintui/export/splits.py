"""Train and eval: which side a conversation is on, the same in every export however it grows."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from traintui.data.kin import Kin

Side = Literal["train", "eval"]
SIDES: tuple[Side, Side] = ("train", "eval")
_PARTS = 1 << 64
LISTED = 1_000
"""Conversations that are alike to ones on the other side of which it is kept which they are; all are counted."""


def number_of(name: str) -> int:
    """A name as 64 bits of its SHA-256, so the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def position(name: str) -> float:
    """Where a name stands between 0 and 1, evenly spread."""
    return number_of(name) / _PARTS


class Kept:
    """The sides that conversations had in an earlier export, in eight bytes for each: of a million names two are taken
    for one another in one of 30 million exports."""

    def __init__(self, sides: Iterable[tuple[str, Side]] = ()) -> None:
        numbers: dict[Side, array[int]] = {"train": array("Q"), "eval": array("Q")}
        for name, side in sides:
            numbers[side].append(number_of(name))
        self._numbers = {side: array("Q", sorted(found)) for side, found in numbers.items()}

    def __len__(self) -> int:
        return sum(map(len, self._numbers.values()))

    def get(self, name: str) -> Side | None:
        """The side that a conversation had; None where it was not there."""
        number = number_of(name)
        for side, numbers in self._numbers.items():
            at = bisect_left(numbers, number)
            if at < len(numbers) and numbers[at] == number:
                return side
        return None


@dataclass(slots=True)
class Family:
    """Conversations that belong together: `rows` of the export, and how many of these were on a side before."""

    name: str
    rows: int = 0
    kept: Counter[Side] = field(default_factory=Counter)

    @property
    def is_torn(self) -> bool:
        """Whether they were on both sides before they belonged together."""
        return len(self.kept) == 2


@dataclass(slots=True)
class Splitter:
    """Puts conversations on a side, which `kin` says that belong together, once each was told by `expect`.

    `share` is that of the eval side, 0 to 1. A hash decides: of the chunk that a conversation is about, of its id where
    it is about none, and for those that belong together of the oldest chunk or conversation among them. So it does not
    depend on what else is exported, unless something new joins what did not belong together.

    `kept` are sides of an earlier export, which hold. What is new goes with those it belongs with; where these are on
    both sides, with most of them, or to train where there are as many, and is listed. A family that is more than half
    of an export is trained on, whatever the hash says: it would leave too little to learn from.

    In each stratum the share is met as nearly as the luck of a hash allows: correcting it would move rows as the export
    grows. `strata` says what each has, `uneven` which have no row on a side.

    Memory grows with the families, not with the rows.
    """

    share: float
    kin: Kin = field(default_factory=Kin)
    kept: Kept = field(default_factory=Kept)
    counts: Counter[Side] = field(default_factory=Counter)
    strata: dict[Hashable, Counter[Side]] = field(default_factory=dict)
    apart: list[tuple[str, Side]] = field(default_factory=list)
    number_apart: int = 0
    held: int = 0
    _expected: int = 0
    _uncompared: int = 0
    _families: dict[int, Family] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise ValueError("the share of the eval side is 0 or more, and less than 1")

    def expect(self, conversation_id: str, node: int, *, is_compared: bool = True) -> None:
        """Tells of a conversation of the export, in order of the id, and whether its near-duplicates are known."""
        self._expected += 1
        self._uncompared += not is_compared
        if self.kin.is_alone(node):
            return
        top = self.kin.of(node)
        family = self._families.get(top)
        if family is None:
            name = f"chunk:{-top}" if top < 0 else self.kin.names.get(top, conversation_id)
            family = self._families[top] = Family(name)
        family.rows += 1
        if (side := self.kept.get(conversation_id)) is not None:
            family.kept[side] += 1

    def side_of(self, conversation_id: str, node: int, stratum: Hashable = None) -> Side:
        """The side of a conversation, which is thereby placed."""
        side = self.kept.get(conversation_id)
        family = None if self.kin.is_alone(node) else self._families[self.kin.of(node)]
        if side is not None:
            self.held += 1
        elif family is None:
            side = self._by_hash(conversation_id)
        else:
            side = self._side_of(family)
            if family.is_torn:
                self.number_apart += 1
                if len(self.apart) < LISTED:
                    self.apart.append((conversation_id, side))
        self.counts[side] += 1
        self.strata.setdefault(stratum, Counter())[side] += 1
        return side

    def _side_of(self, family: Family) -> Side:
        if family.kept:
            return "eval" if family.kept["eval"] > family.kept["train"] else "train"
        if family.rows > 1 and family.rows * 2 > self._expected:
            return "train"
        return self._by_hash(family.name)

    def _by_hash(self, name: str) -> Side:
        return "eval" if position(name) < self.share else "train"

    @property
    def largest(self) -> int:
        """How many conversations the largest family has."""
        return max((family.rows for family in self._families.values()), default=0)

    def uneven(self) -> tuple[tuple[Hashable, Side], ...]:
        """The strata of which one side has no row, and which."""
        return tuple((name, side) for name, counts in self.strata.items() for side in SIDES if not counts[side])

    def says(self) -> tuple[str, ...]:
        """What is to say of the split as a whole, in sentences."""
        found, whole = [], self.counts.total()
        if empty := [side for side in SIDES if not self.counts[side]]:
            largest = f"; the largest group of what belongs together has {self.largest:,}" if self.largest > 1 else ""
            found.append(f"Nothing is on the {empty[0]} side{largest}.")
        elif self.largest * 2 > whole and self.largest > 1:
            found.append(
                f"{self.largest:,} of {whole:,} conversations belong together, as near-duplicates or of one chunk: they"
                " are on one side."
            )
        if self._uncompared:
            noun = "conversation was" if self._uncompared == 1 else "conversations were"
            found.append(
                f"{self._uncompared:,} {noun} not compared with the others yet: near-duplicates of such may be on both"
                " sides. A worker compares them."
            )
        if self.number_apart:
            noun = "conversation joins" if self.number_apart == 1 else "conversations join"
            found.append(
                f"{self.number_apart:,} new {noun} groups that were on both sides before: the manifest lists them."
            )
        lacking = [] if empty else self.uneven()
        if lacking:
            name, side = lacking[0]
            named = ", ".join(name) if isinstance(name, tuple) else str(name)
            more = f", nor of {len(lacking) - 1:,} other combinations" if len(lacking) > 1 else ""
            found.append(f"No conversation of {named} is on the {side} side{more}.")
        return tuple(found)

    def as_json(self) -> dict[str, Any]:
        """The split as plain values, for the manifest."""
        return {
            "share": self.share,
            "train": self.counts["train"],
            "eval": self.counts["eval"],
            "kept": self.held,
            "strata": [
                {"stratum": list(name) if isinstance(name, tuple) else name,
                 "train": counts["train"], "eval": counts["eval"]}
                for name, counts in sorted(self.strata.items(), key=lambda item: str(item[0]))
            ],
            "on_both_sides": {
                "groups": sum(family.is_torn for family in self._families.values()),
                "new": self.number_apart,
                "conversations": [{"conversation_id": name, "side": side} for name, side in self.apart],
            },
        }  # fmt: skip
