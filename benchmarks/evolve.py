"""A metadata key becomes a column while eight people decide, is killed again and again, and goes back.

    python -m benchmarks.evolve --rows 1000000 [--home DIR] [--kills 10] [--json]

Every conversation has the key. Each reviewer is a process, and rests a twentieth of a second between two decisions, on
conversations from all over the table. The promotion runs in a process of its own, by the verbs of `traintui db
promote`: once it runs through, once it is killed at random moments of each of its steps, and begun anew each time.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
from sqlalchemy import func, select

from benchmarks.furnish import furnish
from benchmarks.report import Figure, p95, publish
from traintui.data import conversations, promotions, reviews, users, workspace_migrations
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import Database, make_engine
from traintui.data.models import Conversation as C
from traintui.data.workspace import open_workspace, whoami
from traintui.errors import TraintuiError
from traintui.settings import Settings

REST = 0.05
"""Seconds that a reviewer rests between two decisions."""
DECIDED = 3_200
"""Conversations on which people decide, again and again, each on a share of their own."""
KEY, TYPE = "batch", "integer"
WAIT_GOAL_MS = 2_000
FILL_GOAL_S = 120
"""At a million conversations."""
FILL = "Filling the column"
MOMENTS = ("", "Adding the column", *[FILL] * 4, *["Building the index"] * 2, *["Finishing"] * 2)
"""The steps in which ten kills come, in their order; under "" is what comes before the first."""
FORKS = multiprocessing.get_context("forkserver")
"""Processes begin as copies of one that has all modules: nine interpreters at once would keep two cores busy."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a reviewer met: milliseconds of each decision, from the reading of the conversation on, and what was refused
    or failed."""

    spans: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def decide_on(conninfo: str, ids: list[str], over: str) -> Decided:
    """Decides as a person until the file `over` is there; has one of its own there once it has begun."""

    stop = Path(over)

    async def work() -> Decided:
        login, role = await whoami(conninfo)
        db = Database(make_engine(conninfo, pooled=False), conninfo, "benchmark", login, role)
        met, place = Decided(), 0
        while not await asyncio.to_thread(stop.exists):
            began = time.perf_counter()
            row = (await conversations.read(db, ids[place % len(ids)])).row
            action: reviews.Action = "reject" if row.status == "approved" else "approve"
            try:
                await reviews.decide(db, reviews.Seen.of(row), action, key=reviews.new_key(), duration_ms=900)
            except TraintuiError as error:
                met.failures.append(str(error))
            if place >= 5:  # the first ones compile and plan
                met.spans.append((time.perf_counter() - began) * 1_000)
            elif place == 4:
                await asyncio.to_thread(Path(f"{over}-{login}").touch)
            place += 1
            await asyncio.sleep(REST)
        await db.close()
        return met

    return asyncio.run(work())


@contextmanager
def deciding(
    server: EmbeddedServer, pool: ProcessPoolExecutor, logins: list[str], ids: list[str], scratch: Path
) -> Iterator[list[Decided]]:
    """People who decide for as long as the block lasts, all of whom have begun; what they met is there
    afterwards."""
    over, found = scratch / f"over-{time.monotonic_ns()}", list[Decided]()
    shares: list[Future[Decided]] = [
        pool.submit(decide_on, server.conninfo(login), ids[place :: len(logins)], str(over))
        for place, login in enumerate(logins)
    ]
    try:
        while len(list(scratch.glob(f"{over.name}-*"))) < len(logins) and not any(share.done() for share in shares):
            time.sleep(REST)
        yield found
    finally:
        over.touch()
        found.extend(share.result() for share in shares)


def migrate(conninfo: str, folder: Path, steps: Connection) -> None:
    """Runs the migrations of a folder, and says each step, and what share of it is done."""
    workspace_migrations.apply(conninfo, folder, lambda words, done, total: steps.send((words, done / max(total, 1))))


class Migrating:
    """The migrations of a folder in a process of their own; when each step began, in seconds from its own beginning."""

    def __init__(self, server: EmbeddedServer, folder: Path) -> None:
        self.steps, told = FORKS.Pipe(duplex=False)
        self.child = FORKS.Process(target=migrate, args=(server.conninfo(SUPERUSER, DATABASE), folder, told))
        self.began = time.perf_counter()
        self.child.start()
        told.close()

    def said(self) -> Iterator[tuple[str, float]]:
        """What it does, and what share of that is done, until it ends or is killed."""
        try:
            while True:
                yield self.steps.recv()
        except EOFError:
            return

    def through(self) -> dict[str, float]:
        """Runs to the end; when each step began, and under "end" when all was done."""
        steps: dict[str, float] = {}
        for words, _ in self.said():
            steps.setdefault(words, time.perf_counter() - self.began)
        self.child.join()
        if self.child.exitcode != 0:
            raise SystemExit("the migration failed")
        return steps | {"end": time.perf_counter() - self.began}

    def killed(self, step: str, seconds: float, share: float) -> bool:
        """Kills it so many seconds after such a share of a step is done; whether it was still at work."""
        if step:
            next((words for words, done in self.said() if words == step and done >= share), None)
        self.child.join(seconds)
        self.child.kill()
        self.child.join()
        return self.child.exitcode == -signal.SIGKILL


def spans_of(steps: dict[str, float]) -> dict[str, float]:
    """Seconds that each of the steps took in which kills come."""
    bounds = [0.0, *(steps[step] for step in dict.fromkeys(MOMENTS) if step), steps["end"]]
    return dict(zip(dict.fromkeys(MOMENTS), (later - sooner for sooner, later in pairwise(bounds)), strict=True))


async def prepared(home: Path, folder: Path, *, back: bool = False) -> list[str]:
    """Writes the migration's file; ids of conversations to decide on."""
    async with open_workspace(Settings(home=home)) as db:
        if back:
            files = await workspace_migrations.planned_demotion(db, folder, KEY)
        else:
            looked = await promotions.look(db, KEY, TYPE)
            files = await workspace_migrations.planned_promotion(db, folder, KEY, TYPE, looked)
        for each in files:
            each.write()
        async with db.read() as connection:
            waiting = select(C.conversation_id).where(C.status == "generated", C.deleted_at.is_(None))
            return list(await connection.scalars(waiting.order_by(func.hashint8(C.id)).limit(DECIDED)))


@dataclass(frozen=True, slots=True)
class End:
    """How a promotion ended: its state, in how many rows column and metadata differ, how many values it filled in, and
    a digest of what stands in the column."""

    state: str
    differing: int
    filled: int
    digest: bytes


def end_of(server: EmbeddedServer) -> End:
    """How the newest promotion ended."""
    with psycopg.connect(server.conninfo(SUPERUSER, DATABASE)) as connection:
        row = connection.execute(
            "SELECT (SELECT state FROM promotions ORDER BY revision DESC LIMIT 1),"
            " count(*) FILTER (WHERE key_batch IS DISTINCT FROM promoted_integer(metadata -> 'batch')),"
            " (SELECT filled FROM promotions ORDER BY revision DESC LIMIT 1),"
            " sha256(string_agg(int8send(coalesce(key_batch, -1)), ''::bytea ORDER BY id)) FROM conversations"
        ).fetchone()
    if row is None:
        raise SystemExit("nothing was promoted")
    return End(*row)


def is_standing(server: EmbeddedServer) -> bool:
    """Whether an earlier run has left the column."""
    with psycopg.connect(server.conninfo(SUPERUSER, DATABASE)) as connection:
        standing = "SELECT FROM promotions WHERE key = %s AND state <> 'demoted'"
        return connection.execute(standing, [KEY]).fetchone() is not None


def measured(
    home: Path, rows: int, kills: int, people: int, scratch: Path, pool: ProcessPoolExecutor
) -> dict[str, Figure]:
    """All figures."""
    furnish(home, rows, say=lambda _: None)
    server, folder, luck = EmbeddedServer(home), scratch / "migrations", random.Random(rows)
    logins = [f"reviewer_{each}" for each in range(people)]
    chosen = [MOMENTS[(2 * each + 1) * len(MOMENTS) // (2 * kills)] for each in range(kills)]
    server.start()
    try:
        for login in logins:
            users.add_user(server.conninfo(SUPERUSER, DATABASE), login, "reviewer", with_password=False)
        if is_standing(server):
            asyncio.run(prepared(home, folder, back=True))
            Migrating(server, folder).through()
        ids = asyncio.run(prepared(home, folder))
        with deciding(server, pool, logins, ids, scratch) as alone:
            time.sleep(min(10, rows / 2_000))
        with deciding(server, pool, logins, ids, scratch) as found:
            steps = Migrating(server, folder).through()
        whole, spans = end_of(server), spans_of(steps)
        asyncio.run(prepared(home, folder, back=True))
        with deciding(server, pool, logins, ids, scratch) as going_back:
            back = Migrating(server, folder).through()["end"]
        asyncio.run(prepared(home, folder))
        with deciding(server, pool, logins, ids, scratch) as beside_kills:
            struck, shares = 0, sorted(luck.uniform(0, 0.95) for _ in range(chosen.count(FILL)))
            for step in chosen:
                # A fill goes on where it was killed. The others begin anew, and do not take equally long each time.
                seconds, share = (0.0, shares.pop(0)) if step == FILL else (luck.uniform(0, 0.5) * spans[step], 0.0)
                struck += Migrating(server, folder).killed(step, seconds, share)
            Migrating(server, folder).through()
        again = end_of(server)
    finally:
        server.stop()
    met = [*alone, *found, *going_back, *beside_kills]
    for said in sorted({failure for each in met for failure in each.failures})[:5]:
        print(f"a decision failed: {said}", file=sys.stderr)
    beside = [span for each in found for span in each.spans] or [0.0]
    longest = max((span for each in met for span in each.spans), default=0.0)
    return {
        "decisions": Figure(sum(len(each.spans) for each in met), "decisions"),
        "decisions_failed": Figure(sum(len(each.failures) for each in met), "decisions", 0),
        "decide_longest_ms": Figure(round(longest, 1), "ms", WAIT_GOAL_MS),
        "decide_p95_ms": Figure(p95(beside), "ms"),
        "decide_p95_alone_ms": Figure(p95([span for each in alone for span in each.spans] or [0.0]), "ms"),
        "fill_s": Figure(round(spans[FILL], 2), "s", FILL_GOAL_S * max(0.05, rows / 1_000_000)),
        "index_s": Figure(round(spans["Building the index"], 2), "s"),
        "promote_s": Figure(round(steps["end"], 2), "s"),
        "demote_s": Figure(round(back, 2), "s"),
        "kills_at_work": Figure(struck, "kills", kills, at_least=True),
        "rows_that_differ": Figure(whole.differing + again.differing, "rows", 0),
        "ends_that_differ": Figure(int(whole != again) + (whole.state != "promoted"), "ends", 0),
    }


def main() -> None:
    """Measures, and prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--home", type=Path, help="keeps the workspace for the next time")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--people", type=int, default=8, help="how many decide meanwhile")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    FORKS.set_forkserver_preload(["benchmarks.furnish", "traintui.data.workspace", "traintui.data.workspace_migrations",
                                  "traintui.data.reviews", "alembic.command"])  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="traintui-evolve-") as scratch:
        Path(scratch).chmod(0o711)  # the server of root has an account of its own
        home = chosen.home or Path(scratch) / "workspace"
        with ProcessPoolExecutor(chosen.people, mp_context=FORKS) as pool:
            figures = measured(home, chosen.rows, chosen.kills, chosen.people, Path(scratch), pool)
    notes = [f"{chosen.people} reviewers decide meanwhile; the key is in every conversation"]
    publish("evolve", chosen.rows, figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
