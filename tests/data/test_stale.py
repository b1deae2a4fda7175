"""A document that is imported again marks what was written from its changed chunks, and throws nothing away."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from support import (
    Conninfo,
    Wanted,
    add_document,
    add_vocabulary,
    approved,
    fetch,
    generated,
    logged_in,
    planned,
    scalar,
    status,
)
from traintui.data import conversations, documents
from traintui.data.engine import Database
from traintui.data.filters import parse
from traintui.data.listing import NEWEST
from traintui.data.live import Live


async def chunk(db: Database, content: str) -> int:
    found: int = await scalar(db, "SELECT id FROM chunks WHERE content = :content", content=content)
    return found


@pytest.fixture
async def written(db: Database) -> dict[str, str]:
    """A document of two pieces and a conversation about each; its public ids by piece."""
    await add_vocabulary(db)
    await add_document(db, "fees.md", ("old", "same"))
    pieces = ("old", "same")
    ids = await generated(db, wanted=[Wanted(chunk_id=await chunk(db, piece)) for piece in pieces])
    return dict(zip(pieces, ids, strict=True))


async def stale(db: Database) -> set[str]:
    return {row.conversation_id for row in (await conversations.first_rows(db, "is:stale")).rows}


async def test_only_what_was_written_from_changed_text_becomes_stale(db: Database, written: dict[str, str]) -> None:
    await add_document(db, "fees.md", ("same", "new"))
    assert await stale(db) == {written["old"]}
    row = (await conversations.read(db, written["old"])).row
    assert row.stale_at == await scalar(db, "SELECT retired_at FROM chunks WHERE content = 'old'")
    assert {row.conversation_id for row in (await conversations.first_rows(db, "-is:stale")).rows} == {written["same"]}


async def test_a_decision_stands_and_every_turn_is_kept(db: Database, written: dict[str, str]) -> None:
    await approved(db, written["old"])
    before = await conversations.read(db, written["old"])
    await add_document(db, "fees.md", ("new",))
    after = await conversations.read(db, written["old"])
    assert (after.turns, after.history, after.row.revision) == (before.turns, before.history, before.row.revision)
    assert await status(db, written["old"]) == "approved" and after.row.stale_at is not None


async def test_text_that_comes_back_ends_it(db: Database, written: dict[str, str]) -> None:
    await add_document(db, "fees.md", ("new",))
    assert await stale(db) == set(written.values())
    await add_document(db, "fees.md", ("old", "new"))
    assert await stale(db) == {written["same"]}


async def test_an_import_that_changes_nothing_touches_no_conversation(db: Database, written: dict[str, str]) -> None:
    before = await fetch(db, "SELECT id, updated_at, xmin::text FROM conversations ORDER BY id")
    await add_document(db, "fees.md", ("old", "same", "more"))
    assert await fetch(db, "SELECT id, updated_at, xmin::text FROM conversations ORDER BY id") == before


async def test_open_tables_learn_of_it_through_the_feed(db: Database, written: dict[str, str]) -> None:
    live = Live(db)
    await live.load()
    wanted = parse("is:stale")
    await add_document(db, "fees.md", ("same",))
    changed = await live.refresh()
    listing = live.listing(wanted, NEWEST)
    assert listing is not None and len(changed) == 1
    assert list(listing.ids(0, 9)) == list(changed)
    rows = await conversations.rows(db, list(changed))
    assert {row.conversation_id for row in rows.values()} == {written["old"]}


async def test_a_plan_about_text_that_went_meanwhile_is_stale_from_its_beginning(db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db, "fees.md", ("old",))
    chunk_id = await chunk(db, "old")
    await add_document(db, "fees.md", ("new",))
    await planned(db, wanted=[Wanted(chunk_id=chunk_id), Wanted(chunk_id=await chunk(db, "new"))])
    assert await fetch(db, "SELECT chunk_id FROM conversations WHERE stale_at IS NOT NULL") == [(chunk_id,)]


async def test_a_plan_that_waits_for_an_import_is_stale_afterwards(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await add_document(db, "fees.md", ("old",))
    chunk_id = await chunk(db, "old")
    with psycopg.connect(conninfo("arthur")) as importer:
        importer.execute("UPDATE chunks SET retired_at = now() WHERE id = %s", [chunk_id])
        async with logged_in(conninfo("ada")) as planner:
            planning = asyncio.create_task(planned(planner, wanted=[Wanted(chunk_id=chunk_id)]))
            async with asyncio.timeout(20):
                while not await scalar(db, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
                    await asyncio.sleep(0.01)
            importer.commit()
            await planning
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE stale_at IS NOT NULL") == 1


async def test_a_document_of_a_thousand_chunks_marks_all_in_one_pass(db: Database) -> None:
    await add_vocabulary(db)
    pieces = tuple(f"Paragraph {number}." for number in range(1_000))
    await add_document(db, "long.md", pieces)
    chunk_ids = [one.id for one in await documents.chunks(db)]
    await planned(db, wanted=[Wanted(chunk_id=chunk_id) for chunk_id in chunk_ids])
    await add_document(db, "long.md", ("Another text.",))
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE stale_at IS NOT NULL") == 1_000
