"""What a handle to the workspace leaves behind: nothing."""

from __future__ import annotations

from support import Conninfo, logged_in


async def test_closing_ends_the_connections_too_that_never_came_back_to_the_pool(conninfo: Conninfo) -> None:
    async with logged_in(conninfo("rita")) as db:
        connection = await db.engine.connect()
        driven = (await connection.get_raw_connection()).driver_connection
        await connection.run_sync(lambda taken: taken.detach())
    assert driven is not None and driven.closed
