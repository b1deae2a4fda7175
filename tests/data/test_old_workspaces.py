"""A workspace that an earlier Traintui made opens in this one."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from restoring import DUMPS, restore
from support import logged_in
from traintui.data import attempts, batches, conversations, exports, reviews, schema
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.reviews import Seen

REVISIONS = sorted(path.name.split("-")[1].removesuffix(".sql.gz") for path in DUMPS.glob("workspace-*.sql.gz"))


@pytest.mark.parametrize("revision", REVISIONS)
async def test_an_old_workspace_is_upgraded_read_and_decided_on(server: EmbeddedServer, revision: str) -> None:
    name = f"old_{revision}"
    restore(server, name, revision)
    assert schema.current_revision(server.conninfo(SUPERUSER, name)) == schema.HEAD
    async with logged_in(server.conninfo("ada", name)) as db:
        counts = await conversations.status_counts(db)
        assert counts["approved"] == 5 and counts["rejected"] == 1 and counts["planned"] == 6
        assert {entry.state for entry in await exports.newest(db)} == {"started", "succeeded"}
        assert {call.state for call in await attempts.newest(db)} == {"ok", "error"}
        assert [batch.state for batch in await batches.recent(db)] == ["paused", "finished"]
        waiting = await reviews.queue(db)
        whole = await conversations.read(db, waiting[0])
        await reviews.decide(db, Seen.of(whole.row), "approve", key=reviews.new_key())
        assert (await conversations.status_counts(db))["approved"] == 6
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_there_is_a_dump_of_the_first_revision() -> None:
    assert "0001" in REVISIONS and Path(DUMPS / "workspace-0001.sql.gz").stat().st_size < 200_000
