"""What somebody has open is theirs: nobody else gets it from the queue, until they leave it or their lease ends."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from uuid import UUID, uuid4

import psycopg
import pytest

from support import Conninfo, approved, beside, eventually, fetch, imported, logged_in, scalar, seen, sqlstate
from traintui import clock
from traintui.data import reservations, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.reservations import Reservation
from traintui.screens.review_reservation import ReviewReservation

HERE, THERE = uuid4(), uuid4()


async def mine(
    db: Database, window: UUID, wanted: list[str], number: int = 1, *, shown: str | None = None, seconds: float = 60
) -> list[str]:
    """What a window has of the wanted ones, in their order, after it asked."""
    found = await reservations.reserve(db, window, wanted, number, shown=shown, seconds=seconds)
    return [one for one in wanted if one in found and found[one].is_mine]


async def test_two_reviewers_get_different_ones(db: Database, reviewer_db: Database) -> None:
    ids = await imported(db, 5)
    assert await mine(db, HERE, ids, 3) == ids[:3]
    assert await mine(reviewer_db, THERE, ids, 3) == ids[3:]


async def test_others_hear_who_has_it_and_for_how_long(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db)
    began = clock.ticks()
    await mine(reviewer_db, THERE, [one])
    held = (await reservations.reserve(db, HERE, [one], 1))[one]
    assert (held.reviewer_id, held.is_mine) == ("rita", False)
    assert 59 - (clock.ticks() - began) < held.seconds_left <= 60
    assert [(each.conversation_id, each.reviewer_id) for each in (await reservations.current(db)).values()] == [
        (one, "rita")
    ]


async def test_two_windows_of_one_person_get_different_ones(db: Database) -> None:
    first, second = await imported(db, 2)
    assert await mine(db, HERE, [first, second]) == [first]
    assert await mine(db, THERE, [first, second]) == [second]


async def test_what_is_left_is_free_at_once(db: Database, reviewer_db: Database) -> None:
    first, second = await imported(db, 2)
    await mine(db, HERE, [first])
    await reservations.reserve(db, HERE, [second], 1, leave=[first])
    assert await mine(reviewer_db, THERE, [second, first]) == [first]


async def test_two_windows_that_go_to_what_the_other_left_do_not_wait_for_each_other(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    first, second = await imported(db, 2)
    await mine(db, HERE, [first])
    await mine(reviewer_db, THERE, [second])
    async with await psycopg.AsyncConnection.connect(conninfo(SUPERUSER), autocommit=True) as owner:
        await owner.execute("UPDATE reservations SET lease_until = now() - interval '1 second'")
    ask = "SELECT count(*) FROM reserve(%s, %s, 1, NULL, %s, 60) WHERE is_mine"
    async with await psycopg.AsyncConnection.connect(conninfo("ada")) as here:
        await here.execute(ask, (HERE, [], [first]))
        there = asyncio.create_task(reservations.reserve(reviewer_db, THERE, [first], 1, leave=[second]))
        await beside(there, eventually(partial(somebody_waits, db)))
        found = await here.execute(ask, (HERE, [second], []))
        assert await found.fetchone() == (1,)
        await here.commit()
    assert (await asyncio.wait_for(there, 60))[first].is_mine
    assert await mine(db, HERE, [second]) == [second]


async def somebody_waits(db: Database) -> bool:
    waits = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database()"
    )
    return bool(await scalar(db, waits))


async def test_nobody_lets_go_of_what_another_has(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db)
    await mine(db, HERE, [one])
    await reservations.reserve(reviewer_db, THERE, [], 1, leave=[one])
    await reservations.release(reviewer_db, HERE)
    assert await mine(reviewer_db, THERE, [one]) == []


async def test_a_lease_ends_by_itself(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db)
    await mine(db, HERE, [one], seconds=1)

    async def free() -> bool:
        return await mine(reviewer_db, THERE, [one]) == [one]

    assert not await free()
    await eventually(free)
    held = (await reservations.reserve(db, HERE, [one], 1))[one]
    assert (held.reviewer_id, held.is_mine) == ("rita", False)


async def test_who_works_keeps_it(db: Database) -> None:
    (one,) = await imported(db)
    await mine(db, HERE, [one], seconds=30)
    # 60 seconds are asked for, of which less than two thirds are left: the lease begins anew.
    assert (await reservations.reserve(db, HERE, [one], 1))[one].seconds_left > 55


async def test_asking_again_writes_nothing_while_the_lease_is_long_enough(db: Database) -> None:
    ids = await imported(db, 3)
    await mine(db, HERE, ids, 3)
    before = await fetch(db, "SELECT ctid, lease_until FROM reservations ORDER BY 1")
    assert await mine(db, HERE, ids, 3) == ids
    assert await fetch(db, "SELECT ctid, lease_until FROM reservations ORDER BY 1") == before


async def test_only_what_waits_comes_from_the_queue_and_any_status_may_be_open(db: Database) -> None:
    decided, waiting = await imported(db, 2)
    await approved(db, decided)
    assert await mine(db, HERE, [decided, waiting], 2) == [waiting]
    assert await mine(db, HERE, [decided, waiting], 2, shown=decided) == [decided, waiting]


async def test_what_is_being_decided_at_this_moment_is_passed_by(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    first, second = await imported(db, 2)
    async with logged_in(conninfo("ron")) as other, other.write() as connection:
        looked = await seen(db, first)
        await connection.exec_driver_sql(
            "SELECT decide(%s, 'approve', %s, %s, 'k')", (first, looked.revision, looked.decision_id)
        )
        assert await asyncio.wait_for(mine(reviewer_db, THERE, [first, second]), 60) == [second]


async def test_taking_over_is_on_record_and_the_same_key_does_it_once(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db)
    await mine(reviewer_db, THERE, [one])
    key = reviews.new_key()
    entry = await reservations.take_over(db, HERE, one, key=key)
    assert entry is not None and (entry.action, entry.reviewer_id, entry.status_after) == (
        "takeover",
        "ada",
        "generated",
    )
    assert await scalar(db, "SELECT details->>'from' FROM review_logs WHERE id = :id", id=entry.id) == "rita"
    assert await reservations.take_over(db, HERE, one, key=key) == entry
    held = (await reservations.reserve(reviewer_db, THERE, [one], 1))[one]
    assert held == Reservation(one, "ada", held.seconds_left)


async def test_taking_what_nobody_has_is_no_event(db: Database) -> None:
    (one,) = await imported(db)
    assert await reservations.take_over(db, HERE, one, key=reviews.new_key()) is None
    assert await reservations.take_over(db, THERE, one, key=reviews.new_key()) is None  # one's own other window
    assert await mine(db, THERE, [one]) == [one]
    with pytest.raises(Refused, match="Not found"):
        await reservations.take_over(db, HERE, "c_none", key=reviews.new_key())


@pytest.mark.parametrize("seconds", ["0.5", "601", "'infinity'", "'NaN'", "NULL"])
async def test_nobody_takes_anything_over_for_longer_than_a_lease(
    conninfo: Conninfo, db: Database, seconds: str
) -> None:
    (one,) = await imported(db)
    call = f"SELECT * FROM take_over(gen_random_uuid(), '{one}', 'k', {seconds})"
    assert sqlstate(conninfo("rita"), call) == "TT003"
    assert await reservations.current(db) == {}


async def test_a_takeover_keeps_nothing_from_being_undone(db: Database, reviewer_db: Database) -> None:
    (one,) = await imported(db)
    await reviews.set_flag(db, one, True, key=reviews.new_key())
    await mine(reviewer_db, THERE, [one])
    await reservations.take_over(db, HERE, one, key=reviews.new_key())
    assert (await reviews.undo_last(db, key=reviews.new_key())).conversation_id == one


async def test_who_leaves_leaves_nothing_behind(db: Database, reviewer_db: Database) -> None:
    ids = await imported(db, 3)
    await mine(db, HERE, ids, 3)
    await reservations.release(db, HERE)
    assert await mine(reviewer_db, THERE, ids, 3) == ids


@pytest.mark.parametrize("login", ["audrey"])
async def test_only_who_may_review_reserves(conninfo: Conninfo, db: Database, login: str) -> None:
    await imported(db)
    call = "SELECT * FROM reserve(gen_random_uuid(), '{}', 1, NULL, '{}', 60)"
    assert sqlstate(conninfo(login), call) == "42501"
    assert sqlstate(conninfo("rita"), "INSERT INTO reservations VALUES (1, 'ron', gen_random_uuid(), now())") == "42501"


async def test_eight_at_once_decide_each_conversation_once(db: Database, conninfo: Conninfo) -> None:
    ids = await imported(db, 120)
    async with AsyncExitStack() as stack:
        logins = ["ada", "arthur", "rita", "ron"] * 2
        people = [await stack.enter_async_context(logged_in(conninfo(login))) for login in logins]

        async def work(person: Database) -> list[str]:
            """Decides what comes from the queue until nothing does."""
            window, decided = uuid4(), list[str]()
            while queue := list(await reviews.queue(person, limit=30)):
                held = await mine(person, window, queue, 3)
                for one in held:
                    await reviews.decide(person, await seen(person, one), "approve", key=reviews.new_key())
                    decided.append(one)
                await reservations.release(person, window)
            return decided

        done = await asyncio.gather(*(work(person) for person in people))
    assert sorted(one for each in done for one in each) == sorted(ids)
    assert await scalar(db, "SELECT count(*) FROM review_logs WHERE action = 'approve'") == len(ids)


async def test_what_is_being_decided_stays_reserved_until_it_is_saved(db: Database, reviewer_db: Database) -> None:
    first, second, third = await imported(db, 3)
    here, there = ReviewReservation(uuid4()), ReviewReservation(uuid4())
    await here.keep(db, [first, second, third], 1, shown=None)
    await here.keep(db, [second, third], 1, shown=None, deciding=[first])
    await there.keep(reviewer_db, [first, second, third], 3, shown=None)
    assert [there.has(one) for one in (first, second, third)] == [False, False, True]
    await here.keep(db, [second, third], 1, shown=None)
    await there.keep(reviewer_db, [first, second, third], 3, shown=None)
    assert there.has(first), "it was saved, or refused: it is let go of with the next question"
