"""What the calls of a batch read from the cache, and what was refused, is added up once and then brought up to date."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from support import ANSWERED, Conninfo, add_vocabulary, fetch, planned, scalar, started
from traintui import clock
from traintui.data import attempts, work
from traintui.data import call_sums as module
from traintui.data.attempts import Outcome
from traintui.data.call_sums import call_sums
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.screens import batch_watch
from traintui.screens.batch_watch import BatchWatch

BEGUN = clock.now() - timedelta(hours=2)
REFUSED = Outcome(
    "error", response_payload={"stop_details": {"category": "frontier_llm"}}, cost_usd=Decimal("0.002"),
    error_type="refusal", error_message="The model declined to answer.",
)  # fmt: skip
EARLIER = """
    INSERT INTO generation_logs (created_at, run_id, kind, state, requested_by, sent_by, endpoint, is_rehearsal, model,
                                 request_sha256, parameters, cost_usd, input_tokens, output_tokens, cache_read_tokens)
    SELECT clock_timestamp() - interval '1 hour' + n * interval '1 second', %(batch)s, 'generate', 'sending', 'ada',
           'ada', 'api.example.org', false, 'claude-haiku-5-5', sha256('x'), '{}', NULL, NULL, NULL, NULL
    FROM generate_series(1, 3000) AS n;
"""


@pytest.fixture
async def words(db: Database) -> Database:
    await add_vocabulary(db)
    return db


async def running(db: Database, number: int = 1) -> int:
    batch_id = await planned(db, number)
    await work.take_up_batches(db, is_rehearsal=False)
    return batch_id


async def test_refusals_are_counted_by_category(words: Database) -> None:
    batch_id = await running(words)
    async with work.registered(words) as worker_id:
        (item,) = await work.claim(words, worker_id, 1, is_rehearsal=False)
        for outcome in (REFUSED, REFUSED, replace(REFUSED, response_payload=None), replace(REFUSED, error_type="529")):
            await attempts.finish(words, await started(words, item, worker_id), outcome)
    assert (await call_sums(words, batch_id, BEGUN)).refusals == (("frontier_llm", 2), ("no category", 1))
    assert (await call_sums(words, batch_id + 1, BEGUN)).refusals == ()


async def test_what_the_cache_held_is_grouped_by_what_it_costs(words: Database) -> None:
    batch_id = await running(words)
    async with work.registered(words) as worker_id:
        (item,) = await work.claim(words, worker_id, 1, is_rehearsal=False)
        for read, written in ((0, 1200), (1200, 0), (1200, 0), (0, 0), (200_000, 0)):
            outcome = replace(ANSWERED, cache_read_tokens=read, cache_write_tokens=written)
            await attempts.finish(words, await started(words, item, worker_id), outcome)
    sums = await call_sums(words, batch_id, BEGUN, [100_000])
    short, long = sorted(sums.cached, key=lambda each: each.prompt_tokens)
    assert (short.read, short.written, short.prompt_tokens) == (2400, 1200, 1210)
    assert (long.read, long.written, long.prompt_tokens) == (200_000, 0, 200_010)


@pytest.mark.parametrize("seed", range(3))
async def test_brought_up_to_date_they_are_what_adding_up_all_calls_gives_in_whatever_order_these_end(
    words: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(module, "UNSEEN_SECONDS", 0.0)  # nobody else writes here
    dice = random.Random(seed)
    batch_id = await running(words)
    outcomes = (
        ANSWERED, REFUSED, replace(REFUSED, response_payload=None, cache_read_tokens=90), Outcome("unknown"),
        replace(ANSWERED, cache_read_tokens=700), replace(ANSWERED, cache_write_tokens=300_000),
    )  # fmt: skip
    sums = await call_sums(words, batch_id, BEGUN, [100_000])
    under_way: list[attempts.OpenAttempt] = []
    async with work.registered(words) as worker_id:
        (item,) = await work.claim(words, worker_id, 1, is_rehearsal=False)
        for _ in range(40):
            under_way.append(await started(words, item, worker_id))
            if dice.random() < 0.7:
                ended = under_way.pop(dice.randrange(len(under_way)))
                await attempts.finish(words, ended, dice.choice(outcomes))
            if dice.random() < 0.3:
                sums = await call_sums(words, batch_id, BEGUN, [100_000], before=sums)
                whole = await call_sums(words, batch_id, BEGUN, [100_000])
                assert sums.refusals == whole.refusals
                assert set(sums.cached) == set(whole.cached)
                (first,) = await fetch(words, "SELECT min(created_at) FROM generation_logs WHERE state = 'sending'")
                assert first[0] is None or sums.until <= first[0]
    assert sums.settled


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@contextmanager
def about_calls(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements about calls that are sent inside of the block."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "generation_logs" in statement:
            sent.append((statement, parameters))

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine.sync_engine, "before_cursor_execute", note)


async def rows_read(db: Database, sent: list[tuple[str, Any]]) -> int:
    """How many rows of the log these statements read."""
    rows = 0.0
    async with db.read() as connection:
        for statement, parameters in sent:
            told = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            found = told.scalar_one()
            for node in nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"]):
                if str(node.get("Relation Name", "")).startswith("generation_logs"):
                    each = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
                    rows += (each + node.get("Rows Removed by Index Recheck", 0)) * node.get("Actual Loops", 0)
    return round(rows)


async def test_a_look_at_a_batch_that_runs_reads_only_the_calls_that_are_new(
    words: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_watch, "RESTS", 0)
    batch_id = await running(words, 2)
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("UPDATE batches SET created_at = created_at - interval '2 hours'")
        connection.execute("SELECT ensure_generation_partition(now() - interval '1 hour')")
        connection.execute(EARLIER, {"batch": batch_id})
        connection.execute(
            "UPDATE generation_logs SET state = 'ok', cost_usd = 0.01, input_tokens = 10, output_tokens = 9,"
            " cache_read_tokens = 100"
        )
        connection.execute("VACUUM (ANALYZE) generation_logs")
    watch = BatchWatch()
    look = await watch.look(words, whole=True)
    assert look.chosen is not None and look.chosen.calls == 3_000
    saved = look.money.saved_usd
    assert saved is not None and saved > 0
    async with work.registered(words) as worker_id:
        (item,) = await work.claim(words, worker_id, 1, is_rehearsal=False)
        for _ in range(3):
            outcome = replace(ANSWERED, cache_read_tokens=1_000_000)
            await attempts.finish(words, await started(words, item, worker_id), outcome)
        with about_calls(words) as sent:
            look = await watch.look(words, whole=True)
        assert look.money.saved_usd is not None and look.money.saved_usd > saved
        assert sent and await rows_read(words, sent) < 100
    assert await scalar(words, "SELECT count(*) FROM generation_logs WHERE run_id = :id", id=batch_id) == 3_003
