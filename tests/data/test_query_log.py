"""The query log: what statements took, under the name of the verb that they stand in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text

from support import Conninfo
from traintui.data import health, query_times, vocabulary
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.query_labels import UNLOGGED, named
from traintui.data.query_log import can_be_explained
from traintui.data.query_records import QueryTimes, Slow
from traintui.data.query_shapes import plan_hash, statement_hash
from traintui.errors import TraintuiError


def counted(db: Database) -> dict[str, QueryTimes]:
    return {each.label: each for each in query_times.merged(db.queries.taken())}


async def test_a_statement_is_counted_under_the_verb_that_it_stands_in(db: Database) -> None:
    db.queries.taken()
    await vocabulary.labels(db)
    await health.server_facts(db)
    found = counted(db)
    assert set(found) == {"vocabulary.values", "health.server_facts"}
    facts = found["health.server_facts"]
    assert (facts.calls, facts.errors, facts.rows) == (1, 0, 1)
    assert 0 < facts.total_us == facts.most_us and sum(facts.histogram.values()) == 1


def test_a_label_is_the_module_and_the_verb() -> None:
    assert named("traintui.data.feed", "Feed._read") == "feed.read"
    assert named("traintui.export.write", "write.<locals>.part") == "export.write.write"
    assert named("", "") == "other"


async def test_what_is_counted_is_said_once(db: Database) -> None:
    await vocabulary.labels(db)
    assert counted(db) and not counted(db)


async def test_a_statement_may_be_given_a_label_or_none(db: Database) -> None:
    db.queries.taken()
    async with db.read("some.label") as connection:
        await connection.execute(text("SELECT 1"))
    async with db.read(UNLOGGED) as connection:
        await connection.execute(text("SELECT 1"))
    await db.call("SELECT 1", {}, "another.label")
    assert set(counted(db)) == {"some.label", "another.label"}


async def test_a_failure_counts_as_one_and_a_refusal_as_an_answer(db: Database) -> None:
    db.queries.taken()
    with pytest.raises(Exception, match="division by zero"):
        await db.call("SELECT 1 / :zero", {"zero": 0}, "fails")
    with pytest.raises(TraintuiError):
        await db.call("SELECT decide('none', 'approve', 1, NULL, 'k')", {}, "refused")
    found = counted(db)
    assert (found["fails"].calls, found["fails"].errors) == (1, 1)
    assert (found["refused"].calls, found["refused"].errors) == (1, 0)


async def test_a_slow_statement_is_noted_with_what_it_was_asked_with(db: Database) -> None:
    db.queries.slow_us = 20_000
    await db.call("SELECT pg_sleep(0.05), CAST(:said AS text)", {"said": "here"}, "sleeps")
    slow = db.queries.next_slow()
    assert slow is not None
    assert (slow.label, slow.parameters, slow.error) == ("sleeps", {"said": "here"}, None)
    assert slow.duration_us >= 50_000 and "pg_sleep" in slow.statement
    assert counted(db)["sleeps"].slow == 1 and db.queries.next_slow() is None


async def test_of_slow_statements_that_fail_the_reason_is_kept(db: Database) -> None:
    db.queries.slow_us = 20_000
    with pytest.raises(Exception, match="division by zero"):
        await db.call("SELECT 1 / (:zero + length(pg_sleep(0.05)::text))", {"zero": 0}, "sleeps")
    slow = db.queries.next_slow()
    assert slow is not None
    assert slow.error == "division by zero"


async def test_what_is_sent_past_the_engine_is_timed(db: Database) -> None:
    db.queries.taken()
    with db.queries.timed("copy"):
        pass
    with pytest.raises(psycopg.DataError), db.queries.timed("copy"):
        raise psycopg.DataError
    assert (counted(db)["copy"].calls, len(counted(db))) == (2, 0)


async def test_the_plan_of_a_query_is_looked_at_once_in_a_while(db: Database) -> None:
    while db.queries.to_explain():
        pass
    for name in ("one", "two", "three"):
        await db.call("SELECT CAST(:name AS text)", {"name": name}, "asks")
    asked = db.queries.to_explain()
    assert asked is not None and (asked.label, asked.parameters) == ("asks", {"name": "one"})
    assert db.queries.to_explain() is None


def test_only_queries_that_were_sent_once_can_be_explained() -> None:
    assert can_be_explained("\n  WITH a AS (SELECT 1) SELECT * FROM a", {})
    assert not can_be_explained("SET LOCAL x = 1", {}) and not can_be_explained("SELECT 1", [{}, {}])


async def test_what_processes_counted_is_added_up(db: Database, reviewer_db: Database) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    await query_times.note(db, [QueryTimes("a.b", now, 60, 3, 1, 1, 30, 900, 700, {40: 2, 50: 1})])
    await query_times.note(reviewer_db, [QueryTimes("a.b", now, 60, 1, 0, 0, 5, 100, 100, {40: 1})])
    (found,) = await query_times.times(db, now, now + timedelta(minutes=1), label="a.b")
    assert found == QueryTimes("a.b", now, 60, 4, 1, 1, 35, 1_000, 700, {40: 3, 50: 1})


async def test_labels_stand_by_the_time_that_they_took_in_all(db: Database) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    before = now - timedelta(minutes=5)
    await query_times.note(
        db,
        [
            QueryTimes("quick", now, 60, 5, 0, 0, 5, 500, 100, {20: 5}),
            QueryTimes("long", now, 60, 1, 0, 0, 1, 9_000, 9_000, {73: 1}),
            QueryTimes("long", before, 60, 1, 0, 0, 1, 1_000, 1_000, {48: 1}),
        ],
    )
    long, quick = await query_times.by_label(db, before, now + timedelta(minutes=1))
    assert (long.label, long.calls, long.total_us, quick.label) == ("long", 2, 10_000, "quick")
    assert long.milliseconds(0.5) == pytest.approx(1, rel=0.05) and long.milliseconds(0.99) == pytest.approx(
        9, rel=0.05
    )


async def test_what_is_too_old_or_ahead_is_not_added(db: Database) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for at in (now - timedelta(hours=2), now + timedelta(hours=1)):
        await query_times.note(db, [QueryTimes("a.b", at, 60, 1, 0, 0, 0, 1, 1, {0: 1})])
    assert await query_times.times(db, now - timedelta(days=1), now + timedelta(days=1), label="a.b") == ()


async def test_what_could_not_be_kept_is_said_the_next_time(db: Database) -> None:
    await vocabulary.labels(db)
    said = db.queries.taken()
    db.queries.given_back(said)
    assert said and db.queries.taken() == said


async def test_minutes_become_hours_after_two_days_and_go_after_35(db: Database, conninfo: Conninfo) -> None:
    now = datetime.now(UTC)
    hour = (now - timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    rows = [(60, hour + timedelta(minutes=minute), "a.b", 40 + minute % 2) for minute in range(60)]
    rows += [
        (60, now - timedelta(hours=1), "a.b", 40),
        (3600, hour, "a.b", 40),
        (3600, now - timedelta(days=36), "a.b", 40),
    ]
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for span, at, label, bucket in rows:
            connection.execute(
                "INSERT INTO query_times VALUES (%s, %s, %s, 1, 0, 0, 2, 700, 700, jsonb_build_object(%s::text, 1))",
                [span, at, label, bucket],
            )
    while await query_times.roll_up(db):
        pass
    old, new = await query_times.times(db, now - timedelta(days=40), now + timedelta(hours=1), label="a.b")
    assert old == QueryTimes("a.b", hour, 3600, 61, 0, 0, 122, 61 * 700, 700, {40: 31, 41: 30})
    assert new.seconds == 60
    assert await query_times.roll_up(db) == 0


async def test_what_others_asked_with_is_for_administrators(db: Database, reviewer_db: Database) -> None:
    now = datetime.now(UTC)
    slow = Slow(now, "a.b", 600_000, 1, None, "SELECT :x", {})
    await query_times.note_slow(db, slow, {"x": 1}, None)
    await query_times.note_slow(reviewer_db, slow, {"x": 2}, None)
    since, until = now - timedelta(minutes=1), now + timedelta(minutes=1)
    assert {each.login for each in await query_times.slow_queries(db, since, until)} == {"ada", "rita"}
    (own,) = await query_times.slow_queries(reviewer_db, since, until, label="a.b")
    assert (own.login, own.parameters, own.duration_us) == ("rita", {"x": 2}, 600_000)


async def test_nobody_writes_into_the_log_past_its_functions(conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo("ada")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("INSERT INTO query_times VALUES (60, now(), 'x', 1, 0, 0, 0, 1, 1, '{}')")


async def test_a_workspace_says_what_is_slow(db: Database) -> None:
    from traintui.data import workspace_settings

    assert await query_times.slow_ms(db) == 500
    await workspace_settings.change(db, "slow_query_ms", 250)
    assert await query_times.slow_ms(db) == 250
    with pytest.raises(TraintuiError) as refused:
        await workspace_settings.change(db, "slow_query_ms", 1)
    assert "10 to 600,000 ms" in refused.value.message


def test_statements_are_the_same_whatever_their_lists_hold() -> None:
    one = "SELECT x FROM t WHERE id IN (%(id_1_1)s::BIGINT, %(id_1_2)s::BIGINT) AND y = %(y_1)s"
    other = "SELECT x\n FROM t WHERE id IN (%(id_1_1)s::BIGINT) AND y = %(y_2)s"
    assert statement_hash(one) == statement_hash(other) != statement_hash(one.replace("y =", "z ="))


def test_plans_are_the_same_whatever_they_cost_and_how_many_weeks_they_read() -> None:
    def plan(node: str, cost: float, weeks: int) -> list[dict[str, object]]:
        parts = [
            {"Node Type": node, "Relation Name": f"generation_logs_2026w{week}", "Total Cost": cost, "Plan Rows": 1}
            for week in range(10, 10 + weeks)
        ]
        return [{"Plan": {"Node Type": "Append", "Total Cost": cost, "Plan Rows": weeks, "Plans": parts}}]

    assert plan_hash(plan("Index Scan", 1.0, 2)) == plan_hash(plan("Index Scan", 9.0, 5))
    assert plan_hash(plan("Index Scan", 1.0, 2)) != plan_hash(plan("Seq Scan", 1.0, 2))
