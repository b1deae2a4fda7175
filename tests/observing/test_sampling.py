"""The sampler takes its first sample at once, beside the work, and leaves its lease when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from churned import as_owner, churn, density
from support import Conninfo, eventually, logged_in, scalar
from traintui.data import samples
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.observing import sampling

DAY = timedelta(days=1)


async def taken(db: Database) -> int:
    now = datetime.now(UTC)
    return len(await samples.server(db, now - DAY, now + DAY))


def holder_of(conninfo: Conninfo) -> str | None:
    """Who samples; only a superuser reads that."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        (holder,) = connection.execute("SELECT holder FROM sampling").fetchone() or (None,)
    return None if holder is None else str(holder)


async def test_the_sampler_samples_beside_the_work_and_leaves_its_lease(db: Database, conninfo: Conninfo) -> None:
    async def sampled() -> bool:
        return await taken(db) == 1

    async with sampling.sampling(db):
        await eventually(sampled)
        assert holder_of(conninfo)
    assert holder_of(conninfo) is None
    assert await scalar(db, "SELECT count(DISTINCT table_name) FROM table_samples") > 40


async def test_of_two_samplers_one_samples(
    db: Database, reviewer_db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "SERVER_SECONDS", 0.05)
    async with sampling.sampling(db):

        async def sampled() -> bool:
            return await taken(db) >= 2

        await eventually(sampled)
        holder = holder_of(conninfo)
        async with sampling.sampling(reviewer_db):
            before = await taken(db)

            async def went_on() -> bool:
                return await taken(db) > before + 1

            await eventually(went_on)
            assert holder_of(conninfo) == holder


async def test_what_the_server_refuses_is_told_once_and_keeps_nothing_else(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "SERVER_SECONDS", 0.05)
    monkeypatch.setattr(sampling, "THIN_SECONDS", 0.0)
    as_owner(conninfo, "REVOKE EXECUTE ON FUNCTION thin_samples() FROM traintui_admin, traintui_author,"
                       " traintui_auditor, traintui_reviewer")  # fmt: skip
    told: list[Exception] = []

    async def sampled() -> bool:
        return await taken(db) >= 3

    async with sampling.sampling(db, failed=told.append):
        await eventually(sampled)
    assert ["permission denied for function thin_samples" in str(each).lower() for each in told] == [True]


async def test_a_time_limit_on_reading_a_whole_index_takes_no_sample_back_and_leaves_the_others(
    conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "RELATION_SECONDS", 0.0)
    churn(conninfo)
    as_owner(conninfo, "CREATE INDEX ix_churned_both ON churned (number, other) WITH (fillfactor = 30)")
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        # As on a shared server with pgstattuple and a time limit, which one of them takes too long for.
        connection.execute("DROP FUNCTION traintui_server.leaf_density(oid)")
        connection.execute(
            "CREATE FUNCTION pgstatindex(index regclass, OUT avg_leaf_density float, OUT leaf_fragmentation float)"
            " LANGUAGE plpgsql AS $$ BEGIN"
            " IF index::text = 'ix_churned_both' THEN RAISE query_canceled USING MESSAGE ="
            " 'canceling statement due to statement timeout'; END IF; avg_leaf_density := 40; END $$"
        )
        # Only that of the extension is called; here another one goes by its name.
        connection.execute("SET allow_system_table_mods = on")
        connection.execute("UPDATE pg_extension SET extname = 'pgstattuple' WHERE extname = 'plpgsql'")
        connection.execute("ALTER EXTENSION pgstattuple ADD FUNCTION pgstatindex(regclass)")
    told: list[Exception] = []
    async with logged_in(conninfo("rita")) as db:
        sampler = sampling.Sampler(db, "one", told.append)
        await sampler.turn()
        now = datetime.now(UTC)
        assert await taken(db) == 1 and await samples.indexes(db, now - DAY, now + DAY, name="ix_churned_both")
        assert ["timeout" in str(each) for each in told] == [True]
        await sampler.turn()
        assert await density(db) == pytest.approx(0.4) and await density(db, "ix_churned_both") is None
    assert len(told) == 1


async def test_the_disk_is_that_of_the_home(db: Database, tmp_path: object) -> None:
    from pathlib import Path

    free, whole = sampling.disk_of(Path(str(tmp_path)))
    assert free is not None and whole is not None and 0 < free <= whole
    assert sampling.disk_of(None) == (None, None) == sampling.disk_of(Path("/no/such/place"))
