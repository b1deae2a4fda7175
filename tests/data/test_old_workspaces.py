"""A workspace that an earlier Traintui made opens in this one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from restoring import DUMPS, REVISIONS, restore
from support import fetch, import_items, logged_in, newest_calls, newest_exports, scalar, turns_of
from traintui.data import (
    batches,
    bulk,
    conversations,
    metadata,
    reviews,
    schema,
    views,
    vocabulary,
)
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.engine import Database
from traintui.data.filters import parse
from traintui.data.refusals import Refused
from traintui.data.reviews import Seen
from traintui.data.search_index import index_some
from traintui.data.targets import ids_of
from traintui.data.workspace_filters import read_filter

WITH_SEEDS = [revision for revision in REVISIONS if revision >= "0007"]
"""Those with metadata keys, saved views, a merged value and bulk actions."""


@asynccontextmanager
async def upgraded(server: EmbeddedServer, revision: str) -> AsyncIterator[Database]:
    """The workspace of a revision in a database of its own, brought to the newest, as its administrator sees it."""
    name = f"old_{revision}"
    restore(server, name, revision)
    try:
        assert schema.current_revision(server.conninfo(SUPERUSER, name)) == schema.HEAD
        async with logged_in(server.conninfo("ada", name)) as db:
            yield db
    finally:
        with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def number(db: Database, filter_text: str) -> int:
    """How many match, as the workspace reads the filter."""
    return len(await ids_of(db, await read_filter(db, filter_text)))


@pytest.mark.parametrize("revision", REVISIONS)
async def test_an_old_workspace_is_upgraded_read_and_decided_on(server: EmbeddedServer, revision: str) -> None:
    async with upgraded(server, revision) as db:
        written = {
            status: await number(db, f"-is:seed status:{status}") for status in ("approved", "rejected", "planned")
        }
        assert written == {"approved": 5, "rejected": 1, "planned": 6}
        assert {entry.state for entry in await newest_exports(db)} == {"succeeded"}
        assert {call.state for call in await newest_calls(db)} == {"ok", "error"}
        assert [batch.state for batch in await batches.recent(db)] == ["paused", "finished"]
        for batch in await batches.recent(db):
            assert await scalar(db, "SELECT committed_cost(:id)", id=batch.id) == batch.cost_usd
        approved = (await conversations.status_counts(db))["approved"]
        waiting = await reviews.queue(db)
        whole = await conversations.read(db, waiting[0])
        await reviews.decide(db, Seen.of(whole.row), "approve", key=reviews.new_key())
        assert (await conversations.status_counts(db))["approved"] == approved + 1


@pytest.mark.parametrize("revision", WITH_SEEDS)
async def test_an_old_workspace_keeps_its_metadata_and_the_types_of_its_keys(
    server: EmbeddedServer, revision: str
) -> None:
    async with upgraded(server, revision) as db:
        assert {key.key: key.value_type for key in await metadata.keys(db)} == {
            "source": "text", "score": "number", "due": "date", "checked": "boolean",
        }  # fmt: skip
        # Two of the six are in the trash.
        assert await number(db, "meta.source:book") == 4 and await number(db, "meta.source:book is:deleted") == 2
        assert await number(db, "meta.by:lead meta.checked:true meta.score>=5") == 2
        assert await number(db, "meta.due>=2026-11-05 meta.due<=2026-11-06") == 2
        with pytest.raises(Refused, match="Metadata not valid"):
            await metadata.merge(db, await read_filter(db, "meta.source:book"), {"score": "many"})
        changed = await metadata.merge(db, await read_filter(db, "meta.source:book"), {"score": 10})
        assert changed.changed == 4 and await number(db, "meta.score:10") == 4


@pytest.mark.parametrize("revision", WITH_SEEDS)
async def test_an_old_workspace_keeps_its_vocabulary_and_what_was_merged(server: EmbeddedServer, revision: str) -> None:
    async with upgraded(server, revision) as db:
        labels = await vocabulary.labels(db)
        assert (labels["tone", "plane"].merged_into, labels["tone", "plane"].active) == ("plain", False)
        assert (labels["tone", "formal"].label, labels["tone", "formal"].active) == ("Formal and exact", False)
        assert await number(db, "is:seed tone:plain") == 4 and await number(db, "tone:plane") == 0
        with pytest.raises(Refused, match='line 9: tone "plane" was merged into "plain"'):
            await import_items(db, [{"line": 9, "turns": turns_of("New?", "Yes."), "tone": "plane"}])


@pytest.mark.parametrize("revision", WITH_SEEDS)
async def test_an_old_workspace_keeps_the_views_that_are_shared(server: EmbeddedServer, revision: str) -> None:
    async with upgraded(server, revision) as db:
        (berths,) = [view for view in await views.views(db) if not view.is_built_in]
        assert (berths.name, berths.sort, berths.columns) == ("Berths", "-score", ("status", "tone"))
        assert await number(db, berths.filter_text) == 4


@pytest.mark.parametrize("revision", WITH_SEEDS)
async def test_an_old_workspace_keeps_its_bulk_actions_and_takes_new_ones(
    server: EmbeddedServer, revision: str
) -> None:
    async with upgraded(server, revision) as db:
        # Imports have stood beside them since 0032.
        actions = "SELECT action, done, undone FROM bulk_actions WHERE action <> 'import' ORDER BY newest_log"
        made = await fetch(db, actions)
        assert [tuple(row) for row in made] == [
            ("flag", 4, 0), ("approve", 3, 0), ("reject", 2, 0), ("delete", 2, 0), ("approve", 1, 1),
        ]  # fmt: skip
        seeds = await ids_of(db, parse("is:seed status:approved"))
        assert len(seeds) == 2
        done = await bulk.decide(db, seeds, "reject", seen=await bulk.snapshot(db))
        assert done.done == 2 and await number(db, "is:seed status:approved") == 0
        last = await bulk.last_bulk(db)
        assert last is not None and last.bulk_id == done.bulk_id
        assert (await bulk.undo(db, done.bulk_id)).undone == 2 and await number(db, "is:seed status:approved") == 2


@pytest.mark.parametrize("revision", WITH_SEEDS)
async def test_an_old_workspace_is_searched_before_and_after_its_index_is_up_to_date(
    server: EmbeddedServer, revision: str
) -> None:
    async with upgraded(server, revision) as db:
        assert await number(db, '"harbour berth" meta.by:lead') == 2
        while await index_some(db):
            pass
        assert await number(db, '"harbour berth" meta.by:lead') == 2


def test_there_are_dumps_of_the_revisions_that_workspaces_began_with() -> None:
    assert {"0001", "0007", "0045"} <= set(REVISIONS)
    assert all(path.stat().st_size < 200_000 for path in DUMPS.glob("workspace-*.sql.gz"))
