"""What calls add up to is what their rows say, day by day, those without a call among them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import psycopg

from support import Conninfo
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_figures import call_figures
from traintui.widgets.day_bars import bars, shared

CALLS = """
    SET session_replication_role = replica;
    SELECT make_generation_partitions(2, '2026-11-02');
    INSERT INTO generation_logs (created_at, kind, state, requested_by, sent_by, endpoint, is_rehearsal, model,
                                 parameters, request_sha256, row_hash, xid8, cost_usd, input_tokens, output_tokens)
    SELECT at, 'generate', state, 'ada', 'ada', 'x', false, model, '{}', 'x', 'x', '1', cost, tokens, tokens
    FROM (VALUES ('2026-11-03 10:00Z'::timestamptz, 'ok', 'a', 0.5, 10), ('2026-11-03 23:30Z', 'error', 'a', 0, NULL),
                 ('2026-11-05 12:00Z', 'unknown', 'b', 0.25, 1), ('2026-11-05 12:01Z', 'ok', 'b', NULL, 2)
         ) AS calls (at, state, model, cost, tokens)
"""


async def test_days_add_up_to_the_rows(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(CALLS.encode())
    found = await call_figures(db, GENERATIONS.read(""), offset=timedelta())
    assert [(each.day, each.calls, each.failed) for each in found.days] == [
        (date(2026, 11, 3), 2, 1), (date(2026, 11, 4), 0, 0), (date(2026, 11, 5), 2, 1),
    ]  # fmt: skip
    assert (found.calls, found.failed, found.cost_usd, found.tokens) == (4, 2, Decimal("0.75"), 26)
    east = await call_figures(db, GENERATIONS.read("model:a"), offset=timedelta(hours=1))
    assert [(each.day.day, each.calls) for each in east.days] == [(3, 1), (4, 1)]
    assert (await call_figures(db, GENERATIONS.read("model:none"), offset=timedelta())).days == ()


def test_a_bar_is_as_high_as_its_day_and_one_above_nothing_is_seen() -> None:
    assert bars([0, 0.001, 4, 8], 2) == ["   █", " ▁██"]
    assert bars([0, 0], 2) == ["  ", "  "]
    assert shared([1, 2, 3, 4, 5], 2) == [3, 12] and shared([1, 2], 9) == [1, 2]
