"""What comes to a log later, or ends there, is put where it belongs; however long ago it began."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from support import Conninfo
from traintui.data import log_news
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.listing import NEWEST, Order
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_listing import LogListing, find
from traintui.data.log_news import Look, look_at, news
from traintui.data.log_sorting import find_in_order, order_written

CALLS = """
    SET session_replication_role = replica;
    SELECT make_generation_partitions(4, now() - interval '2 weeks');
    INSERT INTO generation_logs (created_at, kind, state, requested_by, sent_by, endpoint, is_rehearsal, model,
                                 parameters, request_sha256, row_hash, xid8, cost_usd, input_tokens)
    SELECT now() - n * interval '1 hour', 'generate', state, 'ada', 'ada', 'x', false, 'm', '{}', 'x',
           CASE WHEN state = 'sending' THEN NULL ELSE 'x'::bytea END, '1',
           CASE WHEN state = 'sending' THEN NULL ELSE n END, n
    FROM (SELECT n, CASE WHEN n = 30 THEN 'sending' WHEN n % 2 = 0 THEN 'error' ELSE 'ok' END AS state
          FROM generate_series(1, 40) AS n) AS made
"""
ENDS = """
    SET session_replication_role = replica;
    UPDATE generation_logs SET state = 'error', row_hash = 'x', cost_usd = 99 WHERE state = 'sending'
"""


@pytest.fixture
def calls(conninfo: Conninfo) -> None:
    """Forty calls, one an hour; the thirtieth is still under way."""
    run(conninfo, CALLS)


def run(conninfo: Conninfo, statements: str) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(statements.encode())


async def listed(db: Database, wanted: Filter, order: Order = NEWEST) -> LogListing:
    *_, last = [found async for found in find_in_order(db, GENERATIONS, wanted, order)]
    assert last.listing.complete
    return last.listing


async def numbers(db: Database, listing: LogListing) -> list[int]:
    async with db.read() as connection:
        rows = await connection.exec_driver_sql("SELECT id, input_tokens FROM generation_logs")
        by_id: dict[int, int] = dict(tuple(row) for row in rows)
    return [by_id[id] for id in listing.keys.ids]


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("filter_text", ["", "state:error", "state:sending", "-state:ok"])
async def test_a_call_that_was_open_for_a_day_is_listed_when_it_ends(
    db: Database, conninfo: Conninfo, filter_text: str
) -> None:
    wanted = GENERATIONS.read(filter_text)
    look = await look_at(db, GENERATIONS, wanted)
    before = await listed(db, wanted)
    quiet = await news(db, GENERATIONS, wanted, before, look)
    assert quiet.listing is before and not quiet.changed
    run(conninfo, ENDS)
    after = await news(db, GENERATIONS, wanted, before, quiet.look)
    assert after.listing is not None and after.changed
    assert after.listing.keys == (await listed(db, wanted)).keys
    assert all(after.listing.rank(id) == rank for rank, id in enumerate(after.listing.keys.ids))
    again = await news(db, GENERATIONS, wanted, after.listing, after.look)
    assert again.listing is after.listing and not again.changed


@pytest.mark.usefixtures("calls")
async def test_what_an_open_call_of_another_filter_becomes_changes_no_totals(db: Database, conninfo: Conninfo) -> None:
    wanted = GENERATIONS.read("state:ok")
    look, before = await look_at(db, GENERATIONS, wanted), await listed(db, wanted)
    run(conninfo, ENDS)
    after = await news(db, GENERATIONS, wanted, before, look)
    assert after.listing is before and not after.changed


@pytest.mark.usefixtures("calls")
async def test_what_comes_stands_in_front_and_a_listing_that_is_not_read_so_far_is_left(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = GENERATIONS.read("")
    look, before = await look_at(db, GENERATIONS, wanted), await listed(db, wanted)
    part = LogListing(before.keys.cut(0, 10), complete=False)
    run(conninfo, CALLS.replace("n * interval '1 hour'", "n * interval '1 s'").replace("1, 40", "1, 1"))
    run(conninfo, ENDS)
    after = await news(db, GENERATIONS, wanted, before, look)
    assert after.listing is not None and (await numbers(db, after.listing))[:3] == [1, 1, 2]
    beginning = await news(db, GENERATIONS, wanted, part, look)
    assert beginning.listing is not None and beginning.listing.keys == after.listing.keys.cut(0, 11)
    monkeypatch.setattr(log_news, "MOST_NEWS", 1)
    assert (await news(db, GENERATIONS, wanted, before, look)).listing is None
    later = Look(look.at + timedelta(hours=2))
    assert (await news(db, GENERATIONS, wanted, after.listing, later)).listing is after.listing


@pytest.mark.usefixtures("calls")
async def test_a_sorted_listing_is_read_anew_when_a_call_ends_and_not_before(db: Database, conninfo: Conninfo) -> None:
    wanted, order = GENERATIONS.read(""), order_written("-cost", GENERATIONS)
    look, before = await look_at(db, GENERATIONS, wanted, order), await listed(db, wanted, order)
    assert (await numbers(db, before))[:2] == [40, 39] and (await numbers(db, before))[-1] == 30
    quiet = await news(db, GENERATIONS, wanted, before, look, order)
    assert quiet.listing is before and not quiet.changed
    run(conninfo, ENDS)
    after = await news(db, GENERATIONS, wanted, before, quiet.look, order)
    assert after.listing is None and after.changed
    assert (await numbers(db, await listed(db, wanted, order)))[0] == 30


async def test_the_newest_first_is_what_the_usual_listing_has(db: Database, conninfo: Conninfo) -> None:
    run(conninfo, CALLS)
    wanted = GENERATIONS.read("")
    *_, usual = [found async for found in find(db, GENERATIONS, wanted)]
    assert (await listed(db, wanted, order_written("-created", GENERATIONS))).keys == usual.listing.keys
    oldest = await listed(db, wanted, order_written("created", GENERATIONS))
    assert list(oldest.keys.ids) == list(usual.listing.keys.ids)[::-1]
