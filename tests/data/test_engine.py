"""What a handle to the workspace leaves behind: nothing."""

from __future__ import annotations

from sqlalchemy import text

from support import Conninfo, logged_in
from traintui.data.engine import Database


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
