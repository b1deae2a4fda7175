"""The stored query log: what is added to it, and what is read from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select, text

from traintui.data.engine import Database
from traintui.data.histograms import added
from traintui.data.models import WorkspaceSetting
from traintui.data.query_labels import UNLOGGED
from traintui.data.query_log import SLOW_MS
from traintui.data.query_models import QueryPlan as P
from traintui.data.query_models import QueryTime as T
from traintui.data.query_models import SlowQuery as S
from traintui.data.query_records import QueryPlan, QueryTimes, Slow, SlowQuery
from traintui.data.query_shapes import LONGEST, statement_hash

MOST_AT_ONCE = 500
"""Minutes of labels in one statement."""
# The newest plan of a statement is the one that it has.
SERVED = text("""
    WITH newest AS (
        SELECT DISTINCT ON (label, statement_hash) label, plan FROM query_plans
        ORDER BY label, statement_hash, last_seen_at DESC
    )
    SELECT name #>> '{}' AS index_name, array_agg(DISTINCT label ORDER BY label) AS labels
    FROM newest, jsonb_path_query(plan, '$.**."Index Name"') AS name GROUP BY name
""")
# As text, read in a thread: thousands of plans would keep the keys waiting.
SCANNING = text("""
    WITH newest AS (
        SELECT DISTINCT ON (label, statement_hash) label, statement_hash, plan_hash, statement, plan, first_seen_at,
               last_seen_at
        FROM query_plans ORDER BY label, statement_hash, last_seen_at DESC
    )
    SELECT label, statement_hash, plan_hash, statement, plan::text, first_seen_at, last_seen_at FROM newest
    WHERE jsonb_path_exists(plan, '$.**."Node Type" ? (@ == "Seq Scan")') ORDER BY label, statement_hash
""")

NOTE_SLOW = """
    SELECT note_slow_query(CAST(:at AS timestamptz), :label, :duration_us, :rows, :error, :statement, :hash,
                           CAST(:parameters AS jsonb), :plan_hash)
"""
# By the key of query_times.
BY_LABEL = text("""
    WITH span AS (
        SELECT * FROM query_times WHERE span_seconds IN (60, 3600) AND begins_at >= :since AND begins_at < :until
    ), buckets AS (
        SELECT label, bucket, sum(number::bigint) AS number
        FROM span, jsonb_each_text(histogram) AS each (bucket, number) GROUP BY label, bucket
    ), summed AS (
        SELECT label, jsonb_object_agg(bucket, number) AS histogram FROM buckets GROUP BY label
    )
    SELECT label, sum(calls) AS calls, sum(errors) AS errors, sum(slow) AS slow, sum(row_count) AS row_count,
           sum(total_us) AS total_us, max(most_us) AS most_us, coalesce(summed.histogram, '{}') AS histogram
    FROM span LEFT JOIN summed USING (label) GROUP BY label, summed.histogram ORDER BY sum(total_us) DESC, label
""")
# By the key of query_times.
OVER_TIME = text("""
    WITH span AS (
        SELECT date_bin(make_interval(secs => :seconds), begins_at, :since) AS begins, calls, errors, slow, row_count,
               total_us, most_us, histogram
        FROM query_times WHERE span_seconds IN (60, 3600) AND begins_at >= :since AND begins_at < :until
    ), buckets AS (
        SELECT begins, bucket, sum(number::bigint) AS number
        FROM span, jsonb_each_text(histogram) AS each (bucket, number) GROUP BY begins, bucket
    ), summed AS (
        SELECT begins, jsonb_object_agg(bucket, number) AS histogram FROM buckets GROUP BY begins
    )
    SELECT begins, sum(calls) AS calls, sum(errors) AS errors, sum(slow) AS slow, sum(row_count) AS row_count,
           sum(total_us) AS total_us, max(most_us) AS most_us, coalesce(summed.histogram, '{}') AS histogram
    FROM span LEFT JOIN summed USING (begins) GROUP BY begins, summed.histogram ORDER BY begins
""")
EVERY = "every label"


async def note(db: Database, times: Iterable[QueryTimes]) -> None:
    """Adds what a process counted. What is older than an hour is left out by the database."""
    said = [
        {
            "begins_at": each.begins_at.isoformat(), "label": each.label, "calls": each.calls, "errors": each.errors,
            "slow": each.slow, "row_count": each.rows, "total_us": each.total_us, "most_us": each.most_us,
            "histogram": {str(bucket): number for bucket, number in each.histogram.items()},
        }
        for each in merged(times)
    ]  # fmt: skip
    for first in range(0, len(said), MOST_AT_ONCE):
        part = orjson.dumps(said[first : first + MOST_AT_ONCE]).decode()
        await db.call("SELECT note_queries(CAST(:said AS jsonb))", {"said": part}, UNLOGGED)


def merged(times: Iterable[QueryTimes]) -> list[QueryTimes]:
    """One for each label and span: those of the same span are added up."""
    found: dict[tuple[str, datetime, int], list[QueryTimes]] = {}
    for each in times:
        found.setdefault((each.label, each.begins_at, each.seconds), []).append(each)
    return [together(label, at, seconds, parts) for (label, at, seconds), parts in found.items()]


def together(label: str, begins_at: datetime, seconds: int, parts: Iterable[QueryTimes]) -> QueryTimes:
    """All of them as one, of a span that begins then and takes so many seconds."""
    parts = list(parts)
    return QueryTimes(
        label, begins_at, seconds, sum(p.calls for p in parts), sum(p.errors for p in parts),
        sum(p.slow for p in parts), sum(p.rows for p in parts), sum(p.total_us for p in parts),
        max((p.most_us for p in parts), default=0), added(p.histogram for p in parts),
    )  # fmt: skip


async def note_slow(db: Database, slow: Slow, parameters: dict[str, Any], plan_hash: str | None) -> None:
    """Keeps a statement that took long, with its redacted parameters."""
    values = {
        "at": slow.at, "label": slow.label, "duration_us": slow.duration_us, "rows": slow.rows,
        "error": slow.error and slow.error[:1_000], "statement": slow.statement[:LONGEST],
        "hash": statement_hash(slow.statement), "parameters": orjson.dumps(parameters).decode(), "plan_hash": plan_hash,
    }  # fmt: skip
    await db.call(NOTE_SLOW, values, UNLOGGED)


async def note_plan(db: Database, label: str, statement: str, plan_hash: str, plan: list[dict[str, Any]]) -> None:
    """Keeps the plan of a statement, or that it was seen again."""
    values = {
        "label": label, "hash": statement_hash(statement), "plan_hash": plan_hash, "statement": statement[:LONGEST],
        "plan": orjson.dumps(plan).decode(),
    }  # fmt: skip
    await db.call("SELECT note_plan(:label, :hash, :plan_hash, :statement, CAST(:plan AS jsonb))", values, UNLOGGED)


async def roll_up(db: Database) -> int:
    """Makes hours of minutes that are two days old, and takes out what is older than 35 days: some of it, without
    holding anybody up. Returns how many rows are gone: none when all is done."""
    return int((await db.call("SELECT roll_up_queries()", {}, UNLOGGED)).scalar_one())


async def slow_ms(db: Database) -> int:
    """The milliseconds from which on a statement is slow in this workspace."""
    async with db.read(UNLOGGED) as connection:
        said = await connection.scalar(select(WorkspaceSetting.value).where(WorkspaceSetting.key == "slow_query_ms"))
    return SLOW_MS if said is None else int(said)


async def times(db: Database, since: datetime, until: datetime, *, label: str | None = None) -> tuple[QueryTimes, ...]:
    """The spans that begin from `since` until before `until`, in their order: minutes, and hours where they are older
    than two days. By the key of query_times."""
    statement = (
        select(T.label, T.begins_at, T.span_seconds, T.calls, T.errors, T.slow, T.row_count, T.total_us, T.most_us,
               T.histogram)
        .where(T.span_seconds.in_((60, 3600)), T.begins_at >= since, T.begins_at < until)
        .order_by(T.begins_at, T.label)
    )  # fmt: skip
    if label is not None:
        statement = statement.where(T.label == label)
    async with db.read() as connection:
        return tuple(
            QueryTimes(
                row.label,
                row.begins_at,
                row.span_seconds,
                row.calls,
                row.errors,
                row.slow,
                row.row_count,
                row.total_us,
                row.most_us,
                {int(bucket): number for bucket, number in row.histogram.items()},
            )
            for row in await connection.execute(statement)
        )


async def by_label(db: Database, since: datetime, until: datetime) -> tuple[QueryTimes, ...]:
    """One for each label over that time, those that took longest in all first. Added up by the server: a month has
    some ten thousand rows."""
    seconds = int((until - since).total_seconds())
    async with db.read() as connection:
        return tuple(
            QueryTimes(
                row.label, since, seconds, int(row.calls), int(row.errors), int(row.slow), int(row.row_count),
                int(row.total_us), row.most_us, {int(bucket): number for bucket, number in row.histogram.items()},
            )
            for row in await connection.execute(BY_LABEL, {"since": since, "until": until})
        )  # fmt: skip


async def over_time(db: Database, since: datetime, until: datetime, *, seconds: int) -> tuple[QueryTimes, ...]:
    """All labels together in each span of so many seconds from `since` on, in their order; spans without a statement
    are left out."""
    async with db.read() as connection:
        asked = {"since": since, "until": until, "seconds": seconds}
        return tuple(
            QueryTimes(
                EVERY, row.begins, seconds, int(row.calls), int(row.errors), int(row.slow), int(row.row_count),
                int(row.total_us), row.most_us, {int(bucket): number for bucket, number in row.histogram.items()},
            )
            for row in await connection.execute(OVER_TIME, asked)
        )  # fmt: skip


async def slow_queries(
    db: Database, since: datetime, until: datetime, *, label: str | None = None, limit: int = 200
) -> tuple[SlowQuery, ...]:
    """The newest statements that took long in that time: all for administrators and auditors, for others their own.
    By ix_slow_queries_at or ix_slow_queries_label_at."""
    statement = (
        select(S.id, S.at, S.label, S.login, S.duration_us, S.row_count, S.error, S.statement, S.parameters,
               S.plan_hash)
        .where(S.at >= since, S.at < until)
        .order_by(S.at.desc(), S.id.desc())
        .limit(limit)
    )  # fmt: skip
    if label is not None:
        statement = statement.where(S.label == label)
    async with db.read() as connection:
        return tuple(SlowQuery(*row) for row in await connection.execute(statement))


async def plans(db: Database, *, label: str | None = None) -> tuple[QueryPlan, ...]:
    """The plans that were seen, of a label or of all, of each statement the newest first."""
    statement = select(
        P.label, P.statement_hash, P.plan_hash, P.statement, P.plan, P.first_seen_at, P.last_seen_at
    ).order_by(P.label, P.statement_hash, P.last_seen_at.desc())
    if label is not None:
        statement = statement.where(P.label == label)
    async with db.read() as connection:
        return tuple(QueryPlan(*row) for row in await connection.execute(statement))


async def scanning(db: Database) -> tuple[QueryPlan, ...]:
    """The newest plan of each statement, of those that read a table from end to end."""
    async with db.read() as connection:
        found = [tuple(row) for row in await connection.execute(SCANNING)]
    return await asyncio.to_thread(parsed, found)


def parsed(found: Iterable[tuple[Any, ...]]) -> tuple[QueryPlan, ...]:
    """Plans out of rows that have them as text."""
    return tuple(
        QueryPlan(label, statement_hash, plan_hash, statement, orjson.loads(plan), first_seen_at, last_seen_at)
        for label, statement_hash, plan_hash, statement, plan, first_seen_at, last_seen_at in found
    )


async def served(db: Database) -> dict[str, tuple[str, ...]]:
    """The labels of the statements whose plans use an index, by the name of each that some do. Walks all plans."""
    async with db.read() as connection:
        return {row.index_name: tuple(row.labels) for row in await connection.execute(SERVED)}
