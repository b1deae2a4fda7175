"""What is known about tables, also while somebody holds one for themselves."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from support import Conninfo, add_vocabulary, beside, eventually, generated, imported, scalar
from traintui.data import health, table_facts
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.held import unheld
from traintui.data.refusals import Refused
from traintui.data.table_facts import bounds

WEEK = "SELECT min(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'generation_logs'::regclass"


async def test_a_table_in_parts_has_their_ranges_and_their_sums(db: Database, reviewer_db: Database) -> None:
    await add_vocabulary(db)
    await generated(db, 2)
    found = {each.name: each for each in await table_facts.tables(reviewer_db)}
    log = found["generation_logs"]
    assert len(log.parts) >= 5 and not [name for name in found if name.startswith("generation_logs_")]
    ranges = [(part.begins, part.ends) for part in log.parts]
    assert all(len(begins) == 10 and begins < ends for begins, ends in ranges)
    assert [begins for begins, _ in ranges[1:]] == [ends for _, ends in ranges[:-1]]
    assert log.total_bytes == sum(part.total_bytes or 0 for part in log.parts) > 0
    assert log.total_bytes == await scalar(
        db,
        "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'generation_logs'::regclass",
    )


async def test_rows_vacuum_and_hot_updates_are_told(db: Database, conninfo: Conninfo) -> None:
    await imported(db, 40)
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("CREATE TABLE aside AS SELECT n, 'x' AS word FROM generate_series(1, 500) AS n")
        connection.execute("ALTER TABLE aside SET (fillfactor = 50, autovacuum_enabled = off)")
        connection.execute("VACUUM FULL aside")
        connection.execute("UPDATE aside SET word = 'y' WHERE n <= 100")
        connection.execute("SELECT pg_stat_force_next_flush()")
        connection.execute("ANALYZE aside")
    aside = {each.name: each for each in await table_facts.tables(db)}["aside"]
    assert aside.rows == 500 and aside.updated == 100 and aside.dead_rows == 100
    assert aside.hot_share is not None and aside.hot_share > 0.5 and aside.dead_share == pytest.approx(1 / 6)
    assert aside.analyzed_at is not None and aside.auto_vacuumed_at is None and aside.index_bytes == 0


@pytest.mark.parametrize("lock", ["LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", "REINDEX INDEX {}_pkey"])
async def test_what_somebody_holds_is_not_waited_for_and_said(db: Database, conninfo: Conninfo, lock: str) -> None:
    week = await scalar(db, WEEK)
    with psycopg.connect(conninfo(SUPERUSER)) as holding:
        holding.execute(lock.format(week).encode())
        async with asyncio.timeout(20):
            found = {each.name: each for each in await table_facts.tables(db)}
            sizes = {each.name for each in await health.table_sizes(db)}
        log = found["generation_logs"]
        assert log.held and [part.name for part in log.parts if part.held] == [week]
        assert next(part for part in log.parts if part.held).total_bytes is None and (log.total_bytes or 0) > 0
        assert not found["conversations"].held and {"conversations", "generation_logs"} <= sizes
        holding.rollback()
    assert not any(each.held for each in await table_facts.tables(db))


async def test_who_only_waits_for_a_table_holds_nobody_up(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as reading:
        reading.execute("SELECT FROM coverage_targets")
        async with await psycopg.AsyncConnection.connect(conninfo(SUPERUSER)) as wanting:
            waiting = asyncio.create_task(wanting.execute("LOCK TABLE coverage_targets IN ACCESS EXCLUSIVE MODE"))
            try:
                waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
                await beside(waiting, eventually(lambda: scalar(db, waits)))
                async with asyncio.timeout(20):
                    found = {each.name: each for each in await table_facts.tables(db)}
                assert found["coverage_targets"].held and found["coverage_targets"].total_bytes is None
            finally:
                reading.rollback()
                await waiting
                await wanting.rollback()


async def test_what_is_taken_between_a_look_and_the_reading_is_looked_at_again() -> None:
    tried = []

    async def read() -> str:
        tried.append(1)
        if len(tried) < 3:
            raise Refused("Busy", "taken meanwhile.", "Try again.", code="55P03")
        return "read"

    assert await unheld(read) == "read" and len(tried) == 3
    tried[:] = []

    async def refused() -> str:
        tried.append(1)
        raise Refused("No right", "not yours.", "Ask.", code="42501")

    with pytest.raises(Refused):
        await unheld(refused)
    assert len(tried) == 1


def test_a_range_is_days_where_it_is_whole_days() -> None:
    assert bounds("FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-30 00:00:00+00')") == (
        "2026-11-23", "2026-11-30",
    )  # fmt: skip
    assert bounds("FOR VALUES FROM ('2026-11-23 01:00:00+01') TO (MAXVALUE)") == ("", "")
    assert bounds("FOR VALUES FROM ('2026-11-23 12:00:00+00') TO ('2026-11-30 01:00:00+01')") == (
        "2026-11-23 12:00", "2026-11-30",
    )  # fmt: skip
    assert bounds("") == ("", "")
