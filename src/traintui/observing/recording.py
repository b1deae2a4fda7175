"""The query log of this process, kept beside the work: added up on the server once a minute, the slow ones with their
plans. Whatever fails here, the work goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from traintui.clock import ticks
from traintui.data import query_times
from traintui.data.engine import Database
from traintui.data.keeping_up import AWAY_SECONDS, Failed, beside, raise_fault, rest
from traintui.data.query_log import can_be_explained
from traintui.data.query_plans import explain
from traintui.data.query_records import Asked, Slow
from traintui.data.query_shapes import plan_hash, without_values
from traintui.errors import TraintuiError

NOTE_SECONDS = 60.0
"""Seconds between two times that what was counted is added up."""
LOOK_SECONDS = 5.0
"""Seconds between two looks for slow statements and for plans, of which one is asked for at a time."""
ROLL_UP_SECONDS = 3_600.0
"""Seconds between two times that old minutes become hours."""
LONGEST_VALUE = 200
"""Characters of a parameter that are kept."""


async def keep_recorded(db: Database, stop: asyncio.Event) -> None:
    """Keeps the query log until `stop` is set. A database that is away is waited for: what was counted is kept for an
    hour."""
    noted = rolled = None
    while not stop.is_set():
        try:
            if noted is None or ticks() - noted >= NOTE_SECONDS:
                db.queries.slow_us = await query_times.slow_ms(db) * 1_000
                await note_times(db)
                noted = ticks()
            if rolled is None or ticks() - rolled >= ROLL_UP_SECONDS:
                while await query_times.roll_up(db) and not stop.is_set():
                    await rest(stop, LOOK_SECONDS / 10)
                rolled = ticks()
            await note_slow_ones(db)
            await look_at_a_plan(db)
        except (TraintuiError, SQLAlchemyError, psycopg.Error):
            await rest(stop, AWAY_SECONDS)
            continue
        await rest(stop, LOOK_SECONDS)


async def note_times(db: Database) -> None:
    """Adds up what was counted since the last time. What fails is said the next time."""
    counted = db.queries.taken()
    try:
        await query_times.note(db, counted)
    except BaseException:
        db.queries.given_back(counted)
        raise


async def note_slow_ones(db: Database) -> None:
    """Keeps the statements that took long since the last time, each with its plan where it is a query."""
    while (slow := db.queries.next_slow()) is not None:
        plan = None
        if can_be_explained(slow.statement, slow.parameters):
            plan = await planned(db, Asked(slow.label, slow.statement, slow.parameters))
        error, parameters = await asyncio.to_thread(redacted, slow)
        await query_times.note_slow(db, replace(slow, error=error), parameters, plan)


async def look_at_a_plan(db: Database) -> None:
    """Asks for the plan of a statement that was sent, so that a change of plan is noticed before it is felt."""
    if (asked := db.queries.to_explain()) is not None:
        await planned(db, asked)


async def planned(db: Database, asked: Asked) -> str | None:
    """The hash of the plan that a query has now, which is kept; None where the server gives none, as for a table that
    was dropped."""
    try:
        plan = without_values(await explain(db, asked.statement, asked.parameters))
        found = plan_hash(plan)
        await query_times.note_plan(db, asked.label, asked.statement, found, plan)
    except (TraintuiError, SQLAlchemyError):
        return None
    return found


def redacted(slow: Slow) -> tuple[str | None, dict[str, Any]]:
    """What a statement failed with and its parameters as they may be kept: short, without secrets and personal data.
    Blocks."""
    from traintui.audit.redaction import redact  # numbering plans: a fifth of a second, where nothing is slow

    given = slow.parameters if isinstance(slow.parameters, dict) else {"sent": "many at once"}
    record: Any = redact([slow.error, {str(name): _short(value) for name, value in given.items()}]).value
    error, parameters = record
    return error, {name: v[:LONGEST_VALUE] if isinstance(v, str) else v for name, v in parameters.items()}


def _short(value: object) -> Any:
    """A parameter as JSON, of which what is not kept is not looked through either."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value):,} bytes"
    if isinstance(value, list | tuple | dict | set):
        return f"{type(value).__name__} of {len(value):,}"
    return str(value)[: LONGEST_VALUE * 10]


@asynccontextmanager
async def recording(db: Database, *, failed: Failed = raise_fault) -> AsyncIterator[None]:
    """Keeps the query log beside the block, and adds up the rest at its end."""
    try:
        async with beside(partial(keep_recorded, db), name="queries", failed=failed):
            yield
    finally:
        await note_last(db)


async def note_last(db: Database) -> None:
    """Adds up what is left before one leaves."""
    with suppress(TraintuiError, SQLAlchemyError, psycopg.Error):
        await note_times(db)
