"""What sealing costs those who decide: eight people at once, each a process, without a sealer beside them, and with one
for each of them that looks as an app does. Once each rests a twentieth of a second between two decisions, and once none
does, so that whatever is done beside them takes a processor from them.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import statistics
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import select

from benchmarks.furnish import furnish
from benchmarks.report import Figure, p95
from benchmarks.several import spent
from traintui.audit.sealing import LOOK_SECONDS
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
"""Of each kind, in turns: machines are not equally quick at all times."""


REST = 0.05
"""Seconds that a person rests between two decisions: nobody reads as quickly."""


@dataclass(frozen=True, slots=True)
class Beside:
    """How many seal beside those who decide, and how long these rest between two decisions."""

    sealers: int
    rest: float


KINDS = {
    "none": Beside(0, REST),
    "apps": Beside(PEOPLE, REST),
    "busy_none": Beside(0, 0.0),
    "busy_apps": Beside(PEOPLE, 0.0),
}


def decide_all(conninfo: str, waiting: list[Waiting], rest: float) -> list[float]:
    """Decides on each as a person; the milliseconds of each."""

    async def work() -> list[float]:
        login, role = await whoami(conninfo)
        db = Database(make_engine(conninfo, pooled=False), conninfo, "benchmark", login, role)
        spans = []
        for one, revision, decision in waiting:
            began = time.perf_counter()
            await reviews.decide(db, Seen(one, revision, decision), "approve", key=reviews.new_key(), duration_ms=900)
            spans.append((time.perf_counter() - began) * 1_000)
            await asyncio.sleep(rest)
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
        spans: dict[str, list[float]] = {kind: [] for kind in KINDS}
        cpu = dict.fromkeys(KINDS, 0.0)
        with ProcessPoolExecutor(PEOPLE, mp_context=multiprocessing.get_context("spawn")) as pool:
            for _ in range(ROUNDS):
                for kind, beside in KINDS.items():
                    before = spent(server)
                    spans[kind] += asyncio.run(one_round(home, server, pool, logins, rows // 16, beside))
                    cpu[kind] += spent(server) - before
    finally:
        server.stop()
    number = max(1, len(spans["busy_none"]))
    return {
        "decide_decisions": Figure(sum(len(found) for found in spans.values()), "decisions"),
        "decide_p50_ms": Figure(round(statistics.median(spans["apps"]), 2), "ms"),
        "decide_p95_ms": Figure(p95(spans["apps"]), "ms"),
        "decide_p95_slower_ms": Figure(round(p95(spans["apps"]) - p95(spans["none"]), 2), "ms", SLOWER_GOAL),
        "decide_busy_p95_ms": Figure(p95(spans["busy_apps"]), "ms"),
        "decide_busy_p95_slower_ms": Figure(round(p95(spans["busy_apps"]) - p95(spans["busy_none"]), 2), "ms"),
        "decide_server_cpu_ms": Figure(round(cpu["busy_apps"] * 1_000 / number, 2), "ms"),
        "decide_server_cpu_more_ms": Figure(round((cpu["busy_apps"] - cpu["busy_none"]) * 1_000 / number, 2), "ms"),
    }


async def one_round(
    home: Path, server: EmbeddedServer, pool: ProcessPoolExecutor, logins: list[str], number: int, kind: Beside
) -> list[float]:
    """So many decisions, which are taken back afterwards."""
    async with open_workspace(Settings(home=home)) as db:
        waiting, ids = await what_waits(db, number)
        stop = threading.Event()
        beside = [
            threading.Thread(target=seal_again, args=(server.conninfo(login), stop), daemon=True)
            for login in logins[: kind.sealers]
        ]
        for sealer in beside:
            sealer.start()
        shares = [pool.submit(decide_all, server.conninfo(login), waiting[place::PEOPLE], kind.rest)
                  for place, login in enumerate(logins)]  # fmt: skip
        found = [span for share in shares for span in await asyncio.wrap_future(share)]
        stop.set()
        for sealer in beside:
            sealer.join()
        await bulk.decide(db, ids, "reopen", seen=await bulk.snapshot(db))
    return found


def seal_again(conninfo: str, stop: threading.Event) -> None:
    """Seals what is due until `stop` is set, as often as an app, the first time after a while of its own."""
    rest = random.Random(conninfo).uniform(0, LOOK_SECONDS)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while not stop.wait(rest):
            connection.execute("SELECT seal_logs(false)")
            rest = LOOK_SECONDS
