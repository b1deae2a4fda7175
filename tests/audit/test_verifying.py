"""What a look at the whole record finds: every row that was touched, named and told apart; else nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from aging import aged_exports
from support import (
    ANSWERED,
    Conninfo,
    add_vocabulary,
    approved,
    beside,
    eventually,
    generated,
    imported,
    logged_in,
    said,
    scalar,
    seen,
    started,
)
from traintui import clock
from traintui.audit.anchors import anchor, note_restore
from traintui.audit.retiring import retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import attempts, bulk, exports, purging, retention, reviews, second_review
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.reviews import new_key
from traintui.data.seals import Sealed
from traintui.data.second_review import SecondReview
from traintui.errors import TraintuiError

Tamper = Callable[..., None]


async def worked_on(db: Database) -> None:
    """Rows of every log, with what is easily written in two ways."""
    await add_vocabulary(db)
    one, two = await generated(db, 2)
    (three,) = await imported(db)
    await approved(db, one, two)
    await reviews.decide(db, await seen(db, three), "reject", key=new_key(), reason="Größer\t\\N", notes="5:x;\n\\")
    await reviews.edit(db, await seen(db, three), system_prompt="S\\", turns=said("Q?\n", "Ä."), key=new_key())
    await reviews.decide(db, await seen(db, three), "approve", key=new_key())
    await reviews.undo_last(db, key=new_key())
    for number in range(3):
        export = f"e-{number}"
        await exports.record(db, export, "started", count=1, filter_state={"n": 1.50}, format="trl", metadata={})
        await exports.record(
            db, export, "failed", count=0, filter_state={}, format="trl", metadata={"b": ["\\\t", None]},
            file_sha256=b"\x00\xff", error_message="Disk\tfull.\n",
        )  # fmt: skip


@pytest.fixture
async def kept(db: Database, tmp_path: Path) -> Database:
    """A workspace that was worked on, with a home for its anchors; not sealed yet."""
    await worked_on(db)
    return replace(db, home=tmp_path)


@pytest.fixture
def tamper(conninfo: Conninfo) -> Tamper:
    """Runs statements as a superuser whom no trigger stops."""

    def run(*statements: str) -> None:
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                assert connection.execute(statement.encode()).rowcount > 0, statement

    return run


def found(db: Database) -> list[tuple[Any, ...]]:
    """What was found, in order: kind, log, id."""
    return [(each.kind, each.log, each.id) for each in verify(db).findings]


async def test_a_record_that_nobody_touched_holds_before_and_after_it_is_sealed(kept: Database) -> None:
    before = verify(kept)
    assert (before.findings, before.sealed_rows, before.seals) == ([], 0, 0) and before.rows > 10
    seal = await seal_and_anchor(kept, everything=True)
    after = verify(kept)
    assert after.findings == [] and seal is not None
    assert (after.rows, after.sealed_rows, after.seals, after.anchors) == (before.rows, before.rows, 1, 1)
    assert after.newest == (1, seal.hash.hex())


CHANGES = {
    "review_logs": "UPDATE review_logs SET reviewer_id = 'rita' WHERE id = {id}",
    "export_logs": "UPDATE export_logs SET conversation_count = 7 WHERE id = {id}",
    "generation_logs": "UPDATE generation_logs SET cost_usd = 0.5 WHERE id = {id}",
}


async def ids_of(db: Database, log: str) -> list[int]:
    async with db.read() as connection:
        rows = await connection.exec_driver_sql(f"SELECT id FROM {log} WHERE row_hash IS NOT NULL ORDER BY xid8, id")
        return [row[0] for row in rows]


@pytest.mark.parametrize("log", CHANGES)
@pytest.mark.parametrize("recomputed", [False, True], ids=["as it was", "recomputed"])
@pytest.mark.parametrize("place", [0, 1, -1], ids=["first", "between", "last"])
async def test_a_sealed_row_that_was_changed_is_named(
    kept: Database, tamper: Tamper, log: str, recomputed: bool, place: int
) -> None:
    await seal_and_anchor(kept, everything=True)
    id = (await ids_of(kept, log))[place]
    again = f"UPDATE {log} SET row_hash = {log[:-1]}_digest({log}) WHERE id = {id}"
    tamper(CHANGES[log].format(id=id), *([again] if recomputed else []))
    assert found(kept)[0] == ("changed", log, id)
    assert {each[:2] for each in found(kept) if each[1]} == {("changed", log)}


@pytest.mark.parametrize("log", CHANGES)
@pytest.mark.parametrize("place", [0, 1, -1], ids=["first", "between", "last"])
async def test_a_sealed_row_that_was_removed_is_named(kept: Database, tamper: Tamper, log: str, place: int) -> None:
    await seal_and_anchor(kept, everything=True)
    id = (await ids_of(kept, log))[place]
    tamper(f"DELETE FROM {log} WHERE id = {id}")
    assert ("removed", log, id) in found(kept)
    assert {each[0] for each in found(kept)} <= {"removed", "witness"}


def copied(log: str, id: int) -> str:
    """Inserts a copy of a row under a number of its own, with its hash."""
    return (
        f"INSERT INTO {log} SELECT (jsonb_populate_record(NULL::{log}, to_jsonb(t) || jsonb_build_object("
        "'id', 1000000, 'decision_key', 'forged', 'undoes', NULL, 'export_id', 'forged'))).*"
        f" FROM {log} AS t WHERE id = {id}"
    )


@pytest.mark.parametrize("log", CHANGES)
@pytest.mark.parametrize("place", [0, 1, -1], ids=["first", "between", "last"])
async def test_a_row_that_was_put_among_sealed_ones_is_named(
    kept: Database, tamper: Tamper, log: str, place: int
) -> None:
    await seal_and_anchor(kept, everything=True)
    id = (await ids_of(kept, log))[place]
    if log == "review_logs" and place == -1:
        id = (await ids_of(kept, log))[-2]
    tamper(copied(log, id), f"UPDATE {log} SET row_hash = {log[:-1]}_digest({log}) WHERE id = 1000000")
    assert ("inserted", log, 1000000) in found(kept)


@pytest.mark.parametrize("log", CHANGES)
async def test_sealed_rows_that_changed_places_are_told_from_changed_ones(
    kept: Database, tamper: Tamper, log: str
) -> None:
    await seal_and_anchor(kept, everything=True)
    one, two, *_ = await ids_of(kept, log)
    tamper(
        f"UPDATE {log} SET id = -{one} WHERE id = {one}", f"UPDATE {log} SET id = {one} WHERE id = {two}",
        f"UPDATE {log} SET id = {two} WHERE id = -{one}",
        f"UPDATE {log} SET row_hash = {log[:-1]}_digest({log}) WHERE id IN ({one}, {two})",
    )  # fmt: skip
    assert found(kept)[:2] == [("reordered", log, one), ("reordered", log, two)]


async def test_a_sealed_row_that_was_moved_to_another_place_is_reordered(kept: Database, tamper: Tamper) -> None:
    await seal_and_anchor(kept, everything=True)
    first, *_, last = await ids_of(kept, "review_logs")
    tamper(
        f"UPDATE review_logs SET xid8 = (SELECT xid8 FROM review_logs WHERE id = {last}) WHERE id = {first}",
        f"UPDATE review_logs SET row_hash = review_log_digest(review_logs) WHERE id = {first}",
    )
    assert found(kept) == [("reordered", "review_logs", first)]


async def test_a_payload_that_was_changed_or_taken_out_is_found_and_one_that_was_purged_is_not_missed(
    kept: Database, tamper: Tamper
) -> None:
    (three,) = await generated(kept)
    await seal_and_anchor(kept, everything=True)
    one, two, *_ = await ids_of(kept, "generation_logs")
    await bulk.trash(kept, [purged := await scalar(kept, "SELECT max(id) FROM conversations")], True)
    assert await scalar(kept, "SELECT conversation_id FROM conversations WHERE id = :id", id=purged) == three
    await purging.purge(kept, [purged])
    assert (verify(kept).findings, verify(kept).purged_payloads) == ([], 2)
    tamper(
        f"UPDATE generation_logs SET response_payload = '{{}}' WHERE id = {one}",
        f"UPDATE generation_logs SET request_payload = NULL, response_payload = NULL WHERE id = {two}",
    )
    verdict = verify(kept)
    assert [(each.kind, each.id) for each in verdict.findings] == [("changed", one), ("changed", two)]
    assert "neither an erasure nor a purge" in verdict.findings[1].what
    assert (verdict.erased_payloads, verdict.purged_payloads) == (0, 2)


async def test_a_call_that_was_put_back_among_those_under_way_is_changed_and_not_removed(
    kept: Database, tamper: Tamper
) -> None:
    await seal_and_anchor(kept, everything=True)
    (one, *_) = await ids_of(kept, "generation_logs")
    tamper(f"UPDATE generation_logs SET state = 'sending', row_hash = NULL WHERE id = {one}")
    assert ("changed", "generation_logs", one) in found(kept)


# What is not sealed yet ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", CHANGES)
@pytest.mark.parametrize("recomputed", [False, True], ids=["as it was", "recomputed"])
async def test_a_row_that_was_changed_before_it_is_sealed_is_named(
    kept: Database, tamper: Tamper, log: str, recomputed: bool
) -> None:
    id = (await ids_of(kept, log))[-1]
    again = f"UPDATE {log} SET row_hash = {log[:-1]}_digest({log}) WHERE id = {id}"
    tamper(CHANGES[log].format(id=id), *([again] if recomputed else []))
    (first, *_) = verify(kept).findings
    assert (first.kind, first.log, first.id, first.sealed) == ("changed", log, id, False)


async def test_a_decision_that_was_removed_before_it_is_sealed_is_known_to_its_conversation(
    kept: Database, tamper: Tamper
) -> None:
    async with kept.read() as connection:
        (decision,) = (await connection.exec_driver_sql("SELECT max(decision_id) FROM conversations")).one()
    tamper(f"DELETE FROM review_logs WHERE id = {decision}")
    assert ("removed", "review_logs", decision) in found(kept)


async def test_a_call_that_was_removed_before_it_is_sealed_leaves_what_its_conversation_cost(
    kept: Database, tamper: Tamper
) -> None:
    tamper(f"DELETE FROM generation_logs WHERE id = {(await ids_of(kept, 'generation_logs'))[0]}")
    (only,) = verify(kept).findings
    assert only.kind == "witness" and "calls in the log $0" in only.what


async def test_a_row_of_a_transaction_that_has_not_been_is_inserted(kept: Database, tamper: Tamper) -> None:
    id = (await ids_of(kept, "export_logs"))[0]
    tamper(
        copied("export_logs", id), "UPDATE export_logs SET xid8 = '1000000000000' WHERE id = 1000000",
        "UPDATE export_logs SET row_hash = export_log_digest(export_logs) WHERE id = 1000000",
    )  # fmt: skip
    assert ("inserted", "export_logs", 1000000) in found(kept)


async def test_what_the_server_does_with_its_files_is_no_tampering(kept: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        for table in ("review_logs", "export_logs", "generation_logs", "log_order"):
            connection.execute(f"VACUUM (FULL, FREEZE) {table}".encode())
            connection.execute(f"REINDEX TABLE {table}".encode())
    assert verify(kept).findings == []


# Seals and anchors --------------------------------------------------------------------------------------------------


async def sealed_twice(db: Database) -> None:
    await seal_and_anchor(db, everything=True)
    attempt = await started(db, None, None, kind="probe")
    await attempts.finish(db, attempt, ANSWERED)
    await seal_and_anchor(db, everything=True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_seals SET made_at = made_at - interval '1 day' WHERE number = 1",
        "UPDATE audit_seals SET hash = sha256('x') WHERE number = 1",
        "UPDATE audit_seal_parts SET root = sha256('x') WHERE number = 2",
        "UPDATE audit_seal_parts SET last_id = last_id + 1 WHERE number = 2",
        "DELETE FROM audit_seal_parts WHERE number = 1 AND place = 1",
        "DELETE FROM audit_seals WHERE number = 1",
        "UPDATE audit_seal_leaves SET row_hashes = row_hashes || sha256('x') WHERE number = 2",
        "DELETE FROM audit_seal_leaves WHERE number = 1",
    ],
)
async def test_a_seal_that_was_touched_is_found(kept: Database, tamper: Tamper, statement: str) -> None:
    await sealed_twice(kept)
    assert verify(kept).holds
    tamper(statement)
    assert "seal" in {kind for kind, _, _ in found(kept)}


async def test_a_history_that_was_sealed_anew_disagrees_with_the_anchors(
    kept: Database, tamper: Tamper, conninfo: Conninfo
) -> None:
    await sealed_twice(kept)
    id = (await ids_of(kept, "review_logs"))[0]
    tamper(
        "DELETE FROM audit_seals", "DELETE FROM audit_seal_parts", "DELETE FROM audit_seal_leaves",
        CHANGES["review_logs"].format(id=id), "UPDATE review_logs SET row_hash = review_log_digest(review_logs)",
        "SELECT seal_logs(true)",
    )  # fmt: skip
    assert [kind for kind, _, _ in found(kept)] == ["anchor", "anchor"], (
        "the seal that differs, and the one that is gone"
    )


async def test_a_chain_that_was_begun_anew_disagrees_with_the_anchors(kept: Database, tamper: Tamper) -> None:
    await sealed_twice(kept)
    tamper(
        "DELETE FROM audit_seals", "DELETE FROM audit_seal_parts", "DELETE FROM audit_seal_leaves",
        "UPDATE log_order SET workspace_id = gen_random_uuid()", "SELECT seal_logs(true)",
    )  # fmt: skip
    (only,) = verify(kept).findings
    assert only.kind == "anchor" and "another chain" in only.what


async def test_the_newest_seals_that_were_taken_away_are_missed_by_the_anchors(kept: Database, tamper: Tamper) -> None:
    await sealed_twice(kept)
    tamper(*(f"DELETE FROM {table} WHERE number = 2" for table in
             ("audit_seals", "audit_seal_parts", "audit_seal_leaves")))  # fmt: skip
    assert [kind for kind, _, _ in found(kept)] == ["anchor"]


# Who may ------------------------------------------------------------------------------------------------------------


async def test_an_auditor_verifies_and_a_reviewer_is_told_who_may(kept: Database, conninfo: Conninfo) -> None:
    async with logged_in(conninfo("audrey")) as auditor:
        assert verify(auditor).holds
    for login in ("rita", "arthur"):
        async with logged_in(conninfo(login)) as other:
            with pytest.raises(TraintuiError, match="for auditors and administrators"):
                verify(other)


async def test_what_others_decided_in_secret_is_compared_by_its_hash_for_who_decides_too(
    kept: Database, reviewer_db: Database, conninfo: Conninfo, tamper: Tamper
) -> None:
    await second_review.ask(kept, SecondReview(2, 1.0))
    (one,) = await imported(kept)
    entry = await reviews.decide(reviewer_db, await seen(reviewer_db, one), "approve", key=new_key())
    async with logged_in(conninfo("audrey")) as auditor:
        for everything_sealed in (False, True):
            if everything_sealed:
                await seal_and_anchor(kept, everything=True)
            hidden, read = verify(kept), verify(auditor)
            assert (hidden.findings, hidden.hidden_rows) == ([], 1) and "An auditor's login" in hidden.notes[-1]
            assert (read.findings, read.hidden_rows) == ([], 0)
        tamper(f"DELETE FROM review_logs WHERE id = {entry.id}")
        assert ("removed", "review_logs", entry.id) in found(kept) and found(kept) == found(auditor)


async def test_a_look_that_is_stopped_says_so_and_leaves_nothing_behind(kept: Database) -> None:
    await seal_and_anchor(kept, everything=True)
    stop = threading.Event()
    stop.set()
    with pytest.raises(TraintuiError, match="was stopped"):
        verify(kept, stop=stop)
    async with kept.read() as connection:
        left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        others = (await connection.exec_driver_sql(f"{left} AND state <> 'idle'")).scalar_one()
    assert others == 0


async def test_a_look_that_is_stopped_does_not_wait_for_a_question(kept: Database, conninfo: Conninfo) -> None:
    stop = threading.Event()
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("LOCK TABLE conversations IN ACCESS EXCLUSIVE MODE")
        looking = asyncio.create_task(asyncio.to_thread(verify, kept, stop=stop))

        async def waits() -> bool:
            waiting = "wait_event_type = 'Lock' AND query LIKE '%c.decision_id IS NOT NULL%'"
            return bool(await scalar(kept, f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}"))

        await beside(looking, eventually(waits))
        stop.set()
        with pytest.raises(TraintuiError, match="was stopped"):
            await asyncio.wait_for(looking, 60)


# What left the database ---------------------------------------------------------------------------------------------


async def test_seals_that_a_restore_took_back_are_not_missed(kept: Database, tamper: Tamper) -> None:
    await sealed_twice(kept)
    home = kept.home
    assert home is not None
    workspace = str(await scalar(kept, "SELECT workspace_id FROM log_order"))
    tamper(*(f"DELETE FROM {table} WHERE number = 2" for table in
             ("audit_seals", "audit_seal_parts", "audit_seal_leaves")))  # fmt: skip
    note_restore(home, Path("/backups/a.dump"), workspace, 1)
    verdict = verify(kept)
    assert verdict.findings == [] and verdict.anchors == 1
    assert verdict.notes[0].startswith("Seals up to 2 were taken back to 1 on ")
    # What is sealed from then on counts again.
    await seal_and_anchor(kept, everything=True)
    assert verify(kept).findings == [] and verify(kept).anchors == 2
    tamper("UPDATE audit_seals SET hash = sha256('x') WHERE number = 2")
    assert "anchor" in {kind for kind, _, _ in found(kept)}


async def test_a_restore_of_another_database_of_the_home_takes_nothing_back_here(
    kept: Database, tamper: Tamper
) -> None:
    await sealed_twice(kept)
    assert kept.home is not None
    shared = replace(kept, label="host/traintui")
    await seal_and_anchor(shared, everything=True)
    note_restore(kept.home, Path("/backups/a.dump"), "0d7b6a5e-0000-4000-8000-000000000001", 0)
    before = verify(shared)
    assert before.findings == [] and before.anchors > 0
    assert not any("taken back" in note for note in before.notes)
    tamper("UPDATE audit_seals SET hash = sha256('x') WHERE number = 2")
    assert "anchor" in {each.kind for each in verify(shared).findings}


async def test_a_workspace_that_was_restored_elsewhere_goes_on_there_and_here(kept: Database) -> None:
    await sealed_twice(kept)
    assert kept.home is not None
    workspace = str(await scalar(kept, "SELECT workspace_id FROM log_order"))
    shared = replace(kept, label="host/traintui")
    note_restore(kept.home, Path("/backups/a.dump"), workspace, 1)
    # What the embedded one sealed since is its own: the shared one has other seals of these numbers.
    anchor(kept.home, Sealed(workspace, 2, bytes(32), clock.now()), "embedded")
    assert verify(shared).findings == []
    assert {each.kind for each in verify(kept).findings} == {"anchor"}


@pytest.mark.parametrize("removed", [False, True], ids=["kept", "in the archive"])
async def test_the_manifest_of_an_export_is_an_anchor_wherever_its_row_stands(
    kept: Database, conninfo: Conninfo, tmp_path: Path, removed: bool
) -> None:
    seal = await seal_and_anchor(kept, everything=True)
    assert seal is not None
    (tmp_path / "left").mkdir()
    written = tmp_path / "left" / "out.manifest.json"
    place = {"host": socket.gethostname(), "directory": str(tmp_path / "left"), "file": "out.jsonl"}
    await exports.record(kept, "left", "started", count=0, filter_state={}, format="trl", metadata=place)
    if removed:
        aged_exports(conninfo, where="export_id = 'left'")
        await seal_and_anchor(kept, everything=True)
        assert len((await retire_due(kept, await retention.due(kept))).retired) == 1
    for told, kinds in ((seal.as_json(), []), (seal.as_json() | {"hash": "00" * 32}, ["anchor"])):
        written.write_text(f'{{\n  "seal": {json.dumps(told)}\n}}')
        verdict = verify(kept)
        assert ([each.kind for each in verdict.findings], verdict.manifests) == (kinds, 1)
