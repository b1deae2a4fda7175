"""Purging erases what a person said; the logs keep who did it and what it hashed to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
import pytest
from psycopg import sql

from support import Conninfo, add_vocabulary, beside, eventually, fetch, generated, imported, scalar, seen, turns_of
from traintui.data import batches, bulk, conversations, imports, purging, regenerations, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.import_records import ImportedFile
from traintui.data.records import Turn
from traintui.data.refusals import Refused
from traintui.data.reviews import new_key


async def trashed(db: Database, public: Sequence[str]) -> list[int]:
    found = await fetch(db, "SELECT id FROM conversations WHERE conversation_id = ANY(:public)", public=[*public])
    ids = [row[0] for row in found]
    await bulk.trash(db, ids, True)
    return ids


async def test_text_revisions_and_payloads_are_gone_and_the_hashes_of_the_logs_still_hold(db: Database) -> None:
    await add_vocabulary(db)
    public = await generated(db, 2)
    before = await seen(db, public[0])
    await reviews.edit(
        db, before, system_prompt=None, turns=[Turn(1, "user", "Now?"), Turn(2, "assistant", "Yes.")], key=new_key()
    )
    digests = "SELECT revision, encode(content_sha256, 'hex') FROM conversation_revisions WHERE conversation_id = :one"
    hashes = {row[0]: row[1] for row in await fetch(db, digests, one=public[0])}
    ids = await trashed(db, public)
    result = await purging.purge(db, ids)
    assert (result.done, result.skipped) == (2, {})
    for table in ("conversations", "conversation_turns", "conversation_revisions", "judgements"):
        assert await scalar(db, f"SELECT count(*) FROM {table}") == 0, table
    left = "SELECT count(*) FROM generation_logs WHERE request_payload IS NOT NULL OR response_payload IS NOT NULL"
    assert await scalar(db, left) == 0
    assert (
        await scalar(
            db, "SELECT count(*) FROM generation_logs WHERE row_hash <> generation_log_digest(generation_logs)"
        )
        == 0
    )
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE row_hash <> review_log_digest(review_logs)") == 0
    ((who, details),) = await fetch(
        db,
        "SELECT reviewer_id, details FROM review_logs WHERE action = 'purge' AND conversation_id = :one",
        one=public[0],
    )
    assert who == "ada" and details["revisions"] == {str(revision): digest for revision, digest in hashes.items()}
    with pytest.raises(Refused) as gone:
        await conversations.read(db, public[0])
    assert gone.value.code == "TT002"


async def anew(db: Database, conversation_id: str) -> int:
    """Turns of it are asked for anew, with a reason and a note. The id of the batch."""
    template = await scalar(db, "SELECT min(id) FROM templates")
    before = await seen(db, conversation_id)
    definition = {"conversation_id": conversation_id, "reason": "Names Ms Doe", "note": "Jane Doe of 4 Elm Street"}
    return await regenerations.begin(
        db, before, first=1, last=2, name="anew", definition=definition, template_id=template, model="m",
        is_rehearsal=False,
    )  # fmt: skip


async def test_what_was_said_about_turns_to_be_written_anew_is_gone_and_other_plans_stand(db: Database) -> None:
    await add_vocabulary(db)
    purged, kept = await generated(db, 2)
    for each in (purged, kept):
        await batches.cancel(db, await anew(db, each))
    await purging.purge(db, await trashed(db, [purged]))
    told = "SELECT definition->>'reason', definition->>'note' FROM plans WHERE name = 'anew' ORDER BY id"
    assert [tuple(row) for row in await fetch(db, told)] == [(None, None), ("Names Ms Doe", "Jane Doe of 4 Elm Street")]


async def test_only_what_is_in_the_trash_is_purged_and_the_same_call_again_purges_nothing_more(db: Database) -> None:
    public = await imported(db, 3)
    ids = await trashed(db, public[:2])
    kept = await scalar(db, "SELECT id FROM conversations WHERE deleted_at IS NULL")
    first = await purging.purge(db, [*ids, kept], bulk_id="b")
    again = await purging.purge(db, [*ids, kept], bulk_id="b")
    assert (first.done, first.skipped) == (again.done, again.skipped) == (2, {"kept": 1})
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action = 'purge'") == 2


async def test_what_is_asked_for_in_the_moment_of_a_purge_is_kept(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    public = await generated(db, 1)
    await batches.cancel(db, await anew(db, public[0]))
    ids = await trashed(db, public)
    async with await psycopg.AsyncConnection.connect(conninfo(SUPERUSER)) as other:
        await other.execute("SELECT FROM conversations WHERE id = %s FOR NO KEY UPDATE", ids)
        await other.execute("UPDATE generation_items SET state = 'queued' WHERE kind = 'regenerate'")
        purge = asyncio.create_task(purging.purge(db, ids))
        waits = (
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database())"
        )

        async def waiting() -> bool:
            return bool((await (await other.execute(waits)).fetchone() or [False])[0])

        await beside(purge, eventually(waiting))
        await other.commit()
    result = await purge
    assert (result.done, result.skipped) == (0, {"batch": 1})
    await conversations.read(db, public[0])


async def test_a_reviewer_purges_nothing(db: Database, reviewer_db: Database) -> None:
    ids = await trashed(db, await imported(db, 1))
    with pytest.raises(Refused) as refused:
        await purging.purge(reviewer_db, ids)
    assert refused.value.code in {"TT004", "42501"}
    assert await scalar(db, "SELECT count(*) FROM conversation_turns") > 0


@pytest.mark.parametrize("table", ["conversation_revisions", "generation_logs"])
async def test_nothing_else_erases_what_only_grows(db: Database, conninfo: Conninfo, table: str) -> None:
    await add_vocabulary(db)
    await generated(db, 1)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        assert refused.value.sqlstate == "TT005"
        connection.rollback()
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("UPDATE generation_logs SET request_payload = NULL, response_payload = NULL")
        assert refused.value.sqlstate == "TT005"


async def test_an_import_that_is_taken_away_takes_what_was_asked_about_it(db: Database, conninfo: Conninfo) -> None:
    items = [{"turns": turns_of("Who is Jane Doe?", "Nobody."), "system_prompt": None, "line": 1}]
    going = await imports.begin(db, ImportedFile("seeds.jsonl", "seeds.jsonl", "messages", 2))
    await imports.load(db, going, items)
    public = await scalar(db, "SELECT conversation_id FROM conversations")
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "INSERT INTO generation_logs (conversation_id, kind, state, requested_by, endpoint, is_rehearsal, model,"
            " parameters, request_payload, response_payload) VALUES (%s, 'judge', 'ok', 'ada', '', true, 'm', '{}',"
            " '{\"ask\": \"Jane Doe\"}', '{}')",
            [public],
        )
    assert (await imports.remove(db, going.import_id)).removed == 1
    left = "SELECT count(*) FROM generation_logs WHERE num_nonnulls(request_payload, response_payload) > 0"
    assert await scalar(db, left) == 0
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action = 'purge'") == 1
