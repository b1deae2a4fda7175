"""Values of dimensions that the vocabulary does not have, named with where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from traintui.data.models import DIMENSIONS
from traintui.data.nearest import nearest
from traintui.data.records import VocabularyValue
from traintui.data.refusals import Refused

NAMED = 5
"""Unknown values that an answer names; it counts the others."""
SHOWN = 60
"""Characters of a value, or of a record's id, that an answer shows."""

Labels = Mapping[tuple[str, str], VocabularyValue]


def unknown_values(items: Sequence[Mapping[str, Any]], labels: Labels, source: str, refused: Refused) -> Refused | None:
    """The answer to items with values that the vocabulary does not have; None when it has them all by now."""
    mistakes = list(mistaken(items, labels))
    if not mistakes:
        return None
    named = "; ".join(
        f"{place_of(number, item)}: {dimension} {why(dimension, value, labels)}"
        for number, item, dimension, value in mistakes[:NAMED]
    )
    more = f"; and {len(mistakes) - NAMED:,} more" if len(mistakes) > NAMED else ""
    what = "1 value that is" if len(mistakes) == 1 else f"{len(mistakes):,} values that are"
    return Refused(
        refused.title,
        f"{source} has {what} not in the vocabulary. {named}{more}.",
        "Mend them, or add the values to the vocabulary first: traintui import words.toml. Nothing was stored.",
        code=refused.code,
        detail=refused.detail,
    )


def mistaken(items: Sequence[Mapping[str, Any]], labels: Labels) -> Iterator[tuple[int, Mapping[str, Any], str, str]]:
    """Every value that no conversation may get, with its dimension, its item, and the item's place (from 1)."""
    for number, item in enumerate(items, start=1):
        for dimension in DIMENSIONS:
            if (value := item.get(dimension)) is not None:
                entry = labels.get((dimension, str(value)))
                if entry is None or entry.merged_into is not None:
                    yield number, item, dimension, str(value)


def place_of(number: int, item: Mapping[str, Any]) -> str:
    """Where an item comes from: its line, and the id that the record has there."""
    place = f"record {number}" if item.get("line") is None else f"line {item['line']}"
    own = (item.get("metadata") or {}).get("id")
    return f"{place} (id {shown(str(own))})" if isinstance(own, str | int) else place


def why(dimension: str, value: str, labels: Labels) -> str:
    """What is wrong with a value, and what would be right."""
    if (entry := labels.get((dimension, value))) is not None:
        return f'"{shown(value)}" was merged into "{entry.merged_into}"'
    taken = [name for (of, name), known in labels.items() if of == dimension and known.merged_into is None]
    near = nearest(value, taken)
    return f'"{shown(value)}" does not exist' + (f', the nearest is "{near}"' if near else "")


def shown(value: str) -> str:
    """A value from a file in one line, cut."""
    line = " ".join(value.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
