"""What the calls of a batch read from the cache and wrote to it, and how often the model refused: added up once, and
brought up to date by what is new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import text

from traintui import clock
from traintui.data.engine import Database
from traintui.data.price_records import CachedTokens


@dataclass(frozen=True, slots=True)
class CallGroup:
    """Calls of one model on one day (UTC), of prompts alike in price, that ended alike; `prompt_tokens` is the length
    of the longest. `category` is why they were refused, None for those that were not."""

    model: str
    day: date
    bucket: int
    category: str | None
    prompt_tokens: int
    read: int
    written: int
    calls: int

    @property
    def alike(self) -> tuple[str, date, int, str | None]:
        """What all of them have in common."""
        return self.model, self.day, self.bucket, self.category

    def __add__(self, other: CallGroup) -> CallGroup:
        """Both together."""
        return replace(
            self, prompt_tokens=max(self.prompt_tokens, other.prompt_tokens), read=self.read + other.read,
            written=self.written + other.written, calls=self.calls + other.calls,
        )  # fmt: skip


def together(groups: Iterable[CallGroup]) -> tuple[CallGroup, ...]:
    """Groups of which no two are alike."""
    found: dict[tuple[str, date, int, str | None], CallGroup] = {}
    for group in groups:
        found[group.alike] = found[group.alike] + group if group.alike in found else group
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class CallSums:
    """The sums of a batch. Those of the calls that were begun before `until` are `settled`: none of them changes."""

    batch_id: int
    limits: tuple[int, ...]
    until: datetime
    settled: tuple[CallGroup, ...]
    recent: tuple[CallGroup, ...]

    @property
    def cached(self) -> tuple[CachedTokens, ...]:
        """What was read from the cache and written to it."""
        held = (group for group in (*self.settled, *self.recent) if group.prompt_tokens)
        groups = together(replace(group, category=None) for group in held)
        return tuple(CachedTokens(each.model, each.day, each.prompt_tokens, each.read, each.written) for each in groups)

    @property
    def refusals(self) -> tuple[tuple[str, int], ...]:
        """How often the model refused, by the category that it gave, most often first."""
        counted: dict[str, int] = {}
        for group in (*self.settled, *self.recent):
            if group.category is not None:
                counted[group.category] = counted.get(group.category, 0) + group.calls
        return tuple(sorted(counted.items(), key=lambda each: (-each[1], each[0])))


UNSEEN_SECONDS = 120.0
"""How long the row of a call may be written before others see it."""
ALL = "run_id = :batch_id"
"""Served by `ix_generation_logs_run_id`, which holds all calls of the batch."""
NEW = "run_id + 0 = :batch_id"
"""Served by `ix_generation_logs_listed`: the other index would have all calls of the batch read again."""
SUMS = """
    WITH called AS (
        SELECT model, created_at, state, whole.prompt, coalesce(cache_read_tokens, 0) AS read,
               coalesce(cache_write_tokens, 0) AS written,
               CASE WHEN error_type = 'refusal'
                    THEN coalesce(response_payload->'stop_details'->>'category', 'no category') END AS category
        FROM generation_logs, LATERAL (SELECT CASE WHEN cache_read_tokens > 0 OR cache_write_tokens > 0 THEN
            coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0) ELSE 0 END
            AS prompt) AS whole
        WHERE {which} AND created_at >= CAST(:since AS timestamptz)
    ), edge AS (
        -- Before it every call has ended, and none is being begun whose row is not committed yet.
        SELECT greatest(:since, least(min(created_at) FILTER (WHERE state = 'sending'),
                                      statement_timestamp() - make_interval(secs => :unseen))) AS until
        FROM called
    )
    SELECT edge.until, coalesce(created_at < edge.until, false) AS is_settled, model,
           (created_at AT TIME ZONE 'UTC')::date AS day,
           CASE WHEN prompt > 0 THEN width_bucket(prompt - 1, CAST(:limits AS integer[])) ELSE 0 END AS bucket,
           category, max(prompt)::bigint AS prompt_tokens, sum(read)::bigint AS read, sum(written)::bigint AS written,
           count(*) AS calls
    FROM edge LEFT JOIN called ON prompt > 0 OR category IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
"""

REMOVED = text("""
    SELECT model, day, CASE WHEN prompt_tokens > 0 THEN width_bucket(prompt_tokens - 1, CAST(:limits AS integer[]))
                            ELSE 0 END AS bucket,
           category, max(prompt_tokens) AS prompt_tokens, sum(read)::bigint AS read, sum(written)::bigint AS written,
           sum(calls)::bigint AS calls
    FROM retired_sums WHERE run_id = :batch_id GROUP BY 1, 2, 3, 4
""")
"""What calls that were removed under policy came to. By ix_retired_sums_run_id."""
KEPT_AT_LEAST = timedelta(days=7)
"""No call is removed before."""


async def call_sums(
    db: Database, batch_id: int, begun_at: datetime, limits: Sequence[int] = (), *, before: CallSums | None = None
) -> CallSums:
    """The sums of a batch that was made at `begun_at`. `limits` are the lengths of prompts, ascending, above which a
    price may be another, in thousands. With the sums of `before` only what may have changed since is read."""
    at = tuple(sorted(set(limits))) or (0,)
    if before is not None and (
        (before.batch_id, before.limits) != (batch_id, at) or before.until < clock.now() - KEPT_AT_LEAST
    ):
        before = None
    statement = text(SUMS.format(which=ALL if before is None else NEW))
    values = {
        "batch_id": batch_id, "limits": list(at), "since": begun_at if before is None else before.until,
        "unseen": UNSEEN_SECONDS,
    }  # fmt: skip
    async with db.read() as connection:
        rows = (await connection.execute(statement, values)).all()
        removed: Iterable[CallGroup] = before.settled if before else ()
        if before is None:
            removed = [CallGroup(*row) for row in await connection.execute(REMOVED, values)]
    groups = [(row.is_settled, CallGroup(*tuple(row)[2:])) for row in rows if row.model is not None]
    settled = [group for is_settled, group in groups if is_settled]
    return CallSums(
        batch_id,
        at,
        rows[0].until,
        together([*removed, *settled]),
        tuple(group for is_settled, group in groups if not is_settled),
    )
