"""What a month came to: what is read for it, and how it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import func, select, text

from traintui.data.archive_models import Retirement as R
from traintui.data.engine import Database
from traintui.data.monthly_models import MonthlyFigures as M
from traintui.data.query_labels import UNLOGGED
from traintui.data.sample_models import IndexSample as I
from traintui.data.sample_models import ServerSample
from traintui.data.sample_models import TableSample as T
from traintui.data.sample_records import IndexAt, TableAt

SETTINGS = text("SELECT pg_size_bytes(current_setting('shared_buffers')), pg_size_bytes(current_setting('work_mem'))")
SLOWEST = text("SELECT * FROM slowest_statements(:begin, :end, :limit)")
WORK = text("SELECT work_between(:begin, :end)")


@dataclass(frozen=True, slots=True)
class Work:
    """What people and workers did in a time. `calls` are paid ones, those of rehearsals stand beside them;
    `median_seconds` is from a conversation on the screen to its decision, None where nobody decided."""

    conversations: int
    imported: int
    calls: int
    rehearsal_calls: int
    unpriced_calls: int
    spent_usd: Decimal
    decisions: int
    approvals: int
    edits: int
    undone: int
    reviewers: int
    median_seconds: float | None
    exports: int
    exported: int


@dataclass(frozen=True, slots=True)
class SlowStatement:
    """A statement that took long: how often, the longest time in microseconds, when last, and the plan of the longest
    one, where it is known."""

    label: str
    statement: str
    times: int
    most_us: int
    last_at: datetime
    plan_hash: str | None
    statement_hash: str


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the server has for blocks of tables in all, and for each sort, in bytes."""

    shared_buffers: int
    work_mem: int


@dataclass(frozen=True, slots=True)
class Retired:
    """A week that was removed from a log: rows and their bytes, and the bytes of the archive."""

    log: str
    week: date
    row_count: int
    row_bytes: int
    archive_bytes: int


async def work(db: Database, begin: datetime, end: datetime) -> Work:
    """What was generated, reviewed and exported in a time; calls and what they cost are those of whole months."""
    async with db.read() as connection:
        found: dict[str, Any] = (await connection.execute(WORK, {"begin": begin, "end": end})).scalar_one()
    return Work(**{**found, "spent_usd": Decimal(found["spent_usd"])})


async def settings(db: Database) -> ServerSettings:
    """The settings as they are now."""
    async with db.read() as connection:
        return ServerSettings(*(await connection.execute(SETTINGS)).one())


async def slowest(db: Database, begin: datetime, end: datetime, limit: int) -> tuple[SlowStatement, ...]:
    """The statements that took longest in a time, each once."""
    async with db.read() as connection:
        found = await connection.execute(SLOWEST, {"begin": begin, "end": end, "limit": limit})
        return tuple(SlowStatement(*row) for row in found)


async def retired(db: Database, begin: datetime, end: datetime) -> tuple[Retired, ...]:
    """What retention removed in a time."""
    statement = (
        select(R.log, R.week, R.row_count, R.row_bytes, R.archive_bytes)
        .where(R.retired_at >= begin, R.retired_at < end)
        .order_by(R.log, R.week)
    )
    async with db.read() as connection:
        return tuple(Retired(*row) for row in await connection.execute(statement))


async def table_ends(db: Database, begin: datetime, end: datetime) -> tuple[tuple[TableAt, TableAt], ...]:
    """Each table in the first and in the last sample of a time. By the key of table_samples."""
    within = (T.at >= begin, T.at < end)
    ends = select(func.min(T.at), func.max(T.at)).where(*within)
    columns = [getattr(T, name) for name in TableAt.__slots__]
    async with db.read() as connection:
        first, last = (await connection.execute(ends)).one()
        if first is None:
            return ()
        at = select(*columns).where(T.at.in_((first, last)))
        found = [TableAt(*row) for row in await connection.execute(at)]
    before = {each.table_name: each for each in found if each.at == first}
    return tuple((before.get(each.table_name, each), each) for each in found if each.at == last)


async def last_indexes(db: Database, begin: datetime, end: datetime) -> tuple[IndexAt, ...]:
    """Each index in the last sample of a time, the largest first. By the key of index_samples."""
    last = select(func.max(I.at)).where(I.at >= begin, I.at < end).scalar_subquery()
    columns = [getattr(I, name) for name in IndexAt.__slots__]
    statement = select(*columns).where(I.at == last).order_by(I.index_bytes.desc(), I.index_name)
    async with db.read() as connection:
        return tuple(IndexAt(*row) for row in await connection.execute(statement))


async def sampled_since(db: Database) -> datetime | None:
    """The moment of the first sample that is kept; None where there is none."""
    async with db.read() as connection:
        moment: datetime | None = await connection.scalar(select(func.min(ServerSample.at)))
    return moment


# What is kept


async def note(db: Database, month: date, figures: bytes) -> bool:
    """Keeps what a month came to, as JSON, once; whether it was not there yet. Raises `Refused` for who is no
    administrator, and for a month that is not over or was not sampled."""
    asked = "SELECT note_month(CAST(:month AS date), CAST(:figures AS jsonb))"
    return bool((await db.call(asked, {"month": month, "figures": figures.decode()}, UNLOGGED)).scalar_one())


async def kept(db: Database) -> Sequence[date]:
    """The months that are kept, the newest first."""
    async with db.read(UNLOGGED) as connection:
        return tuple(await connection.scalars(select(M.month).order_by(M.month.desc())))


async def read(db: Database, month: date) -> bytes | None:
    """What a month came to, as JSON; None where it is not kept."""
    async with db.read() as connection:
        found = await connection.scalar(select(M.figures).where(M.month == month))
    return None if found is None else orjson.dumps(found)
