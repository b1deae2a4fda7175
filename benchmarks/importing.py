"""Import: from a file to conversations that are stored, and until the last of them is found by its text.

`python -m benchmarks.importing --rows N [--json]` writes a file of N conversations of ten turns in OpenAI's format,
checks and stores it as `traintui import` does, and brings the search index up to date. Nothing of it is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from benchmarks.report import Figure, publish
from traintui.data import conversations
from traintui.data.search_index import catch_up, indexing, pending_count
from traintui.data.workspace import open_workspace
from traintui.importing.store import import_paths
from traintui.settings import Settings

TURNS = 10
WORDS = 6_000
"""Different words; those of a language follow each other with very different frequencies, these too."""


def written(path: Path, rows: int, *, seed: int = 11) -> None:
    """A file of conversations of ten turns, some 2.4 kB each."""
    with path.open("wb") as file:
        for record in records(rows, seed):
            file.write(orjson.dumps(record) + b"\n")


def records(rows: int, seed: int) -> Iterator[dict[str, object]]:
    """Conversations, no two alike."""
    chance = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(WORDS)]
    weights = [1 / (rank + 5) for rank in range(WORDS)]
    pool = chance.choices(words, weights, k=400_000)

    def said(count: int) -> str:
        start = chance.randrange(len(pool) - count)
        return " ".join(pool[start : start + count]).capitalize() + "."

    for number in range(rows):
        turns = [
            {"role": "assistant" if place % 2 else "user", "content": said(42 if place % 2 else 16)}
            for place in range(TURNS)
        ]
        turns[0]["content"] += f" Case number{number}."
        yield {"messages": turns, "source": "benchmark"}


async def measured(rows: int, home: Path) -> dict[str, Figure]:
    """What an import into an empty workspace takes."""
    path = home / "conversations.jsonl"
    written(path, rows)
    async with open_workspace(Settings(home=home / "workspace")) as db:
        async with indexing(db):
            began = time.perf_counter()
            summary = await import_paths(db, [path])
            seconds = time.perf_counter() - began
        waited = (await pending_count(db)).conversations
        began = time.perf_counter()
        await catch_up(db)
        searchable = time.perf_counter() - began
        assert summary.conversations[0].imported == rows  # noqa: S101 - else the figures are of something else
        assert await conversations.count(db, f'"case number{rows - 1}"') == 1  # noqa: S101
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
    return {
        "checked_and_stored": Figure(round(rows / seconds, 1), "/s", 2_500, at_least=True),
        "searchable_after": Figure(round(searchable, 2), "s", 60),
        "not_searchable_at_the_end": Figure(waited, "rows"),
        "memory": Figure(round(memory, 1), "MB", 200),
        "file": Figure(round(path.stat().st_size / 1e6, 1), "MB"),
    }


def main() -> None:
    """Measures, and says what it was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="traintui-import-"))
    home.chmod(0o711)
    try:
        figures = asyncio.run(measured(chosen.rows, home))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    notes = ["The file is read twice: to its end before anything is written, and again while it is stored."]
    publish("importing", chosen.rows, figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
