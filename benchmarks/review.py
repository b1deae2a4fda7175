"""Review: from the key to the next conversation, a transcript of a megabyte, eight reviewers at once, bulk decisions
beside others, and a server that goes away.

`python -m benchmarks.review --rows 1000000 --home DIR` measures in a workspace that `benchmarks.furnish` made; `--only`
measures a part.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.driven import Driven
from benchmarks.furnish import furnish
from benchmarks.outage import outages
from benchmarks.report import Figure, publish
from benchmarks.review_bulk import many
from benchmarks.review_screen import READ, TURNS, keys, long_one, look_through, to_read
from benchmarks.several import several
from traintui.data.engine import Database
from traintui.data.workspace import open_workspace
from traintui.settings import Settings

SIZE = (160, 45)
PARTS = ("keys", "long", "bulk", "several", "outage")


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[tuple[Driven, Database]]:
    """The app over a workspace, once it has all in memory."""
    settings = Settings(home=home)
    async with open_workspace(settings) as db, Driven(settings, db, SIZE) as driven:
        await driven.until(lambda: driven.app.live and driven.app.live.mirror, seconds=120)
        yield driven, db


async def measure(home: Path, parts: Sequence[str], chosen: argparse.Namespace) -> dict[str, Figure]:
    """The parts, one after the other."""
    figures: dict[str, Figure] = {}
    if "several" in parts:
        async with open_workspace(Settings(home=home)) as db:
            figures |= await several(db, home, chosen.several)
    if set(parts) & {"keys", "long", "bulk"}:
        first = time.time_ns() // 1_000_000 % 900_000  # no two runs say the same
        async with opened(home) as (driven, db):
            if chosen.lens or chosen.tokenizer is not None:
                await look_through(driven, db, chosen.tokenizer)
            if "keys" in parts:
                wanted = await to_read(db, home, first, chosen.keys + 1)
                figures |= await keys(driven, db, wanted, first)
            if "long" in parts:
                figures |= await long_one(driven, db, first + chosen.keys + 1, 5)
            if "bulk" in parts:
                figures |= await many(driven, db, chosen.bulk)
    return figures


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--keys", type=int, default=200, help="conversations that are decided with a key")
    parser.add_argument("--bulk", type=int, default=100_000, help="conversations that are rejected at once")
    parser.add_argument("--several", type=int, default=2_000, help="decisions by eight reviewers at once")
    parser.add_argument("--outage", type=int, default=500, help="decisions while the server goes away")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="the parts that are measured")
    parser.add_argument("--lens", action="store_true", help="look through the lens of a training target meanwhile")
    parser.add_argument("--tokenizer", type=Path, help="the same, and a tokenizer.json counts")
    parser.add_argument("--home", type=Path, help="a workspace that is kept; made where it is missing")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    os.environ["TRAINTUI_CONFIG"] = os.devnull
    with tempfile.TemporaryDirectory(prefix="tb-", dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        home = chosen.home or Path(directory) / "home"
        if set(chosen.only) != {"outage"}:
            furnish(home, chosen.rows, say=lambda _: None)
        figures = asyncio.run(measure(home, chosen.only, chosen))
    if "outage" in chosen.only:
        figures |= outages(chosen.outage)
    notes = [f"{chosen.keys} decisions on conversations of {TURNS} turns, each {READ} s on the screen before its key"]
    publish("review", chosen.rows, figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
