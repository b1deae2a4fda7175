"""What the database refuses by itself, to plain sessions of people who leave the app aside."""

from __future__ import annotations

import threading

import psycopg
import pytest
from psycopg.types.json import Jsonb

from support import (
    Conninfo,
    add_vocabulary,
    approved,
    fetch,
    generated,
    imported,
    planned,
    said,
    scalar,
    seen,
    sqlstate,
    started,
    status,
)
from traintui.data import conversations, exports, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.reviews import Seen, new_key

LOGS = (
    "review_logs", "generation_logs", "export_logs", "export_rows", "conversation_revisions",
    "workspace_setting_changes",
)  # fmt: skip
NO_RIGHT = "42501"
DECIDE = "SELECT * FROM decide(%s, %s, 1, %s, %s)"


async def filled(db: Database) -> str:
    """A conversation that was approved and exported, so that every log has a row; its public id."""
    await add_vocabulary(db)
    (conversation_id,) = await generated(db)
    await approved(db, conversation_id)
    await exports.record(db, "e-1", "started", count=1, filter_state={}, format="messages", metadata={})
    async with db.write() as connection:
        await connection.exec_driver_sql(f"SELECT record_export_rows('e-1', ARRAY['{conversation_id}'], ARRAY[1])")
        await connection.exec_driver_sql("UPDATE workspace_settings SET value = '[]' WHERE key = 'reject_reasons'")
    return conversation_id


@pytest.mark.parametrize("login", ["rita", "arthur", "ada"])
async def test_nobody_approves_by_update(db: Database, conninfo: Conninfo, login: str) -> None:
    (conversation_id,) = await imported(db)
    statement = "UPDATE conversations SET status = 'approved' WHERE conversation_id = %s"
    assert sqlstate(conninfo(login), statement, [conversation_id]) == NO_RIGHT


@pytest.mark.parametrize("login", ["rita", "arthur", "audrey", "ada"])
async def test_nobody_writes_a_log_row_by_hand(db: Database, conninfo: Conninfo, login: str) -> None:
    row = "INSERT INTO {} DEFAULT VALUES"
    for log in LOGS:
        assert sqlstate(conninfo(login), row.format(log)) == NO_RIGHT


@pytest.mark.parametrize("login", ["rita", "arthur", "audrey", "ada"])
async def test_nobody_changes_or_empties_a_log(db: Database, conninfo: Conninfo, login: str) -> None:
    await filled(db)
    for log in LOGS:
        column = await first_column(db, log)
        assert sqlstate(conninfo(login), f"UPDATE {log} SET {column} = {column}") == NO_RIGHT
        assert sqlstate(conninfo(login), f"DELETE FROM {log}") == NO_RIGHT
        assert sqlstate(conninfo(login), f"TRUNCATE {log}") == NO_RIGHT


async def first_column(db: Database, table: str) -> str:
    statement = "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:name AS regclass) AND attnum = 1"
    return str(await scalar(db, statement, name=table))


async def test_a_superuser_meets_the_triggers_of_the_logs(db: Database, conninfo: Conninfo) -> None:
    await filled(db)
    superuser = conninfo(SUPERUSER)
    (partition,) = (await fetch(db, "SELECT tableoid::regclass::text FROM generation_logs"))[0]
    for log in (*LOGS, partition):
        column = await first_column(db, log)
        assert sqlstate(superuser, f"UPDATE {log} SET {column} = {column}") == "TT005", log
        assert sqlstate(superuser, f"DELETE FROM {log}") == "TT005", log
        assert sqlstate(superuser, f"TRUNCATE {log} CASCADE") == "TT005", log
    assert sqlstate(superuser, "TRUNCATE conversations CASCADE") == "TT005"


async def test_what_was_sent_to_a_provider_is_never_rewritten(db: Database, conninfo: Conninfo) -> None:
    await started(db, None, None, kind="probe")
    for change in ("requested_by = 'ron'", "parameters = '{}'", "is_rehearsal = true", "request_payload = '{}'",
                   "state = 'sending'", "worker_id = 7", "attempt = 2"):  # fmt: skip
        assert sqlstate(conninfo(SUPERUSER), f"UPDATE generation_logs SET {change}") == "TT005", change


async def test_a_status_changes_only_with_its_decision_even_for_a_superuser(db: Database, conninfo: Conninfo) -> None:
    waiting, decided = await imported(db, 2)
    await approved(db, decided)
    superuser = conninfo(SUPERUSER)
    for statement in (
        "UPDATE conversations SET status = 'approved' WHERE conversation_id = %(waiting)s",
        "UPDATE conversations SET status = 'approved', decision_id = (SELECT max(id) FROM review_logs)"
        " WHERE conversation_id = %(waiting)s",
        "UPDATE conversations SET status = 'generated' WHERE conversation_id = %(decided)s",
        "UPDATE conversations SET status = 'rejected' WHERE conversation_id = %(decided)s",
        "UPDATE conversations SET decision_id = 1 WHERE conversation_id = %(waiting)s",
        "UPDATE conversations SET decision_id = NULL WHERE conversation_id = %(decided)s",
        "INSERT INTO conversations (is_seed, status, decision_id) VALUES (true, 'approved', 1)",
        "DELETE FROM conversations WHERE conversation_id = %(decided)s",
        "DELETE FROM conversations WHERE conversation_id = %(waiting)s",
    ):
        with psycopg.connect(superuser) as connection, pytest.raises(psycopg.Error) as refused:
            connection.execute(statement.encode(), {"waiting": waiting, "decided": decided})
        assert refused.value.sqlstate == "TT006", statement


async def test_a_decision_of_an_earlier_transaction_does_not_cover_a_later_change(
    db: Database, conninfo: Conninfo
) -> None:
    (conversation_id,) = await imported(db)
    await approved(db, conversation_id)
    entry = await reviews.undo_last(db, key=new_key())
    statement = "UPDATE conversations SET status = 'approved', decision_id = %s WHERE conversation_id = %s"
    assert sqlstate(conninfo(SUPERUSER), statement, [entry.undoes, conversation_id]) == "TT006"


async def test_a_purge_on_record_lets_a_conversation_go_with_its_turns(db: Database, conninfo: Conninfo) -> None:
    gone, stays = await imported(db, 2)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "INSERT INTO review_logs (conversation_id, action, revision) VALUES (%s, 'purge', 1)", [gone]
        )
        connection.execute("DELETE FROM conversations WHERE conversation_id = %s", [gone])
    assert await conversations.count(db) == 1
    assert await scalar(db, "SELECT count(*) FROM conversation_turns") == 2
    assert await scalar(db, "SELECT count(*) FROM conversation_revisions WHERE conversation_id = :id", id=gone) == 1
    purge = "SELECT count(*) FROM review_logs WHERE conversation_id = :id AND action = 'purge'"
    assert (await scalar(db, purge, id=gone), await scalar(db, purge, id=stays)) == (1, 0)


async def test_the_names_of_a_conversation_never_change_and_its_revision_only_counts_up(
    db: Database, conninfo: Conninfo
) -> None:
    await imported(db)
    for change in ("conversation_id = 'c-other'", "id = id + 100", "revision = 0"):
        assert sqlstate(conninfo(SUPERUSER), f"UPDATE conversations SET {change}") in {"TT003", "23514"}


async def test_a_decision_carries_the_login_of_the_session_whatever_role_it_takes_on(
    db: Database, conninfo: Conninfo
) -> None:
    one, two = await imported(db, 2)
    with psycopg.connect(conninfo("rita"), autocommit=True) as connection:
        for statement in ("SET ROLE ron", "SET ROLE traintui_owner", "SET SESSION AUTHORIZATION ron"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
        connection.execute("SET ROLE traintui_reviewer")
        connection.execute(DECIDE, [one, "approve", None, new_key()])
        connection.execute("SET search_path = pg_temp, public")
        connection.execute(DECIDE, [two, "reject", None, new_key()])
    assert await fetch(db, "SELECT DISTINCT reviewer_id, reviewer_role FROM review_logs WHERE action <> 'import'") == [
        ("rita", "reviewer")
    ]


def test_no_verb_takes_the_name_of_a_person(conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo("ada")) as connection:
        named = connection.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
            " AND proargnames && ARRAY['p_reviewer', 'p_reviewer_id', 'p_user', 'p_user_id', 'p_login']"
        ).fetchall()
    assert named == []


async def test_an_auditor_reads_and_does_nothing_else(db: Database, conninfo: Conninfo) -> None:
    (conversation_id,) = await imported(db)
    auditor = conninfo("audrey")
    assert sqlstate(auditor, "SELECT * FROM conversations, conversation_turns, review_logs") is None
    assert sqlstate(auditor, DECIDE, [conversation_id, "approve", None, "k"]) == NO_RIGHT
    assert sqlstate(auditor, "SELECT set_flag(%s, true, 'k')", [conversation_id]) == NO_RIGHT
    assert sqlstate(auditor, "SELECT undo(1, 'k')") == NO_RIGHT
    assert sqlstate(auditor, "SELECT recover_lost_work()") == NO_RIGHT
    assert await status(db, conversation_id) == "generated"


async def test_a_reviewer_neither_plans_nor_imports_nor_exports(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    reviewer = conninfo("rita")
    for statement in (
        "SELECT begin_import('i', 'f', 'f', NULL, 'openai', '{}', 0, 0, 60)",
        "COPY import_items (import_id, place, turns, metadata) FROM STDIN",
        "INSERT INTO imports (import_id) VALUES ('i')",
        "SELECT record_export('e', 'started', 0, '{}', 'messages', '{}')",
        "SELECT claim_items(1, 1, false)",
        "INSERT INTO plans (name, definition) VALUES ('p', '{}')",
        "INSERT INTO documents (name, title, source_path, media_type, content, content_sha256)"
        " VALUES ('', '', '', '', '', '')",
        "UPDATE vocabulary SET label = 'x'",
        "UPDATE workspace_settings SET value = '[]'",
        "INSERT INTO conversation_turns (conversation_id, turn_number, role, content) VALUES (1, 3, 'user', 'x')",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMPORARY TABLE review_logs (id int)",
    ):
        assert sqlstate(reviewer, statement) == NO_RIGHT, statement


async def test_an_author_names_neither_the_maker_nor_the_status_of_what_is_made(
    db: Database, conninfo: Conninfo
) -> None:
    author = conninfo("arthur")
    for statement in (
        "INSERT INTO plans (name, definition, created_by) VALUES ('p', '{}', 'ada')",
        "INSERT INTO batches (plan_id, template_id, name, model, total, requested_by) VALUES (1, 1, '', '', 1, 'ada')",
        "INSERT INTO conversations (is_seed) VALUES (true)",
        "INSERT INTO conversations (status) VALUES ('generated')",
        "INSERT INTO conversations (quality_score) VALUES (10)",
        "UPDATE conversations SET flagged = true",
        "UPDATE generation_items SET state = 'done'",
        "UPDATE workers SET ended_at = now()",
        "UPDATE workspace_settings SET value = '[]'",
    ):
        assert sqlstate(author, statement) == NO_RIGHT, statement


async def test_a_decision_on_an_older_revision_is_refused_and_says_how_it_stands(
    db: Database, reviewer_db: Database
) -> None:
    (conversation_id,) = await imported(db)
    before = await seen(db, conversation_id)
    await reviews.edit(db, before, system_prompt=None, turns=said("A question?", "Another answer."), key=new_key())
    with pytest.raises(Refused) as refused:
        await reviews.decide(reviewer_db, before, "approve", key=new_key())
    assert refused.value.stale
    assert refused.value.detail == {"revision": 2, "decision_id": None, "status": "generated"}
    assert await status(db, conversation_id) == "generated"


async def test_a_decision_after_another_that_came_and_went_is_refused(db: Database, reviewer_db: Database) -> None:
    (conversation_id,) = await imported(db)
    before = await seen(reviewer_db, conversation_id)
    await approved(db, conversation_id)
    await reviews.undo_last(db, key=new_key())
    assert await status(db, conversation_id) == "generated"
    with pytest.raises(Refused) as refused:
        await reviews.decide(reviewer_db, before, "reject", key=new_key())
    assert refused.value.stale


async def test_a_decision_names_what_was_seen(db: Database) -> None:
    (conversation_id,) = await imported(db)
    for blind in (Seen(conversation_id, 2, None), Seen(conversation_id, 1, 99)):
        with pytest.raises(Refused) as refused:
            await reviews.decide(db, blind, "approve", key=new_key())
        assert refused.value.stale
    with pytest.raises(Refused) as refused:
        await reviews.decide(db, Seen("c-none", 1, None), "approve", key=new_key())
    assert refused.value.code == "TT002"


async def test_the_same_key_twice_is_one_decision(db: Database) -> None:
    (conversation_id,) = await imported(db)
    before = await seen(db, conversation_id)
    first = await reviews.decide(db, before, "approve", key="press-1", notes="Good.")
    again = await reviews.decide(db, before, "approve", key="press-1", notes="Good.")
    assert again == first
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action = 'approve'") == 1


async def test_a_key_that_was_used_for_something_else_is_refused(db: Database, reviewer_db: Database) -> None:
    one, two = await imported(db, 2)
    await reviews.decide(db, await seen(db, one), "approve", key="press-1")
    presses: tuple[tuple[Database, str, reviews.Action], ...] = (
        (db, two, "approve"),
        (db, one, "reject"),
        (reviewer_db, one, "approve"),
    )
    for handle, conversation_id, action in presses:
        with pytest.raises(Refused) as refused:
            await reviews.decide(handle, await seen(db, conversation_id), action, key="press-1")
        assert refused.value.code == "TT010"
    with pytest.raises(Refused) as refused:
        await reviews.set_flag(db, one, True, key="press-1")
    assert refused.value.code == "TT010"
    assert await status(db, two) == "generated"


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_a_key_has_a_sensible_length(db: Database, key: str) -> None:
    (conversation_id,) = await imported(db)
    with pytest.raises(Refused) as refused:
        await reviews.decide(db, await seen(db, conversation_id), "approve", key=key)
    assert refused.value.code == "TT003"


async def test_one_key_on_two_connections_at_once_is_one_decision(db: Database, conninfo: Conninfo) -> None:
    conversation_ids = await imported(db, 10)
    for conversation_id in conversation_ids:
        together = threading.Barrier(2)
        answers: list[int] = []

        def press(conversation_id: str, together: threading.Barrier, answers: list[int]) -> None:
            with psycopg.connect(conninfo("rita")) as connection:
                together.wait(60)
                row = connection.execute(DECIDE, [conversation_id, "approve", None, f"k-{conversation_id}"]).fetchone()
                assert row is not None
                answers.append(row[0])

        threads = [threading.Thread(target=press, args=(conversation_id, together, answers)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert len(answers) == 2 and len(set(answers)) == 1
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action = 'approve'") == 10


async def test_two_reviewers_at_once_never_both_decide(db: Database, conninfo: Conninfo) -> None:
    conversation_ids = await imported(db, 10)
    outcomes: list[str | None] = []
    for conversation_id in conversation_ids:
        together = threading.Barrier(2)

        def press(login: str, action: str, conversation_id: str, together: threading.Barrier) -> None:
            together.wait(60)
            outcomes.append(sqlstate(conninfo(login), DECIDE, [conversation_id, action, None, new_key()]))

        threads = [
            threading.Thread(target=press, args=(login, action, conversation_id, together))
            for login, action in (("rita", "approve"), ("ron", "reject"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert outcomes.count(None) == 10 and outcomes.count("TT001") == 10
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action IN ('approve', 'reject')") == 10


async def test_only_what_has_text_and_is_not_in_the_trash_is_decided(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await planned(db, 2)
    (deleted,) = await imported(db)
    waiting, failed = (
        row[0] for row in await fetch(db, "SELECT conversation_id FROM conversations ORDER BY id LIMIT 2")
    )
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE conversations SET status = 'failed' WHERE conversation_id = %s", [failed])
        connection.execute("UPDATE conversations SET deleted_at = now() WHERE conversation_id = %s", [deleted])
    for conversation_id in (waiting, failed, deleted):
        with pytest.raises(Refused) as refused:
            await reviews.decide(db, await seen(db, conversation_id), "approve", key=new_key())
        assert refused.value.code == "TT003"
    with pytest.raises(Refused, match="trash"):
        await reviews.set_flag(db, deleted, True, key=new_key())


async def test_a_conversation_is_not_decided_again_to_what_it_is(db: Database, reviewer_db: Database) -> None:
    (conversation_id,) = await imported(db)
    with pytest.raises(Refused, match="generated already"):
        await reviews.decide(db, await seen(db, conversation_id), "reopen", key=new_key())
    await approved(db, conversation_id)
    with pytest.raises(Refused, match="approved already"):
        await reviews.decide(reviewer_db, await seen(db, conversation_id), "approve", key=new_key())
    await reviews.decide(reviewer_db, await seen(db, conversation_id), "reject", key=new_key())
    await reviews.decide(db, await seen(db, conversation_id), "reopen", key=new_key())
    assert await status(db, conversation_id) == "generated"


async def test_a_note_and_a_reason_have_at_most_500_characters(db: Database) -> None:
    (conversation_id,) = await imported(db)
    before = await seen(db, conversation_id)
    for notes, reason in (("ä" * 501, None), (None, "ä" * 501)):
        with pytest.raises(Refused, match="at most 500 characters, not 501"):
            await reviews.decide(db, before, "reject", key=new_key(), notes=notes, reason=reason)
    entry = await reviews.decide(db, before, "reject", key=new_key(), notes="ä" * 500, reason="ä" * 500)
    assert entry.reviewer_notes == "ä" * 500 and entry.reason == "ä" * 500


@pytest.mark.parametrize("turn_number", [0, -1, 3])
async def test_a_decision_marks_no_turn_that_there_is_not(db: Database, turn_number: int) -> None:
    (conversation_id,) = await imported(db)
    with pytest.raises(Refused, match="there are 2 turns"):
        await reviews.decide(db, await seen(db, conversation_id), "reject", key=new_key(), turn_number=turn_number)


async def test_text_that_postgresql_cannot_keep_is_kept_without_it(db: Database) -> None:
    (conversation_id,) = await imported(db)
    entry = await reviews.decide(
        db, await seen(db, conversation_id), "reject", key=new_key(), notes="NUL \x00, half \ud83d", reason="\x00"
    )
    assert entry.reviewer_notes == "NUL \N{REPLACEMENT CHARACTER}, half \N{REPLACEMENT CHARACTER}"


async def test_who_wrote_a_log_row_and_when_is_not_the_writers_choice(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        review = connection.execute(
            "INSERT INTO review_logs (conversation_id, action, revision, reviewer_id, reviewer_role, timestamp,"
            " row_hash, xid8, hash_version) VALUES ('c', 'flag', 1, 'rita', 'nobody', '2020-01-01', 'x', '7', 9)"
            " RETURNING reviewer_id, timestamp > '2026-01-01', row_hash = review_log_digest(review_logs),"
            " xid8 = pg_current_xact_id(), hash_version"
        ).fetchone()
        export = connection.execute(
            "INSERT INTO export_logs (export_id, user_id, conversation_count, filter_state, format, exported_at, state,"
            " row_hash, xid8) VALUES ('e', 'rita', 0, '{}', 'messages', '2020-01-01', 'started', 'x', '7')"
            " RETURNING user_id, exported_at > '2026-01-01', row_hash = export_log_digest(export_logs),"
            " xid8 = pg_current_xact_id(), hash_version"
        ).fetchone()
        call = connection.execute(
            "INSERT INTO generation_logs (kind, state, requested_by, sent_by, endpoint, is_rehearsal, model,"
            " parameters, request_payload, request_sha256, finished_at, row_hash, xid8)"
            " VALUES ('probe', 'ok', 'ada', 'rita', '', false, '', %s, %s, 'x', '2020-01-01', 'x', '7')"
            " RETURNING sent_by, finished_at > '2026-01-01', row_hash = generation_log_digest(generation_logs),"
            " xid8 = pg_current_xact_id(), request_sha256 = json_digest(request_payload)",
            [Jsonb({}), Jsonb({"a": 1})],
        ).fetchone()
    assert review == (SUPERUSER, True, True, True, 1)
    assert export == (SUPERUSER, True, True, True, 1)
    assert call == (SUPERUSER, True, True, True, True)


async def test_a_changed_setting_is_on_record(db: Database, reviewer_db: Database) -> None:
    async with db.write() as connection:
        await connection.exec_driver_sql(
            "UPDATE workspace_settings SET value = '[\"No\"]' WHERE key = 'reject_reasons'"
        )
        await connection.exec_driver_sql("INSERT INTO workspace_settings (key, value) VALUES ('budget', '5')")
    assert await fetch(db, "SELECT key, jsonb_typeof(old_value), new_value, changed_by FROM workspace_setting_changes"
                           " WHERE changed_by = 'ada' ORDER BY id") == [
        ("reject_reasons", "array", ["No"], "ada"), ("budget", None, 5, "ada"),
    ]  # fmt: skip
    assert await reviews.reasons(reviewer_db) == ("No",)


@pytest.mark.parametrize("login", ["rita", "arthur", "audrey", "ada"])
async def test_nobody_reads_who_holds_a_lease_and_so_nobody_can_end_it(conninfo: Conninfo, login: str) -> None:
    for table, beside in (("sampling", "held_until"), ("retention_rounds", "lease_until")):
        assert sqlstate(conninfo(login), f"SELECT holder FROM {table}") == NO_RIGHT
        assert sqlstate(conninfo(login), f"SELECT {beside} FROM {table}") is None
