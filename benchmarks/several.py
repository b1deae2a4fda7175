"""Eight reviewers at once, each a process: no conversation decided twice, every press logged once, none lost."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import psycopg
from sqlalchemy import select

from benchmarks.report import Figure, repository
from traintui.data import bulk, users
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.models import Conversation as C

REVIEWERS = 8
RATE_GOAL = 400
CORES = 2
"""Those of the machine that the goal is for; the processor time of a decision says whether it holds with nothing beside
it."""


async def several(db: Database, home: Path, number: int) -> dict[str, Figure]:
    """So many decisions by eight people on one queue; what they decided waits again afterwards."""
    async with db.read() as connection:
        waiting = select(C.id, C.conversation_id).where(C.status == "generated", C.deleted_at.is_(None)).order_by(C.id)
        ids = {one: row for row, one in await connection.execute(waiting)}
    number = min(number, len(ids))
    server = EmbeddedServer(home)
    superuser = server.conninfo(SUPERUSER, DATABASE)
    logins = [f"reviewer_{each}" for each in range(REVIEWERS)]
    for login in logins:
        users.add_user(superuser, login, "reviewer", with_password=False)
    with tempfile.TemporaryDirectory(prefix="tb-") as directory:
        notes = [Path(directory) / f"{login}.jsonl" for login in logins]
        before = spent(server)
        seconds = await asyncio.to_thread(at_work, [server.conninfo(login) for login in logins], number, notes)
        by_server = spent(server) - before
        pressed = [read_notes(path) for path in notes]
        by_reviewers = sum(each.pop("spent")["seconds"] for each in pressed)
    with psycopg.connect(superuser) as connection_:
        log = connection_.execute(
            "SELECT decision_key, id, conversation_id, action, reviewer_id FROM review_logs"
            " WHERE decision_key = ANY(%s)",
            [[key for each in pressed for key in each]],
        ).fetchall()
    figures = judged(dict(zip(logins, pressed, strict=True)), log, seconds)
    each_ms = (by_server + by_reviewers) * 1_000 / max(1, len(log))
    figures["several_cpu_ms"] = Figure(round(each_ms, 2), "ms", CORES * 1_000 / RATE_GOAL)
    decided = {note["one"] for each in pressed for note in each.values() if "log_id" in note}
    await bulk.decide(db, [ids[one] for one in decided if one in ids], "reopen", seen=await bulk.snapshot(db))
    return figures


def spent(server: EmbeddedServer) -> float:
    """Seconds of processor time that the server's sessions have used, those that have ended."""
    times = psutil.Process(int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])).cpu_times()
    return float(times.children_user + times.children_system)


def at_work(conninfos: list[str], number: int, notes: list[Path]) -> float:
    """Lets them begin together; the seconds until the last one is done."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.reviewer", "--conninfo", conninfo, "--number", str(share), "--notes",
             str(path), "--seed", str(place)],
            cwd=repository(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for place, (conninfo, path, share) in enumerate(zip(conninfos, notes, shares(number, len(notes)), strict=True))
    ]  # fmt: skip
    try:
        for process in processes:
            if process.stdout is None or process.stdout.readline() != "ready\n":
                raise SystemExit("A reviewer did not begin.")
        began = time.perf_counter()
        for process in processes:
            if process.stdin is not None:
                process.stdin.write("go\n")
                process.stdin.flush()
        if any([process.wait() for process in processes]):
            raise SystemExit("A reviewer ended by itself.")
        return time.perf_counter() - began
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.communicate()


def shares(number: int, people: int) -> list[int]:
    """The number in equal parts."""
    return [number // people + (place < number % people) for place in range(people)]


def read_notes(path: Path) -> dict[str, dict[str, Any]]:
    """The last note of each press, by its key."""
    notes = (json.loads(line) for line in path.read_text().splitlines())
    return {note["key"]: note for note in notes}


def judged(
    pressed: dict[str, dict[str, dict[str, Any]]], log: list[tuple[Any, ...]], seconds: float
) -> dict[str, Figure]:
    """What the log has, against what each reviewer noted."""
    rows = Counter(row[0] for row in log)
    by_key = {row[0]: row[1:] for row in log}
    notes = [(login, note) for login, each in pressed.items() for note in each.values()]
    saved = [(login, note) for login, note in notes if "log_id" in note]
    same = sum(by_key.get(note["key"]) == (note["log_id"], note["one"], note["action"], login) for login, note in saved)
    decided = Counter(note["one"] for _, note in saved)
    stale = [note for _, note in notes if note["stale"]]
    return {
        "several_decisions": Figure(len(saved), "decisions"),
        "several_per_second": Figure(round(len(saved) / seconds, 1), "1/s", RATE_GOAL, at_least=True),
        "several_decided_twice": Figure(sum(each - 1 for each in decided.values()), "conversations", 0),
        "several_lost": Figure(len(saved) - same, "decisions", 0),
        "several_logged_twice": Figure(sum(each - 1 for each in rows.values()), "rows", 0),
        "several_logged_though_refused": Figure(len(rows) - len(saved), "rows", 0),
        "several_stale": Figure(len(stale), "presses"),
        "several_stale_taken": Figure(sum("log_id" in note for note in stale), "presses", 0),
        "several_refused_unasked": Figure(sum("refused" in note for _, note in notes if not note["stale"]), "presses"),
    }
