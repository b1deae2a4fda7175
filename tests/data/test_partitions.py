"""The weeks of the generation log."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import psycopg

from homes import made_at
from support import ANSWERED, Conninfo, add_vocabulary, eventually, fetch, scalar, sqlstate, started
from traintui.data import attempts, work
from traintui.data.attempts import Outcome
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database

WEEKS = """
    SELECT inhrelid::regclass::text, pg_get_expr(relpartbound, oid) FROM pg_inherits
    JOIN pg_class ON oid = inhrelid WHERE inhparent = 'generation_logs'::regclass ORDER BY 1
"""


def monday_of(moment: datetime) -> datetime:
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def name_of(monday: datetime) -> str:
    year, week, _ = monday.isocalendar()
    return f"generation_logs_{year}w{week:02}"


async def drop_weeks(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for name, _ in await fetch(db, WEEKS):
            connection.execute(f"DROP TABLE {name}".encode())


async def test_this_week_and_four_more_are_there_and_no_default(db: Database) -> None:
    monday = monday_of(made_at())
    weeks = [monday + timedelta(weeks=ahead) for ahead in range(5)]
    found = await fetch(db, WEEKS)
    assert [name for name, _ in found] == [name_of(week) for week in weeks]
    for (_, bounds), week in zip(found, weeks, strict=True):
        assert f"FROM ('{week:%Y-%m-%d} 00:00:00+00') TO ('{week + timedelta(weeks=1):%Y-%m-%d} 00:00:00+00')" in bounds


async def test_making_weeks_again_makes_none(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo("arthur")) as connection:
        assert connection.execute("SELECT make_generation_partitions(4, %s)", [made_at()]).fetchone() == (0,)
        assert connection.execute("SELECT make_generation_partitions(6, %s)", [made_at()]).fetchone() == (2,)
    for statement in ("SELECT make_generation_partitions(1000000)", "SELECT make_generation_partitions(-1)"):
        assert sqlstate(conninfo("arthur"), statement) == "TT003"
    assert sqlstate(conninfo("rita"), "SELECT make_generation_partitions()") == "42501"


async def test_a_week_across_the_new_year_has_the_name_of_its_iso_year(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo("arthur")) as connection:
        connection.execute("SET TimeZone = 'Pacific/Auckland'")
        connection.execute("SELECT make_generation_partitions(0, '2027-01-01 12:00+00')")
    bounds = dict([tuple(row) for row in await fetch(db, WEEKS)])["generation_logs_2026w53"]
    assert "'2026-12-28 00:00:00+00'" in bounds and "'2027-01-04 00:00:00+00'" in bounds


async def test_two_processes_make_weeks_at_once(db: Database, conninfo: Conninfo) -> None:
    await drop_weeks(db, conninfo)
    together, made = threading.Barrier(3), []

    def make() -> None:
        with psycopg.connect(conninfo("arthur")) as connection:
            together.wait(60)
            row = connection.execute("SELECT make_generation_partitions(4, %s)", [made_at()]).fetchone()
            assert row is not None
            made.append(row[0])

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(made) == [0, 0, 5]
    assert len(await fetch(db, WEEKS)) == 5


async def test_a_missing_week_is_made_by_the_call_that_needs_it(db: Database, conninfo: Conninfo) -> None:
    await drop_weeks(db, conninfo)
    attempt = await started(db, None, None, kind="probe")
    await attempts.finish(db, attempt, ANSWERED)
    assert await scalar(db, "SELECT tableoid::regclass::text FROM generation_logs") == name_of(
        monday_of(attempt.created_at)
    )
    assert len(await fetch(db, WEEKS)) == 5


async def test_a_late_reply_finds_its_week_too(db: Database, conninfo: Conninfo) -> None:
    attempt = await started(db, None, None, kind="probe")
    await attempts.finish(db, attempt, Outcome("unknown"))
    # As when the call was made in the last week that there is: its row stands elsewhere, this week is missing.
    long_ago = "2026-01-07 12:00+00"
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SELECT make_generation_partitions(0, %s)", [long_ago])
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE generation_logs SET created_at = %s", [long_ago])
        for name, _ in await fetch(db, WEEKS):
            if name != "generation_logs_2026w02":
                connection.execute(f"DROP TABLE {name}".encode())
    moved = attempts.OpenAttempt(attempt.id, datetime.fromisoformat(long_ago + ":00"))
    await attempts.finish(db, moved, ANSWERED)
    late = await fetch(db, "SELECT state FROM generation_logs WHERE late_reply_to = :id", id=attempt.id)
    assert late == [("ok",)]


async def test_rows_land_in_their_week_at_the_boundary(db: Database, conninfo: Conninfo) -> None:
    monday = monday_of(made_at()) + timedelta(weeks=1)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        for moment in (monday - timedelta(microseconds=1), monday):
            connection.execute(
                "INSERT INTO generation_logs (created_at, kind, state, requested_by, endpoint, is_rehearsal, model,"
                " parameters, request_sha256) VALUES (%s, 'probe', 'sending', 'ada', '', false, '', '{}', '')",
                [moment],
            )
    rows = await fetch(db, "SELECT tableoid::regclass::text FROM generation_logs ORDER BY created_at")
    assert [row[0] for row in rows] == [name_of(monday - timedelta(weeks=1)), name_of(monday)]


async def test_a_worker_makes_the_weeks_ahead_when_it_begins(db: Database, conninfo: Conninfo) -> None:
    await add_vocabulary(db)
    await drop_weeks(db, conninfo)
    async with work.registered(db):

        async def made() -> bool:
            return len(await fetch(db, WEEKS)) == 5

        await eventually(made)


async def test_weeks_have_the_keys_and_indexes_of_the_whole(db: Database) -> None:
    week = name_of(monday_of(made_at()))
    count = "SELECT count(*) FROM pg_index WHERE indrelid = CAST(:name AS regclass) AND indisvalid"
    assert await scalar(db, count, name=week) == await scalar(db, count, name="generation_logs") == 22
