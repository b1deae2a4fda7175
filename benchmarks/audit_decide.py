"""What sealing costs those who decide: eight people at once, each a process, with a sealer beside them and without.

The sealer seals five times a second, where an app does so once a minute or for a thousand rows.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psycopg
from sqlalchemy import select

from benchmarks.furnish import furnish
from benchmarks.report import Figure, p95
from benchmarks.several import spent
from traintui.data import bulk, reviews, users
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import Database, make_engine
from traintui.data.models import Conversation as C
from traintui.data.reviews import Seen
from traintui.data.workspace import open_workspace, whoami
from traintui.settings import Settings

PEOPLE = 8
SLOWER_GOAL = 2.0
"""Milliseconds that a decision may take longer, at p95."""
Waiting = tuple[str, int, int | None]
ROUNDS = 4
"""In turns, without a sealer and with one: machines are not equally quick at all times."""


def decide_all(conninfo: str, waiting: list[Waiting]) -> list[float]:
    """Decides on each as a person; the milliseconds of each."""

    async def work() -> list[float]:
        login, role = await whoami(conninfo)
        db = Database(make_engine(conninfo, pooled=False), conninfo, "benchmark", login, role)
        spans = []
        for one, revision, decision in waiting:
            began = time.perf_counter()
            await reviews.decide(db, Seen(one, revision, decision), "approve", key=reviews.new_key(), duration_ms=900)
            spans.append((time.perf_counter() - began) * 1_000)
        await db.close()
        return spans[5:]  # the first ones compile and plan

    return asyncio.run(work())


async def what_waits(db: Database, number: int) -> tuple[list[Waiting], list[int]]:
    """The first conversations to decide on."""
    async with db.read() as connection:
        wanted = select(C.conversation_id, C.revision, C.decision_id, C.id).where(
            C.status == "generated", C.deleted_at.is_(None)
        )
        rows = (await connection.execute(wanted.order_by(C.id).limit(number))).all()
    return [(row[0], row[1], row[2]) for row in rows], [row[3] for row in rows]


def measure_decisions(home: Path, rows: int) -> dict[str, Figure]:
    """Decisions of eight at once, in milliseconds, and what sealing beside them adds."""
    furnish(home, rows, say=lambda _: None)
    server = EmbeddedServer(home)
    server.start()
    try:
        logins = [f"reviewer_{each}" for each in range(PEOPLE)]
        for login in logins:
            users.add_user(server.conninfo(SUPERUSER, DATABASE), login, "reviewer", with_password=False)
        spans: dict[bool, list[float]] = {False: [], True: []}
        cpu: dict[bool, float] = {False: 0.0, True: 0.0}
        with ProcessPoolExecutor(PEOPLE, mp_context=multiprocessing.get_context("spawn")) as pool:
            for turn in range(ROUNDS):
                sealed = bool(turn % 2)
                before = spent(server)
                spans[sealed] += asyncio.run(one_round(home, server, pool, logins, rows // 5, sealed=sealed))
                cpu[sealed] += spent(server) - before
    finally:
        server.stop()
    number = max(1, len(spans[False]))
    return {
        "decide_decisions": Figure(len(spans[False]) + len(spans[True]), "decisions"),
        "decide_p50_ms": Figure(round(statistics.median(spans[True]), 2), "ms"),
        "decide_p95_ms": Figure(p95(spans[True]), "ms"),
        "decide_p95_slower_ms": Figure(round(p95(spans[True]) - p95(spans[False]), 2), "ms", SLOWER_GOAL),
        "decide_server_cpu_ms": Figure(round(cpu[True] * 1_000 / number, 2), "ms"),
        "decide_server_cpu_more_ms": Figure(round((cpu[True] - cpu[False]) * 1_000 / number, 2), "ms"),
    }


async def one_round(
    home: Path, server: EmbeddedServer, pool: ProcessPoolExecutor, logins: list[str], number: int, *, sealed: bool
) -> list[float]:
    """So many decisions, which are taken back afterwards."""
    async with open_workspace(Settings(home=home)) as db:
        waiting, ids = await what_waits(db, number)
        stop = threading.Event()
        sealer = threading.Thread(target=seal_often, args=(server.conninfo(logins[0]), stop), daemon=True)
        if sealed:
            sealer.start()
        shares = [pool.submit(decide_all, server.conninfo(login), waiting[place::PEOPLE])
                  for place, login in enumerate(logins)]  # fmt: skip
        found = [span for share in shares for span in await asyncio.wrap_future(share)]
        stop.set()
        if sealed:
            sealer.join()
        await bulk.decide(db, ids, "reopen", seen=await bulk.snapshot(db))
    return found


def seal_often(conninfo: str, stop: threading.Event) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while not stop.wait(0.2):
            connection.execute("SELECT seal_logs(true)")
