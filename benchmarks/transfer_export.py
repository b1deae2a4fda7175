"""How quickly conversations leave a workspace: all of them, and ten of all by a filter. Each export is a process of its
own, as `traintui export` is, so that its memory is its own."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.furnish import furnish
from benchmarks.report import Figure, median, most_memory_mb
from benchmarks.server_time import server_seconds
from traintui.data.engine import Database
from traintui.data.models import Conversation as C
from traintui.data.workspace import open_workspace
from traintui.export.request import ExportRequest
from traintui.export.write import run_export
from traintui.settings import Settings

EXCHANGES = 5
RATE_GOAL = 15_000
MEMORY_GOAL_MB = 200
FEW_GOAL_S = 0.5
RUNS = 3
EVERY_STATUS = "status:approved,rejected,generated,planned,failed,generating"
FEW = 10


def aside(said: str) -> None:
    """Words that are no result."""
    print(said, file=sys.stderr)


async def exported(home: Path, rows: int) -> dict[str, Figure]:
    """The whole workspace as OpenAI has it, several times, and ten of it by a filter that names them."""
    workspace = home / "workspace"
    await asyncio.to_thread(furnish, workspace, rows, exchanges=EXCHANGES, say=aside)
    out = home / "out"
    told = [await in_a_process(workspace, out / "all.jsonl", EVERY_STATUS) for _ in range(RUNS)]
    few = await in_a_process(workspace, out / "few.jsonl", "", few=True)
    size = (out / "all.jsonl").stat().st_size
    for path in out.iterdir():
        path.unlink()
    out.rmdir()
    rate = median([one["count"] / one["seconds"] for one in told])
    return {
        "export_per_s": Figure(rate, "a s", RATE_GOAL, at_least=True),
        "export_rows": Figure(told[0]["count"], "rows"),
        "export_mb_per_s": Figure(median([size / 1e6 / one["seconds"] for one in told]), "MB/s"),
        "export_cpu_us_each": Figure(median([one["cpu"] / one["count"] * 1e6 for one in told]), "µs"),
        "export_server_us_each": Figure(median([one["server"] / one["count"] * 1e6 for one in told]), "µs"),
        "export_memory_mb": Figure(max(one["memory_mb"] for one in told), "MB", MEMORY_GOAL_MB),
        "export_same_bytes": Figure(len({one["sha256"] for one in told}), "files", 1),
        "export_few_s": Figure(few["seconds"], "s", FEW_GOAL_S),
    }


async def in_a_process(workspace: Path, out: Path, filter_text: str, *, few: bool = False) -> dict[str, float]:
    """One export, and what it says of itself: seconds from an open workspace to the file, and the most memory in MB."""
    arguments = [str(workspace), str(out), filter_text, "few" if few else "all"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.transfer_export", *arguments, stdout=asyncio.subprocess.PIPE
    )
    written, _ = await process.communicate()
    if process.returncode:
        raise SystemExit("An export failed.")
    told: dict[str, float] = json.loads(written)
    return told


async def ids_of_few(db: Database) -> str:
    """A filter that names some approved ones, far from each other."""
    approved = select(C.conversation_id).where(
        C.status == "approved", C.deleted_at.is_(None), C.is_rehearsal.is_(False)
    )
    async with db.read() as connection:
        number = int(await connection.scalar(select(func.count()).select_from(approved.subquery())) or 0)
        step = max(1, number // FEW)
        found = [await connection.scalar(approved.order_by(C.id).offset(step * place).limit(1)) for place in range(FEW)]
    return "id:" + ",".join(str(name) for name in found if name)


async def one_export(workspace: Path, out: Path, filter_text: str, *, few: bool) -> dict[str, float | str]:
    """Exports once; of ten, the middle of several times, since each takes a moment."""
    async with open_workspace(Settings(home=workspace)) as db:
        words = await ids_of_few(db) if few else filter_text
        spans, cpu, server = [], time.process_time(), server_seconds(workspace)
        for _ in range(5 if few else 1):
            began = time.perf_counter()
            summary = await run_export(db, ExportRequest(out, filter_text=words, overwrite=True, rehearsal=not few))
            spans.append(time.perf_counter() - began)
        return {
            "count": summary.count,
            "seconds": median(spans),
            "cpu": time.process_time() - cpu,
            "server": server_seconds(workspace) - server,
            "memory_mb": most_memory_mb(),
            "sha256": summary.sha256,
        }


if __name__ == "__main__":
    place, target, asked, kind = sys.argv[1:]
    print(json.dumps(asyncio.run(one_export(Path(place), Path(target), asked, few=kind == "few"))))
