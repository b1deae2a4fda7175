"""A queue is what waits and matches, in an order that memory and SQL agree on, with an exact number."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest
from pyroaring import BitMap
from sqlalchemy import case, func, select

from support import Conninfo, Wanted, add_vocabulary, approved, fetch, generated, imported
from traintui.data import coverage, review_queues, reviews
from traintui.data.bits import CONTAINER, shuffled
from traintui.data.coverage import Cell, Coverage
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.fields import FIELDS
from traintui.data.filters import Filter, parse
from traintui.data.listing import order_of
from traintui.data.live import Live
from traintui.data.models import Conversation as C
from traintui.data.queue_orders import CELL, LOWEST, OLDEST, ORDERS, RANDOM, UNCERTAIN, QueueOrders, emptiest, title_of
from traintui.data.review_queues import BEHIND, SIZE, QueueWindow, waiting

FILL = """
INSERT INTO conversations (persona, emotion, status, decision_id, quality_score, judge_score, turn_count, is_seed,
                           created_at, deleted_at)
SELECT (ARRAY['anxious_planner', 'busy_parent', NULL])[1 + n %% 3], (ARRAY['worried', 'calm'])[1 + n %% 2],
       CASE WHEN n %% 7 = 0 THEN 'approved' ELSE 'generated' END, CASE WHEN n %% 7 = 0 THEN 1 END,
       CASE WHEN n %% 5 > 0 THEN (n * 7919 %% 1001) / 100.0 END,
       CASE WHEN n %% 4 > 0 THEN (n * 613 %% 1001) / 100.0 END, 2, true,
       timestamptz '2026-11-01' - (n * 17 %% 576) * interval '1 minute', CASE WHEN n %% 50 = 0 THEN now() END
FROM generate_series(1, %s) AS n
"""


async def fill(db: Database, conninfo: Conninfo, rows: int) -> Live:
    await add_vocabulary(db)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(FILL, [rows])
    live = Live(db)
    await live.load()
    return live


@pytest.fixture
async def live(db: Database, conninfo: Conninfo) -> Live:
    """The copy of 1,200 conversations of which some thousand wait, with every tie and null that there can be."""
    return await fill(db, conninfo, 1_200)


async def shown(
    db: Database, live: Live | None, wanted: Filter, order: str, orders: QueueOrders, *, near: int | None, rank: int
) -> QueueWindow:
    """A window as Review asks for it."""
    await review_queues.prepare(db, live, wanted, order, orders)
    return await review_queues.window(db, live, wanted, order, orders, near=near, rank=rank)


async def all_of(live: Live, order: str, text: str = "", *, seed: int = 1) -> list[int]:
    """A queue from its beginning to its end, window by window."""
    orders, wanted = QueueOrders(seed), parse(waiting(text))
    found: list[str] = []
    while True:
        window = await shown(live.db, live, wanted, order, orders, near=None, rank=len(found) + BEHIND)
        assert window.ordered and window.start == len(found)
        found += window.ids
        if len(found) >= window.total:
            break
    rows = await fetch(live.db, "SELECT id, conversation_id FROM conversations")
    id_of = {row.conversation_id: row.id for row in rows}
    return [id_of[one] for one in found]


async def by_sql(db: Database, *order: object, text: str = "") -> list[int]:
    async with db.read() as connection:
        return list(await connection.scalars(select(C.id).where(parse(waiting(text)).where).order_by(*order)))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "persona:none score<7", "-judge>2"])
async def test_each_order_is_that_of_sql(live: Live, text: str) -> None:
    score, judge = func.coalesce(C.quality_score, C.judge_score), func.coalesce(C.judge_score, C.quality_score)
    doubt = func.abs(score - judge) - func.abs(score - Decimal("5.5"))
    assert await all_of(live, UNCERTAIN, text) == await by_sql(live.db, doubt.desc().nulls_last(), C.id, text=text)
    assert await all_of(live, LOWEST, text) == await by_sql(live.db, C.quality_score.nulls_last(), C.id, text=text)
    assert await all_of(live, OLDEST, text) == await by_sql(live.db, C.created_at, C.id, text=text)
    covered = await coverage.read(live.db, "persona", "emotion")
    places = [((C.persona == row) & (C.emotion == column), at) for at, (row, column) in enumerate(emptiest(covered))]
    place = case(*places)
    assert await all_of(live, CELL, text) == await by_sql(live.db, place.nulls_last(), C.id, text=text)
    assert await all_of(live, "-judge", text) == await by_sql(live.db, *order_of("-judge", FIELDS).sql, text=text)


async def test_a_random_order_has_everybody_once_and_stays_for_one_seed(live: Live) -> None:
    first, again, other = [await all_of(live, RANDOM, seed=seed) for seed in (7, 7, 8)]
    assert sorted(first) == sorted(other) == await by_sql(live.db, C.id)
    assert first == again != other and first != sorted(first)


async def test_a_random_order_keeps_its_place_when_others_decide(live: Live) -> None:
    before = await all_of(live, RANDOM)
    gone = before[::3]
    await approved(
        live.db,
        *[
            row.conversation_id
            for row in await fetch(
                live.db, "SELECT conversation_id FROM conversations WHERE id = ANY(:ids)", ids=gone[:5]
            )
        ],
    )
    await live.refresh()
    assert await all_of(live, RANDOM) == [one for one in before if one not in gone[:5]]


def test_a_shuffle_is_fair_and_reaches_beyond_one_container() -> None:
    luck = shuffled(2 * CONTAINER + 5, 3)
    ids = BitMap(range(1, 2 * CONTAINER))
    firsts = luck.window(ids, 0, 20_000, descending=False)
    assert len(set(firsts)) == 20_000
    # Half of them come from each half, to within five standard deviations.
    assert abs(sum(one < CONTAINER for one in firsts) - 10_000) < 5 * 71
    assert luck.rank(ids, firsts[777], descending=False) == 777


async def test_a_window_lies_around_what_is_on_the_screen(live: Live) -> None:
    everything = await by_sql(live.db, C.quality_score.nulls_last(), C.id)
    orders, wanted = QueueOrders(1), parse(waiting(""))
    window = await shown(live.db, live, wanted, LOWEST, orders, near=everything[700], rank=0)
    assert (window.start, window.total) == (700 - BEHIND, len(everything))
    assert len(window.ids) == min(SIZE, len(everything) - window.start)
    assert window.ids[BEHIND] == (await review_queues.still_waiting(live.db, [everything[700]]))[0]
    # What is not in the queue has no rank there: the one that was given counts.
    assert (await shown(live.db, live, wanted, LOWEST, orders, near=10**8, rank=200)).start == 120


@pytest.mark.parametrize("order", [order.text for order in ORDERS])
async def test_a_queue_of_nothing_is_empty_in_every_order(live: Live, order: str) -> None:
    wanted = parse(waiting("status:approved"))
    found = await shown(live.db, live, wanted, order, QueueOrders(1), near=None, rank=0)
    assert found == QueueWindow((), 0, 0)


async def test_before_the_copy_is_there_the_lowest_scores_come_with_the_exact_number(live: Live) -> None:
    early, wanted = Live(live.db), parse(waiting("persona:none"))
    found = await shown(live.db, early, wanted, RANDOM, QueueOrders(1), near=None, rank=0)
    assert not found.ordered and found.start == 0
    assert found.total == review_queues.total(live, wanted, QueueOrders(1))
    assert review_queues.total(early, wanted, QueueOrders(1)) is None
    assert list(found.ids) == list(await reviews.queue(live.db, wanted))
    assert (await shown(live.db, None, wanted, LOWEST, QueueOrders(1), near=None, rank=0)).ordered


async def test_a_filter_that_the_server_answers_makes_a_queue_too(db: Database) -> None:
    _, second = await imported(db, 2)
    live = Live(db)
    await live.load()
    wanted = parse(waiting(f"id:{second}"))
    found = await shown(db, live, wanted, LOWEST, QueueOrders(1), near=None, rank=0)
    assert (found.ids, found.total) == ((second,), 1)


async def test_what_was_decided_since_the_copy_looked_does_not_come_back(db: Database) -> None:
    first, second = await imported(db, 2)
    live = Live(db)
    await live.load()
    await approved(db, first)
    found = await shown(db, live, parse(waiting("")), LOWEST, QueueOrders(1), near=None, rank=0)
    assert (found.ids, found.total) == ((second,), 1)


def cells(**held: tuple[int, int | None]) -> Coverage:
    made = {(name[0], name[1]): Cell(name[0], name[1], approved=number, target=target, planned=9)
            for name, (number, target) in held.items()}  # fmt: skip
    return Coverage("persona", "emotion", (), (), made, 0, True)


def test_the_cell_with_the_smallest_share_of_its_target_comes_first_then_those_without_one() -> None:
    found = emptiest(cells(aa=(5, None), ab=(3, 4), ac=(1, 10), ad=(0, None), ae=(0, 0), af=(2, 20)))
    assert found == (("a", "c"), ("a", "f"), ("a", "b"), ("a", "d"), ("a", "e"), ("a", "a"))


async def test_the_next_cell_comes_as_the_first_one_fills(db: Database) -> None:
    await add_vocabulary(db)
    one, other = Wanted(), Wanted(persona="busy_parent", emotion="calm")
    first, second, third = await generated(db, wanted=[one, other, one])
    live = Live(db)
    await live.load()
    wanted, orders = parse(waiting("")), QueueOrders(1)
    assert (await shown(db, live, wanted, CELL, orders, near=None, rank=0)).ids == (first, third, second)
    await approved(db, first)
    await live.refresh()
    assert (await shown(db, live, wanted, CELL, orders, near=None, rank=0)).ids == (second, third)


def test_every_order_has_a_title_that_says_which_way_it_goes() -> None:
    assert [title_of(order.text, FIELDS) for order in ORDERS] == [order.title for order in ORDERS]
    assert (title_of("-judge", FIELDS), title_of("persona", FIELDS)) == ("Judge ▼", "Persona ▲")
    assert title_of("", FIELDS) == title_of("meta.gone", FIELDS) == "Newest first"
