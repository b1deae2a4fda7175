"""Archived calls as a screen lists them: which of them match, frame by frame, what they add up to, and one as a whole.

As in `archive_listing`, rows of frames are handed to the database under the name of the log, so that it reads the
filter.
"""

from __future__ import annotations

import asyncio
import heapq
from array import array
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import tzinfo as TimeZone
from typing import Any

import orjson
from sqlalchemy import ColumnClause, Select, text
from sqlalchemy.sql.visitors import iterate

from traintui import clock
from traintui.audit.archive import damaged, said
from traintui.audit.archive_listing import AT_ONCE, IN_PLACE
from traintui.audit.archive_reach import FrameOf, Step, frames_for
from traintui.audit.frames import DamagedFrame, unpack
from traintui.data import attempts, erasures
from traintui.data.engine import Database
from traintui.data.fields import micros
from traintui.data.filters import Filter
from traintui.data.log_figures import REPLIED, CallFigures, added_up, of_each
from traintui.data.log_listing import Keys, LogListing
from traintui.data.log_models import GenerationLog as L
from traintui.data.log_records import Attempt, AttemptDetail
from traintui.data.refusals import Refused

SAID_EVERY = 0.2
"""Seconds between two steps that are shown."""
CONTENTS = text("""
    SELECT f.week, f.place, f.content FROM archive_frames AS f
    JOIN unnest(CAST(:weeks AS date[]), CAST(:places AS integer[])) AS wanted(week, place)
      ON f.week = wanted.week AND f.place = wanted.place
    WHERE f.log = 'generation_logs'
""")
AROUND = text("""
    SELECT f.week, f.place, f.content FROM archive_frames AS f
    WHERE f.log = 'generation_logs' AND f.week = ANY(CAST(:weeks AS date[]))
      AND EXISTS (SELECT FROM unnest(CAST(:moments AS timestamptz[])) AS sent(at)
                  WHERE sent.at BETWEEN f.first_at AND f.last_at)
""")
"""The frames that a few calls may stand in, by when they were sent: mostly one."""
PAYLOADS = ("request_payload", "response_payload")
Frames = Iterable[tuple[date, int, bytes]]


async def find(db: Database, wanted: Filter, *, zone: TimeZone | None = None) -> AsyncGenerator[Step[CallFigures]]:
    """Archived calls that match, the newest first, and what they add up to as `call_figures` adds up those of the log:
    by days on the wall of who asks (`zone` None is the system's), and without calls whose reply came late, as far as
    the dates of the filter lead to the reply. Raises `TraintuiError` where a frame cannot be read, or the database
    cannot be reached."""
    frames = await frames_for(db, wanted)
    selected = of_each(L.created_at, L.id, L.state == "unknown").where(wanted.where).add_cte(IN_PLACE)
    needed = {column.name for column in iterate(selected) if isinstance(column, ColumnClause)} | {"late_reply_to"}
    async with db.read() as connection:
        replied = set((await connection.scalars(REPLIED)).all())
    waiting: list[tuple[int, int]] = []
    found: list[Any] = []
    ready = (array("q"), array("q"))
    told = clock.ticks()
    for start in range(0, len(frames), AT_ONCE):
        rows, late = await matching(db, frames[start : start + AT_ONCE], selected, needed)
        replied |= late  # a reply is newer than its call, so it is met before
        for row in rows:
            heapq.heappush(waiting, (-micros(row[0]), -row[1]))
        found += [row[3:] for row in rows if not (row[2] and row[1] in replied)]
        # What no frame behind these can come before.
        rest = frames[start + AT_ONCE : start + AT_ONCE + 1]
        bound = -micros(rest[0].last_at) if rest else None
        while waiting and (bound is None or waiting[0][0] < bound):
            at, id = heapq.heappop(waiting)
            ready[0].append(-at)
            ready[1].append(-id)
        if bound is None or clock.ticks() - told >= SAID_EVERY:
            yield Step(Keys(*ready), added_up(found, zone), min(1.0, (start + AT_ONCE) / len(frames)))
            found, ready, told = [], (array("q"), array("q")), clock.ticks()


async def matching(
    db: Database, frames: Sequence[FrameOf], selected: Select[Any], needed: Collection[str]
) -> tuple[Sequence[Any], frozenset[int]]:
    """What a selection that needs some columns finds in the rows of some frames, and to which calls a late reply is
    among these rows, whatever the selection leaves."""
    places = {"weeks": [each.week for each in frames], "places": [each.place for each in frames]}
    async with db.read() as connection:
        contents = (await connection.execute(CONTENTS, places)).all()
        given = [(each.week, each.place, bytes(each.content)) for each in contents]
        rows, late = await asyncio.to_thread(with_late, given, needed)
        return (await connection.execute(selected, {"archived": rows})).all(), late


def with_late(frames: Frames, columns: Collection[str]) -> tuple[str, frozenset[int]]:
    """Some columns of the rows of frames as JSON, and to which calls a late reply is among them."""
    found = fields_of(frames, columns=columns)
    late = frozenset(int(each["late_reply_to"]) for each in found if each.get("late_reply_to") is not None)
    return orjson.dumps(found).decode(), late


def behind(listing: LogListing, keys: Keys, *, complete: bool) -> LogListing:
    """A listing with archived rows in their places: behind those of the log, unless an older week stayed."""
    last = listing.keys.last
    if not keys.ids or last is None or last > (keys.moments[0], keys.ids[0]):
        return listing.grown(keys, complete=complete)
    both = heapq.merge(*(zip(each.moments, each.ids, strict=True) for each in (listing.keys, keys)), reverse=True)
    moments, ids = array("q"), array("q")
    for moment, id in both:
        moments.append(moment)
        ids.append(id)
    return LogListing(Keys(moments, ids), complete=complete)


async def rows(db: Database, moments: Mapping[int, datetime]) -> Mapping[int, Attempt]:
    """Archived calls by their ids; `moments` says of each when it was sent."""
    selected = attempts.selected().where(L.id.in_(list(moments))).add_cte(IN_PLACE)
    async with db.read() as connection:
        archived = await around(connection, moments)
        if archived == "[]":
            return {}
        return {row.id: Attempt(*row) for row in await connection.execute(selected, {"archived": archived})}


async def detail(db: Database, attempt: Attempt) -> AttemptDetail:
    """An archived call with its payloads, as far as they were not erased, and what was. Raises `Refused` (TT002) where
    the archive has none."""
    async with db.read() as connection:
        archived = await around(connection, {attempt.id: attempt.created_at}, payloads=True)
        selected = attempts.selected_detail(attempt).add_cte(IN_PLACE)
        row = (await connection.execute(selected, {"archived": archived})).one_or_none()
    if row is None:
        raise Refused("Not found", f"Call {attempt.id} is neither in the log nor in the archive.",
                      "See what happened to it: traintui audit verify.", code="TT002")  # fmt: skip
    erased = await erasures.of_call(db, attempt.id, attempt.created_at, attempt.conversation_id)
    return attempts.detail_of(attempt, row, erased)


async def around(connection: Any, moments: Mapping[int, datetime], *, payloads: bool = False) -> str:
    """The rows of some archived calls, as JSON that the database reads as such."""
    days = {at.astimezone(UTC).date() for at in moments.values()}
    weeks = {day - timedelta(days=day.weekday()) for day in days}
    values = {"weeks": sorted(weeks), "moments": list(moments.values())}
    frames = [(each.week, each.place, bytes(each.content)) for each in await connection.execute(AROUND, values)]
    found = await asyncio.to_thread(fields_of, frames, only=moments.keys(), payloads=payloads)
    return orjson.dumps(found).decode()


def fields_of(
    frames: Frames, *, only: Collection[int] | None = None, columns: Collection[str] | None = None,
    payloads: bool = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of frames as the database reads them out of JSON as rows of the log: those of some ids, and some of their
    columns, unless all are wanted. Raises `TraintuiError` where a frame cannot be read."""
    found: list[dict[str, Any]] = []
    for week, place, content in frames:
        try:
            names, lines = unpack(content)
            number = names.index("id")
            for line in lines:
                if only is None or int(line[number] or 0) in only:
                    fields = dict(zip(names, line, strict=True))
                    wanted = fields if columns is None else fields.keys() & columns
                    found.append({name: said("generation_logs", name, fields[name]) for name in wanted})
                    if payloads:
                        found[-1] |= {name: orjson.Fragment(kept) for name in PAYLOADS if (kept := fields.get(name))}
        except (DamagedFrame, ValueError) as error:
            raise damaged(week, place, error) from error
    return found
