"""Samples: one process at a time takes them, and what is old is thinned, not lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from support import Conninfo, imported
from traintui.data import samples
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused

MINUTE = timedelta(minutes=1)


async def test_one_process_samples_at_a_time(db: Database, reviewer_db: Database) -> None:
    assert await samples.hold(db, "one", 60) and not await samples.hold(reviewer_db, "other", 60)
    assert await samples.hold(db, "one", 60)
    await samples.release(db, "one")
    assert await samples.hold(reviewer_db, "other", 60)


async def test_another_goes_on_when_a_lease_has_ended(db: Database, conninfo: Conninfo) -> None:
    assert await samples.hold(db, "dead", 600)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE sampling SET held_until = now() - interval '1 second'")
    assert await samples.hold(db, "next", 60)
    with pytest.raises(Refused):
        await samples.take(db, "dead", relations=False)


async def test_a_sample_says_how_server_tables_and_indexes_stand(db: Database, reviewer_db: Database) -> None:
    await imported(db, 3)
    await samples.hold(reviewer_db, "one", 60)
    at = await samples.take(reviewer_db, "one", relations=True, disk_free=10, disk=100)
    (server,) = await samples.server(db, at, at + MINUTE)
    assert (server.disk_free_bytes, server.disk_bytes) == (10, 100)
    assert 0 < server.connections <= server.max_connections and server.database_bytes > 1_000_000
    tables = {each.table_name: each for each in await samples.tables(db, at, at + MINUTE)}
    assert tables["conversations"].total_bytes > 0 and "generation_logs" in tables
    assert not [name for name in tables if name.startswith("generation_logs_2")]  # parts stand under the whole
    indexes = {each.index_name: each for each in await samples.indexes(db, at, at + MINUTE)}
    assert indexes["pk_conversations"].table_name == "conversations" and indexes["pk_conversations"].is_valid
    assert indexes["ix_generation_logs_model"].index_bytes > 0


async def test_a_sample_tells_since_when_somebody_is_in_a_transaction_and_who_waits(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    await samples.hold(reviewer_db, "one", 60)
    with psycopg.connect(conninfo("ada")) as resting:
        resting.execute("SELECT 1")
        at = await samples.take(reviewer_db, "one", relations=False)
    (server,) = await samples.server(db, at, at + MINUTE)
    assert server.longest_transaction_seconds > 0 and server.active >= 1 and server.waiting == 0


async def test_a_sample_between_two_of_the_tables_is_of_the_server_alone(db: Database) -> None:
    await samples.hold(db, "one", 60)
    at = await samples.take(db, "one", relations=False)
    assert len(await samples.server(db, at, at + MINUTE)) == 1
    assert await samples.tables(db, at, at + MINUTE) == () == await samples.indexes(db, at, at + MINUTE)


async def test_a_table_that_somebody_holds_keeps_no_sample_waiting(db: Database, conninfo: Conninfo) -> None:
    await samples.hold(db, "one", 60)
    with psycopg.connect(conninfo(SUPERUSER)) as holding:
        holding.execute("LOCK TABLE coverage_targets IN ACCESS EXCLUSIVE MODE")
        at = await samples.take(db, "one", relations=True)
    tables = {each.table_name for each in await samples.tables(db, at, at + MINUTE)}
    indexes = {each.table_name for each in await samples.indexes(db, at, at + MINUTE)}
    assert "coverage_targets" not in tables | indexes and {"conversations"} <= tables & indexes


async def test_old_samples_are_thinned_to_hours_then_days_and_go(db: Database, conninfo: Conninfo) -> None:
    await samples.hold(db, "one", 60)
    now = await samples.take(db, "one", relations=True)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [today - timedelta(days=3) + timedelta(minutes=15 * n) for n in range(8)]  # two hours
    moments += [today - timedelta(days=40) + timedelta(hours=n) for n in range(24)]  # a day
    moments += [today - timedelta(days=401)]
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for moment in moments:
            connection.execute(
                "INSERT INTO index_samples SELECT %s, index_name, table_name, is_valid, index_bytes, entries,"
                " file_number, scans, scanned_at, blocks_hit, blocks_read, density FROM index_samples WHERE at = %s",
                [moment, now],
            )
    await samples.thin(db)
    left = await samples.indexes(db, today - timedelta(days=500), now + MINUTE, name="pk_conversations")
    assert [each.at for each in left] == [moments[8], moments[0], moments[4], now]
    assert await samples.thin(db) == 0


SAMPLE = """
    INSERT INTO index_samples (at, index_name, table_name, is_valid, index_bytes, entries, file_number, scans,
                               blocks_hit, blocks_read, density)
    VALUES (now() - %s * interval '1 day', %s, 'a', true, 2000000, 10, 1, %s, %s, %s, %s)
"""


async def test_counters_that_a_crash_zeroed_make_no_used_index_unused(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for day, scans in enumerate((40, 40, 0, 0, 160, 160, 100)):
            connection.execute(SAMPLE, [day, "ix_a", scans, 0, 0, 0.4 + day / 100])
    now = datetime.now(UTC)
    found = (await samples.uses(db, now - timedelta(days=30), now + MINUTE))["ix_a"]
    assert (found.days, found.scans, found.hit_rate, found.density) == (7, 100, None, 0.4)


async def test_the_hit_rate_is_of_the_days_and_not_since_ever(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(SAMPLE, [1, "ix_a", 5, 1_000_000, 0, None])
        connection.execute(SAMPLE, [0, "ix_a", 6, 1_000_030, 10, None])
    now = datetime.now(UTC)
    found = (await samples.uses(db, now - timedelta(days=30), now + MINUTE))["ix_a"]
    assert (found.scans, found.hit_rate, found.density) == (1, 0.75, None)


async def test_growth_is_told_since_an_index_has_its_file(db: Database, conninfo: Conninfo) -> None:
    stored = (
        "INSERT INTO index_samples (at, index_name, table_name, is_valid, index_bytes, entries, file_number, scans,"
        " blocks_hit, blocks_read) VALUES (now() - %s * interval '1 day', %s, 'a', true, %s, %s, %s, 0, 0, 0)"
    )
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for day, size, entries, file in (
            (9, 9_000_000, 20_000, 1), (8, 2_000_000, 20_000, 2), (7, 2_000_000, 0, 2), (1, 5_000_000, 20_000, 2),
        ):  # fmt: skip
            connection.execute(stored, [day, "ix_grown", size, entries, file])
        connection.execute(stored, [1, "ix_small", 100_000, 100, 3])
    now = datetime.now(UTC)
    assert await samples.growths(db, now - timedelta(days=30), now + MINUTE) == {"ix_grown": 2.5}
