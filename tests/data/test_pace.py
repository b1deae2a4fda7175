"""Pace is what one decides while one works: pauses, bulks and what was undone do not count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from support import Conninfo, approved, imported, logged_in, seen
from traintui import clock
from traintui.data import bulk, conversations, pace, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.pace import Day, Pace, pace_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(*minutes: float) -> list[datetime]:
    """Moments so many minutes ago, the newest first."""
    return [NOON - timedelta(minutes=each) for each in minutes]


@pytest.mark.parametrize(
    ("moments", "per_hour"),
    [
        ([], None), (at(0), None), (at(0, 5), None),  # too few
        (at(0, 6, 12), 10), (at(0, 1, 2, 3), 60),
        (at(0, 6, 12, 42, 48), 10),  # half an hour for lunch is no work
        (at(0, 6, 12, 600, 601, 602), 10),  # this morning was another stretch
        (at(0, 20, 40, 60), None),  # nothing but pauses
        (at(0, 0, 0, 0), None),
    ],
)  # fmt: skip
def test_pauses_are_cut_out_and_the_last_stretch_counts(moments: Sequence[datetime], per_hour: float | None) -> None:
    assert pace_of(moments) == (None if per_hour is None else pytest.approx(per_hour))


def test_a_pace_follows_what_one_reads_now() -> None:
    slow = [NOON - timedelta(minutes=60) - timedelta(minutes=10 * each) for each in range(100)]
    quick = [NOON - timedelta(minutes=each) for each in range(pace.STRETCH + 1)]
    assert pace_of([*quick, *slow]) == pytest.approx(60)


def test_the_rest_takes_what_the_pace_says() -> None:
    assert Pace(per_hour=9).hours_for(18) == pytest.approx(2)
    assert Pace().hours_for(18) is None


async def decided(db: Database, conninfo: Conninfo, moments: Sequence[datetime], *, reject: int = 0) -> list[str]:
    """Decisions of the login of `db` at these moments; the first `reject` of them say no."""
    ids = await imported(db, len(moments))
    for place, one in enumerate(ids):
        action: reviews.Action = "reject" if place < reject else "approve"
        await reviews.decide(db, await seen(db, one), action, key=reviews.new_key(), duration_ms=1_000 * (place + 1))
    move(conninfo, ids, moments)
    return ids


def move(conninfo: Conninfo, ids: Sequence[str], moments: Sequence[datetime]) -> None:
    """What was done to conversations was done at these moments."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        for one, moment in zip(ids, moments, strict=True):
            connection.execute('UPDATE review_logs SET "timestamp" = %s WHERE conversation_id = %s', [moment, one])


async def test_today_begins_at_midnight_where_one_lives(db: Database, conninfo: Conninfo) -> None:
    await decided(db, conninfo, at(0, 6, 12, 13 * 60, 26 * 60))
    with clock.fixed(NOON):
        assert await pace.read(db, zone=UTC) == Pace(3, 10.0)
        assert (await pace.read(db, zone=ZoneInfo("America/New_York"))).today == 3
        assert (await pace.read(db, zone=ZoneInfo("Asia/Kolkata"))).today == 4
    assert await pace.in_all(db) == 5


async def test_what_was_undone_decided_for_many_or_decided_by_others_does_not_count(
    db: Database, conninfo: Conninfo
) -> None:
    ids = first, second, third, fourth = await imported(db, 4)
    await approved(db, first, second)
    await reviews.undo_last(db, key=reviews.new_key())
    with clock.fixed(NOON):
        async with logged_in(conninfo("rita")) as rita:
            await approved(rita, third)
            move(conninfo, ids, [NOON] * 4)
            assert ((await pace.read(rita)).today, await pace.in_all(rita)) == (1, 1)
        rows = [(await conversations.read(db, one)).row for one in (second, fourth)]
        await bulk.decide(db, [row.id for row in rows], "approve", seen=await bulk.snapshot(db))
        move(conninfo, ids, [NOON] * 4)
        assert ((await pace.read(db)).today, await pace.in_all(db)) == (1, 1)
        assert sum(day.decided for day in await pace.days(db)) == 1


async def test_what_was_undone_makes_nobody_faster(db: Database, conninfo: Conninfo) -> None:
    await decided(db, conninfo, at(0, 6, 12, 13))
    with clock.fixed(NOON):
        assert (await pace.read(db, zone=UTC)).per_hour == pytest.approx(3 * 60 / 13)
        await reviews.undo_last(db, key=reviews.new_key())
        assert (await pace.read(db, zone=UTC)).per_hour == pytest.approx(2 * 60 / 12)


async def test_each_of_the_last_fourteen_days_says_how_it_went(db: Database, conninfo: Conninfo) -> None:
    await decided(db, conninfo, [*at(0, 1, 2), NOON - timedelta(days=2), NOON - timedelta(days=20)], reject=1)
    with clock.fixed(NOON):
        found = await pace.days(db, zone=UTC)
    assert len(found) == 14
    assert found[0] == Day(datetime(2026, 11, 20, tzinfo=UTC), 3, 2, 2.0)
    assert found[0].approve_rate == pytest.approx(2 / 3)
    assert found[1] == Day(datetime(2026, 11, 19, tzinfo=UTC)) and found[1].approve_rate is None
    assert (found[2].decided, found[2].seconds) == (1, 4.0)
    assert sum(day.decided for day in found) == 4
