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
    beside,
    eventually,
    fetch,
    generated,
    imported,
    logged_in,
    planned,
    scalar,
    status,
)
from traintui.data import conversations, documents
from traintui.data.embedded import SUPERUSER
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


async def test_no_conversation_is_written_or_locked_for_it(
    db: Database, conninfo: Conninfo, written: dict[str, str]
) -> None:
    before = await fetch(db, "SELECT id, updated_at, xmin::text FROM conversations ORDER BY id")
    with psycopg.connect(conninfo(SUPERUSER)) as deciding:
        deciding.execute("SELECT FROM conversations FOR UPDATE")
        await add_document(db, "fees.md", ("same",))
    assert await fetch(db, "SELECT id, updated_at, xmin::text FROM conversations ORDER BY id") == before
    assert await stale(db) == {written["old"]}


async def test_an_import_that_retires_nothing_tells_the_feed_nothing(db: Database, written: dict[str, str]) -> None:
    count = "SELECT count(*) FROM conversation_changes"
    before = await scalar(db, count)
    await add_document(db, "fees.md", ("old", "same", "more"))
    assert await scalar(db, count) == before


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


async def test_a_plan_that_is_stored_beside_the_import_is_stale_in_open_tables(
    db: Database, conninfo: Conninfo
) -> None:
    """Neither sees the other yet: the plan waits, so that the feed brings it last."""
    await add_vocabulary(db)
    await add_document(db, "fees.md", ("old",))
    chunk_id = await chunk(db, "old")
    live = Live(db)
    await live.load()
    with psycopg.connect(conninfo("arthur")) as importer:
        importer.execute("UPDATE chunks SET retired_at = now() WHERE id = %s", [chunk_id])
        async with logged_in(conninfo("ada")) as planner:
            planning = asyncio.create_task(planned(planner, wanted=[Wanted(chunk_id=chunk_id)]))
            await beside(planning, eventually(lambda: waits(db)))
            await live.refresh()
            importer.commit()
            await planning
    await live.refresh()
    assert live.mirror is not None
    assert len(live.mirror.marks["stale"]) == await conversations.count(db, "is:stale") == 1


async def waits(db: Database) -> bool:
    return bool(await scalar(db, "SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def test_memory_and_sql_agree_with_every_sign(db: Database, written: dict[str, str]) -> None:
    await imported(db)
    await add_document(db, "fees.md", ("same",))
    live = Live(db)
    await live.load()
    for words in ("is:stale", "-is:stale", "is:stale,seed", "-is:stale,seed", "is:stale status:generated"):
        listing = live.listing(parse(words), NEWEST)
        assert listing is not None and listing.total == await conversations.count(db, words), words


async def test_a_document_of_a_thousand_chunks_tells_the_feed_in_one_pass(db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db, "long.md", tuple(f"Paragraph {number}." for number in range(1_000)))
    await planned(db, wanted=[Wanted(chunk_id=one.id) for one in await documents.chunks(db)])
    live = Live(db)
    await live.load()
    await add_document(db, "long.md", ("Another text.",))
    assert len(await live.refresh()) == 1_000
    assert live.mirror is not None and len(live.mirror.marks["stale"]) == 1_000
