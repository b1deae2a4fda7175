"""On a shared server, PostgreSQL 15, indexes are measured by what it has, and mended with a right that was given."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from churned import INDEX, as_owner, sampled
from older_server import SUPERUSER as POSTGRES
from older_server import is_there, older_server
from support import Conninfo, logged_in
from traintui import clock
from traintui.data import index_actions, index_facts, rebuild_policy
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.observing import mending, rebuilding
from traintui.observing.standing import index_states

pytestmark = pytest.mark.skipif(not is_there(), reason="needs PostgreSQL 15: apt-get install postgresql-15")


@pytest.fixture(scope="module")
def shared() -> Iterator[Conninfo]:
    """The server, whose superuser has another name than the embedded one's."""
    with older_server({"ada": "admin", "rita": "reviewer"}) as found:
        yield lambda login: found(POSTGRES if login == SUPERUSER else login)


async def says(db: Database) -> str:
    """What is said about the index."""
    found = {each.name: each.finding for each in await index_states(db, clock.now())}[INDEX]
    return "" if found is None else found.says


async def test_a_half_empty_index_is_told_by_growth_then_by_pgstattuple_and_rebuilt_with_the_right_to(
    shared: Conninfo,
) -> None:
    as_owner(
        shared, "CREATE TABLE churned (number bigint NOT NULL) WITH (autovacuum_enabled = off)",
        "INSERT INTO churned SELECT n FROM generate_series(1, 500000) AS n",
        f"CREATE INDEX {INDEX} ON churned (number)", "VACUUM ANALYZE churned",
    )  # fmt: skip
    async with logged_in(shared("ada")) as own, logged_in(shared("rita")) as reviewer:
        db = replace(own, label="db.example/training")
        await sampled(reviewer)
        assert await says(db) == ""
        as_owner(shared, "DELETE FROM churned WHERE number % 10 < 6", "VACUUM ANALYZE churned")
        await sampled(reviewer)
        assert "takes 2.5 times the room for each entry" in await says(db)
        (fact,) = [each for each in await index_facts.indexes(db) if each.name == INDEX]
        with pytest.raises(Refused) as refused:
            await mending.carry_out(db, mending.rebuilding(fact))
        assert refused.value.remedy.endswith('GRANT traintui_owner TO "ada";')
        with psycopg.connect(shared(SUPERUSER), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pgstattuple")
            connection.execute("GRANT EXECUTE ON FUNCTION pgstatindex(regclass) TO traintui_owner")
            connection.execute("GRANT traintui_owner TO ada")
        await sampled(reviewer)
        assert "fills 36% of its leaves" in await says(db)
        await rebuild_policy.set_quiet(db, None)
        assert await rebuilding.look(db, asyncio.Event()) == 0  # off, until somebody turns it on
        await rebuild_policy.switch(db, True)
        assert await rebuilding.look(db, asyncio.Event()) == 1
        row, *_ = await index_actions.newest(db)
        assert row.state == "done" and (row.density_after or 0) > 0.8
        assert await says(db) == "" and await rebuilding.look(db, asyncio.Event()) == 0
