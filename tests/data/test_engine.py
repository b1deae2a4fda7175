"""What a handle to the workspace leaves behind: nothing."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from sqlalchemy import text

from support import Conninfo, logged_in
from traintui.data.engine import Database, connect_seconds
from traintui.data.refusals import NotReached


async def test_closing_ends_the_connections_too_that_never_came_back_to_the_pool(conninfo: Conninfo) -> None:
    async with logged_in(conninfo("rita")) as db:
        connection = await db.engine.connect()
        driven = (await connection.get_raw_connection()).driver_connection
        await connection.run_sync(lambda taken: taken.detach())
    assert driven is not None and driven.closed


async def test_who_is_frozen_in_a_transaction_does_not_hold_its_locks_for_good(db: Database) -> None:
    async with db.read() as connection:
        setting = await connection.scalar(text("SELECT current_setting('idle_in_transaction_session_timeout')"))
    assert setting == "20s"


async def test_a_session_that_was_ended_while_its_process_was_frozen_is_a_database_that_is_away(
    db: Database, conninfo: Conninfo
) -> None:
    with pytest.raises(NotReached, match="idle-in-transaction timeout"):
        async with db.write() as connection:
            backend = await connection.scalar(text("SELECT pg_backend_pid()"))
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 20"))
            with psycopg.connect(conninfo("ada"), autocommit=True) as other:
                there = b"SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
                while other.execute(there, [backend]).fetchone() != (0,):
                    await asyncio.sleep(0.01)
            raise ValueError("so that it is rolled back")
    async with db.read() as connection:
        assert await connection.scalar(text("SELECT 1")) == 1


async def test_whatever_a_read_that_was_given_up_left_on_its_connection_the_next_one_writes(db: Database) -> None:
    async with db.engine.connect() as connection:
        driven = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driven, psycopg.AsyncConnection)
        # What a read asks for, cut off before it is noted that it is to be set back.
        await driven.set_read_only(True)
        await driven.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        was = await connection.scalar(text("SELECT pg_backend_pid()"))
    async with db.write() as connection:
        assert await connection.scalar(text("SELECT pg_backend_pid()")) == was
        assert await connection.scalar(text("SHOW transaction_read_only")) == "off"
        assert await connection.scalar(text("SHOW transaction_isolation")) == "read committed"
    async with db.read() as connection:
        assert await connection.scalar(text("SHOW transaction_read_only")) == "on"


async def test_a_server_of_this_machine_may_take_its_time_and_one_behind_a_network_less(db: Database) -> None:
    async with db.engine.connect() as connection:
        driven = (await connection.get_raw_connection()).driver_connection
        assert isinstance(driven, psycopg.AsyncConnection)
        assert driven.info.get_parameters()["connect_timeout"] == "10"
    assert connect_seconds("host=db.example.org,/run dbname=traintui") == 3
