"""Mending indexes: what would be done, in SQL, with what it costs and risks; and doing it, with a row in the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from traintui.clock import ticks
from traintui.data import index_actions, index_building
from traintui.data.engine import Database
from traintui.data.index_actions import ActionKind, LoggedAction
from traintui.data.index_building import BuildProgress, Leftover
from traintui.data.index_facts import IndexFact
from traintui.data.keeping_up import rest
from traintui.data.maintaining import LOCK_SECONDS, Maintenance, maintenance, named
from traintui.data.refusals import lost_connection, refusal
from traintui.data.schema import server_said
from traintui.errors import TraintuiError
from traintui.observing.alert_kinds import lasting
from traintui.observing.index_findings import IndexFinding, dropping

TRIES = 3
"""How often something is tried that others are in the way of."""
PAUSE_SECONDS = 1.0
SOON_SECONDS = 0.1
LOOK_SECONDS = 0.5
"""Seconds between two looks how far a build is."""
KEEP_SECONDS = 5.0
"""Seconds between two times that others are told that this goes on."""
CANCEL_SECONDS = 10.0
MOMENT_MS = 200
"""Milliseconds that a statement waits for which readers and writers wait in their turn."""

Progress = Callable[[BuildProgress], None]


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be done to an index, and what that costs and risks in words. `definition` makes the index as it is
    now, or will be; `undoes` is the id of the drop that it takes back."""

    kind: ActionKind
    index: str
    table: str
    definition: str
    statement: str
    costs: str
    risks: str
    undoes: int | None = None


def quiet(_: BuildProgress) -> None:
    """Progress that nobody watches."""


# What would be done


def rebuilding(index: IndexFact) -> Planned:
    """A new file for an index. Raises `TraintuiError` for one that was never finished."""
    if not index.is_valid:
        raise TraintuiError(
            "Not to be rebuilt", f"{index.name} was never finished, and serves nothing.",
            "Clean it up instead; what Traintui relies on can be made again then.",
        )  # fmt: skip
    return Planned(
        "rebuild", index.name, index.table, f"{index.definition};", f"REINDEX INDEX CONCURRENTLY {named(index.name)};",
        f"up to {megabytes(index.index_bytes)} of disk until it is done, and reading all of {index.table} twice",
        "nobody waits; a transaction that stays open makes it give up, and what it began is taken away again",
    )  # fmt: skip


def drop(index: IndexFact, *, relied_on: bool, finding: IndexFinding | None = None) -> Planned:
    """An index goes; its definition stays in the log. What it risks, `finding` says where that is why it goes. Raises
    `TraintuiError` for one that keeps rows right."""
    if index.is_key or index.is_unique:
        holds = "a key or a constraint stands on it" if index.is_key else "it keeps its values unique"
        raise TraintuiError(
            "Not to be dropped", f"{index.name} is not only there to be quick: {holds}.",
            "Nothing was changed. Choose one that only serves reading.",
        )  # fmt: skip
    waits = "readers and writers of the table wait for a moment" if index.is_partitioned else "nobody waits"
    if not index.is_valid:
        risks = f"none: nothing reads it; {waits}"
    elif finding is not None and finding.kind in {"redundant", "unused"}:
        risks = f"{finding.risk}; {waits}"
    else:
        risks = f"what it serves reads whole tables from then on; {waits}"
    if relied_on:
        risks = f"Traintui relies on it: {risks}"
    return Planned(
        "drop", index.name, index.table, f"{index.definition};", dropping(index),
        f"nothing now; making it again reads all of {index.table}", risks,
    )  # fmt: skip


def creation(finding: IndexFinding) -> Planned:
    """The index that a finding proposes. Raises `TraintuiError` where it proposes none."""
    statement = finding.statement
    if finding.kind not in {"missing", "foreign_key", "slow_plan"} or statement is None:
        raise TraintuiError(
            "Nothing to create", f"what is said about {finding.index} proposes no new index.",
            "Nothing was changed. `traintui db stats` lists what is to be mended.",
        )  # fmt: skip
    return Planned(
        "create", finding.index, finding.table, statement, statement,
        f"reading all of {finding.table} twice, disk for it, and some time of every write from then on", finding.risk,
    )  # fmt: skip


def cleaning(left: Leftover) -> Planned:
    """What a build left goes."""
    return Planned(
        "clean", left.name, left.table, f"{left.definition};", f"DROP INDEX CONCURRENTLY {named(left.name)};",
        f"nothing; {megabytes(left.bytes)} of disk come free", "none: nothing reads it, and nobody waits",
    )  # fmt: skip


def undoing(action: LoggedAction, facts: Iterable[IndexFact]) -> Planned:
    """What was dropped comes back as it was. Raises `TraintuiError` where that cannot be."""
    if not action.can_be_undone:
        why = "was undone already" if action.undone_by is not None else "dropped no index"
        raise TraintuiError(
            "Nothing to undo", f"action {action.id} {why}.", "Nothing was changed. Look at the history of actions."
        )
    there = list(facts)
    if any(index.name == action.index_name and index.is_valid for index in there):
        raise TraintuiError(
            "Nothing to undo", f"{action.index_name} is there again.", "Nothing was changed: somebody made it anew."
        )
    parted = any(index.is_partitioned and index.table == action.table_name for index in there)
    # As the catalog has it, the index of a table of many parts is that of the empty whole alone.
    statement = action.definition.replace(" ON ONLY ", " ON ", 1) if parted else concurrently(action.definition)
    risks = "writers of the table wait while it is made" if parted else "nobody waits; it takes a while"
    return Planned(
        "create", action.index_name, action.table_name, action.definition, statement,
        f"reading all of {action.table_name} twice, and disk for it", risks, undoes=action.id,
    )  # fmt: skip


def concurrently(definition: str) -> str:
    """The statement that makes an index while others write."""
    return definition.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)


def megabytes(size: int) -> str:
    """Bytes for people."""
    return f"{size / 1e6:,.1f} MB"


# Doing it


async def carry_out(
    db: Database, planned: Planned, *, progress: Progress = quiet, stop: asyncio.Event | None = None,
    by_itself: bool = False,
) -> LoggedAction:  # fmt: skip
    """Does it, outside of any transaction, over a connection of its own, and returns its row in the log. What others
    are in the way of is tried again; what a try left is taken away before the next one, and at the end. `stop` ends it
    in the middle.

    Raises `Refused` for who may not, and while something else is being done; `TraintuiError` when it failed or was
    stopped: then all is as it was, and the log says why. It stops by itself, and raises that, once others may take this
    process for dead.
    """
    stop, ending = stop or asyncio.Event(), asyncio.Event()
    async with maintenance(db, table=planned.table if planned.kind == "rebuild" else None) as connection:
        size, density = await index_actions.measured(db, planned.index, whole=planned.kind == "rebuild")
        id = await index_actions.begin(
            db, planned.kind, planned.index, planned.table, definition=planned.definition, statement=planned.statement,
            by_itself=by_itself, size=size, density=density, undoes=planned.undoes,
        )  # fmt: skip
        failure: BaseException | None = None
        try:
            async with kept(db, id, connection, progress, stop, ending):
                await tried(connection, planned, ending)
        except BaseException as error:
            failure = error
            if isinstance(error, TraintuiError) and ending.is_set() and not stop.is_set():
                raise taken_for_dead(planned) from error
            raise
        finally:
            # Whoever gives this up gets it ended first.
            await asyncio.shield(asyncio.create_task(ended(db, id, connection, planned, failure)))
    done = await index_actions.one(db, id)
    if done is None:  # cannot be: nobody removes rows of the log
        raise AssertionError(id)
    if done.state != "done":
        raise taken_for_dead(planned)
    return done


async def tried(connection: Maintenance, planned: Planned, stop: asyncio.Event) -> None:
    """Runs the statement, some times where others are in its way."""
    if " CONCURRENTLY " not in planned.statement:
        await connection.execute(f"SET lock_timeout = {MOMENT_MS}".encode())
    for _ in range(TRIES):
        if stop.is_set():
            raise stopped(planned)
        try:
            if await is_clear(connection, planned, stop):
                await take_leftovers_away(connection, planned)
                await run(connection, planned.statement, stop)
                return
        except psycopg.errors.QueryCanceled as error:
            raise stopped(planned) from error
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            pass  # somebody came in between
        except psycopg.Error as error:
            raise refusal(error) or lost_connection(error) or TraintuiError(
                "Not done", f"the server refused it: {server_said(error)[0]}.", "Nothing was changed."
            ) from error  # fmt: skip
        await rest(stop, PAUSE_SECONDS)
    if planned.kind == "drop" and await is_unfinished(connection, planned.index):
        return  # it is out of use; what is left of it goes with the next look
    whose, ends = await in_the_way(connection)
    raise TraintuiError(
        "Others were in the way", f"{whose} kept {planned.index} as it is.",
        f"Nothing was changed. Try again when it has ended{ends}.",
    )  # fmt: skip


async def is_clear(connection: Maintenance, planned: Planned, stop: asyncio.Event) -> bool:
    """Whether all transactions that it would wait for end in a moment. One that waits in the middle and gives up leaves
    what it built, and as long as somebody has the table open nothing can take that away."""
    builds = planned.kind in {"rebuild", "create"}
    before = await index_building.others(connection, planned.table, anywhere=builds)
    until = ticks() + LOCK_SECONDS
    while before and not stop.is_set():
        before &= await index_building.others(connection, planned.table, anywhere=builds)
        if before and ticks() >= until:
            return False
        await rest(stop, SOON_SECONDS)
    return not stop.is_set()


def stopped(planned: Planned) -> TraintuiError:
    """The answer to what somebody ended in the middle."""
    return TraintuiError(
        "Stopped", f"{planned.index} is as it was.", "Nothing was changed. Begin it again at any time."
    )  # fmt: skip


def taken_for_dead(planned: Planned) -> TraintuiError:
    """The answer when nothing was heard of this process for so long that others may have gone on."""
    return TraintuiError(
        "Taken for dead", f"nothing was heard of what is done to {planned.index} here for half a minute: others may"
        " have gone on, and the log does not say that it was done.",
        "Look how the index stands, and what is under way, before you begin it again.",
    )  # fmt: skip


async def run(connection: Maintenance, statement: str, stop: asyncio.Event) -> None:
    """Runs a statement; `stop` cancels it on the server."""
    running = asyncio.create_task(connection.execute(statement.encode()))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        while not running.done():  # one that overtakes the statement ends nothing
            await connection.cancel_safe(timeout=CANCEL_SECONDS)
            await asyncio.wait({running}, timeout=PAUSE_SECONDS)
        await running
    finally:
        stopping.cancel()
        if not running.done():
            running.cancel()
            await asyncio.wait({running})


async def take_leftovers_away(connection: Maintenance, planned: Planned) -> None:
    """Before and after a build: drops what rebuilds of the table left, and what a build of this very index did."""
    if planned.kind in {"rebuild", "create"}:
        await index_building.drop_leftovers(connection, planned.table)
    if planned.kind == "create" and await is_unfinished(connection, planned.index):
        await connection.execute(f"DROP INDEX CONCURRENTLY public.{named(planned.index)}".encode())


async def is_unfinished(connection: Maintenance, index: str) -> bool:
    """Whether an index is there and serves nothing."""
    found = await connection.execute(
        "SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid AND"
        " (SELECT relkind FROM pg_class WHERE oid = indexrelid) = 'i'", [f"public.{named(index)}"],
    )  # fmt: skip
    return await found.fetchone() is not None


async def in_the_way(connection: Maintenance) -> tuple[str, str]:
    """Whose transaction is the oldest, and how it is ended, in words."""
    found = await connection.execute(
        "SELECT pid, usename::text, extract(epoch FROM clock_timestamp() - xact_start)::bigint FROM pg_stat_activity"
        " WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        " ORDER BY xact_start LIMIT 1"
    )
    row = await found.fetchone()
    if row is None:
        return "a transaction of another", ""
    pid, login, seconds = row
    whose = f"a transaction of {login}, process {pid}, open for {lasting(seconds)},"
    return whose, f", or end it: 5 Live, X, or traintui db live --end {pid}"


async def ended(
    db: Database, id: int, connection: Maintenance, planned: Planned, failure: BaseException | None
) -> None:
    """Takes leftovers away and says in the log what became of it. What cannot be done here, the next look does."""
    size = density = None
    with suppress(psycopg.Error, TraintuiError):
        await take_leftovers_away(connection, planned)
    with suppress(TraintuiError):
        size, density = await index_actions.measured(db, planned.index, whole=planned.kind == "rebuild")
    said = None
    if isinstance(failure, TraintuiError):
        said = f"{failure.title}: {failure.message}"
    elif failure is not None:
        said = "stopped in the middle" if isinstance(failure, asyncio.CancelledError) else str(failure)
    gone = planned.kind in {"drop", "clean"} and failure is None
    with suppress(TraintuiError):
        await index_actions.end(db, id, size=None if gone else size, density=None if gone else density, error=said)


@asynccontextmanager
async def kept(
    db: Database, id: int, connection: Maintenance, progress: Progress, stop: asyncio.Event, ending: asyncio.Event
) -> AsyncIterator[None]:
    """Tells others that this goes on, and who watches how far it is, beside the block. Sets `ending` with `stop`, and
    as soon as others took this process for dead, or may: two at a time would be in each other's way."""
    pid = connection.info.backend_pid

    async def look_far() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(TraintuiError, SQLAlchemyError):
                if (far := await index_building.progress_of(db, pid)) is not None:
                    progress(far)

    async def keep() -> None:
        heard = ticks()
        while ticks() - heard < index_actions.HELD_SECONDS - KEEP_SECONDS:
            await asyncio.sleep(KEEP_SECONDS)
            asked = ticks()
            with suppress(TraintuiError, SQLAlchemyError, TimeoutError):
                async with asyncio.timeout(KEEP_SECONDS):
                    if not await index_actions.keep(db, id):
                        break
                heard = asked
        ending.set()

    async def follow() -> None:
        await stop.wait()
        ending.set()

    beside = [asyncio.create_task(each, name="mending") for each in (keep(), follow())]
    if progress is not quiet:
        beside.append(asyncio.create_task(look_far(), name="mending"))
    try:
        yield
    finally:
        for each in beside:
            each.cancel()
        for met in await asyncio.gather(*beside, return_exceptions=True):
            if isinstance(met, Exception):
                raise met
