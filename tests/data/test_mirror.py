"""The copy in memory answers as SQL does, at every moment, whoever writes meanwhile."""

from __future__ import annotations

import asyncio
import random
import struct
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from sqlalchemy import select

from support import Conninfo, add_vocabulary, imported, logged_in, scalar
from traintui.data import conversations, counting
from traintui.data.bits import CONTAINER, BitSliced, members, sliced
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.feed import FeedLost, Mark, changed_since, here
from traintui.data.fields import FIELDS, code_of
from traintui.data.filters import parse
from traintui.data.finding import find
from traintui.data.first_rows import FIRST_ROWS, is_served
from traintui.data.listing import NEWEST, Order, order_of
from traintui.data.live import Live
from traintui.data.mirror_reading import MANY, load, read_part, stretches_of
from traintui.data.models import Conversation as C

FILL = """
INSERT INTO conversations (persona, emotion, topic, intent, tone, tier, status, decision_id, quality_score, turn_count,
                           created_at, updated_at, model, cost_usd, reviewed_at, flagged, is_seed, is_rehearsal,
                           deleted_at, judge_score)
SELECT CASE WHEN n %% 7 > 0 THEN 'anxious_planner' END, 'worried', 'overdraft_fees', 'understand',
       (ARRAY['formal', 'warm', NULL])[1 + n %% 3], (ARRAY['template', 'scenario', 'edge_case', NULL])[1 + n %% 4],
       (ARRAY['planned', 'generating', 'generated', 'approved', 'rejected', 'failed'])[1 + n %% 6], 1,
       CASE WHEN n %% 5 > 0 THEN (n * 7919 %% 1001) / 100.0 END, n %% 9,
       timestamptz '2026-11-01' - (n * 17 %% 57600) * interval '1 minute',
       timestamptz '2026-11-01' + (n * 7919 %% 100000) * interval '1 millisecond', (ARRAY['m1', NULL])[1 + n %% 2],
       CASE WHEN n %% 3 > 0 THEN (n * 104729 %% 1000000) / 1000000.0 END,
       CASE WHEN n %% 4 > 0 THEN timestamptz '2026-10-20' + n * interval '1 second' END,
       n %% 11 = 0, true, n %% 13 = 0, CASE WHEN n %% 50 = 0 THEN now() END,
       CASE WHEN n %% 4 > 0 THEN (n * 613 %% 1001) / 100.0 END
FROM generate_series(%s::int, %s::int) AS n
"""
ORDERS = [NEWEST, *(Order(field, descending) for field in FIELDS.values() for descending in (False, True))]

WORDS = (
    "status:generated", "status:approved,rejected", "-status:planned", "persona:none", "-persona:anxious_planner",
     "tone:warm", "tone:formal,none", "-tone:none", "tier:edge_case,template", "model:none", "model:m1", "score>=5",
     "score<2.5", "-score>3", "score:4..6", "judge>=7", "-judge<7", "turns:2", "turns>6", "cost>0.5", "cost<=0.25",
     "created>=2026-10-10",
     "created:2026-10-01..2026-10-05", "updated<2026-11-02", "reviewed>2026-10-19", "-reviewed<2027-01-01",
     "is:flagged", "-is:flagged", "is:rehearsal,flagged", "is:seed", "is:deleted", "is:deleted,flagged",
)  # fmt: skip
words = st.sampled_from(WORDS)


def write_at_random(conninfo: str, seed: int, times: int) -> None:
    """Transactions of one writer: changes of every kind, some taken back, some open for a while."""
    luck = random.Random(seed)
    with psycopg.connect(conninfo) as connection:
        for _ in range(times):
            kind = luck.randrange(5)
            if kind == 0:
                connection.execute(
                    "UPDATE conversations SET flagged = NOT flagged WHERE id %% 17 = %s", [luck.randrange(17)]
                )
            elif kind == 1:
                connection.execute(
                    "UPDATE conversations SET quality_score = %s, tone = %s WHERE id = ANY(%s)",
                    [luck.randrange(1001) / 100, luck.choice(["formal", "warm", None]),
                     [luck.randrange(1, 400) for _ in range(5)]],
                )  # fmt: skip
            elif kind == 2:
                connection.execute(
                    "DELETE FROM conversations WHERE id = %s AND turn_count = 0", [luck.randrange(1, 400)]
                )
            elif kind == 3:
                connection.execute(
                    "INSERT INTO conversations (is_seed, status, turn_count, model) VALUES (true, 'failed', 0, 'm1')"
                )
            else:
                connection.execute(
                    "UPDATE conversations SET deleted_at = now() WHERE id = %s", [luck.randrange(1, 400)]
                )
            connection.rollback() if luck.random() < 0.2 else connection.commit()


@pytest.fixture
async def filled(db: Database, conninfo: Conninfo) -> Database:
    """300 conversations with every value, null and tie that there can be."""
    await add_vocabulary(db)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(FILL, [1, 300])
    return db


async def compare(db: Database, live: Live, text: str, order: Order) -> None:
    """Counts, facets, windows and ranks of one moment, in memory and by SQL."""
    wanted = parse(text)
    async with db.read() as connection:
        assert live._mark is not None
        live._mark, changed = await changed_since(connection, live._mark)
        parts = [await read_part(connection, ids, live.fields) for ids in stretches_of(changed)]
        live._take(parts, {}, BitMap(changed))
        rows = list(await connection.scalars(select(C.id).where(wanted.where).order_by(*order.sql)))
        total = await counting.total(connection, wanted)
        facets = await counting.facets(connection, wanted, FIELDS)
    listing = live.listing(wanted, order)
    assert listing is not None and listing.complete
    assert listing.total == total == len(rows)
    assert list(listing.ids(0, len(rows) + 9)) == rows, (text, order.text)
    for start in (0, len(rows) // 3, max(0, len(rows) - 7)):
        assert list(listing.ids(start, 7)) == rows[start : start + 7]
    for rank in range(0, len(rows), 23):
        assert listing.rank(rows[rank]) == rank
    assert listing.rank(10**9) is None
    counted = live.facets(wanted)
    assert counted is not None
    assert {name: {value: n for value, n in counts.items() if n} for name, counts in counted.items()} == facets


@pytest.mark.parametrize(
    "text", ["", "status:generated -tone:none", "is:deleted", "score>=5 tone:warm,none", "cost>0.5"]
)
async def test_every_order_is_the_order_of_sql(filled: Database, text: str) -> None:
    live = Live(filled)
    await live.load()
    for order in ORDERS:
        await compare(filled, live, text, order)


@pytest.mark.parametrize(
    "text", ["", "status:generated -tone:none", "is:deleted", "score>=5 tone:warm,none", "is:seed"]
)
async def test_before_the_copy_is_there_the_first_rows_are_those_of_sql(filled: Database, text: str) -> None:
    live, wanted = Live(filled), parse(text)
    served = [order for order in ORDERS if is_served(order)]
    assert {order.text for order in served} >= {"", "score", "-score", "created", "-created", "status", "-status"}
    for order in served:
        *_, last = [finding async for finding in find(live, wanted, order)]
        async with filled.read() as connection:
            rows = list(await connection.scalars(select(C.id).where(wanted.where).order_by(*order.sql)))
        assert last.listing.complete == (not last.more)
        found = list(last.listing.ids(0, last.listing.total))
        assert len(found) >= min(len(rows), FIRST_ROWS)
        if order.field is not None or last.listing.complete:  # the planned ones come last, and may not be reached
            assert found == rows[: len(found)], (text, order.text)
            assert len(found) == len(rows) or not last.listing.complete


async def test_it_is_exact_beside_writers_of_every_kind(filled: Database, conninfo: Conninfo) -> None:
    live = Live(filled)
    await live.load()
    luck = random.Random(7)
    writers = [
        asyncio.create_task(asyncio.to_thread(write_at_random, conninfo(SUPERUSER), seed, 60)) for seed in range(3)
    ]
    rounds = 0
    while not all(writer.done() for writer in writers) or rounds < 20:
        chosen = luck.sample(WORDS, luck.randrange(4))
        await compare(filled, live, " ".join(chosen), luck.choice(ORDERS))
        rounds += 1
    await asyncio.gather(*writers)
    await compare(filled, live, "", NEWEST)
    assert live.status_counts() == await conversations.status_counts(filled)


@pytest.fixture
async def copied(filled: Database) -> Live:
    live = Live(filled)
    await live.load()
    return live


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(chosen=st.lists(words, max_size=5), order=st.sampled_from(ORDERS))
async def test_any_filter_in_any_order_is_what_sql_says(
    filled: Database, copied: Live, chosen: list[str], order: Order
) -> None:
    await compare(filled, copied, " ".join(chosen), order)


# The feed -------------------------------------------------------------------------------------------------------------


async def test_a_long_transaction_hides_nothing_of_the_others_and_comes_in_itself(
    filled: Database, conninfo: Conninfo
) -> None:
    live = Live(filled)
    await live.load()
    with psycopg.connect(conninfo(SUPERUSER)) as long, psycopg.connect(conninfo(SUPERUSER)) as other:
        long.execute("UPDATE conversations SET flagged = true WHERE id = 3")
        for id in (4, 5):
            other.execute("UPDATE conversations SET flagged = true WHERE id = %s", [id])
            other.commit()
            assert list(await live.refresh()) == [id]  # once, also while the first one is open
        assert not await live.refresh()
        long.commit()
    assert list(await live.refresh()) == [3]


async def test_what_was_taken_back_changes_nothing(filled: Database, conninfo: Conninfo) -> None:
    live = Live(filled)
    await live.load()
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE conversations SET flagged = true")
        connection.rollback()
    assert not await live.refresh()


async def test_a_mark_of_another_database_is_lost(filled: Database) -> None:
    async with filled.read() as connection:
        now = await here(connection)
        with pytest.raises(FeedLost):
            await changed_since(connection, Mark(now.snapshot, now.database + 1))
        with pytest.raises(FeedLost):
            await changed_since(connection, Mark("999999999:999999999:", now.database))


async def test_a_lost_feed_reads_everything_anew(filled: Database, conninfo: Conninfo) -> None:
    live = Live(filled)
    await live.load()
    live._mark = Mark("999999999:999999999:", 0)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE conversations SET flagged = true WHERE id = 3")
    assert 3 in await live.refresh()
    await compare(filled, live, "is:flagged", NEWEST)


async def test_a_change_of_many_rows_is_read_as_a_stretch(filled: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(FILL, [301, MANY + 500])
    live = Live(filled)
    await live.load()
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE conversations SET quality_score = 1")
    assert len(await live.refresh()) == MANY + 500
    await compare(filled, live, "score:1", order_of("-updated", FIELDS))


def test_changed_rows_are_read_one_by_one_or_as_a_stretch() -> None:
    few, many = [5, 3], list(range(CONTAINER, CONTAINER + MANY + 1))
    assert stretches_of([*few, *many]) == [range(CONTAINER, 2 * CONTAINER), [3, 5]]
    assert stretches_of([]) == []


async def test_an_answer_of_the_server_follows_what_changes(filled: Database, conninfo: Conninfo) -> None:
    live = Live(filled)
    await live.load()
    wanted = parse("meta.source:web")
    assert [finding async for finding in find(live, wanted, NEWEST)][-1].listing.total == 0
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute('UPDATE conversations SET metadata = \'{"source": "web"}\' WHERE id IN (7, 8)')
    await live.refresh()
    listing = live.listing(wanted, NEWEST)
    assert listing is not None and sorted(listing.ids(0, 9)) == [7, 8]


@pytest.mark.parametrize(("rest", "found"), [("", [8, 7]), ("tone:none", [8]), ("score>9.99 tone:warm", [])])
async def test_few_candidates_are_all_known_before_the_server_has_looked_at_everything(
    filled: Database, conninfo: Conninfo, rest: str, found: list[int]
) -> None:
    live = Live(filled)
    await live.load()
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute('UPDATE conversations SET metadata = \'{"source": "web"}\' WHERE id IN (7, 8)')
    await live.refresh()
    with psycopg.connect(conninfo(SUPERUSER)) as connection:  # the index answers when this ends
        connection.execute("LOCK TABLE search_metadata IN ACCESS EXCLUSIVE MODE")
        finding = find(live, parse(f"meta.source:web {rest}"), order_of("-id", FIELDS))
        first = await anext(finding)
        assert first.listing.complete and first.more and list(first.listing.ids(0, 9)) == found
    assert [finding async for finding in finding][-1].listing.total == len(found)


async def test_an_answer_that_was_overtaken_is_asked_again(filled: Database, conninfo: Conninfo) -> None:
    live = Live(filled)
    await live.load()
    (asked,) = live.missing(parse("meta.source:web"))
    with live.noting() as changed:
        early: Any = BitMap()  # what the server said before the change
        with psycopg.connect(conninfo(SUPERUSER)) as connection:
            connection.execute('UPDATE conversations SET metadata = \'{"source": "web"}\' WHERE id = 7')
        await live.refresh()
        await live.keep({asked: early}, changed)
    listing = live.listing(parse("meta.source:web"), NEWEST)
    assert listing is not None and list(listing.ids(0, 9)) == [7]


async def test_rows_are_found_before_the_copy_is_there(db: Database) -> None:
    ids = await imported(db, 5)
    live = Live(db)
    findings = [finding async for finding in find(live, parse("is:seed"), NEWEST)]
    assert findings[-1].listing.total == len(ids) and findings[-1].listing.complete
    newest = await scalar(db, "SELECT max(id) FROM conversations")
    assert findings[-1].listing.ids(0, 1)[0] == newest and findings[-1].listing.rank(newest) == 0


async def test_a_reader_of_any_role_may_load(filled: Database, conninfo: Conninfo) -> None:
    async with logged_in(conninfo("audrey")) as audrey:
        mirror, _ = await load(audrey, FIELDS)
        assert len(mirror.every) == 300


# Numbers as bitmaps ---------------------------------------------------------------------------------------------------


def numbers_of(values: dict[int, int | float], *, doubles: bool) -> BitSliced:
    ids = sorted(values)
    data = b"".join(struct.pack(">d" if doubles else ">q", values[one]) for one in ids)
    return sliced(ids, b"\x01" * len(ids), data, doubles=doubles)


whole = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)
real = st.floats(allow_nan=False, allow_infinity=False) | st.floats(-2, 2)


@pytest.mark.parametrize(("number", "doubles"), [(whole, False), (real, True)])
def test_ranges_order_and_ranks_are_those_of_the_numbers(number: st.SearchStrategy[Any], doubles: bool) -> None:
    @settings(max_examples=80, deadline=None)
    @given(st.dictionaries(st.integers(0, 500), number, max_size=30), number, number, st.booleans(), st.data())
    def holds(values: dict[int, Any], low: Any, high: Any, descending: bool, data: st.DataObject) -> None:
        made = numbers_of(values, doubles=doubles)
        assert set(made.between(code_of(low), code_of(high))) == {
            one for one, value in values.items() if code_of(low) <= code_of(value) <= code_of(high)
        }
        assert set(made.between(None, code_of(high))) == {
            one for one, value in values.items() if code_of(value) <= code_of(high)
        }
        among = BitMap(data.draw(st.sets(st.sampled_from(sorted(values))) if values else st.just(set())))
        ordered = sorted(among, key=lambda one: (code_of(values[one]), one), reverse=descending)
        start = data.draw(st.integers(0, 8))
        assert made.window(among, start, 5, descending=descending) == ordered[start : start + 5]
        for rank, one in enumerate(ordered):
            assert made.rank(among, one, descending=descending) == rank

    holds()


@pytest.mark.parametrize(
    ("share", "length"),
    [*((share, CONTAINER) for share in (0, 1, 40, 60_000, CONTAINER)), (0, 1), (1, 1), (40, 300), (4_097, 50_001)],
)
def test_a_dense_container_is_read_as_a_sparse_one(share: int, length: int) -> None:
    luck = random.Random(share)
    chosen = sorted(luck.sample(range(length), share))
    plane = bytearray(length)
    for one in chosen:
        plane[one] = 4
    stretch = range(3 * CONTAINER, 3 * CONTAINER + length)
    assert list(members(stretch, bytes(plane), 2)) == [3 * CONTAINER + one for one in chosen]
    assert not members(stretch, bytes(plane), 1)
