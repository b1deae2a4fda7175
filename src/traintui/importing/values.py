"""Values of dimensions in a file that the vocabulary does not have: what becomes of them, decided before anything is
stored."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from traintui.data.import_values import Labels, why
from traintui.data.nearest import nearest
from traintui.data.records import VocabularyValue
from traintui.errors import TraintuiError
from traintui.importing.vocabulary import DIMENSIONS

Unknown = Literal["refuse", "add"]
NAMED = 5
"""Unknown values that an answer names; it counts the others."""
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class Settled:
    """What the values of a file are called here, where that is another name, and which ones are to be added."""

    names: Mapping[tuple[str, str], str]
    new: tuple[VocabularyValue, ...]


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """A value of a file that the vocabulary does not have, how often it is there, and why it is unknown. `name` is what
    it would be called if it were added; empty where it cannot be. `nearest` is the one that is most like it."""

    dimension: str
    value: str
    count: int
    why: str
    name: str
    nearest: str | None

    @property
    def label(self) -> str:
        """What it would be shown as."""
        return _label_of(self.value)


def unknown_values(
    values: Mapping[tuple[str, str], int], labels: Labels
) -> tuple[dict[tuple[str, str], str], tuple[UnknownValue, ...]]:
    """The values of a file that have another name here, and those that have none, most frequent first.

    A value that is the label of one in the vocabulary is that one.
    """
    by_label = {
        (dimension, entry.label.casefold()): name
        for (dimension, name), entry in labels.items()
        if entry.merged_into is None
    }
    names: dict[tuple[str, str], str] = {}
    unknown: list[UnknownValue] = []
    for (dimension, value), count in sorted(values.items(), key=lambda item: -item[1]):
        entry = labels.get((dimension, value))
        if entry is not None and entry.merged_into is None:
            continue
        if entry is None and (name := by_label.get((dimension, value.casefold()))) is not None:
            names[dimension, value] = name
            continue
        name = name_of(value)
        known = labels.get((dimension, name))
        addable = entry is None and dimension in DIMENSIONS and (known is None or known.merged_into is None)
        there = [of_it for (of, of_it), each in labels.items() if of == dimension and each.merged_into is None]
        unknown.append(
            UnknownValue(
                dimension, value, count, why(dimension, value, labels), name if addable else "", nearest(value, there)
            )
        )
    return names, tuple(unknown)


def settled(
    values: Mapping[tuple[str, str], int],
    labels: Labels,
    unknown: Unknown,
    becomes: Mapping[tuple[str, str], str] | None = None,
) -> Settled:
    """What becomes of the values of a file, with how often each is there.

    `becomes` says it of single ones: the name of another, or their own name, under which they are added. Raises
    TraintuiError where others are unknown and may not be added: by choice, because a tier cannot be, because they were
    merged into another, or since nothing of the text can be a name.
    """
    names, found = unknown_values(values, labels)
    new: dict[tuple[str, str], VocabularyValue] = {}
    refused: list[str] = []
    addable = 0
    for each in found:
        pair = each.dimension, each.value
        name = (becomes or {}).get(pair) or (each.name if unknown == "add" else "")
        entry = labels.get((each.dimension, name))
        if not name or (entry is None and name != each.name) or (entry is not None and entry.merged_into is not None):
            times = "once" if each.count == 1 else f"{each.count:,} times"
            refused.append(f"{each.dimension} {each.why} ({times})")
            addable += bool(each.name)
            continue
        if entry is None:
            new.setdefault((each.dimension, name), VocabularyValue(each.dimension, name, label=each.label))
        if name != each.value:
            names[pair] = name
    if refused:
        raise _unknown(refused, addable if unknown == "refuse" else 0)
    return Settled(names, tuple(new.values()))


def name_of(value: str) -> str:
    """The name that a value gets in the vocabulary: lower case, digits and underscores; nothing where none is left."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", value) if not unicodedata.combining(c)).casefold()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_LONGEST].rstrip("_")


def _label_of(value: str) -> str:
    label = " ".join(value.split())[:80]
    return label.replace("_", " ").capitalize() if name_of(value) == value else label


def _unknown(refused: list[str], addable: int) -> TraintuiError:
    more = f"; and {len(refused) - NAMED:,} more" if len(refused) > NAMED else ""
    what = "1 value is" if len(refused) == 1 else f"{len(refused):,} values are"
    which = "them" if addable == len(refused) else f"{addable:,} of them"
    add = f"Add {which} with --unknown add, mend them" if addable else "Mend them"
    return TraintuiError(
        "Values not known",
        f"{what} not in the vocabulary: {'; '.join(refused[:NAMED])}{more}.",
        f"{add}, or say in a mapping what they are here ([values.persona] and the like). Nothing was stored.",
    )
