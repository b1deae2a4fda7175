"""The query log is kept beside the work, with plans and without people's data, and fails nobody."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from support import Conninfo, beside, eventually
from traintui.data import query_times, vocabulary
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.query_records import SlowQuery
from traintui.data.query_shapes import plan_hash
from traintui.errors import TraintuiError
from traintui.observing import recording

MINUTE = timedelta(minutes=1)


async def slow_ones(db: Database) -> tuple[SlowQuery, ...]:
    now = datetime.now(UTC)
    return await query_times.slow_queries(db, now - MINUTE, now + MINUTE)


async def labels(db: Database) -> set[str]:
    now = datetime.now(UTC)
    return {each.label for each in await query_times.times(db, now - 2 * MINUTE, now + MINUTE)}


async def test_what_runs_beside_a_recording_is_on_record_when_it_ends(db: Database) -> None:
    async with recording.recording(db):
        await vocabulary.labels(db)
    assert "vocabulary.values" in await labels(db)


async def test_the_log_does_not_log_itself(db: Database) -> None:
    async with recording.recording(db):
        pass
    assert not {label for label in await labels(db) if label.startswith(("query_times.n", "recording", "plans"))}


async def test_a_slow_query_is_kept_with_its_plan(db: Database) -> None:
    db.queries.slow_us = 20_000
    await db.call("SELECT id, pg_sleep(0.05) FROM conversations RIGHT JOIN (SELECT 1) AS one ON true", {}, "sleeps")
    await recording.note_slow_ones(db)
    (slow,) = [each for each in await slow_ones(db) if each.label == "sleeps"]
    (plan,) = await query_times.plans(db, label="sleeps")
    assert slow.plan_hash == plan.plan_hash and plan.plan[0]["Plan"]["Node Type"]
    assert slow.duration_us >= 50_000


async def test_what_is_kept_of_a_slow_query_holds_no_persons_data(db: Database) -> None:
    db.queries.slow_us = 20_000
    values = {"said": "write to ann.lee@example.com", "long": "x" * 5_000, "number": 7}
    await db.call(
        "SELECT pg_sleep(0.05), CAST(:said AS text), CAST(:long AS text), CAST(:number AS integer)", values, "sleeps"
    )
    await recording.note_slow_ones(db)
    (slow,) = await slow_ones(db)
    assert "ann.lee" not in str(slow) and slow.parameters["said"].startswith("write to [")
    assert len(slow.parameters["long"]) == recording.LONGEST_VALUE and slow.parameters["number"] == 7


async def test_a_plan_is_kept_without_what_was_asked_for(db: Database, conninfo: Conninfo) -> None:
    asked = "SELECT id FROM conversations WHERE system_prompt = CAST(:said AS text) AND quality_score > CAST(:n AS int)"
    while db.queries.to_explain():
        pass
    await db.call(asked, {"said": "Jane's Doe", "n": 4711}, "asks")
    await recording.look_at_a_plan(db)
    (kept,) = await query_times.plans(db, label="asks")
    assert "Jane" not in str(kept.plan) and "4711" not in str(kept.plan)
    assert "system_prompt = '?'" in str(kept.plan) and "conversations" in str(kept.plan)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        stored = connection.execute("SELECT count(*) FROM query_plans WHERE plan::text ~ 'Jane|4711'").fetchone()
    assert stored == (0,)


async def test_of_slow_statements_that_cannot_be_kept_the_others_are(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.queries.slow_us = 20_000
    for label in ("x" * 101, "kept"):  # the database takes no label that long
        await db.call("SELECT pg_sleep(0.05)", {}, label)
    with pytest.raises(Exception, match="ck_slow_queries_label"):
        await recording.note_slow_ones(db)
    await recording.note_slow_ones(db)
    assert [each.label for each in await slow_ones(db)] == ["kept"]


async def test_a_plan_that_changes_is_seen(db: Database) -> None:
    asks = "SELECT turn_count FROM conversations WHERE conversation_id = :id"

    async def look() -> None:
        db.queries.taken()
        while db.queries.to_explain():
            pass
        db.queries._asked.clear()
        await db.call(asks, {"id": "c-x"}, "asks")
        await recording.look_at_a_plan(db)

    await look()
    await look()
    assert len(await query_times.plans(db, label="asks")) == 1
    async with db.write() as connection:
        await connection.exec_driver_sql("SET LOCAL enable_indexscan = off")
        await connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        found = (
            await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {asks.replace(':id', repr('c-x'))}")
        ).scalar_one()
    await query_times.note_plan(db, "asks", asks.replace(":id", "%(id)s"), plan_hash(found), found)
    newest, before = await query_times.plans(db, label="asks")
    assert newest.plan_hash != before.plan_hash and newest.last_seen_at > before.last_seen_at


async def test_a_recording_outlasts_a_database_that_refuses_it(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(recording, "LOOK_SECONDS", 0.01)
    roles = "traintui_reviewer, traintui_author, traintui_auditor, traintui_admin"
    change = f"{{}} EXECUTE ON FUNCTION note_queries(jsonb) {{}} {roles}"
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as owner:
        owner.execute(change.format("REVOKE", "FROM"))
        await vocabulary.labels(db)
        with pytest.raises(TraintuiError):
            await recording.note_times(db)
        stop = asyncio.Event()
        keeping = asyncio.create_task(recording.keep_recorded(db, stop))
        owner.execute(change.format("GRANT", "TO"))

        async def noted() -> bool:
            return "vocabulary.values" in await labels(db)

        await beside(keeping, eventually(noted))
        stop.set()
        await keeping
