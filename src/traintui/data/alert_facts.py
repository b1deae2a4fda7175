"""What alerts are judged by: the server at this moment, windows of the query log, sizes, and plans that changed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import text

from traintui.data.alert_records import AlertFacts, CallWindow, Chain, DeadRows, DiskAt, Transaction
from traintui.data.engine import Database
from traintui.data.query_labels import UNLOGGED
from traintui.data.query_records import QueryPlan

# As one text a label, read in a thread: some ten thousand rows would keep the keys waiting.
WINDOWS = text("""
    SELECT label, jsonb_agg(jsonb_build_array(extract(epoch FROM begins_at), calls, errors, p95_us / 1000.0)
                            ORDER BY begins_at)::text AS windows
    FROM query_windows WHERE begins_at > :since GROUP BY label
""")
"""Served by the key of query_windows."""
DISK = text("""
    SELECT DISTINCT ON (date_trunc('hour', at)) at, database_bytes, disk_free_bytes, disk_bytes
    FROM server_samples WHERE at >= :since ORDER BY date_trunc('hour', at), at DESC
""")
"""Served by the key of server_samples."""
NEWEST_DISK = text("""
    SELECT at, database_bytes, disk_free_bytes, disk_bytes FROM server_samples
    WHERE at >= :since ORDER BY at DESC LIMIT 1
""")
"""Served by the key of server_samples."""
PLANS = text("""
    WITH changed AS (
        SELECT label, statement_hash FROM query_plans GROUP BY label, statement_hash
        HAVING count(*) > 1 AND (max(first_seen_at) >= :since OR label || ' ' || statement_hash = ANY(:also))
        ORDER BY max(first_seen_at) DESC LIMIT 50
    )
    SELECT label, statement_hash, plan_hash, statement, plan, first_seen_at, last_seen_at
    FROM query_plans JOIN changed USING (label, statement_hash) ORDER BY label, statement_hash, last_seen_at DESC
""")


# Who builds an index CONCURRENTLY waits for the transactions that are open, and keeps nobody from anything.
WAITED_FOR_BY_BUILDS = text("""
    SELECT blocker FROM pg_locks AS l, unnest(pg_blocking_pids(l.pid)) AS blocker
    WHERE NOT l.granted AND l.locktype = 'virtualxid'
    EXCEPT
    SELECT blocker FROM pg_locks AS l, unnest(pg_blocking_pids(l.pid)) AS blocker
    WHERE NOT l.granted AND l.locktype <> 'virtualxid'
""")


async def facts(db: Database) -> AlertFacts:
    """How the server stands now. Somebody for whom only builds of indexes wait is in no chain."""
    said: dict[str, Any] = (await db.call("SELECT alert_facts()", {}, UNLOGGED)).scalar_one()
    of_builds: set[int] = set()
    if said["chains"]:
        async with db.read(UNLOGGED) as connection:
            of_builds = set(await connection.scalars(WAITED_FOR_BY_BUILDS))
    return AlertFacts(
        at=moment(said["at"]),
        sees_all=said["sees_all"],
        connections=said["connections"],
        most_connections=said["most_connections"],
        transactions=tuple(Transaction(**each) for each in said["transactions"]),
        chains=tuple(Chain(**each) for each in said["chains"] if each["pid"] not in of_builds),
        dead=tuple(
            DeadRows(each["name"], each["dead"], each["live"], each["due"], maybe(each["vacuumed_at"]))
            for each in said["dead"]
        ),
        xid_age=said["xid_age"],
        freeze_age=said["freeze_age"],
        partitions_missing=tuple(said["partitions_missing"]),
        retention_due_at=maybe(said["retention_due_at"]),
        retention_under_way=said["retention_under_way"],
        sampled_since=maybe(said["sampled_since"]),
        unsealed_since=maybe(said["unsealed_since"]),
    )


def moment(said: str) -> datetime:
    """A moment as the server writes it into JSON."""
    return datetime.fromisoformat(said)


def maybe(said: str | None) -> datetime | None:
    """The same, where there may be none."""
    return None if said is None else moment(said)


async def note_windows(db: Database) -> int:
    """Adds up the quarters of an hour that have ended. Returns how many windows came."""
    return int((await db.call("SELECT note_query_windows()", {}, UNLOGGED)).scalar_one())


async def windows(db: Database, after: datetime) -> dict[str, tuple[CallWindow, ...]]:
    """The windows that begin after that moment, by label, in their order."""
    async with db.read(UNLOGGED) as connection:
        found = [(label, said) for label, said in await connection.execute(WINDOWS, {"since": after})]
    return await asyncio.to_thread(parsed, found)


def parsed(found: Iterable[tuple[str, str]]) -> dict[str, tuple[CallWindow, ...]]:
    """The windows of each label out of what the server says of it."""
    return {
        label: tuple(
            CallWindow(datetime.fromtimestamp(at, tz=UTC), calls, errors, p95)
            for at, calls, errors, p95 in orjson.loads(said)
        )
        for label, said in found
    }


async def disk(db: Database, since: datetime) -> tuple[DiskAt, ...]:
    """The size of the database and of its disk, the newest of each hour, in their order."""
    async with db.read(UNLOGGED) as connection:
        return tuple(DiskAt(*row) for row in await connection.execute(DISK, {"since": since}))


async def newest_disk(db: Database, since: datetime) -> DiskAt | None:
    """The same in the newest sample since then; None where there is none."""
    async with db.read(UNLOGGED) as connection:
        row = (await connection.execute(NEWEST_DISK, {"since": since})).one_or_none()
    return None if row is None else DiskAt(*row)


async def changed_plans(db: Database, since: datetime, also: Collection[str]) -> tuple[QueryPlan, ...]:
    """All plans of the statements of which a plan was seen first since then, and of those that `also` names as `LABEL
    HASH`; of each statement the one that was seen last comes first."""
    async with db.read(UNLOGGED) as connection:
        return tuple(QueryPlan(*row) for row in await connection.execute(PLANS, {"since": since, "also": [*also]}))


async def make_partitions(db: Database) -> None:
    """Makes the next weeks of the log of calls, where they are missing and this login may."""
    if db.role in {"author", "admin"}:
        await db.call("SELECT make_generation_partitions()", {}, UNLOGGED)
