"""How long reports take, what was at a moment, and whether metadata fits a schema, over a whole workspace.

    python -m benchmarks.reports --rows 1000000 [--home DIR] [--json]

Everything with a text is exported once, so that the reports on exports have as much to look at. Each report is a
process of its own, as `traintui audit report` is, so that its memory is its own. `--home` keeps the workspace.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import cast

from sqlalchemy import func, select

from benchmarks.furnish import furnish
from benchmarks.invented import NAMES
from benchmarks.report import Figure, median, most_memory_mb, publish
from traintui.audit.reports.making import KINDS, Asked, make
from traintui.audit.reports.model import Name
from traintui.data import metadata_schema
from traintui.data.engine import Database
from traintui.data.filters import parse
from traintui.data.finding import find
from traintui.data.listing import NEWEST
from traintui.data.live import Live, matching
from traintui.data.log_models import ExportLog, ReviewLog
from traintui.data.metadata_rules import Rules, checked_schema
from traintui.data.workspace import open_workspace
from traintui.export.request import ExportRequest
from traintui.export.write import run_export
from traintui.settings import Settings

MEMORY_GOAL_MB = 200
GROWTH_GOAL_MB = 20
FIRST_ROWS_GOAL_MS = 500
"""As for any filter of the table."""
FIRST_WORD_GOAL_S = 2.0
RUNS = 3
TEXTS = "status:approved,rejected,generated"
LOOK = "metadata-schema"
"""What is a look at all metadata, among the names of reports."""
SCHEMA = {
    "properties": {
        "source": {"type": "string", "minLength": 1}, "score": {"type": "number", "minimum": 0, "maximum": 10},
        "batch": {"type": "integer"}, "reviewer": {"enum": list(NAMES[1:])}, "checked": {"type": "boolean"},
    },
    "required": ["source", "score", "batch"], "additionalProperties": False,
}  # fmt: skip
"""What most of the metadata that is invented fits; one of the reviewers is not named."""


def aside(said: str) -> None:
    """Words that are no result."""
    print(said, file=sys.stderr)


async def measured(home: Path, rows: int) -> dict[str, Figure]:
    """The figures of every report, and of a filter of a moment."""
    workspace = home / "workspace"
    await asyncio.to_thread(furnish, workspace, rows, say=aside)
    async with open_workspace(Settings(home=workspace)) as db:
        await exported(db, home / "out")
        figures = await of_a_moment(db)
    for name in (*KINDS, "reviewed-then"):
        told = await in_a_process(workspace, name)
        called = name.replace("-", "_")
        figures |= {
            f"{called}_s": Figure(told["seconds"], "s"),
            f"{called}_rows": Figure(told["rows"], "rows"),
            f"{called}_first_word_s": Figure(told["first"], "s"),
            f"{called}_memory_mb": Figure(told["memory_mb"], "MB", MEMORY_GOAL_MB),
        }
    looked = await in_a_process(workspace, LOOK)
    return figures | {
        "metadata_schema_s": Figure(looked["seconds"], "s"),
        "metadata_schema_misfits": Figure(looked["rows"], "rows"),
        "metadata_schema_first_word_s": Figure(looked["first"], "s", FIRST_WORD_GOAL_S),
        "metadata_schema_growth_mb": Figure(looked["memory_mb"] - looked["early_mb"], "MB", GROWTH_GOAL_MB),
    }


async def exported(db: Database, out: Path) -> None:
    """Exports all that has a text, unless that was done before."""
    async with db.read() as connection:
        if await connection.scalar(select(func.count()).select_from(ExportLog).where(ExportLog.state == "succeeded")):
            return
    path = out / "all.jsonl"
    await run_export(db, ExportRequest(path, filter_text=TEXTS, rehearsal=True, if_refused="leave-out"))
    path.unlink()


async def middle(db: Database) -> datetime:
    """A moment with as many rows of the review log before it as behind it."""
    half = select(func.percentile_disc(0.5).within_group(ReviewLog.timestamp))
    async with db.read() as connection:
        return cast(datetime, await connection.scalar(half))


async def of_a_moment(db: Database) -> dict[str, Figure]:
    """Until the first rows of a filter of a moment are known, and until all of them are."""
    wanted = [parse(f"is:{status}@{(await middle(db)).isoformat()}") for status in ("approved", "generated")]
    live = Live(db)
    await live.load()
    first, whole = [], []
    for each in wanted:
        for _ in range(RUNS):
            live.ask_again(each)
            began = time.perf_counter()
            seen = False
            async for finding in find(live, each, NEWEST):
                if finding.listing.total and not seen:
                    seen = True
                    first.append((time.perf_counter() - began) * 1_000)
            async with db.read() as connection:
                began = time.perf_counter()
                await matching(connection, each.where)
                whole.append(time.perf_counter() - began)
    return {
        "as_of_first_rows_ms": Figure(median(first or [0.0]), "ms", FIRST_ROWS_GOAL_MS),
        "as_of_all_s": Figure(median(whole), "s"),
    }


async def in_a_process(workspace: Path, name: str) -> dict[str, float]:
    """One report, and what it says of itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.reports", "--home", str(workspace), "--one", name,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    written, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"The report {name} failed.")
    told: dict[str, float] = json.loads(written)
    return told


async def one(workspace: Path, name: str) -> dict[str, float]:
    """Makes a report once: seconds, seconds until its first word on how far it is, rows, and the most memory in MB."""
    words: list[float] = []
    async with open_workspace(Settings(home=workspace)) as db:
        then = await middle(db) if name.endswith("-then") else None
        asked = Asked(cast(Name, name.removesuffix("-then")), then, datetime.fromtimestamp(0).astimezone())
        began = time.perf_counter()
        made = await make(db, asked, progress=lambda _done, _total: words.append(time.perf_counter() - began))
        seconds = time.perf_counter() - began
        made.close()
    first = words[0] if words else seconds
    return {"seconds": round(seconds, 2), "first": round(first, 2), "rows": made.report.number,
            "memory_mb": most_memory_mb()}  # fmt: skip


async def look(workspace: Path) -> dict[str, float]:
    """Looks whether all metadata fits a schema: seconds, seconds until the first word on how far it is, how many do not
    fit, and the most memory in MB, of a twentieth and of all."""
    words: list[float] = []
    early = 0.0
    began = time.perf_counter()

    def told(done: int, total: int) -> None:
        nonlocal early
        words.append(time.perf_counter() - began)
        if not early and done * 20 >= total:
            early = most_memory_mb()

    async with open_workspace(Settings(home=workspace)) as db:
        rules = Rules(1, checked_schema(json.dumps(SCHEMA)))
        began = time.perf_counter()
        found = await metadata_schema.check(db, rules, progress=told)
        seconds = time.perf_counter() - began
    return {"seconds": round(seconds, 2), "first": round(words[0], 2), "rows": found.misfits, "early_mb": early,
            "memory_mb": most_memory_mb()}  # fmt: skip


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--home", type=Path, help="Keeps the workspace for the next time.")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(asyncio.run(look(chosen.home) if chosen.one == LOOK else one(chosen.home, chosen.one))))
        return
    with tempfile.TemporaryDirectory(prefix="traintui-reports-") as scratch:
        Path(scratch).chmod(0o711)  # the server of root has an account of its own
        home = chosen.home or Path(scratch)
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
        figures = asyncio.run(measured(home, chosen.rows))
    notes = [f"of a period: since ever; as of a moment: the middle of the log; everything with {TEXTS} exported once"]
    publish("reports", chosen.rows, figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
