"""Importing a document again changes nothing; a changed one keeps what it still has and retires the rest."""

from __future__ import annotations

import asyncio

import pytest

from support import Conninfo, DocumentOf, Wanted, add_document, add_vocabulary, fetch, generated, logged_in
from traintui.data import conversations, documents
from traintui.data.documents import StoredDocument
from traintui.data.engine import Database
from traintui.data.refusals import Refused


async def pieces(db: Database, *names: str) -> list[tuple[int, str]]:
    return [(chunk.id, chunk.content) for chunk in await documents.chunks(db, names)]


async def test_a_new_document_has_its_chunks_in_reading_order(db: Database) -> None:
    assert await add_document(db, "fees.md", ("b", "a", "c")) == StoredDocument("fees.md", "new", 1, 3, 0)
    assert [content for _, content in await pieces(db)] == ["b", "a", "c"]
    (record,) = await documents.documents(db)
    assert (record.name, record.revision, record.chunk_count, record.token_estimate) == ("fees.md", 1, 3, 30)


async def test_the_same_document_again_changes_nothing(db: Database) -> None:
    await add_document(db)
    before, records = await pieces(db), await documents.documents(db)
    assert (await add_document(db)).outcome == "unchanged"
    assert (await pieces(db), await documents.documents(db)) == (before, records)


async def test_a_changed_document_keeps_retires_adds_and_revives_chunks(db: Database) -> None:
    await add_document(db, "fees.md", ("a", "b", "c"))
    ids = {content: key for key, content in await pieces(db)}
    assert await add_document(db, "fees.md", ("c", "a", "d")) == StoredDocument("fees.md", "changed", 2, 3, 1)
    second = await pieces(db)
    assert [content for _, content in second] == ["c", "a", "d"]
    assert second[0][0] == ids["c"] and second[1][0] == ids["a"]
    assert await add_document(db, "fees.md", ("b",)) == StoredDocument("fees.md", "changed", 3, 1, 3)
    assert await pieces(db) == [(ids["b"], "b")]
    assert (await documents.documents(db))[0].chunk_count == 1
    assert len(await fetch(db, "SELECT FROM chunks")) == 4


async def test_a_piece_that_stands_twice_is_one_chunk(db: Database) -> None:
    assert (await add_document(db, "fees.md", ("a", "a", "b"))).chunk_count == 2
    assert (await add_document(db, "fees.md", ("a", "a", "b"))).chunk_count == 2


async def test_a_document_may_lose_all_its_chunks(db: Database) -> None:
    await add_document(db, "fees.md", ("a",))
    assert (await add_document(db, "fees.md", ())).retired_count == 1
    assert await pieces(db) == []


async def test_a_very_long_document_is_stored_whole(db: Database) -> None:
    many = tuple(f"Paragraph {number}." for number in range(10_000))
    assert (await add_document(db, "long.md", many)).chunk_count == 10_000
    assert len(await documents.chunks(db, ["long.md"])) == 10_000
    assert (await add_document(db, "long.md", many[1:])).retired_count == 1


async def test_chunks_of_named_documents_only(db: Database) -> None:
    await add_document(db, "a.md", ("a",))
    await add_document(db, "b.md", ("b",))
    assert [content for _, content in await pieces(db, "b.md")] == ["b"]
    assert await pieces(db, "c.md") == []


async def test_a_retired_chunk_is_still_the_source_of_what_was_made_of_it(db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db, "fees.md", ("a",))
    ((chunk_id, _),) = await pieces(db)
    (conversation_id,) = await generated(db, wanted=[Wanted(chunk_id=chunk_id)])
    await add_document(db, "fees.md", ("b",))
    source = (await conversations.read(db, conversation_id)).source
    assert source is not None and (source.document, source.content) == ("fees.md", "a")


async def test_two_imports_of_the_same_name_at_once_are_one_after_the_other(db: Database, conninfo: Conninfo) -> None:
    async with logged_in(conninfo("arthur")) as other:
        for round_ in range(5):
            outcomes = await asyncio.gather(
                documents.store(db, DocumentOf(f"{round_}.md", ["same", "x"]), source_path="/a"),
                documents.store(other, DocumentOf(f"{round_}.md", ["same", "y"]), source_path="/b"),
            )
            assert sorted(stored.revision for stored in outcomes) == [1, 2]
            assert sorted(stored.outcome for stored in outcomes) == ["changed", "new"]
            newest = next(place for place, stored in enumerate(outcomes) if stored.revision == 2)
            assert {content for _, content in await pieces(db, f"{round_}.md")} == {"same", "xy"[newest]}


async def test_who_imported_a_document_is_the_session(db: Database, reviewer_db: Database) -> None:
    await add_document(db)
    assert [row[0] for row in await fetch(db, "SELECT imported_by FROM documents")] == ["ada"]
    with pytest.raises(Refused):
        await add_document(reviewer_db, "other.md")


async def test_one_walks_through_the_chunks_in_both_directions_and_around(db: Database) -> None:
    assert await documents.chunk_beside(db, 0) is None
    await add_document(db, pieces=("One.", "Two.", "Three."))
    await add_document(db, pieces=("One.", "Three."))
    first = await documents.chunk_beside(db, 0)
    assert first is not None and first.content == "One."
    second = await documents.chunk_beside(db, first.id)
    assert second is not None and second.content == "Three."
    assert await documents.chunk_beside(db, second.id) == first
    assert await documents.chunk_beside(db, first.id, backwards=True) == second


async def test_what_an_import_would_do_is_foreseen_with_the_conversations_that_become_stale(db: Database) -> None:
    await add_vocabulary(db)
    await add_document(db, "fees.md", ("a", "b"))
    first, second = (key for key, _ in await pieces(db))
    await generated(db, wanted=[Wanted(chunk_id=first), Wanted(chunk_id=first), Wanted(chunk_id=second)])
    for contents in (("b", "c"), ("b", "c"), ("c",)):
        document = DocumentOf("fees.md", contents)
        before = await pieces(db)
        foreseen = await documents.foreseen(db, document)
        assert await pieces(db) == before
        stored = await documents.store(db, document, source_path="fees.md")
        assert foreseen == stored
    assert stored == StoredDocument("fees.md", "changed", 3, 1, 1, 1)
    assert (await documents.foreseen(db, DocumentOf("terms.md", ("a",)))).outcome == "new"
