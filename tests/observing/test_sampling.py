"""The sampler takes its first sample at once, beside the work, and leaves its lease when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from support import Conninfo, eventually, scalar
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


async def test_the_disk_is_that_of_the_home(db: Database, tmp_path: object) -> None:
    from pathlib import Path

    free, whole = sampling.disk_of(Path(str(tmp_path)))
    assert free is not None and whole is not None and 0 < free <= whole
    assert sampling.disk_of(None) == (None, None) == sampling.disk_of(Path("/no/such/place"))
