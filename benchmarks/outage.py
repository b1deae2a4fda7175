"""The server is stopped and started, and then lost for good, in the middle of decisions at speed: is each one logged
once, and in order?

Two servers of its own are made for it, the second a standby of the first with a confirmed copy of every commit, as a
team that wants no decision lost has it. The app reaches both by one URL, and sends through its outbox.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from benchmarks.report import Figure
from benchmarks.review_screen import spoken
from traintui import clock
from traintui.data import imports, reviews, workspace
from traintui.data.embedded import DATABASE, SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.users import own_login
from traintui.outbox.kept import folder_of
from traintui.outbox.outcomes import Outcome, Saved
from traintui.outbox.presses import Decision
from traintui.outbox.sending import Outbox
from traintui.settings import Settings

BETWEEN = 0.004
"""Seconds between two presses."""
AWAY = 1.0
"""Seconds for which the server is stopped."""
PATIENCE = 120.0
"""Seconds for all of it."""


@dataclass
class Told:
    """What the outbox told of its presses, and when."""

    outcomes: list[tuple[float, Outcome]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, outcome: Outcome) -> None:
        """Notes what became of a press."""
        self.outcomes.append((time.perf_counter(), outcome))
        self.more.set()

    async def reach(self, number: int) -> None:
        """Returns once so many are told of."""
        async with asyncio.timeout(PATIENCE):
            while len(self.outcomes) < number:
                self.more.clear()
                await self.more.wait()


def outages(number: int) -> dict[str, Figure]:
    """So many decisions with a stop and a start in their middle, and as many with a failover. Blocks."""
    with tempfile.TemporaryDirectory(prefix="tb-", dir="/var/tmp") as directory:
        folder = Path(directory)
        folder.chmod(0o711)
        with primary_and_standby(folder) as (primary, standby):
            return asyncio.run(both(folder, primary, standby, number))


async def both(folder: Path, primary: EmbeddedServer, standby: EmbeddedServer, number: int) -> dict[str, Figure]:
    """One after the other."""

    async def restart() -> float:
        await asyncio.to_thread(primary.stop)
        await asyncio.sleep(AWAY)
        await asyncio.to_thread(primary.start)
        return time.perf_counter()

    async def failover() -> float:
        await asyncio.to_thread(lose, primary)
        await asyncio.to_thread(promote, standby)
        return time.perf_counter()

    async with reached(folder, primary, standby) as db:
        figures = await through("outage", db, folder, number, restart)
        return figures | await through("failover", db, folder, number, failover)


async def through(
    name: str, db: Database, folder: Path, number: int, happens: Callable[[], Awaitable[float]]
) -> dict[str, Figure]:
    """Decides at speed while something happens to the server; what the log has of it afterwards."""
    # What is imported a second time would be known.
    first = len(name) * number
    items = [spoken(first + each, 2, 20) for each in range(number)]
    await imports.conversations(db, items, source=f"benchmark of {name}", format="chatml")
    waiting = await reviews.queue(db, limit=number)
    presses = [Decision(reviews.new_key(), clock.now(), one, "approve", 1, None) for one in waiting]
    told = Told()
    outbox = Outbox(db, folder_of(folder, db.conninfo, db.login), told=told.hear)
    running = asyncio.create_task(outbox.run())
    try:

        async def press() -> None:
            for each in presses:
                await outbox.keep(each)
                await asyncio.sleep(BETWEEN)

        pressing = asyncio.create_task(press())
        await told.reach(number // 3)
        back = await happens()
        await pressing
        await told.reach(number)
    finally:
        running.cancel()
        await asyncio.wait({running})
    keys = [each.key for each in presses]
    async with db.read() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT decision_key FROM review_logs WHERE decision_key = ANY(%s) ORDER BY id", (keys,)
        )
        logged = list(rows.scalars())
    after = [at for at, _ in told.outcomes if at > back]
    return {
        f"{name}_rows": Figure(sum(a == b for a, b in zip(logged, keys, strict=False)), "rows", number, at_least=True),
        f"{name}_more_rows": Figure(len(logged) - len(set(logged)), "rows", 0),
        f"{name}_not_saved": Figure(sum(not isinstance(each, Saved) for _, each in told.outcomes), "presses", 0),
        f"{name}_goes_on_s": Figure(round(min(after, default=back) - back, 2), "s"),
    }


@contextmanager
def primary_and_standby(folder: Path) -> Iterator[tuple[EmbeddedServer, EmbeddedServer]]:
    """A workspace, and a server that follows it commit by commit."""
    primary, standby = EmbeddedServer(folder / "a"), EmbeddedServer(folder / "b")
    primary.start()
    try:
        workspace.make_embedded_workspace(primary)
        follow(primary, standby)
        yield primary, standby
    finally:
        standby.stop()
        primary.stop()


def follow(primary: EmbeddedServer, standby: EmbeddedServer) -> None:
    """Copies the primary and starts the copy as its standby; from then on a commit waits for it."""
    superuser = primary.conninfo(SUPERUSER, "postgres")
    standby.data.parent.mkdir(parents=True)
    account = primary.data.stat()
    subprocess.run(
        [primary.program("pg_basebackup"), "-d", superuser, "-D", str(standby.data), "-R", "-c", "fast", "-Xs"],
        check=True,
        capture_output=True,
    )
    for path in (standby.data, *standby.data.rglob("*")):
        os.chown(path, account.st_uid, account.st_gid, follow_symlinks=False)
    standby.start()
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        connection.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + PATIENCE
        while connection.execute("SELECT FROM pg_stat_replication WHERE sync_state = 'sync'").fetchone() is None:
            if time.monotonic() > deadline:
                raise SystemExit("The standby does not follow.")
            time.sleep(0.05)


def lose(server: EmbeddedServer) -> None:
    """Ends a server at once, in the middle of whatever it does, and for good."""
    pid = int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])
    os.kill(pid, signal.SIGQUIT)
    deadline = time.monotonic() + PATIENCE
    while server.running() and time.monotonic() < deadline:
        time.sleep(0.01)
    shutil.rmtree(server.socket_dir)


def promote(standby: EmbeddedServer) -> None:
    """Makes the standby the server that takes writes."""
    with psycopg.connect(standby.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_promote(true, 60)")


@asynccontextmanager
async def reached(folder: Path, *servers: EmbeddedServer) -> AsyncIterator[Database]:
    """The workspace as a team's URL names it: several hosts, of which the one that takes writes is wanted."""
    hosts = quote(",".join(str(server.socket_dir) for server in servers), safe="")
    url = f"postgresql:///{DATABASE}?host={hosts}&user={own_login()}&target_session_attrs=read-write"
    async with workspace.open_workspace(Settings(home=folder / "home", database_url=url)) as db:
        yield db
