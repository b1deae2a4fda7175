"""How quickly conversations come into an empty workspace: checked and stored as `traintui import` does, from a file in
OpenAI's format, and until the last of them is found by its text. The workspace is not kept."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.report import Figure, most_memory_mb
from benchmarks.server_time import server_seconds
from traintui.data import conversations
from traintui.data.search_index import catch_up, indexing, pending_count
from traintui.data.workspace import open_workspace
from traintui.importing.store import import_paths
from traintui.settings import Settings

TURNS = 10
WORDS = 6_000
"""Different words; those of a language follow each other with very different frequencies, these too."""


def written(path: Path, rows: int, *, seed: int = 11) -> int:
    """A file of conversations of ten turns, some 2.4 kB each; its bytes."""
    with path.open("wb") as file:
        for record in records(rows, seed):
            file.write(orjson.dumps(record) + b"\n")
        return file.tell()


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


async def brought(home: Path, rows: int) -> dict[str, Figure]:
    """What an import takes. The file is read twice: to its end before anything is written, and again while it is
    stored. It is kept in `home` for the next time."""
    path = await asyncio.to_thread(file_of, home, rows)
    with scratch(home) as place:
        megabytes = Figure(round(path.stat().st_size / 1e6, 1), "MB")
        return {"import_file_mb": megabytes} | await stored(path, place / "workspace", rows)


def file_of(home: Path, rows: int) -> Path:
    """The file with so many conversations, made unless it is there."""
    path = home / f"conversations-{rows}.jsonl"
    if not path.exists():
        making = path.with_suffix(".part")
        written(making, rows)
        making.rename(path)
    return path


@contextmanager
def scratch(home: Path) -> Iterator[Path]:
    """A directory in another, for a workspace that is not kept."""
    with tempfile.TemporaryDirectory(prefix="import-", dir=home) as made:
        place = Path(made)
        place.chmod(0o711)  # the server of root has an account of its own
        yield place


async def stored(path: Path, workspace: Path, rows: int) -> dict[str, Figure]:
    """The figures of a file with so many conversations."""
    async with open_workspace(Settings(home=workspace)) as db:
        before = Spent.by_now(workspace)
        async with indexing(db):
            summary = await import_paths(db, [path])
            imported = Spent.by_now(workspace).since(before)
        waited = (await pending_count(db)).conversations
        before = Spent.by_now(workspace)
        await catch_up(db)
        searchable = Spent.by_now(workspace).since(before)
        assert summary.conversations[0].imported == rows  # noqa: S101 - else the figures are of something else
        assert await conversations.count(db, f'"case number{rows - 1}"') == 1  # noqa: S101
    return {
        "import_per_s": Figure(round(rows / imported.seconds, 1), "a s", 2_500, at_least=True),
        "import_searchable_s": Figure(round(searchable.seconds, 2), "s", 60),
        "import_not_searchable_rows": Figure(waited, "rows"),
        "import_cpu_us_each": Figure(round(imported.here / rows * 1e6, 1), "µs"),
        # That of making some of them searchable is in it.
        "import_server_us_each": Figure(round(imported.server / rows * 1e6, 1), "µs"),
        "searchable_server_us_each": Figure(round(searchable.server / max(1, waited) * 1e6, 1), "µs"),
        "import_memory_mb": Figure(most_memory_mb(), "MB", 200),
    }


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of the clock, and of the processors for this process and for the server."""

    seconds: float
    here: float
    server: float

    @classmethod
    def by_now(cls, workspace: Path) -> Spent:
        """Counted from any moment, always the same."""
        return cls(time.perf_counter(), time.process_time(), server_seconds(workspace))

    def since(self, before: Spent) -> Spent:
        """What came in between."""
        return Spent(self.seconds - before.seconds, self.here - before.here, self.server - before.server)
