"""What watching and mending cost those who work: the sampler's share of a processor, and how long a decision of eight
people at once waits while an index of the table that they write to is rebuilt by itself."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psycopg

from benchmarks.audit_decide import PEOPLE, decide_all, what_waits
from benchmarks.furnish import furnish
from benchmarks.report import Figure, p95
from benchmarks.server_time import server_seconds
from traintui.data import bulk, index_actions, samples, users, workspace_settings
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.workspace import open_workspace
from traintui.observing import rebuilding
from traintui.observing.sampling import RELATION_SECONDS, SERVER_SECONDS
from traintui.settings import Settings

WAIT_GOAL_MS = 200
DENSITY_GOAL = 80
SHARE_GOAL = 0.5
"""Percent of one processor."""
INDEX = "ix_benchmark_wide"
ROUNDS = 3
BEFORE_SECONDS = 1.0
"""Seconds that people have decided when the rebuild begins."""

# Leaves are a third full by the fill factor that they are built with, which the rebuild then does not have.
HALF_EMPTY = (
    f"CREATE INDEX IF NOT EXISTS {INDEX} ON conversations ((conversation_id || repeat(md5(conversation_id), 8)))",
    f"ALTER INDEX {INDEX} SET (fillfactor = 33)", f"REINDEX INDEX {INDEX}", f"ALTER INDEX {INDEX} RESET (fillfactor)",
)  # fmt: skip


def measure_rebuilds(home: Path, rows: int) -> dict[str, Figure]:
    """All figures, on a workspace of so many conversations."""
    furnish(home, rows, say=lambda _: None)
    server = EmbeddedServer(home)
    server.start()
    try:
        logins = [f"reviewer_{each}" for each in range(PEOPLE)]
        for login in logins:
            users.add_user(server.conninfo(SUPERUSER, DATABASE), login, "reviewer", with_password=False)
        with ProcessPoolExecutor(PEOPLE, mp_context=multiprocessing.get_context("spawn")) as pool:
            figures = asyncio.run(rebuilds(home, server, pool, logins, rows // 5))
        return figures | asyncio.run(sampler(home))
    finally:
        server.stop()


async def rebuilds(
    home: Path, server: EmbeddedServer, pool: ProcessPoolExecutor, logins: list[str], number: int
) -> dict[str, Figure]:
    """Decisions while an index is rebuilt by itself, some times over."""
    spans: list[float] = []
    async with open_workspace(Settings(home=home)) as db:
        await workspace_settings.change(db, "rebuild_policy", {"density": 0.5, "megabytes": 1})
        await samples.hold(db, "benchmark", 600)
        for _ in range(ROUNDS):
            with psycopg.connect(server.conninfo(SUPERUSER, DATABASE), autocommit=True) as connection:
                connection.execute("SET ROLE traintui_owner")
                for statement in HALF_EMPTY:
                    connection.execute(statement.encode())
            await samples.take(db, "benchmark", relations=True)
            waiting, ids = await what_waits(db, number)
            shares = [pool.submit(decide_all, server.conninfo(login), waiting[place::PEOPLE], 0.0)
                      for place, login in enumerate(logins)]  # fmt: skip
            await asyncio.sleep(BEFORE_SECONDS)
            await rebuilding.look(db, asyncio.Event())
            spans += [span for share in shares for span in await asyncio.wrap_future(share)]
            await bulk.decide(db, ids, "reopen", seen=await bulk.snapshot(db))
        done = [each for each in await index_actions.newest(db) if each.index_name == INDEX and each.state == "done"]
        await db.close()
    return {
        "rebuilds": Figure(len(done), "rebuilds", ROUNDS, at_least=True),
        "rebuild_seconds": Figure(round(max((each.seconds or 0.0 for each in done), default=0.0), 2), "s"),
        "rebuild_index_mb": Figure(round(max((each.bytes_before or 0 for each in done), default=0) / 1e6, 1), "MB"),
        "rebuild_density_before": Figure(share(min((each.density_before or 0 for each in done), default=0)), "%"),
        "rebuild_density_after": Figure(
            share(min((each.density_after or 0 for each in done), default=0)), "%", DENSITY_GOAL, at_least=True
        ),
        "rebuild_decisions": Figure(len(spans), "decisions"),
        "rebuild_decide_p95_ms": Figure(p95(spans), "ms"),
        "rebuild_decide_longest_ms": Figure(round(max(spans, default=0.0), 1), "ms", WAIT_GOAL_MS),
    }


def share(density: float) -> float:
    """A density in percent."""
    return round(density * 100, 1)


async def sampler(home: Path) -> dict[str, Figure]:
    """What one sample costs the server and this process, and the share of a processor that this is by the hour."""
    async with open_workspace(Settings(home=home)) as db:
        await samples.hold(db, "benchmark", 600)
        server_ms = await milliseconds(db, home, relations=False, number=60)
        relations_ms = await milliseconds(db, home, relations=True, number=15)
        began, mine = server_seconds(home), time.process_time()
        for _ in range(5):
            await rebuilding.outlook(db)
        look_ms = (server_seconds(home) - began + time.process_time() - mine) / 5 * 1_000
        await samples.release(db, "benchmark")
    by_hour = server_ms / SERVER_SECONDS + (relations_ms + look_ms) / RELATION_SECONDS
    return {
        "sample_server_ms": Figure(round(server_ms, 2), "ms"),
        "sample_relations_ms": Figure(round(relations_ms, 1), "ms"),
        "look_at_indexes_ms": Figure(round(look_ms, 1), "ms"),
        "sampler_share": Figure(round(by_hour / 10, 4), "% of a core", SHARE_GOAL),
    }


async def milliseconds(db: Database, home: Path, *, relations: bool, number: int) -> float:
    """Milliseconds of processors for a sample, of the server and of this process, over so many."""
    await samples.take(db, "benchmark", relations=relations)
    began, mine = server_seconds(home), time.process_time()
    for _ in range(number):
        await samples.take(db, "benchmark", relations=relations)
    return (server_seconds(home) - began + time.process_time() - mine) / number * 1_000
