"""Revisions are applied one by one, each in a transaction of its own, by one process at a time, and so that nobody
waits long for what they lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from alembic import command
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError
from sqlalchemy import Connection, event

import traintui
from traintui import clock
from traintui.data import gone_aside, put_aside
from traintui.data.revising import LOCK_SECONDS, Backfill, Filled, fill, note_begun
from traintui.data.schema import Progress, current_revision, revision_after, unfilled
from traintui.data.statements import bare

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext, MigrationInfo

LOOK_SECONDS = 0.1
"""Between two looks whether somebody else's upgrade has ended."""
WATCH_SECONDS = 0.2
"""Between two looks whether somebody is waited for."""
HISTORY_ASIDE = "put_aside_0051_schema_history"
"""Where the history goes on below the revision that made its table."""
TO_HISTORY_ASIDE = f"""
    INSERT INTO {HISTORY_ASIDE} (id, revision, direction, applied_at, applied_by, seconds, app_version)
    SELECT max(id) + 1, %s, %s, %s, session_user, %s, %s FROM {HISTORY_ASIDE}
"""  # noqa: S608 - of a constant
HOLDERS = """
    SELECT a.pid, a.usename, nullif(a.application_name, ''), a.state,
           extract(epoch FROM clock_timestamp() - a.xact_start)
    FROM unnest(pg_blocking_pids(%s)) AS blocker JOIN pg_stat_activity AS a ON a.pid = blocker
    WHERE a.pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Applied:
    """A revision that was applied by this process or taken back, and the seconds that it took."""

    revision: str
    direction: str
    seconds: float


class Run:
    """Alembic's way from one revision to another over one connection. It notes each revision in `schema_history`, in
    the transaction of that revision."""

    def __init__(self, progress: Progress) -> None:
        self.applied: list[Applied] = []
        self._progress = progress
        self._unwritten: list[tuple[object, ...]] = []
        self._began = clock.ticks()
        self._goal = ""

    def begin(self) -> None:
        """The next revision begins: its seconds count from here."""
        self._began = clock.ticks()

    def goal(self, conninfo: str, revision: str, *, down: bool = False) -> str:
        """The revision to go to. "-2" means what it meant when the run began, also where it is tried again."""
        if not self._goal:
            current = current_revision(conninfo) if revision.startswith(("+", "-")) else None
            self._goal = (current and revision_after(current, revision, down=down)) or revision
        return self._goal

    def limit_waiting(self, connection: Connection) -> None:
        """From now on each transaction, and each statement outside of one, waits for locks no longer than it may."""
        wait = f"SET LOCAL lock_timeout = {round(LOCK_SECONDS * 1_000)}"

        @event.listens_for(connection, "begin")
        def begun(begun: Connection) -> None:
            if not autonomous(begun):
                begun.exec_driver_sql(wait)

        @event.listens_for(connection, "before_cursor_execute", retval=True)
        def about_to(
            used: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
        ) -> tuple[str, Any]:
            # What is built beside the writing waits for those who write, and holds up none of them.
            said = bare(statement).upper()
            if autonomous(used) and said.startswith(("DROP", "ALTER", "CREATE")) and "CONCURRENTLY" not in said:
                return f"{wait}; {statement}", parameters
            return statement, parameters

    def put_aside(self, context: MigrationContext, revision: str) -> None:
        """Keeps what the way back from a revision takes away, unless the database is to be emptied."""
        if self._goal != put_aside.EMPTY:
            for moved in put_aside.put_aside(driver_of(context), revision):
                self._progress(f"Put aside {moved.words}")
            gone_aside.follow(driver_of(context))

    def note(self, *, ctx: MigrationContext, step: MigrationInfo, **_: Any) -> None:
        """Is called by Alembic in the transaction of each revision, as its last statement."""
        revision = str(step.up_revision_id)
        driver = driver_of(ctx)
        if step.is_upgrade:
            for moved in put_aside.put_back(driver, revision):
                self._progress(f"Put back {moved.words}")
            gone_aside.follow(driver)
        elif self._goal == put_aside.EMPTY and not step.down_revision_ids:
            put_aside.forget_all(driver)
            gone_aside.follow(driver)
        done = Applied(revision, "up" if step.is_upgrade else "down", clock.ticks() - self._began)
        row = driver.execute("SELECT to_regclass('public.schema_history') IS NOT NULL, clock_timestamp()").fetchone()
        kept, at = row or (False, None)
        noted = (done.revision, done.direction, at, done.seconds, traintui.__version__)
        if not kept and put_aside.exists(driver, HISTORY_ASIDE):
            driver.execute(TO_HISTORY_ASIDE.encode(), noted)
        else:  # a new workspace has the first revisions before it has a place to note them
            self._unwritten.append(noted)
        if kept:
            with driver.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO schema_history (revision, direction, applied_at, applied_by, seconds, app_version)"
                    " VALUES (%s, %s, %s, session_user, %s, %s)",
                    self._unwritten,
                )
            self._unwritten.clear()
            driver.execute("DELETE FROM schema_backfills WHERE revision = %s", [revision])
            script = ctx.environment_context.script if ctx.environment_context else None
            for backfill in backfills_of(script, revision) if script and step.is_upgrade else ():
                note_begun(driver, revision, backfill)
        self.applied.append(done)
        self._progress(f"{'Applied' if step.is_upgrade else 'Took back'} {revision} in {done.seconds:.1f} s")
        self.begin()


def driver_of(context: MigrationContext) -> psycopg.Connection[Any]:
    """The connection that a revision is applied over."""
    connection = context.connection
    assert connection is not None  # noqa: S101
    return connection.connection.driver_connection  # type: ignore[return-value]


def autonomous(connection: Connection) -> bool:
    """Whether statements of a connection are transactions of their own."""
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    return driver.autocommit


def backfills_of(script: ScriptDirectory, revision: str) -> tuple[Backfill, ...]:
    """What a revision fills once it is applied."""
    found = script.get_revision(revision)
    return tuple(getattr(found.module, "backfills", ())) if found else ()


def apply(config: Config, conninfo: str, revision: str, progress: Progress) -> None:
    """Upgrades to a revision. Rows that one fills afterwards are filled before the next begins; what an upgrade before
    this one left is filled first. Raises as Alembic and `revising.fill` do."""
    script = ScriptDirectory.from_config(config)
    fill_what_is_left(conninfo, script, progress)
    run: Run = config.attributes["run"]
    for stop in _stops(script, conninfo, run.goal(conninfo, revision)):
        run.begin()
        command.upgrade(config, stop)
        fill_what_is_left(conninfo, script, progress)


def _stops(script: ScriptDirectory, conninfo: str, revision: str) -> list[str]:
    """Where an upgrade to a revision stops in between, to fill rows, and where it ends."""
    try:
        steps = list(script.iterate_revisions(revision, current_revision(conninfo) or "base", implicit_base=True))
    except (CommandError, RevisionError):  # Alembic says itself what is wrong with it
        return [revision]
    between = [step.revision for step in reversed(steps) if getattr(step.module, "backfills", ())]
    return [*(stop for stop in between if stop != steps[0].revision), revision]


def fill_what_is_left(conninfo: str, script: ScriptDirectory, progress: Progress) -> None:
    """Fills all that revisions have begun and that is not filled yet. Raises as `revising.fill` does."""
    for revision, name in unfilled(conninfo):
        for backfill in backfills_of(script, revision):
            if backfill.name == name:
                progress(f"Filling {name}")
                fill(conninfo, backfill, _said(progress, name))


def _said(progress: Progress, name: str) -> Filled:
    """Says once a second how far a backfill is."""
    said = clock.ticks()

    def told(done: int, total: int) -> None:
        nonlocal said
        if clock.ticks() - said >= 1:
            said = clock.ticks()
            progress(f"Filling {name}: {done:,} of some {total:,} rows")

    return told


class Guard:
    """Looks whom an upgrade waits for, over a connection whose looks are transactions of their own: a build of an index
    waits for whoever keeps a snapshot."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._over = threading.Event()
        self.holders: tuple[str, ...] = ()
        """Who held what the upgrade wanted, the last time that it had to wait in this try."""
        self.pids: tuple[int, ...] = ()

    def try_again(self) -> None:
        """Forgets who held what the try before wanted."""
        self.holders, self.pids = (), ()

    @contextmanager
    def watching(self, backend: int) -> Iterator[None]:
        """Inside the block it looks again and again whom a backend waits for."""
        watcher = threading.Thread(target=self._watch, args=(backend,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            watcher.join()

    def _watch(self, backend: int) -> None:
        while not self._over.wait(WATCH_SECONDS):
            try:
                found = self._connection.execute(HOLDERS, [backend]).fetchall()
            except psycopg.Error:  # the upgrade says itself that the server is gone
                return
            if found:
                self.pids = tuple(row[0] for row in found)
                self.holders = tuple(_holder(*row) for row in found)


def _holder(pid: int, login: str | None, application: str | None, state: str | None, seconds: Any) -> str:
    """A session in words. Without the right to see others the server says no more than who."""
    about = [f"process {pid}", *([application] if application else []), *([state] if state else [])]
    if seconds is not None:
        about.append(f"its transaction {float(seconds):,.0f} s old")
    return f"{login or 'the server itself'} ({', '.join(about)})"


@contextmanager
def guarded(conninfo: str, waiting: Progress) -> Iterator[Guard]:
    """One upgrade at a time: waits until no other one runs, and holds a lock of a transaction for as long as the block
    lasts. It ends with the process, however that ends, and holds no snapshot: an index that is built beside the writing
    does not wait for it.
    """
    with psycopg.connect(conninfo) as connection, psycopg.connect(conninfo, autocommit=True) as looking:
        told = False
        # Between two looks no statement is under way, for which such a build would wait.
        while not _taken(connection):
            connection.rollback()
            if not told:
                waiting("Waiting for another upgrade of this database to end")
                told = True
            time.sleep(LOOK_SECONDS)
        connection.execute(
            "SELECT set_config(name, '0', true) FROM pg_settings"
            " WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')"
        )
        yield Guard(looking)
        connection.rollback()


def _taken(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_xact_lock(7453, 0)").fetchone()
    return bool(row and row[0])
