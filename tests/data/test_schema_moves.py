"""Who works while the schema moves is refused in words, and not by a statement that fails."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from support import Conninfo, imported, scalar
from traintui.data import conversations, schema, schema_moves
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.schema_moves import SchemaMoved


@pytest.fixture(autouse=True)
def _at_each_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_moves, "LOOK_SECONDS", 0.0)


def at(conninfo: Conninfo, revision: str) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])


async def test_nothing_is_written_into_a_schema_that_is_newer_and_all_goes_on_when_it_is_back(
    db: Database, conninfo: Conninfo
) -> None:
    await imported(db, 1)
    at(conninfo, "9999")
    with pytest.raises(SchemaMoved, match="at revision 9999, and this Traintui") as refused:
        await imported(db, 1)
    assert refused.value.remedy == "Install the newer Traintui and start it again."
    with pytest.raises(SchemaMoved):
        await db.call("SELECT clock_timestamp()", {})
    with pytest.raises(SchemaMoved):
        await db.require_schema()
    assert await conversations.count(db) == 1
    at(conninfo, schema.HEAD)
    await db.require_schema()
    await imported(db, 1)
    assert await conversations.count(db) == 2


async def test_a_schema_that_was_taken_back_says_what_is_missing_and_who_may_upgrade(
    db: Database, conninfo: Conninfo
) -> None:
    await imported(db, 1)
    schema.downgrade(conninfo(SUPERUSER), "0050")
    with pytest.raises(SchemaMoved, match=r"Missing: 0051 \(What was done to the schema") as refused:
        await imported(db, 1)
    assert "who runs the server to run `traintui db upgrade`" in refused.value.remedy


async def test_of_an_embedded_workspace_that_was_taken_back_its_person_hears_how_to_upgrade_it(
    db: Database, conninfo: Conninfo, server: EmbeddedServer
) -> None:
    schema.downgrade(conninfo(SUPERUSER), "0053")
    with pytest.raises(SchemaMoved, match="Missing: 0054") as refused:
        await imported(replace(db, server=server), 1)
    assert "Run `traintui db upgrade` in another terminal, or leave and start" in refused.value.remedy
    assert refused.value.brief == "Taken back to 0053, nothing is written: run `traintui db upgrade`"


async def test_a_read_that_misses_what_another_schema_has_no_more_is_answered_by_that(
    db: Database, conninfo: Conninfo
) -> None:
    missing = text("SELECT renamed FROM conversations")
    with pytest.raises(ProgrammingError):
        async with db.read() as connection:
            await connection.execute(missing)
    at(conninfo, "9999")
    assert await scalar(db, "SELECT count(*) FROM conversations") == 0
    with pytest.raises(SchemaMoved, match="Schema is newer"):
        async with db.read() as connection:
            await connection.execute(missing)


async def test_what_was_seen_counts_for_a_second_so_that_writes_cost_no_look_each(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_moves, "LOOK_SECONDS", 60.0)
    await imported(db, 1)
    at(conninfo, "9999")
    await imported(db, 1)
    monkeypatch.setattr(schema_moves, "LOOK_SECONDS", 0.0)
    with pytest.raises(SchemaMoved):
        await imported(db, 1)
