"""A worker ends when somebody upgrades the database, and says which version to install."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from generation.batching_helpers import IMPATIENT, Quick
from generation.test_worker import column, furnished, plan, rehearsal
from support import Conninfo, beside, eventually
from traintui.data import schema
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.schema_moves import SchemaMoved
from traintui.generation.client import ModelClient
from traintui.generation.provider import Provider
from traintui.generation.rehearsal import RehearsalServer
from traintui.generation.start import start_batch
from traintui.generation.worker import Worker

__all__ = ["furnished", "rehearsal"]


def at(conninfo: Conninfo, revision: str) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])


async def test_a_worker_ends_when_the_schema_is_newer_and_sends_nothing_more(
    furnished: Database, rehearsal: RehearsalServer, conninfo: Conninfo
) -> None:
    provider = Provider(rehearsal.url, "rehearsal", "rehearsal", is_rehearsal=True)
    async with asyncio.timeout(120), ModelClient(api_key="rehearsal", base_url=rehearsal.url) as client:
        worker = Worker(furnished, client, provider, slots=1, patience=IMPATIENT, dice=Quick())
        working = asyncio.create_task(worker.run(asyncio.Event()))

        async def there() -> bool:
            return await column(furnished, "SELECT id FROM workers") != []

        await beside(working, eventually(there))
        at(conninfo, "9999")
        with pytest.raises(SchemaMoved, match="Install the newer Traintui"):
            await working
        at(conninfo, schema.HEAD)
        await start_batch(furnished, plan(), is_rehearsal=True)
        assert await column(furnished, "SELECT id FROM generation_logs") == []
