"""Conversations from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import text

from traintui.data import vocabulary
from traintui.data.engine import Database
from traintui.data.models import DIMENSIONS
from traintui.data.nearest import nearest
from traintui.data.records import VocabularyValue
from traintui.data.refusals import Refused
from traintui.data.storable import as_json

PER_CALL = 1_000
NAMED = 5
"""Unknown values that an answer names; it counts the others."""
SHOWN = 60
"""Characters of a value, or of a record's id, that an answer shows."""

Labels = Mapping[tuple[str, str], VocabularyValue]


async def conversations(
    db: Database, items: Iterable[Mapping[str, Any]], *, source: str, format: str
) -> tuple[int, int]:
    """Stores conversations, each with `system_prompt`, `turns`, `metadata` and `line`, all of them or none.

    `items` is read a thousand at a time, in a thread. Returns how many were new and how many were here already. Raises
    `Refused` when one may not, or when the database does not take a turn or a dimension value; of values it names the
    line, and the nearest that there is. What reading `items` raises ends it, and nothing is stored.
    """
    imported = known = 0
    details = as_json({"source": source, "format": format})
    given = iter(items)
    part: list[Mapping[str, Any]] = []
    try:
        async with db.write() as connection:
            while part := await asyncio.to_thread(lambda: list(islice(given, PER_CALL))):
                row = (
                    await connection.execute(
                        text("SELECT * FROM import_conversations(CAST(:items AS jsonb), CAST(:details AS jsonb))"),
                        {"items": await asyncio.to_thread(as_json, part), "details": details},
                    )
                ).one()
                imported += row.imported
                known += row.known
    except Refused as refused:
        if refused.code != "TT009":
            raise
        # The database named one value; a person wants all of them, and where they stand.
        raise (unknown_values(part, await vocabulary.labels(db), source, refused) or refused) from refused
    return imported, known


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
