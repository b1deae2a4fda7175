"""What calls add up to is what their rows say, day by day, those without a call among them."""

from __future__ import annotations

from datetime import UTC, date, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from support import Conninfo, add_vocabulary, approved, imported, planned, said, seen, status
from traintui.data import log_lines, reviews
from traintui.data.call_totals import Totals, call_totals
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.export_figures import export_figures
from traintui.data.log_fields import GENERATIONS, LOGS
from traintui.data.log_figures import call_figures
from traintui.data.review_figures import review_figures
from traintui.data.reviews import new_key
from traintui.export.request import ExportRequest
from traintui.export.write import run_export
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
    found = await call_figures(db, GENERATIONS.read(""), zone=UTC)
    assert [(each.day, each.calls, each.failed) for each in found.days] == [
        (date(2026, 11, 3), 2, 1), (date(2026, 11, 4), 0, 0), (date(2026, 11, 5), 2, 1),
    ]  # fmt: skip
    assert (found.calls, found.failed, found.cost_usd, found.tokens) == (4, 2, Decimal("0.75"), 26)
    east = await call_figures(db, GENERATIONS.read("model:a"), zone=timezone(timedelta(hours=1)))
    assert [(each.day.day, each.calls) for each in east.days] == [(3, 1), (4, 1)]
    assert (await call_figures(db, GENERATIONS.read("model:none"), zone=UTC)).days == ()


async def test_a_day_is_that_of_who_asks_also_where_the_clock_was_changed(db: Database, conninfo: Conninfo) -> None:
    # In Berlin the clock went back on 25 October: before that midnight is at 22:00 UTC, after it at 23:00.
    said = """
        SET session_replication_role = replica;
        SELECT make_generation_partitions(6, '2026-10-19');
        INSERT INTO generation_logs (created_at, kind, state, requested_by, sent_by, endpoint, is_rehearsal, model,
                                     parameters, request_sha256, row_hash, xid8)
        SELECT at, 'generate', 'ok', 'ada', 'ada', 'x', false, 'm', '{}', 'x', 'x', '1'
        FROM (VALUES ('2026-10-20 22:30Z'::timestamptz), ('2026-10-28 22:30Z'), ('2026-10-28 23:30Z')) AS calls (at)
    """
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(said.encode())
    found = await call_figures(db, GENERATIONS.read(""), zone=ZoneInfo("Europe/Berlin"))
    assert [(each.day, each.calls) for each in found.days if each.calls] == [
        (date(2026, 10, 21), 1), (date(2026, 10, 28), 1), (date(2026, 10, 29), 1),
    ]  # fmt: skip
    assert [each.day for each in found.days] == [date(2026, 10, 21) + timedelta(days=n) for n in range(9)]


async def test_a_call_whose_reply_came_late_is_counted_once(db: Database, conninfo: Conninfo) -> None:
    said = """
        SET session_replication_role = replica;
        SELECT make_generation_partitions(2, '2026-11-02');
        INSERT INTO generation_logs (id, created_at, kind, state, requested_by, sent_by, endpoint, is_rehearsal, model,
                                     parameters, request_sha256, row_hash, xid8, cost_usd, input_tokens, late_reply_to)
        SELECT id, '2026-11-03 10:00Z', 'generate', state, 'ada', 'ada', 'x', false, 'm', '{}', 'x', 'x', '1', cost, 5,
               of
        FROM (VALUES (1, 'unknown', 0.5, NULL::bigint), (2, 'ok', 0.25, 1), (3, 'unknown', 0.125, NULL))
             AS calls (id, state, cost, of)
    """
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(said.encode())
    found = await call_figures(db, GENERATIONS.read(""), zone=UTC)
    assert (found.calls, found.failed, found.cost_usd, found.tokens) == (2, 1, Decimal("0.375"), 10)


REVIEWS = """
    SET session_replication_role = replica;
    INSERT INTO review_logs (timestamp, action, reviewer_id, conversation_id, reviewer_role, revision, row_hash, xid8)
    SELECT at, action, who, 'c-1', 'reviewer', 1, 'x', '1'
    FROM (VALUES ('2026-11-03 10:00Z'::timestamptz, 'approve', 'ann'), ('2026-11-03 10:59Z', 'reject', 'ann'),
                 ('2026-11-03 23:30Z', 'approve', 'bob'), ('2026-11-05 10:10Z', 'edit', 'cy')
         ) AS rows (at, action, who)
"""
EXPORTS_WRITTEN = """
    SET session_replication_role = replica;
    INSERT INTO export_logs (exported_at, export_id, user_id, conversation_count, filter_state, format, state, row_hash,
                             xid8)
    SELECT at, id, 'ada', count, '{}', 'trl', state, 'x', '1'
    FROM (VALUES ('2026-11-03 10:00Z'::timestamptz, 'e-1', 7, 'started'), ('2026-11-03 10:01Z', 'e-1', 6, 'succeeded'),
                 ('2026-11-03 11:00Z', 'e-2', 9, 'started'), ('2026-11-03 11:01Z', 'e-2', 9, 'failed'),
                 ('2026-11-05 11:00Z', 'e-3', 5, 'started')
         ) AS rows (at, id, count, state)
"""


async def test_decisions_add_up_by_day_by_hour_and_by_who_took_them(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(REVIEWS.encode())
    found = await review_figures(db, LOGS["reviews"].read(""), zone=UTC)
    assert (found.total.actions, found.total.number, found.total.rate) == (4, 3, 2 / 3)
    assert [(each.day.day, each.decisions.number) for each in found.days] == [(3, 3), (4, 0), (5, 0)]
    assert {hour: each.number for hour, each in enumerate(found.hours) if each.number} == {10: 2, 23: 1}
    assert [(name, each.number, each.rate) for name, each in found.reviewers] == [
        ("ann", 2, 0.5), ("bob", 1, 1.0), ("cy", 0, None),
    ]  # fmt: skip
    east = await review_figures(db, LOGS["reviews"].read("reviewer:bob"), zone=timezone(timedelta(hours=1)))
    assert [each.day.day for each in east.days] == [4] and east.hours[0].number == 1
    nothing = await review_figures(db, LOGS["reviews"].read("reviewer:none"), zone=UTC)
    assert (nothing.total.rate, nothing.days, nothing.reviewers) == (None, (), [])


async def test_exports_add_up_to_what_left_the_house(db: Database, conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(EXPORTS_WRITTEN.encode())
    found = await export_figures(db, LOGS["exports"].read(""), zone=UTC)
    assert (found.exports, found.succeeded, found.deliveries, found.distinct) == (3, 1, 6, None)
    assert [(each.day.day, each.exports, each.conversations) for each in found.days] == [
        (3, 2, 6),
        (4, 0, 0),
        (5, 1, 0),
    ]
    assert (await export_figures(db, LOGS["exports"].read("user:none"), zone=UTC)).days == ()


async def test_decisions_that_were_taken_back_or_changed_later_stand_no_longer(
    db: Database, reviewer_db: Database
) -> None:
    stays, undone, edited, turned = await imported(db, 4)
    await approved(db, stays, edited, turned)
    await reviews.edit(db, await seen(db, edited), system_prompt=None, turns=said("New?", "New."), key=new_key())
    await reviews.edit(db, await seen(db, turned), system_prompt=None, turns=said("New?", "New."), key=new_key())
    await reviews.undo_last(db, key=new_key())  # so that the edit is taken back
    await reviews.decide(reviewer_db, await seen(db, undone), "reject", key=new_key())
    await reviews.undo_last(reviewer_db, key=new_key())
    standing = {stays, turned} if await status(db, turned) == "approved" else {stays}
    log = LOGS["reviews"]
    found = await review_figures(db, log.read(""), zone=UTC)
    assert (found.total.number, found.total.standing) == (4, len(standing))
    rows = await log_lines.records(db, log, log.read("is:standing action:approve,reject"), 9)
    assert {row["conversation_id"] for row in rows} == standing
    gone = await log_lines.records(db, log, log.read("-is:standing action:approve,reject"), 9)
    assert {row["conversation_id"] for row in gone} == {stays, undone, edited, turned} - standing
    actions = {row["action"] for row in await log_lines.records(db, log, log.read("-is:standing"), 9)}
    assert actions == {"approve", "reject", "edit"}, "what was taken back of other kinds too"
    for of in ("", "reviewer:rita", "action:approve"):
        listed = await log_lines.records(db, log, log.read(f"{of} is:standing action:approve,reject"), 9)
        assert (await review_figures(db, log.read(of), zone=UTC)).total.standing == len(listed)


async def test_of_exports_it_is_known_how_many_conversations_and_how_often_they_left(
    db: Database, tmp_path: Path
) -> None:
    await approved(db, *await imported(db, 3))
    for name in ("a", "b"):
        await run_export(db, ExportRequest(tmp_path / f"{name}.jsonl"))
    found = await export_figures(db, LOGS["exports"].read(""), zone=UTC)
    assert (found.deliveries, found.distinct) == (6, 3)
    assert (found + found).distinct is None


async def test_what_a_rehearsal_would_cost_and_what_is_uncertain_is_told_apart(
    db: Database, conninfo: Conninfo
) -> None:
    rows = """
        SET session_replication_role = replica;
        SELECT make_generation_partitions(2, '2026-11-02');
        INSERT INTO generation_logs (id, created_at, kind, state, requested_by, sent_by, endpoint, is_rehearsal, model,
                                     parameters, request_sha256, row_hash, xid8, cost_usd, input_tokens, output_tokens,
                                     late_reply_to)
        SELECT id, at, 'generate', state, who, 'ada', 'x', rehearsal, model, '{}', 'x', 'x', '1', cost, 5, 1, late
        FROM (VALUES (1, '2026-11-03 10:00Z'::timestamptz, 'ok', 'ada', false, 'a', 0.5, NULL::bigint),
                     (2, '2026-11-03 10:01Z', 'unknown', 'ada', false, 'a', 0.25, NULL),
                     (3, '2026-11-04 10:00Z', 'ok', 'bob', true, 'b', 0.125, NULL),
                     (4, '2026-11-04 10:01Z', 'unknown', 'bob', false, 'b', 1, NULL),
                     (5, '2026-11-04 10:02Z', 'ok', 'bob', false, 'b', NULL, 4)
             ) AS calls (id, at, state, who, rehearsal, model, cost, late)
    """
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(rows.encode())
        without = await call_figures(db, GENERATIONS.read(""), zone=UTC)
        assert without.rehearsal_usd == 0, "nobody rehearsed: it is not looked for among all calls"
    await add_vocabulary(db)
    await planned(db, is_rehearsal=True)
    found = await call_figures(db, GENERATIONS.read(""), zone=UTC)
    assert (found.cost_usd, found.uncertain_usd, found.rehearsal_usd) == (
        Decimal("0.875"), Decimal("0.25"), Decimal("0.125"),
    )  # fmt: skip
    for by, names in (("model", ["a", "b"]), ("user", ["ada", "bob"]), ("day", ["2026-11-03", "2026-11-04"]),
                      ("template", ["none"])):  # fmt: skip
        totals = await call_totals(db, GENERATIONS.read(""), by, zone=UTC)  # type: ignore[arg-type]
        assert [each.name for each in totals] == names
        whole = sum(totals, Totals("all"))
        assert (whole.calls, whole.cost_usd, whole.uncertain_usd, whole.rehearsal_usd, whole.unpriced) == (
            4, Decimal("0.5"), Decimal("0.25"), Decimal("0.125"), 1,
        )  # fmt: skip


def test_a_bar_is_as_high_as_its_day_and_one_above_nothing_is_seen() -> None:
    assert bars([0, 0.001, 4, 8], 2) == ["   █", " ▁██"]
    assert bars([0, 0], 2) == ["  ", "  "]
    assert shared([1, 2, 3, 4, 5], 2) == [1.5, 4] and shared([1, 2], 9) == [1, 2]
