"""What falls due goes into the archive byte for byte, then out of the log as a whole, and the record still holds."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from aging import LONG_AGO, aged, aged_exports
from support import (
    ANSWERED,
    Conninfo,
    add_vocabulary,
    approved,
    beside,
    eventually,
    fetch,
    generated,
    imported,
    scalar,
    sqlstate,
    started,
)
from traintui.audit import archiving
from traintui.audit.archive import archived_exports
from traintui.audit.archiving import Stopped, archive
from traintui.audit.frames import COLUMNS, archived
from traintui.audit.retiring import Outcome, retire_due
from traintui.audit.sealing import seal_and_anchor
from traintui.audit.verifying import verify
from traintui.data import (
    attempts,
    bulk,
    erasures,
    exports,
    purging,
    report_exports,
    retention,
    seals,
    spending,
    templates,
)
from traintui.data.call_sums import call_sums
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.targets import ids_of
from traintui.data.whole_record import record
from traintui.data.workspace_filters import read_filter


class Held(NamedTuple):
    """What an export holds of a conversation."""

    conversation_id: str
    revision: int


LATER = datetime(9000, 1, 1, tzinfo=UTC)
PART = "generation_logs_2024w02"
WHOLE = "SELECT row_hash, to_jsonb(log)::text FROM generation_logs AS log ORDER BY xid8, id"


@pytest.fixture
async def due(db: Database, conninfo: Conninfo, tmp_path: Path) -> Database:
    """A workspace with five calls of long ago, three of them for conversations, and one of today; all sealed."""
    await add_vocabulary(db)
    await approved(db, *await generated(db, 3))
    for text in ("plain", "tab\t, line\n, back\\slash, \\N, Größe, \U0001f642"):
        outcome = replace(ANSWERED, response_payload={"text": text}, error_message=text)
        await attempts.finish(db, await started(db, None, None, kind="probe"), outcome)
    aged(conninfo)
    await attempts.finish(db, await started(db, None, None, kind="probe"), ANSWERED)
    kept = replace(db, home=tmp_path)
    await seal_and_anchor(kept, everything=True)
    return kept


async def retired(db: Database) -> Outcome:
    return await retire_due(db, await retention.due(db))


def tampered(conninfo: Conninfo, *statements: str) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement.encode())


async def test_what_is_due_is_removed_and_the_record_still_holds(due: Database) -> None:
    (week,) = await retention.due(due)
    assert (week.log, week.week, week.rows, week.unsealed, week.archived) == ("generation_logs", LONG_AGO, 5, 0, 0)
    outcome = await retired(due)
    (gone,) = outcome.retired
    assert outcome.left == [] and (gone.week, gone.row_count, gone.retired_by) == (LONG_AGO, 5, "ada")
    assert await scalar(due, "SELECT count(*) FROM generation_logs") == 1
    assert await scalar(due, f"SELECT to_regclass('{PART}')") is None
    verdict = verify(due)
    assert (verdict.findings, verdict.archived_rows) == ([], 5)
    assert any("week of 2024-01-08: removed under policy, root known: 5 rows" in note for note in verdict.notes)
    assert verdict.sealed_rows == verdict.rows, "the row that says what was removed is sealed too"
    assert await retention.due(due) == [] and (await retired(due)).retired == []


async def test_the_archive_gives_back_every_column_as_it_was(due: Database) -> None:
    with record(due) as found:
        before = [archived("generation_logs", row) for row in found.rows("generation_logs", LONG_AGO)]
    await retired(due)
    with record(due) as found:
        after = list(archiving.unpacked(found, "generation_logs", LONG_AGO, COLUMNS["generation_logs"]))
    assert after == before and len(after) == 5


async def test_what_the_calls_came_to_stays_known(due: Database) -> None:
    costs = "SELECT conversation_id, cost_usd FROM conversations ORDER BY 1"
    before = await fetch(due, costs), await templates.usage(due)
    assert all(row[1] > 0 for row in before[0])
    await retired(due)
    conversation = before[0][0][0]
    assert await scalar(due, "SELECT cost_of_conversation(:id)", id=conversation) == before[0][0][1]
    assert (await fetch(due, costs), await templates.usage(due)) == before


async def test_the_month_and_the_sums_of_a_batch_are_no_less_when_its_calls_are_removed(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    await add_vocabulary(db)
    (public,) = await generated(db, 1)
    batch_id = await scalar(db, "SELECT run_id FROM generation_logs WHERE conversation_id = :id", id=public)
    tampered(
        conninfo,
        "UPDATE generation_logs SET cache_read_tokens = 150000, cache_write_tokens = 60000",
        "INSERT INTO generation_logs SELECT (log).* FROM (SELECT jsonb_populate_record(log, jsonb_build_object("
        " 'id', log.id + 1000 + n, 'cache_read_tokens', 0, 'cache_write_tokens', n * 100, 'error_type', 'refusal',"
        ' \'response_payload\', CASE n WHEN 1 THEN \'{"stop_details": {"category": "bio"}}\'::jsonb END,'
        " 'response_sha256', NULL)) AS log FROM generation_logs AS log, generate_series(0, 3) AS n) AS more",
        "UPDATE generation_logs SET response_sha256 = sha256(convert_to(response_payload::text, 'UTF8'))",
    )
    aged(conninfo)
    kept = replace(db, home=tmp_path)
    await seal_and_anchor(kept, everything=True)
    began = datetime(2024, 1, 1, tzinfo=UTC)

    async def sums() -> tuple[object, ...]:
        found = await call_sums(kept, batch_id, began, [200_000])
        return sorted(found.cached, key=str), found.refusals, await spending.month(kept)

    before = await sums()
    assert before[1] == (("no category", 3), ("bio", 1)) and len(before[0]) == 2  # type: ignore[arg-type]
    assert [each.row_count for each in (await retired(kept)).retired] == [5]
    assert await scalar(kept, "SELECT count(*) FROM generation_logs") == 0
    assert await sums() == before


async def test_filters_find_conversations_by_batches_and_templates_whose_calls_were_removed(due: Database) -> None:
    async def found() -> list[list[int]]:
        filters = ("run:1", "-run:1", "run:none", "run:2", f"template:{template}", "template:none", "-template:none")
        return [sorted(await ids_of(due, await read_filter(due, text))) for text in filters]

    template = await scalar(due, "SELECT max(template_id) FROM generation_logs")
    await imported(due)
    before = await found()
    assert [len(ids) for ids in before] == [3, 1, 1, 0, 3, 1, 3]
    await retired(due)
    assert await found() == before


async def test_a_dry_look_changes_nothing(due: Database) -> None:
    await retention.due(due)
    assert await scalar(due, "SELECT count(*) FROM archive_frames") == 0
    assert await scalar(due, "SELECT count(*) FROM generation_logs") == 6


REFUSED = {
    "not archived": [],
    "not due": ["INSERT INTO workspace_settings (key, value) VALUES ('retention_generations_days', '36500')"],
    "for good": ["INSERT INTO workspace_settings (key, value) VALUES ('retention_generations_days', 'null')"],
}


@pytest.mark.parametrize("why", REFUSED)
async def test_a_week_does_not_go_before_it_may(due: Database, conninfo: Conninfo, why: str) -> None:
    tampered(conninfo, *REFUSED[why])
    assert sqlstate(conninfo("ada"), f"SELECT retire_generations('{LONG_AGO}')") == "TT003"
    assert await scalar(due, "SELECT count(*) FROM generation_logs") == 6


async def test_a_week_that_is_not_sealed_stays(db: Database, conninfo: Conninfo) -> None:
    await attempts.finish(db, await started(db, None, None, kind="probe"), ANSWERED)
    aged(conninfo)
    with pytest.raises(Refused, match="rows that are not sealed yet"):
        archive(db, "generation_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    assert sqlstate(conninfo("ada"), f"SELECT retire_generations('{LONG_AGO}')") == "TT003"
    await seal_and_anchor(db, everything=True)
    archive(db, "generation_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    assert (await retention.retire(db, "generation_logs", LONG_AGO)).row_count == 1


async def test_a_week_with_a_call_that_has_not_ended_stays(due: Database, conninfo: Conninfo) -> None:
    await started(due, None, None, kind="probe")
    aged(conninfo, where="state = 'sending'")
    outcome = await retired(due)
    assert outcome.retired == [] and "have not ended" in outcome.left[0][1].message


NEXT = date(2024, 1, 15)


async def test_weeks_go_in_their_order_and_none_before_one_that_stays(due: Database, conninfo: Conninfo) -> None:
    await attempts.finish(due, await started(due, None, None, kind="probe"), ANSWERED)
    aged(conninfo, NEXT, where="id = (SELECT max(id) FROM generation_logs)")
    await started(due, None, None, kind="probe")
    aged(conninfo, where="state = 'sending'")
    await seal_and_anchor(due, everything=True)
    outcome = await retired(due)
    assert outcome.retired == [] and [week.week for week, _ in outcome.left] == [LONG_AGO, NEXT]
    assert "have not ended" in outcome.left[0][1].message and "weeks go in their order" in outcome.left[1][1].message
    assert await scalar(due, "SELECT count(*) FROM archive_frames WHERE week = :week", week=NEXT) == 0
    archive(due, "generation_logs", NEXT, progress=lambda _: None, stop=threading.Event())
    with pytest.raises(Refused, match=f"week of {LONG_AGO} is still there"):
        await retention.retire(due, "generation_logs", NEXT)


async def test_exports_go_in_the_order_of_their_weeks(db: Database, conninfo: Conninfo) -> None:
    for name in ("one", "two"):
        await exports.record(db, name, "started", count=0, filter_state={}, format="trl", metadata={})
    aged_exports(conninfo)
    aged_exports(conninfo, NEXT, where="export_id = 'two'")
    await seal_and_anchor(db, everything=True)
    archive(db, "export_logs", NEXT, progress=lambda _: None, stop=threading.Event())
    with pytest.raises(Refused, match=f"of the week of {LONG_AGO} are still there"):
        await retention.retire(db, "export_logs", NEXT)
    assert [each.week for each in (await retired(db)).retired] == [LONG_AGO, NEXT]


FRAME = (
    "SELECT add_archive_frame('generation_logs', week, place, row_count + {more}, payload_count, first_xid8,"
    " first_id + {first}, last_xid8, last_id + {last}, first_at, last_at, conversation_ids, raw_bytes, content)"
    " FROM frames"
)


async def test_frames_are_held_against_the_seals(
    due: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "ROWS", 3)
    archive(due, "generation_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    tampered(conninfo, "CREATE TABLE frames AS SELECT * FROM archive_frames", "GRANT SELECT ON frames TO PUBLIC")
    with psycopg.connect(conninfo("ada"), autocommit=True) as connection:
        connection.execute("SELECT discard_archive('generation_logs', %s)", [LONG_AGO])
        for more, first, last, why in (
            (1, 0, 0, "not as it was sealed"), (-1, 0, 0, "not as it was sealed"), (0, 100, 100, "not sealed yet"),
        ):  # fmt: skip
            wrong = FRAME.format(more=more, first=first, last=last) + " WHERE place = 1"
            with pytest.raises(psycopg.Error, match=why):
                connection.execute(wrong.encode())
        with pytest.raises(psycopg.Error, match="somebody else archives"):
            connection.execute((FRAME.format(more=0, first=0, last=0) + " WHERE place = 2").encode())
        for place in (1, 2):
            connection.execute((FRAME.format(more=0, first=0, last=0) + f" WHERE place = {place}").encode())
    assert len((await retired(due)).retired) == 1


async def test_nobody_without_a_right_to_write_keeps_others_from_sealing_and_removing(
    due: Database, conninfo: Conninfo
) -> None:
    await started(due, None, None, kind="probe")
    for table in ("audit_seals", "archive_frames"):
        assert sqlstate(conninfo("rita"), f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE") == "42501"
    with psycopg.connect(conninfo("rita")) as connection:
        for number in (15, 16):
            connection.execute("SELECT pg_advisory_xact_lock(7453, %s)", [number])
        connection.execute("LOCK TABLE audit_seals, archive_frames IN ACCESS SHARE MODE")
        assert len((await asyncio.wait_for(retired(due), 60)).retired) == 1


async def test_two_that_seal_at_once_do_not_wait_for_each_other(due: Database, conninfo: Conninfo) -> None:
    await attempts.finish(due, await started(due, None, None, kind="probe"), ANSWERED)
    before = await scalar(due, "SELECT max(number) FROM audit_seals")
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("LOCK TABLE audit_seals IN SHARE UPDATE EXCLUSIVE MODE")
        beside = await seals.seal(due)
    assert beside is not None and (beside.number, beside.sealed) == (before, 0)


async def test_only_administrators_remove_and_archive(due: Database, conninfo: Conninfo) -> None:
    for login in ("rita", "arthur", "audrey"):
        for statement in (
            f"SELECT retire_generations('{LONG_AGO}')", f"SELECT retire_exports('{LONG_AGO}')",
            f"SELECT discard_archive('generation_logs', '{LONG_AGO}')", "DELETE FROM archive_frames",
            "DELETE FROM retirements", "DELETE FROM retired_calls",
        ):  # fmt: skip
            assert sqlstate(conninfo(login), statement) in ("42501", "TT004")
    await retired(due)
    for statement in (
        "DELETE FROM archive_frames", "UPDATE archive_frames SET row_count = 1", "TRUNCATE archive_frames",
        "DELETE FROM retirements", "UPDATE retired_calls SET calls = 0",
    ):  # fmt: skip
        assert sqlstate(conninfo(SUPERUSER), statement) == "TT005"
    assert sqlstate(conninfo("ada"), f"SELECT discard_archive('generation_logs', '{LONG_AGO}')") == "TT005"


async def test_a_row_that_was_changed_past_its_guards_keeps_its_week_in_the_log(
    due: Database, conninfo: Conninfo
) -> None:
    tampered(conninfo, f"UPDATE {PART} SET cost_usd = 5 WHERE id = (SELECT min(id) FROM {PART})")
    outcome = await retired(due)
    assert outcome.retired == [] and "is not what its hash says" in outcome.left[0][1].message
    tampered(conninfo, f"UPDATE {PART} SET row_hash = generation_log_digest({PART})")
    outcome = await retired(due)
    assert outcome.retired == [] and "not as it was sealed" in outcome.left[0][1].message
    assert await scalar(due, "SELECT count(*) FROM generation_logs") == 6


async def test_what_was_stopped_goes_on_where_it_was(due: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "ROWS", 2)
    monkeypatch.setattr(archiving, "AT_ONCE", 1)
    stop, frames = threading.Event(), 0

    def counted(watch: Any, real: Any = archiving._Watch.pause) -> None:
        nonlocal frames
        frames += 1
        if frames == 3:
            stop.set()
        real(watch)

    monkeypatch.setattr(archiving._Watch, "pause", counted)
    with pytest.raises(Stopped):
        await retire_due(due, await retention.due(due), stop=stop)
    (week,) = await retention.due(due)
    assert (week.rows, week.archived) == (5, 4), "two frames were written, and no row is gone"
    assert verify(due).findings == []
    assert len((await retired(due)).retired) == 1
    places = await fetch(due, "SELECT place, row_count FROM archive_frames ORDER BY place")
    assert [tuple(row) for row in places] == [(1, 2), (2, 2), (3, 1)] and verify(due).findings == []


async def test_between_archive_and_removal_nothing_is_missing_and_nothing_twice(due: Database) -> None:
    archive(due, "generation_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    verdict = verify(due)
    assert (verdict.findings, verdict.archived_rows) == ([], 0)
    assert len((await retired(due)).retired) == 1 and verify(due).findings == []


async def test_what_was_purged_while_it_waited_in_the_archive_is_not_kept_there(due: Database) -> None:
    archive(due, "generation_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    (one,) = await fetch(due, "SELECT id, conversation_id FROM conversations ORDER BY id LIMIT 1")
    await bulk.trash(due, [one[0]], True)
    await purging.purge(due, [one[0]])
    assert len((await retired(due)).retired) == 1
    with record(due) as found:
        rows = list(archiving.unpacked(found, "generation_logs", LONG_AGO, COLUMNS["generation_logs"]))
    assert [row[-1] is None for row in rows if row is not None].count(True) == 1
    assert verify(due).findings == []


async def test_who_looks_at_the_record_keeps_all_of_it_there(due: Database, conninfo: Conninfo) -> None:
    statement = "BEGIN; SET lock_timeout = 50; LOCK TABLE ONLY generation_logs IN ACCESS EXCLUSIVE MODE"
    with record(due):
        assert sqlstate(conninfo(SUPERUSER), statement) == "55P03"
    assert sqlstate(conninfo(SUPERUSER), statement) is None


async def test_who_writes_to_every_week_does_not_wait_for_a_removal_that_waits(
    due: Database, conninfo: Conninfo
) -> None:
    archive(due, "generation_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())

    async def waits() -> bool:
        asked = "query LIKE '%retire_generations%' AND wait_event IN ('relation', 'PgSleep')"
        return bool(await scalar(due, f"SELECT count(*) FROM pg_stat_activity WHERE {asked}"))

    with psycopg.connect(conninfo(SUPERUSER)) as reading:
        reading.execute("LOCK TABLE generation_logs IN ACCESS SHARE MODE")
        removing = asyncio.create_task(retention.retire(due, "generation_logs", LONG_AGO))
        await beside(removing, eventually(waits))
        # As a purge and the release of a worker that died do: they name no time.
        written = "SET deadlock_timeout = 50; SET lock_timeout = 1000; UPDATE generation_logs SET id = id WHERE id = 0"
        assert await asyncio.to_thread(sqlstate, conninfo(SUPERUSER), written) is None
    assert (await removing).row_count == 5


async def test_who_keeps_a_week_from_going_is_named(due: Database, conninfo: Conninfo) -> None:
    archive(due, "generation_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    with psycopg.connect(conninfo("rita"), application_name="a long look") as reading:
        reading.execute("SELECT count(*) FROM generation_logs")
        with pytest.raises(Refused) as refused:
            await retention.retire(due, "generation_logs", LONG_AGO)
        assert f"rita (a long look, pid {reading.info.backend_pid})" in refused.value.message
    assert (await retention.retire(due, "generation_logs", LONG_AGO)).row_count == 5


@pytest.mark.parametrize("how", ["purge", "erasure"])
async def test_what_is_erased_between_the_comparison_and_the_removal_keeps_the_week(
    due: Database, conninfo: Conninfo, how: str
) -> None:
    archive(due, "generation_logs", LONG_AGO, progress=lambda _: None, stop=threading.Event())
    (one,) = await fetch(due, "SELECT id FROM conversations ORDER BY id LIMIT 1")
    await bulk.trash(due, [one[0]], True)

    async def waits() -> bool:
        asked = "query LIKE '%retire_generations%' AND wait_event = 'PgSleep'"
        return bool(await scalar(due, f"SELECT count(*) FROM pg_stat_activity WHERE {asked}"))

    with psycopg.connect(conninfo(SUPERUSER)) as reading:
        reading.execute("LOCK TABLE generation_logs IN ACCESS SHARE MODE")
        removing = asyncio.create_task(retention.retire(due, "generation_logs", LONG_AGO))
        await beside(removing, eventually(waits))
        if how == "purge":
            await purging.purge(due, [one[0]])
        else:
            said = "SELECT id, created_at FROM generation_logs WHERE error_message IS NOT NULL"
            failed = (await fetch(due, said))[0]
            assert await erasures.erase(due, failed.id, failed.created_at, ("error",), "She asked")
    with pytest.raises(Refused, match="something was erased"):
        await removing
    assert len((await retired(due)).retired) == 1 and verify(due).findings == []


async def test_exports_go_with_what_was_noted_of_them(db: Database, conninfo: Conninfo, tmp_path: Path) -> None:
    ids = await imported(db, 3)
    for number in range(2):
        await exports.record(db, f"e-{number}", "started", count=3, filter_state={}, format="trl", metadata={})
        await exports.record_rows(db, f"e-{number}", [Held(id, 1) for id in ids])
        await exports.record(db, f"e-{number}", "succeeded", count=3, filter_state={}, format="trl", metadata={})
    aged_exports(conninfo)
    await exports.record(db, "new", "started", count=1, filter_state={}, format="trl", metadata={})
    await seal_and_anchor(db, everything=True)
    async with db.read() as connection:
        logged = await report_exports.exports(connection, LATER)
    (week,) = await retention.due(db)
    assert (week.log, week.rows, week.noted) == ("export_logs", 4, 6)
    (gone,) = (await retired(db)).retired
    assert (gone.log, gone.row_count, gone.noted_count) == ("export_logs", 4, 6)
    assert await scalar(db, "SELECT count(*) FROM export_rows") == 0
    assert [row[0] for row in await fetch(db, "SELECT export_id FROM export_logs")] == ["new"]
    verdict = verify(db)
    assert (verdict.findings, verdict.archived_rows) == ([], 4)
    assert sqlstate(conninfo(SUPERUSER), "DELETE FROM export_logs") == "TT005"
    async with db.read() as connection:
        assert await report_exports.exports(connection, LATER, await archived_exports(connection)) == logged
        assert len(logged) == 3 and len(await report_exports.exports(connection, LATER)) == 1


async def test_days_are_chosen_by_administrators_and_within_reason(db: Database, reviewer_db: Database) -> None:
    assert await retention.read(db) == retention.Retention(90, 365)
    await retention.change(db, "generation_logs", 30)
    await retention.change(db, "export_logs", None)
    assert await retention.read(db) == retention.Retention(30, None)
    for who, days in ((reviewer_db, 30), (db, 6), (db, 36_501)):
        with pytest.raises(Refused):
            await retention.change(who, "generation_logs", days)
    assert (await retention.read(db)).generations_days == 30
