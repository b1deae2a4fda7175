"""Calls of all workers stand in one line: none goes before the provider's limits let it through."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support import Conninfo, logged_in
from traintui.data import limits, work
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.limits import Kind, Place, Told
from traintui.data.refusals import Refused

HERE, MODEL = "api", "claude-sonnet-5-5"


async def reserved(
    db: Database, *, worker_id: int | None = None, input_tokens: float = 10, output_tokens: float = 10
) -> Place:
    place = await limits.reserve(
        db, HERE, MODEL, worker_id=worker_id, input_tokens=input_tokens, output_tokens=output_tokens
    )
    assert isinstance(place, Place)
    return place


async def told(db: Database, **said: tuple[float, float]) -> None:
    """A response has said this of the limits."""
    place = await limits.reserve(db, HERE, MODEL, worker_id=None, input_tokens=0, output_tokens=0)
    assert isinstance(place, Place)
    await limits.settle(db, place, {}, {kind: Told(*each) for kind, each in said.items()})  # type: ignore[misc]


async def levels(db: Database) -> dict[Kind, float]:
    (line,) = await limits.lines(db)
    return {bucket.kind: bucket.level for bucket in line.buckets}


async def test_before_a_provider_has_named_its_limits_nobody_waits(db: Database) -> None:
    assert [(await reserved(db)).wait for _ in range(5)] == [0] * 5


async def test_who_comes_first_goes_first_and_the_others_wait_for_what_comes_in(db: Database) -> None:
    await told(db, requests=(60, 2))
    waits = [(await reserved(db)).wait for _ in range(5)]
    assert waits[:2] == [0, 0]
    assert waits[2:] == pytest.approx([1, 2, 3], abs=0.3)


async def test_a_large_call_is_not_overtaken_by_small_ones(db: Database) -> None:
    await told(db, output=(6_000, 500))
    large = await reserved(db, output_tokens=2_000)
    small = await reserved(db, output_tokens=10)
    assert large.wait == pytest.approx(15, abs=0.5) and small.wait > large.wait


async def test_a_call_larger_than_a_minute_goes_when_the_minute_is_full(db: Database) -> None:
    await told(db, output=(6_000, 3_000))
    assert (await reserved(db, output_tokens=50_000)).wait == pytest.approx(30, abs=0.5)


async def test_what_was_reserved_and_not_used_is_given_back(db: Database) -> None:
    await told(db, output=(6_000, 2_000))
    first = await reserved(db, output_tokens=2_000)
    assert (await levels(db))["output"] < 50
    await limits.settle(db, first, {"requests": 1, "output": 500}, {})
    assert (await levels(db))["output"] == pytest.approx(1_500, abs=60)


async def test_estimates_follow_what_such_calls_really_use(db: Database) -> None:
    await told(db, output=(100_000, 100_000))
    for _ in range(60):
        await limits.settle(db, await reserved(db, output_tokens=1_000), {"requests": 1, "output": 250}, {})
    before = (await levels(db))["output"]
    await reserved(db, output_tokens=1_000)
    assert before - (await levels(db))["output"] == pytest.approx(250, abs=60)


async def test_the_word_of_the_provider_counts_where_it_leaves_less(db: Database) -> None:
    await told(db, requests=(600, 600), output=(6_000, 6_000))
    under_way = await reserved(db, output_tokens=1_000)
    place = await reserved(db, output_tokens=1_000)
    # Somebody else uses the same account: 200 requests and 2,000 tokens are left, and 1,000 of them are under way.
    await limits.settle(
        db, place, {"requests": 1, "output": 900}, {"requests": Told(600, 200), "output": Told(6_000, 2_000)}
    )
    now = await levels(db)
    assert now["requests"] == pytest.approx(200, abs=5) and now["output"] == pytest.approx(1_000, abs=60)
    await limits.settle(db, under_way, {"requests": 1, "output": 1_000}, {"output": Told(6_000, 5_900)})
    assert (await levels(db))["output"] < 1_100


async def test_a_model_that_is_held_back_waits_on_every_worker(db: Database, conninfo: Conninfo) -> None:
    await limits.hold(db, HERE, MODEL, 30)
    async with logged_in(conninfo("arthur")) as elsewhere:
        place = await reserved(elsewhere)
        assert place.wait == pytest.approx(30, abs=0.5)
        assert await limits.turn_of(elsewhere, place) == pytest.approx(30, abs=0.5)
    early = await limits.reserve(db, HERE, "another", worker_id=None, input_tokens=1, output_tokens=1)
    assert isinstance(early, Place) and early.wait == 0


async def test_the_turns_of_a_worker_that_is_gone_are_given_back_and_what_it_sent_is_not(db: Database) -> None:
    await told(db, requests=(60, 1))
    async with work.registered(db) as worker_id:
        assert (await reserved(db, worker_id=worker_id)).wait == 0
        assert [(await reserved(db, worker_id=worker_id)).wait > 0 for _ in range(3)] == [True] * 3
    assert (await limits.lines(db))[0].waiting == 0
    assert (await levels(db))["requests"] == pytest.approx(0, abs=0.3)


async def test_a_server_that_names_no_limits_is_asked_as_much_at_once_as_it_answers_well(db: Database) -> None:
    async def answered(latency_ms: float, *, is_overloaded: bool = False) -> int | None:
        place = await limits.reserve(db, HERE, MODEL, worker_id=None, input_tokens=1, output_tokens=1)
        assert isinstance(place, Place)
        await limits.settle(db, place, {"requests": 1}, {}, latency_ms=latency_ms, is_overloaded=is_overloaded)
        return (await limits.lines(db))[0].most_at_once

    grown = [await answered(100) for _ in range(40)][-1]
    assert grown is not None and grown > 8
    assert await answered(100, is_overloaded=True) == grown // 2
    assert (await answered(5_000) or 0) <= grown // 4 + 1
    places = [await limits.reserve(db, HERE, MODEL, worker_id=None, input_tokens=1, output_tokens=1) for _ in range(9)]
    assert sum(isinstance(place, Place) for place in places) < 9  # the others ask again


async def test_a_reviewer_may_not_reserve(reviewer_db: Database) -> None:
    with pytest.raises(Refused):
        await limits.reserve(reviewer_db, HERE, MODEL, worker_id=None, input_tokens=1, output_tokens=1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=20), st.integers(0, 6_000))
async def test_no_more_goes_in_any_time_than_the_limit_lets_in(
    db: Database, conninfo: Conninfo, sizes: list[int], left: int
) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("TRUNCATE rate_reservations, rate_ratios, rate_limits, rate_buckets")
    await told(db, output=(6_000, left))
    waits = [(await reserved(db, output_tokens=size)).wait for size in sizes]
    assert waits == sorted(waits)
    for moment in waits:
        sent = sum(size for size, wait in zip(sizes, waits, strict=True) if wait <= moment)
        assert sent <= left + 100 * moment + 200  # 100 a second; what came in while the test ran
