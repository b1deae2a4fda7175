"""Half empty indexes are rebuilt by themselves, by the rules of the workspace and never against them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from benchmarks.pooling import pgbouncer, pooled

from churned import INDEX, churn, invalid, sampled
from support import Conninfo, eventually, sqlstate
from traintui import clock
from traintui.data import index_actions, rebuild_policy
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database, make_engine
from traintui.data.rebuild_policy import RebuildPolicy
from traintui.data.refusals import Refused
from traintui.observing import rebuilding


@pytest.fixture
def mender(db: Database, server: EmbeddedServer) -> Database:
    """The workspace as ada, an administrator, on its embedded server."""
    return replace(db, server=server)


async def due(db: Database, conninfo: Conninfo) -> None:
    """An index of more than 8 MB that fills less than half of its leaves, and a sample that says so."""
    churn(conninfo)
    await sampled(db)


async def test_what_is_half_empty_is_rebuilt_by_itself_and_written_down(mender: Database, conninfo: Conninfo) -> None:
    await due(mender, conninfo)

    async def rebuilt() -> bool:
        return any(each.state == "done" for each in await index_actions.newest(mender))

    async with rebuilding.mending(mender):
        await eventually(rebuilt)
    (row,) = await index_actions.newest(mender)
    assert (row.kind, row.index_name, row.by_itself, row.acted_by) == ("rebuild", INDEX, True, "ada")
    assert (row.density_before or 1) < 0.5 and (row.density_after or 0) > 0.8 and invalid(conninfo) == []
    assert await rebuilding.look(mender, asyncio.Event()) == 0  # once is enough


async def test_nothing_is_rebuilt_outside_of_quiet_hours(mender: Database, conninfo: Conninfo) -> None:
    await due(mender, conninfo)
    hour = clock.now().astimezone().hour
    await rebuild_policy.set_quiet(mender, ((hour + 2) % 24, (hour + 4) % 24))
    assert await rebuilding.look(mender, asyncio.Event()) == 0
    seen = await rebuilding.outlook(mender)
    assert [fact.name for fact in seen.due] == [INDEX] and "o'clock" in (seen.waits_for or "")
    assert await index_actions.newest(mender) == ()
    await rebuild_policy.set_quiet(mender, ((hour - 1) % 24, (hour + 2) % 24))
    assert await rebuilding.look(mender, asyncio.Event()) == 1


async def test_nothing_is_rebuilt_beside_an_old_transaction(
    mender: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    await due(mender, conninfo)
    monkeypatch.setattr(rebuilding, "OLD_SECONDS", 0.2)
    with psycopg.connect(conninfo(SUPERUSER)) as old:
        old.execute("SELECT 1")

        async def waits() -> bool:
            return "a transaction is open" in ((await rebuilding.outlook(mender)).waits_for or "")

        await eventually(waits)
        assert await rebuilding.look(mender, asyncio.Event()) == 0
    assert await index_actions.newest(mender) == ()
    assert await rebuilding.look(mender, asyncio.Event()) == 1


async def test_what_failed_by_itself_is_not_tried_again_at_once(
    mender: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    await due(mender, conninfo)
    failed = await index_actions.begin(
        mender, "rebuild", INDEX, "churned", definition="", statement="", by_itself=True
    )  # fmt: skip
    await index_actions.end(mender, failed, size=None, density=None, error="others were in the way")
    assert await rebuilding.look(mender, asyncio.Event()) == 0
    monkeypatch.setattr(rebuilding, "AGAIN", timedelta(0))
    assert await rebuilding.look(mender, asyncio.Event()) == 1


async def test_on_a_shared_server_it_is_off_until_one_key_turns_it_on(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    shared = replace(db, label="db.example/training")
    await due(db, conninfo)
    assert await rebuild_policy.read(shared) == RebuildPolicy(False, quiet=rebuild_policy.NIGHT)
    assert (await rebuilding.outlook(shared)).waits_for == "rebuilding by itself is off"
    with pytest.raises(Refused):
        await rebuild_policy.switch(reviewer_db, True)
    await rebuild_policy.switch(shared, True)
    assert (await rebuild_policy.read(shared)).on
    assert await rebuild_policy.read(db) == RebuildPolicy(True)


async def test_who_may_not_says_which_grant_is_missing_and_begins_once_it_is_there(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "CLEAN_SECONDS", 0.1)
    shared = replace(db, label="db.example/training")
    await due(db, conninfo)
    await rebuild_policy.set_quiet(shared, None)
    grant = 'GRANT traintui_owner TO "ada" WITH INHERIT FALSE'
    assert grant in (await rebuilding.switch(shared, True) or "")
    assert grant in ((await rebuilding.outlook(shared)).waits_for or "")
    assert await rebuilding.look(shared, asyncio.Event()) == 0
    assert (await index_actions.newest(db)) == ()

    async def rebuilt() -> bool:
        return any(each.state == "done" for each in await index_actions.newest(db))

    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        async with rebuilding.mending(shared):
            await asyncio.sleep(0.3)  # it looked, and may not
            await asyncio.to_thread(connection.execute, grant.encode())
            try:
                await eventually(rebuilt)
            finally:
                connection.execute("REVOKE traintui_owner FROM ada")


async def test_a_reviewer_is_told_that_an_administrators_traintui_does_it(
    db: Database, reviewer_db: Database, conninfo: Conninfo, server: EmbeddedServer
) -> None:
    await due(db, conninfo)
    seen = await rebuilding.outlook(replace(reviewer_db, server=server))
    assert "rita is no administrator" in (seen.waits_for or "")


@pytest.mark.skipif(pgbouncer() is None, reason="PgBouncer is not installed (apt-get install pgbouncer)")
async def test_through_a_pooler_the_outlook_says_why_nothing_is_rebuilt(db: Database, conninfo: Conninfo) -> None:
    await due(db, conninfo)
    with pooled(conninfo("ada")) as url:
        engine = make_engine(url, pooled=True)
        through = replace(db, engine=engine, conninfo=url)
        try:
            assert "a pooler stands between" in ((await rebuilding.outlook(through)).waits_for or "")
            assert await rebuilding.look(through, asyncio.Event()) == 0
        finally:
            await engine.dispose()
    assert await index_actions.newest(db) == ()


@pytest.mark.parametrize(
    ("quiet", "hours"), [(None, range(24)), ((20, 7), [20, 23, 0, 6]), ((2, 5), [2, 3, 4]), ((9, 9), range(24))]
)
def test_the_night_goes_over_midnight(quiet: tuple[int, int] | None, hours: list[int]) -> None:
    policy = RebuildPolicy(True, quiet=quiet)
    seen = {hour for hour in range(24) if policy.is_quiet(datetime(2026, 11, 1, hour, 30, tzinfo=UTC))}
    assert seen == (set(hours) if quiet != (20, 7) else {20, 21, 22, 23, 0, 1, 2, 3, 4, 5, 6})


def test_rules_that_make_no_sense_are_refused(conninfo: Conninfo) -> None:
    stores = "INSERT INTO workspace_settings (key, value) VALUES (%s, %s)"
    for rules in (
        '{"density": 0.9, "megabytes": 8}', '{"density": 0.5}', "7",
        '{"density": 0.5, "megabytes": 8, "quiet_from": 7}',
        '{"density": 0.5, "megabytes": 8, "quiet_from": 7, "quiet_until": 24}',
    ):  # fmt: skip
        assert sqlstate(conninfo("ada"), stores, ["rebuild_policy", rules]) == "23514", rules
    assert sqlstate(conninfo("ada"), stores, ["rebuild_automatically", '"yes"']) == "23514"
