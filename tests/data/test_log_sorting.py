"""The logs are sorted by what somebody asks for, first rows first; those without a value come last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from sqlalchemy.dialects import postgresql

from logged_calls import CALLS, ROWS
from support import Conninfo
from traintui.data import log_listing, log_sorting
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.listing import NEWEST
from traintui.data.log_fields import GENERATIONS, LOGS, REVIEWS, Log
from traintui.data.log_listing import Found
from traintui.data.log_sorting import SERVED, find_in_order, order_written

DECISIONS = """
    SET session_replication_role = replica;
    INSERT INTO review_logs (conversation_id, action, reviewer_id, reviewer_role, timestamp, revision, duration_ms,
                             decision_key, row_hash, xid8)
    SELECT 'c-' || n, 'approve', (ARRAY['zoe', 'ann', 'bob'])[1 + n % 3], 'reviewer', now() - n * interval '1 minute',
           1, n * 10, n::text, 'x', '1'
    FROM generate_series(1, 30) AS n
"""


@pytest.fixture
def rows(conninfo: Conninfo) -> None:
    """Seven hundred calls, some without tokens, and thirty decisions of three people."""
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(CALLS.encode())
        connection.execute(DECISIONS.encode())
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE generation_logs SET output_tokens = NULL WHERE input_tokens % 100 = 0")
        connection.execute("UPDATE generation_logs SET duration_ms = 7 WHERE input_tokens <= 300")


async def steps(db: Database, log: Log, written: str, filter_text: str = "") -> list[Found]:
    order = order_written(written, log)
    return [found async for found in find_in_order(db, log, log.read(filter_text), order)]


async def values(db: Database, table: str, columns: str) -> Mapping[int, Any]:
    async with db.read() as connection:
        return {row[0]: row for row in await connection.exec_driver_sql(f"SELECT id, {columns} FROM {table}")}


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    "written", ["-cost", "cost", "-took", "took", "-tokens", "tokens", "created", "model", "-http"]
)
async def test_calls_come_in_the_order_that_was_asked_for(db: Database, written: str) -> None:
    columns = "created_at, cost_usd, duration_ms, input_tokens + output_tokens, model, http_status"
    place = {"created": 1, "cost": 2, "took": 3, "tokens": 4, "model": 5, "http": 6}[written.lstrip("-")]
    by_id = await values(db, "generation_logs", columns)
    found = await steps(db, GENERATIONS, written)
    shown = [by_id[id][place] for id in found[-1].listing.keys.ids]
    there = [value for value in shown if value is not None]
    assert len(shown) == ROWS and shown[len(there) :] == [None] * (ROWS - len(there))
    assert there == sorted(there, reverse=written.startswith("-"))
    for step in found:
        ids = step.listing.keys.ids
        assert ids == found[-1].listing.keys.ids[: len(ids)] and step.order.text == written
        assert all(step.listing.rank(id) == rank for rank, id in enumerate(ids[:9]))


@pytest.mark.usefixtures("rows")
async def test_names_begin_at_a_with_the_newest_of_each_first(db: Database) -> None:
    by_id = await values(db, "review_logs", "reviewer_id, timestamp")
    forwards = (await steps(db, REVIEWS, "reviewer"))[-1].listing.keys.ids
    keys = [(by_id[id][1], -by_id[id][2].timestamp()) for id in forwards]
    assert len(keys) == 30 and keys == sorted(keys)
    assert list((await steps(db, REVIEWS, "-reviewer"))[-1].listing.keys.ids) == list(forwards)[::-1]


@pytest.mark.usefixtures("rows")
async def test_an_order_that_no_index_has_is_for_few_rows(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_sorting, "MOST_SORTED", 100)
    wide, narrow = await steps(db, GENERATIONS, "model"), await steps(db, GENERATIONS, "model", "tokens<200")
    assert {step.order for step in wide} == {NEWEST} and wide[-1].listing.total == ROWS
    assert {step.order.text for step in narrow} == {"model"} and narrow[-1].listing.complete
    assert {step.order.text for step in await steps(db, GENERATIONS, "-cost")} == {"-cost"}


@pytest.mark.usefixtures("rows")
async def test_a_slow_plan_is_overtaken_by_sorting_all(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = (await steps(db, GENERATIONS, "-cost"))[-1].listing.keys
    monkeypatch.setattr(log_sorting, "PATIENCE", 0.0)
    monkeypatch.setattr(log_listing, "FIRST", 5)
    assert (await steps(db, GENERATIONS, "-cost"))[-1].listing.keys == usual


@pytest.mark.parametrize(
    ("log", "written", "index"),
    [
        ("generations", "-cost", "by_cost"),
        ("generations", "cost", "by_cost"),
        ("generations", "-took", "by_duration"),
        ("generations", "-tokens", "by_tokens"),
        ("generations", "created", "listed"),
        ("reviews", "reviewer", "ix_review_logs_reviewer"),
        ("reviews", "-reviewer", "ix_review_logs_reviewer"),
        ("reviews", "created", "ix_review_logs_timestamp_id"),
    ],
)
@pytest.mark.usefixtures("rows")
async def test_the_first_rows_of_an_order_come_by_its_index(db: Database, log: str, written: str, index: str) -> None:
    where: Log = LOGS[log]  # type: ignore[index]
    order = order_written(written, where)
    assert order.field is not None and order.field.name in SERVED[where.name]
    statement = log_sorting.keys_in_order(where, where.read(""), order, 200)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    written_out = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    async with db.read() as connection:
        for way in ("seqscan", "bitmapscan", "sort"):
            await connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        told = await connection.exec_driver_sql(f"EXPLAIN {written_out}")
        plan = "\n".join(row[0] for row in told)
    ways = [line for line in plan.splitlines() if "using" in line and "second_reviews" not in line]
    assert ways and all(index in line for line in ways), plan
    assert "Limit" in plan and "Sort  (" not in plan.split("Limit", 1)[1], plan


def test_an_order_that_is_gone_is_the_newest_first() -> None:
    assert order_written("", GENERATIONS) == order_written("gone", GENERATIONS) == NEWEST
    assert order_written("-created", GENERATIONS) == NEWEST
    assert order_written("-cost", GENERATIONS).text == "-cost"
