"""Calls of all workers stand in one line: none goes before the provider's limits let it through."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import Conninfo, logged_in
from traintui.data import limits, work
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.limits import Kind, Told
from traintui.data.refusals import Refused

HERE, MODEL = "api", "claude-sonnet-5-5"


async def placed(
    db: Database, *, worker_id: int | None = None, input_tokens: float = 10, output_tokens: float = 10
) -> int:
    return await limits.reserve(
        db, HERE, MODEL, worker_id=worker_id, input_tokens=input_tokens, output_tokens=output_tokens
    )


async def turn(db: Database, place: int) -> float:
    wait = await limits.take_turn(db, place)
    assert wait is not None
    return wait


async def sent(db: Database, **given: float) -> int:
    """A call that may go at once."""
    place = await placed(db, **given)  # type: ignore[arg-type]
    assert await turn(db, place) == 0
    return place


@dataclass(frozen=True)
class Moment:
    """Something happened in the database, not before `first` nor after `last` by the clock here. How far these are
    apart is up to the machine."""

    first: float
    last: float

    def is_after(self, other: Moment, seconds: float) -> bool:
        """Whether it may have been so long after another one."""
        return self.first - other.last - 0.1 <= seconds <= self.last - other.first + 0.1


async def told(db: Database, **said: tuple[float, float]) -> Moment:
    """A response has said this of the limits; when."""
    place = await sent(db, input_tokens=0, output_tokens=0)
    began = time.monotonic()
    await limits.settle(db, place, {}, {kind: Told(*each) for kind, each in said.items()})  # type: ignore[misc]
    return Moment(began, time.monotonic())


async def goes(db: Database, place: int) -> Moment:
    """When a call may go; one that may go now may have been free to go for long."""
    asked = time.monotonic()
    wait = await turn(db, place)
    return Moment(asked + wait if wait else float("-inf"), time.monotonic() + wait)


async def levels(db: Database) -> dict[Kind, float]:
    (line,) = await limits.lines(db)
    return {bucket.kind: bucket.level for bucket in line.buckets}


async def test_until_a_provider_has_answered_once_one_call_asks_it_what_it_allows(db: Database) -> None:
    first, second = await placed(db), await placed(db)
    assert await turn(db, first) == 0 and await turn(db, second) > 0
    await limits.settle(db, first, {"requests": 1}, {"requests": Told(60, 59)})
    assert await turn(db, second) == 0


async def test_who_comes_first_goes_first_and_the_others_wait_for_what_comes_in(db: Database) -> None:
    began = await told(db, requests=(6, 2))  # one more comes in every ten seconds
    places = [await placed(db) for _ in range(5)]
    for place, seconds in ((4, 30), (3, 20), (2, 10), (1, 0), (0, 0), (2, 10), (3, 20), (4, 30)):
        assert (await goes(db, places[place])).is_after(began, seconds), place


async def test_a_large_call_is_not_overtaken_by_small_ones(db: Database) -> None:
    began = await told(db, output=(6_000, 500))
    large, small = await placed(db, output_tokens=2_000), await placed(db, output_tokens=10)
    assert (await goes(db, large)).is_after(began, 15)
    assert await turn(db, small) > await turn(db, large)


async def test_a_call_larger_than_a_minute_goes_when_the_minute_is_full(db: Database) -> None:
    began = await told(db, output=(6_000, 3_000))
    assert (await goes(db, await placed(db, output_tokens=50_000))).is_after(began, 30)


async def test_what_was_taken_and_not_used_is_given_back_and_others_go_sooner(db: Database) -> None:
    began = await told(db, output=(6_000, 2_000))
    first, second = await sent(db, output_tokens=2_000), await placed(db, output_tokens=2_000)
    assert (await goes(db, second)).is_after(began, 20)
    await limits.settle(db, first, {"requests": 1, "output": 500}, {})
    # 1,500 came back, and such calls are known to use a quarter of what was thought.
    assert await turn(db, second) == 0


async def test_who_waits_takes_nothing_and_leaves_nothing(db: Database) -> None:
    began = await told(db, output=(6_000, 100))
    places = [await placed(db, output_tokens=4_000) for _ in range(3)]
    assert 50 < (await levels(db))["output"] < 200 + 100 * (time.monotonic() - began.first)  # 100 come in a second
    for place in places:
        await limits.settle(db, place, {}, {})
    assert 50 < (await levels(db))["output"] < 200 + 100 * (time.monotonic() - began.first)
    assert await turn(db, await placed(db, output_tokens=100)) < 1


async def test_estimates_follow_what_such_calls_really_use(db: Database) -> None:
    await told(db, output=(20_000, 20_000))
    for _ in range(60):
        await limits.settle(db, await sent(db, output_tokens=1_000), {"requests": 1, "output": 250}, {})
    began = time.monotonic()
    before = (await levels(db))["output"]
    await sent(db, output_tokens=1_000)
    taken = before - (await levels(db))["output"]
    # 333 a second come in meanwhile, the fewer the quicker it was asked.
    assert 190 - 334 * (time.monotonic() - began) < taken < 310


async def test_where_somebody_else_uses_the_same_account_the_word_of_the_provider_counts(db: Database) -> None:
    await told(db, requests=(600, 600), output=(6_000, 6_000))
    place = await sent(db, output_tokens=1_000)
    said: dict[Kind, Told] = {"requests": Told(600, 200), "output": Told(6_000, 2_000)}
    began = time.monotonic()
    await limits.settle(db, place, {"requests": 1, "output": 1_000}, said)
    now = await levels(db)
    seconds = time.monotonic() - began  # in each of which 10 requests and 100 tokens come in
    assert 150 < now["requests"] < 250 + 10 * seconds and 1_500 < now["output"] < 2_500 + 100 * seconds


async def test_what_a_response_said_of_the_time_it_was_asked_takes_nothing_that_came_in_since(db: Database) -> None:
    await told(db, requests=(60_000, 2))
    place = await sent(db)
    await asyncio.sleep(0.2)  # in which 200 requests come in
    await limits.settle(db, place, {"requests": 1}, {"requests": Told(60_000, 1)})
    assert (await levels(db))["requests"] > 100


async def test_a_model_that_is_held_back_waits_on_every_worker(db: Database, conninfo: Conninfo) -> None:
    began = time.monotonic()
    await limits.hold(db, HERE, MODEL, 30)
    held = Moment(began, time.monotonic())
    async with logged_in(conninfo("arthur")) as elsewhere:
        assert (await goes(elsewhere, await placed(elsewhere))).is_after(held, 30)
    early = await limits.reserve(db, HERE, "another", worker_id=None, input_tokens=1, output_tokens=1)
    assert await turn(db, early) == 0


async def test_the_places_of_a_worker_that_is_gone_are_given_up_and_what_it_sent_counts(db: Database) -> None:
    began = await told(db, requests=(6, 1))
    async with work.registered(db) as worker_id:
        await sent(db, worker_id=worker_id)
        for _ in range(3):
            await placed(db, worker_id=worker_id)
    (line,) = await limits.lines(db)
    assert (line.waiting, line.under_way) == (0, 0)
    assert (await goes(db, await placed(db))).is_after(began, 10)


async def test_a_server_that_names_no_limits_is_asked_as_much_at_once_as_it_answers_well(db: Database) -> None:
    async def answered(latency_ms: float, *, is_overloaded: bool = False) -> int | None:
        place = await sent(db)
        await limits.settle(db, place, {"requests": 1}, {}, latency_ms=latency_ms, is_overloaded=is_overloaded)
        return (await limits.lines(db))[0].most_at_once

    grown = [await answered(100) for _ in range(40)][-1]
    assert grown is not None and grown > 8
    assert await answered(100, is_overloaded=True) == grown // 2
    most = await answered(5_000)
    assert most is not None and most <= grown // 4 + 1
    places = [await placed(db) for _ in range(most + 2)]
    assert [await turn(db, place) == 0 for place in places] == [True] * most + [False] * 2


async def test_a_reviewer_may_not_reserve(reviewer_db: Database) -> None:
    with pytest.raises(Refused):
        await placed(reviewer_db)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=20), st.integers(1, 6_000))
async def test_no_more_goes_in_any_time_than_the_limit_lets_in(
    db: Database, conninfo: Conninfo, sizes: list[int], left: int
) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("TRUNCATE rate_reservations, rate_ratios, rate_limits, rate_buckets")
    began = time.monotonic()
    await told(db, output=(6_000, left))
    places = [await placed(db, output_tokens=size) for size in sizes]
    waits, soonest, latest = [], [], []
    for place in places:
        soonest.append(time.monotonic())
        waits.append(await turn(db, place))
        latest.append(time.monotonic())
    turns = zip(soonest, latest, waits, strict=True)
    for (asked, _, wait), (_, told_at, later) in itertools.pairwise(turns):
        assert told_at + later >= asked + wait - 0.01
    for moment in waits:
        gone = sum(size for size, wait in zip(sizes, waits, strict=True) if wait <= moment)
        assert gone <= left + 100 * (moment + latest[-1] - began) + 200  # 100 a second, also while the test ran
