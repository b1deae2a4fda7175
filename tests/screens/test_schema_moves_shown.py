"""An open app notices that somebody upgraded the database: it says so, and writes nothing."""

from __future__ import annotations

import psycopg

from screens.test_review import on_screen, opened
from screens.test_unsent import line, log
from screens.waiting import until
from support import Conninfo, imported
from traintui.app import TraintuiApp
from traintui.data import schema
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database


def upgraded(conninfo: str, revision: str) -> None:
    """As a newer Traintui leaves it."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])
        connection.execute(
            "INSERT INTO schema_history (revision, direction, applied_at, applied_by, seconds, app_version)"
            " VALUES (%s, 'up', '2026-11-30 09:00+00', 'olga', 1, '7.1')",
            [revision],
        )


async def test_an_app_that_is_open_while_the_database_is_upgraded_writes_nothing_and_says_what_to_do(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    first, second = await imported(db, 2)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, first)
        upgraded(conninfo(SUPERUSER), "9999")
        told = "Install the newer Traintui (7.1): nothing is written into its schema"
        await until(pilot, lambda: told in line(app))
        (note,) = [note for note in app._notifications if note.title == "Schema is newer"]
        assert "revision 9999 since olga upgraded it on 2026-11-30 at 09:00 UTC" in note.message
        await pilot.press("a")
        await until(pilot, lambda: on_screen(app) == second and f"not saved yet: 1   {told}" in line(app))
        assert await log(db) == []
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", [schema.HEAD])
        await until(pilot, lambda: not line(app) and app.outbox is not None and not app.outbox.waiting)
    assert await log(db) == [(first, "approve")]
