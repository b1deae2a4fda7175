"""What stands beside the logs and must agree with them: lists of exports, texts, erased payloads, tables, functions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from typing import Any, NamedTuple

import psycopg
import pytest

from aging import LONG_AGO, aged_exports
from support import (
    ANSWERED,
    Conninfo,
    add_vocabulary,
    approved,
    fetch,
    generated,
    imported,
    logged_in,
    said,
    scalar,
    seen,
    sqlstate,
    started,
)
from traintui.audit.archiving import archive
from traintui.audit.frames import NOTED, pack
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import HIDDEN, HIDDEN_SHA256, verify
from traintui.data import attempts, bulk, exports, purging, retention, reviews, second_review, work
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.reviews import new_key
from traintui.data.seal_records import week_of
from traintui.data.second_review import SecondReview
from traintui.data.whole_record import record

Tamper = Callable[..., None]


class Held(NamedTuple):
    """What an export holds of a conversation."""

    conversation_id: str
    revision: int


@pytest.fixture
def tamper(conninfo: Conninfo) -> Tamper:
    """Runs statements as a superuser whom no trigger stops."""

    def run(*statements: str) -> None:
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                connection.execute(statement.encode())

    return run


async def exported(db: Database, *ids: str, export: str = "e", state: Any = "succeeded") -> None:
    """An export that holds conversations at their first revision."""
    await exports.record(db, export, "started", count=len(ids), filter_state={}, format="trl", metadata={})
    await exports.record_rows(db, export, [Held(id, 1) for id in ids])
    await exports.record(db, export, state, count=len(ids), filter_state={}, format="trl", metadata={"file": "x"})


def found(db: Database) -> list[tuple[str, str]]:
    return [(each.kind, each.where) for each in verify(db).findings]


# What left in exports ------------------------------------------------------------------------------------------------

REWRITTEN = {
    "another conversation": "UPDATE export_rows SET conversation_id = 'c-other' WHERE conversation_id = (SELECT"
                            " min(conversation_id) FROM export_rows WHERE export_id = 'e') AND export_id = 'e'",
    "another revision": "UPDATE export_rows SET revision = 2 WHERE export_id = 'e' AND conversation_id = (SELECT"
                        " max(conversation_id) FROM export_rows)",
    "one less": "DELETE FROM export_rows WHERE export_id = 'e' AND conversation_id = (SELECT min(conversation_id)"
                " FROM export_rows)",
    "none is left": "DELETE FROM export_rows WHERE export_id = 'e'",
    "one more": "INSERT INTO export_rows VALUES ('e', 'c-other', 1)",
}  # fmt: skip


@pytest.mark.parametrize("what", REWRITTEN)
@pytest.mark.parametrize("state", ["succeeded", "failed"])
async def test_conversations_of_an_export_that_were_rewritten_are_found(
    db: Database, tamper: Tamper, what: str, state: str
) -> None:
    ids = await imported(db, 3)
    await exported(db, *ids, state=state)
    await exported(db, *ids, export="f")
    await exported(db, export="nothing", state="cancelled")
    await seal_and_anchor(db, everything=True)
    assert verify(db).findings == []
    tamper(REWRITTEN[what])
    assert found(db) == [("witness", "conversations of export e")]


async def test_an_export_from_before_digests_is_a_note_and_one_under_way_too(db: Database, tamper: Tamper) -> None:
    ids = await imported(db, 2)
    await exported(db, *ids)
    tamper("UPDATE export_logs SET metadata = metadata - 'rows_sha256'",
           "UPDATE export_logs SET row_hash = export_log_digest(export_logs)")  # fmt: skip
    await exports.record(db, "going", "started", count=1, filter_state={}, format="trl", metadata={})
    await exports.record_rows(db, "going", [Held(ids[0], 1)])
    await seal_and_anchor(db, everything=True)
    verdict = verify(db)
    assert verdict.findings == []
    assert any(note.startswith("1 export ended before revision 0045") for note in verdict.notes)
    assert any("1 export that did not end" in note for note in verdict.notes)


async def test_who_writes_an_export_cannot_choose_its_digest(db: Database) -> None:
    await exports.record(db, "e", "started", count=0, filter_state={}, format="trl", metadata={})
    forged = {"rows_sha256": "00" * 32}
    await exports.record(db, "e", "succeeded", count=0, filter_state={}, format="trl", metadata=forged)
    digest = sha256(b"1:e;").hexdigest()
    assert await scalar(db, "SELECT metadata->>'rows_sha256' FROM export_logs WHERE state = 'succeeded'") == digest


@pytest.fixture
async def aged_export(db: Database, conninfo: Conninfo) -> Database:
    """A workspace with an export of long ago that holds two conversations, sealed."""
    await exported(db, *await imported(db, 2))
    aged_exports(conninfo)
    await seal_and_anchor(db, everything=True)
    return db


def frame(connection: psycopg.Connection[Any], rows: list[list[bytes | None]]) -> None:
    """Adds a frame of what was noted of exports, as an administrator whose app lies."""
    content, size = pack(NOTED, rows)
    connection.execute(
        "SELECT add_archive_frame('export_rows', %s::date, 1, %s, 0, '0', 1, '0', %s, NULL, NULL, '{}', %s, %s)",
        [LONG_AGO, len(rows), len(rows), size, content],
    )


async def test_a_forged_list_that_is_archived_in_the_place_of_the_rows_is_found(
    aged_export: Database, conninfo: Conninfo
) -> None:
    archive(aged_export, "export_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    with psycopg.connect(conninfo("ada")) as connection:
        logs = connection.execute(
            "SELECT place, row_count, payload_count, first_xid8::text, first_id, last_xid8::text, last_id, first_at,"
            " last_at, conversation_ids, raw_bytes, content FROM archive_frames WHERE log = 'export_logs'"
        ).fetchall()
        connection.execute("SELECT discard_archive('export_logs', %s)", [LONG_AGO])
        for values in logs:
            connection.execute(
                "SELECT add_archive_frame('export_logs', %s, %s, %s, %s, %s::xid8, %s, %s::xid8, %s, %s, %s, %s, %s,"
                " %s)",
                [LONG_AGO, *values],
            )
        frame(connection, [[b"e", b"c-1", b"1"], [b"e", b"c-2", b"1"]])
        connection.execute("SELECT retire_exports(%s)", [LONG_AGO])
    assert ("archive", f"the archive of the conversations of exports, week of {LONG_AGO}") in found(aged_export)


async def test_exports_that_went_before_digests_were_kept_are_a_note(aged_export: Database, tamper: Tamper) -> None:
    archive(aged_export, "export_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    assert (await retention.retire(aged_export, "export_logs", LONG_AGO)).noted_sha256 is not None
    tamper(
        "UPDATE retirements SET noted_sha256 = NULL, hash_version = 1",
        "UPDATE retirements AS r SET row_hash = retirement_digest(r)",
    )
    await seal_and_anchor(aged_export, everything=True)
    verdict = verify(aged_export)
    assert verdict.findings == []
    assert any(note.startswith("2 conversations of archived exports went before") for note in verdict.notes)


async def test_rows_of_archived_exports_are_not_rewritten_by_erasing(aged_export: Database, conninfo: Conninfo) -> None:
    archive(aged_export, "export_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    await retention.retire(aged_export, "export_logs", LONG_AGO)
    for log in ("export_rows", "export_logs"):
        for payloads in (-1, 0):
            erase = (
                f"SELECT erase_from_archive('{log}', week, place, sha256, {payloads}, 1, 'x') FROM archive_frames"
                f" WHERE log = '{log}'"
            )
            assert sqlstate(conninfo("ada"), erase) == "TT003"
        touched = (
            "UPDATE archive_frames SET content = 'x', erased_sha256 = sha256('x'), payload_count = -1"
            f" WHERE log = '{log}'"
        )
        assert sqlstate(conninfo(SUPERUSER), touched) == "TT005"
    assert verify(aged_export).findings == []


async def test_exports_that_are_not_as_they_were_sealed_stay(aged_export: Database, tamper: Tamper) -> None:
    archive(aged_export, "export_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    tamper("UPDATE export_logs SET format = 'other'",
           "UPDATE export_logs SET row_hash = export_log_digest(export_logs)")  # fmt: skip
    with pytest.raises(Exception, match="not as they were sealed: 2 rows differ"):
        await retention.retire(aged_export, "export_logs", LONG_AGO)
    assert await scalar(aged_export, "SELECT count(*) FROM export_rows") == 2


# Texts ---------------------------------------------------------------------------------------------------------------

FORGED = "jsonb_set(turns, '{1,content}', '\"Another answer.\"')"
TEXTS = {
    "a revision": f"UPDATE conversation_revisions SET turns = {FORGED} WHERE conversation_id = 'ID' AND"
                  " revision = 2",
    "a revision with its digest": f"UPDATE conversation_revisions SET turns = {FORGED}, content_sha256 ="
                                  f" content_digest(system_prompt, {FORGED}) WHERE conversation_id = 'ID' AND"
                                  " revision = 2",
    "an earlier revision": f"UPDATE conversation_revisions SET turns = {FORGED} WHERE conversation_id = 'ID' AND"
                           " revision = 1",
    "a system prompt": "UPDATE conversation_revisions SET system_prompt = 'Other' WHERE conversation_id = 'ID'"
                       " AND revision = 2",
    "a turn": "UPDATE conversation_turns SET content = 'Another answer.' WHERE turn_number = 2 AND conversation_id ="
              " (SELECT id FROM conversations WHERE conversation_id = 'ID')",
    "a train flag": "UPDATE conversation_turns SET train = false WHERE turn_number = 2 AND conversation_id = (SELECT"
                    " id FROM conversations WHERE conversation_id = 'ID')",
    "a turn that is gone": "DELETE FROM conversation_turns WHERE conversation_id = (SELECT id FROM conversations"
                           " WHERE conversation_id = 'ID')",
    "a system prompt of the conversation": "UPDATE conversations SET system_prompt = 'Other'"
                                           " WHERE conversation_id = 'ID'",
    "a revision that is gone": "DELETE FROM conversation_revisions WHERE conversation_id = 'ID' AND revision = 2",
}  # fmt: skip


@pytest.mark.parametrize("what", TEXTS)
async def test_a_text_that_was_rewritten_is_found(db: Database, tamper: Tamper, what: str) -> None:
    await add_vocabulary(db)
    one, other = await imported(db, 2)
    await generated(db)
    text = said("Größe\t\\?", 'An "answer".', "And\n?", "Yes.")
    await reviews.edit(db, await seen(db, one), system_prompt="S\\", turns=text, key=new_key())
    await approved(db, one, other)
    await seal_and_anchor(db, everything=True)
    assert verify(db).findings == []
    tamper(TEXTS[what].replace("ID", one))
    places = {where for _, where in found(db)}
    assert places == {f"revision {1 if 'earlier' in what else 2} of conversation {one}"}


async def test_texts_that_were_purged_are_not_missed(db: Database) -> None:
    one, other = await imported(db, 2)
    await approved(db, one, other)
    (row,) = await fetch(db, "SELECT id FROM conversations WHERE conversation_id = :id", id=one)
    await bulk.trash(db, [row[0]], True)
    await purging.purge(db, [row[0]])
    assert verify(db).findings == []


# What was erased -----------------------------------------------------------------------------------------------------


async def test_a_payload_that_nothing_erased_is_missed_in_the_log(db: Database, tamper: Tamper) -> None:
    await add_vocabulary(db)
    await generated(db, 2)
    await attempts.finish(db, await started(db, None, None, kind="probe"), ANSWERED)
    await seal_and_anchor(db, everything=True)
    (last,) = (await fetch(db, "SELECT max(id) FROM generation_logs"))[0]
    tamper(f"UPDATE generation_logs SET response_payload = NULL WHERE id IN ({last}, {last} - 1)")
    verdict = verify(db)
    assert [(each.kind, each.id) for each in verdict.findings] == [("changed", last - 1), ("changed", last)]
    assert all("neither an erasure nor a purge" in each.what for each in verdict.findings)


async def test_the_request_of_a_late_reply_stands_with_its_call_and_is_not_missed(db: Database) -> None:
    async with work.registered(db) as worker_id:
        attempt = await started(db, None, worker_id, kind="probe")
    await attempts.finish(db, attempt, ANSWERED)  # the worker that sent it is gone
    late = await scalar(db, "SELECT count(*) FROM generation_logs WHERE request_payload IS NULL")
    assert late == 1 and verify(db).findings == []


# What says what is hidden, where tables are, and whose rows are ------------------------------------------------------


async def test_the_function_that_hides_is_the_one_that_the_look_knows(db: Database) -> None:
    with record(db) as whole:
        assert sha256(whole.definition(HIDDEN).encode()).hexdigest() == HIDDEN_SHA256


async def test_a_function_that_says_that_a_removed_row_is_hidden_is_found(
    db: Database, tamper: Tamper, conninfo: Conninfo
) -> None:
    (one,) = await imported(db)
    await approved(db, one)
    await seal_and_anchor(db, everything=True)
    decision = await scalar(db, "SELECT max(id) FROM review_logs")
    (xid8, row_hash, revision) = (
        await fetch(
            db, "SELECT xid8::text, encode(row_hash, 'hex'), revision FROM review_logs WHERE id = :id", id=decision
        )
    )[0]
    tamper(
        f"DELETE FROM review_logs WHERE id = {decision}",
        "CREATE OR REPLACE FUNCTION hidden_review_rows() RETURNS TABLE (xid8 xid8, id bigint, row_hash bytea,"
        " conversation_id text, revision integer) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog,"
        f" public, pg_temp AS $$ SELECT '{xid8}'::xid8, {decision}::bigint, '\\x{row_hash}'::bytea, '{one}',"
        f" {revision} $$",
    )
    told = verify(db).findings
    assert any("is not the one that Traintui made" in each.what for each in told)
    assert any("none is open" in each.what and each.id == decision for each in told)


async def test_what_second_reviews_hide_is_as_they_say(db: Database, reviewer_db: Database) -> None:
    await second_review.ask(db, SecondReview(2, 1.0))
    (one,) = await imported(db)
    await reviews.decide(reviewer_db, await seen(reviewer_db, one), "approve", key=new_key())
    verdict = verify(db)
    assert (verdict.findings, verdict.hidden_rows) == ([], 1)
    assert any(note.startswith("1 row of second reviews") for note in verdict.notes)


async def test_a_table_of_another_schema_does_not_answer_for_the_record(
    db: Database, tamper: Tamper, conninfo: Conninfo
) -> None:
    await approved(db, *await imported(db))
    await seal_and_anchor(db, everything=True)
    tamper(
        "CREATE SCHEMA ada AUTHORIZATION ada; CREATE TABLE ada.review_logs AS SELECT * FROM review_logs;"
        " ALTER TABLE ada.review_logs OWNER TO ada",
        "DELETE FROM public.review_logs WHERE id = (SELECT max(id) FROM public.review_logs)",
    )
    async with logged_in(conninfo("ada")) as ada:
        assert "removed" in {each.kind for each in verify(ada).findings}


async def test_an_order_that_calls_every_row_a_copy_is_found(db: Database, tamper: Tamper) -> None:
    await approved(db, *await imported(db))
    tamper("UPDATE log_order SET begins_at = '1000000000000', written_by = pg_current_xact_id()",
           "UPDATE review_logs SET reason = 'x'",
           "UPDATE review_logs SET row_hash = review_log_digest(review_logs)")  # fmt: skip
    verdict = verify(db)
    assert [(each.kind, each.where) for each in verdict.findings] == [("witness", "order of the logs")]
    assert any("nobody knows" in note for note in verdict.notes)


async def test_a_row_is_not_excused_by_the_name_of_an_import(db: Database, tamper: Tamper) -> None:
    one, _ = await imported(db, 2)
    await approved(db, one)
    assert verify(db).findings == []
    decision = await scalar(db, "SELECT max(id) FROM review_logs")
    tamper(
        "UPDATE review_logs SET reviewer_id = 'rita', bulk_id = (SELECT max(import_id) FROM imports)"
        f" WHERE id = {decision}",
        f"UPDATE review_logs SET row_hash = review_log_digest(review_logs) WHERE id = {decision}",
    )
    assert ("changed", "review_logs", decision) in [(each.kind, each.log, each.id) for each in verify(db).findings]


async def test_a_row_of_an_import_that_was_changed_is_named(db: Database, tamper: Tamper) -> None:
    await imported(db, 2)
    first = await scalar(db, "SELECT min(id) FROM review_logs")
    tamper(f"UPDATE review_logs SET reviewer_id = 'rita' WHERE id = {first}",
           f"UPDATE review_logs SET row_hash = review_log_digest(review_logs) WHERE id = {first}")  # fmt: skip
    assert [(each.kind, each.id) for each in verify(db).findings] == [("changed", first)]


@pytest.mark.parametrize("bounds", ["DEFAULT", "FOR VALUES FROM ('1999-12-28 00:00+00') TO ('2000-01-05 00:00+00')"])
async def test_a_table_of_the_log_that_is_of_no_week_is_found(db: Database, tamper: Tamper, bounds: str) -> None:
    tamper(f"CREATE TABLE public.generation_logs_2000w01 PARTITION OF generation_logs {bounds}")
    told = verify(db).findings
    assert [(each.kind, each.where) for each in told] == [("witness", "generation log")]
    assert "generation_logs_2000w01 is of no week" in told[0].what


async def test_weeks_are_told_by_their_bounds_and_not_by_names(db: Database, tamper: Tamper) -> None:
    with record(db) as whole:
        before = whole.live_weeks()
        assert before and whole.other_tables() == []
    tamper(f"ALTER TABLE generation_logs_{before[0]:%Gw%V} RENAME TO whatever")
    with record(db) as whole:
        assert whole.live_weeks() == before


def test_bounds_are_those_of_a_week_or_of_none() -> None:
    week = "FOR VALUES FROM ('2026-11-23 00:00:00+00') TO ('2026-11-30 00:00:00+00')"
    assert week_of(week) == date(2026, 11, 23)
    for other in ("DEFAULT", "", week.replace("11-30", "11-29"), week.replace("23", "24").replace("11-30", "12-01"),
                  week.replace(" 00:00:00+00'", " 01:00:00+00'")):  # fmt: skip
        assert week_of(other) is None
