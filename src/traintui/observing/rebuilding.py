"""Indexes that are rebuilt by themselves, one at a time, when the workspace's rules let that be; and what a process
left that died while it built one."""

from __future__ import annotations

import asyncio
import re
import shutil
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from traintui import clock
from traintui.clock import ticks
from traintui.data import index_actions, index_building, index_facts, rebuild_policy, samples
from traintui.data.engine import Database
from traintui.data.index_facts import IndexFact
from traintui.data.keeping_up import AWAY_SECONDS, Failed, beside, raise_fault, rest
from traintui.data.maintaining import hindrance
from traintui.data.rebuild_policy import RebuildPolicy
from traintui.data.refusals import NotReached
from traintui.errors import TraintuiError
from traintui.observing.index_findings import is_sparse, since
from traintui.observing.mending import carry_out, cleaning, rebuilding

LOOK_SECONDS = 900.0
"""Between two looks what is to be rebuilt: as often as densities are sampled."""
CLEAN_SECONDS = 60.0
"""Between two looks what builds left."""
CLEAN_AGAIN = timedelta(minutes=10)
"""After what time what could not be taken away is tried again."""
LOOKED_BACK = timedelta(days=2)
OLD_SECONDS = 300.0
"""Seconds from which on a transaction keeps indexes from being rebuilt: it would be waited for."""
AGAIN = timedelta(hours=6)
"""After what time one that failed is tried again."""
ROOM = 2
"""Times the size of an index that has to be free on the disk."""
OF_REBUILD = re.compile(r"_cc(new|old)\d*$")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would be rebuilt by itself, the largest first, and what keeps it from that now, None where nothing does."""

    policy: RebuildPolicy
    due: tuple[IndexFact, ...]
    waits_for: str | None


async def outlook(db: Database) -> Outlook:
    """What is due by the rules, whether these are on or not."""
    policy = await rebuild_policy.read(db)
    now = clock.now()
    large = [
        fact for fact in await index_facts.indexes(db) if fact.is_valid and fact.index_bytes > policy.megabytes * 1e6
    ]
    if not large:
        return Outlook(policy, (), None)
    used = await samples.uses(db, now - LOOKED_BACK, now + timedelta(seconds=1))
    densities = {name: use.density for name, use in used.items() if use.density is not None}
    rebuilt = await index_actions.rebuilt_since(db, now - LOOKED_BACK)
    densities |= {name: 1.0 if density is None else density for name, density in rebuilt.items()}
    unknown = any(fact.name not in densities for fact in large)
    growths = await samples.growths(db, since(now), now) if unknown else {}
    due = [fact for fact in large if is_sparse(fact.name, densities, growths, least=policy.density)]
    due.sort(key=lambda fact: (-fact.index_bytes, fact.name))
    return Outlook(policy, tuple(due), await obstacle(db, policy, due[0].index_bytes) if due else None)


async def switch(db: Database, on: bool) -> str | None:
    """Says for everybody whether indexes are rebuilt by themselves. Returns what keeps this login from doing it then,
    in words, None where nothing does. Raises `Refused` for who is no administrator."""
    await rebuild_policy.switch(db, on)
    return await hindrance(db) if on else None


async def obstacle(db: Database, policy: RebuildPolicy, size: int) -> str | None:
    """What keeps an index of so many bytes from being rebuilt by itself by this process now, in words; None where
    nothing does."""
    if not policy.on:
        return "rebuilding by itself is off"
    if (kept := await hindrance(db)) is not None:
        return kept
    if not policy.is_quiet(clock.now().astimezone()):
        return f"it is done {policy.hours}"
    if db.server is not None:  # the disk of a shared one is not seen from here
        free = (await asyncio.to_thread(shutil.disk_usage, db.server.home)).free
        if free < ROOM * size:
            return f"{ROOM * size / 1e6:,.0f} MB of disk have to be free, and {free / 1e6:,.0f} are"
    if (oldest := await index_actions.oldest_transaction(db)) >= OLD_SECONDS:
        return f"a transaction is open for {oldest / 60:,.0f} minutes"
    return None


async def look(db: Database, stop: asyncio.Event) -> int:
    """Takes away what dead builds left, and rebuilds what is due, one after the other; how many were rebuilt. What is
    refused, or fails, is in the log. Raises `TraintuiError` when the database is not reached."""
    await clean_up(db, stop)
    rebuilt = 0
    tried: set[str] = set()
    while not stop.is_set():
        seen = await outlook(db)
        for fact in seen.due:
            if fact.name not in tried and await may_try(db, seen.policy, fact):
                break
        else:
            return rebuilt
        tried.add(fact.name)
        _, density = await index_actions.measured(db, fact.name, whole=True)
        if density is not None and density >= seen.policy.density:
            continue  # somebody rebuilt it since it was sampled
        try:
            await carry_out(db, rebuilding(fact), stop=stop, by_itself=True)
            rebuilt += 1
        except NotReached:
            raise
        except TraintuiError:
            continue  # the log says why
    return rebuilt


async def may_try(db: Database, policy: RebuildPolicy, fact: IndexFact) -> bool:
    """Whether nothing keeps an index from being rebuilt now, and it did not fail a short time ago."""
    failed = await index_actions.last_failed(db, fact.name)
    if failed is not None and clock.now() - failed < AGAIN:
        return False
    return await obstacle(db, policy, fact.index_bytes) is None


async def clean_up(db: Database, stop: asyncio.Event) -> int:
    """Takes away what builds left whose process died, what they could not take away themselves, and what other rebuilds
    left where this is done by itself; how many. Raises `TraintuiError` when the database is not reached."""
    if not (there := await index_building.leftovers(db)):
        return 0
    await index_actions.give_up(db)
    policy = await rebuild_policy.read(db)
    log = await index_actions.newest(db)
    # A drop waits for those who may still read the index, and puts it out of use before.
    of_log = {each.index_name for each in log if (each.kind, each.state) in {("create", "failed"), ("drop", "done")}}
    rebuilt = {each.table_name for each in log if each.kind == "rebuild" and each.state == "failed"}
    kept = {each.index_name for each in log if (each.kind, each.state) == ("clean", "failed")
            and each.ended_at is not None and clock.now() - each.ended_at < CLEAN_AGAIN}  # fmt: skip
    done = 0
    for left in there:
        of_rebuild = OF_REBUILD.search(left.name) is not None and (policy.on or left.table in rebuilt)
        if stop.is_set() or left.name in kept or not (of_rebuild or left.name in of_log):
            continue
        try:
            await carry_out(db, cleaning(left), stop=stop, by_itself=True)
            done += 1
        except NotReached:
            raise
        except TraintuiError:
            continue  # the log says why
    return done


async def keep_mended(db: Database, stop: asyncio.Event) -> None:
    """Looks after indexes until `stop` is set, where this login may: which process does something the log decides, in
    which one thing is under way at a time. A database that is away is waited for."""
    looked: float | None = None
    while not stop.is_set():
        try:
            may = await hindrance(db) is None  # a grant that comes counts from then on
            if may and (looked is None or ticks() - looked >= LOOK_SECONDS):
                looked = ticks()
                await look(db, stop)
            elif may:
                await clean_up(db, stop)
        except NotReached:
            await rest(stop, AWAY_SECONDS)
            continue
        except (TraintuiError, SQLAlchemyError, psycopg.Error):
            pass  # the log says why; the next look may have better luck
        await rest(stop, CLEAN_SECONDS)


def mending(db: Database, *, failed: Failed = raise_fault) -> AbstractAsyncContextManager[None]:
    """Looks after indexes beside the block."""
    return beside(partial(keep_mended, db), name="mending", failed=failed)
