"""Archived exports as a screen lists them, as the log had them, and what was noted of their conversations.

Exports are few, so a week of them is read at once. As in `archive_listing`, rows of frames are handed to the database
under the names of the tables.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import tzinfo as TimeZone
from typing import Any

import orjson
from sqlalchemy import Select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.audit.archive import as_json, damaged
from traintui.audit.archive_reach import Step, weeks_for
from traintui.audit.frames import DamagedFrame, unpack
from traintui.data import export_history
from traintui.data.engine import Database
from traintui.data.export_figures import ExportFigures, added_up, of_each
from traintui.data.fields import micros
from traintui.data.filter_words import words
from traintui.data.filters import Filter
from traintui.data.log_fields import S
from traintui.data.log_listing import Keys
from traintui.data.log_records import Export
from traintui.data.noted import Noted

Rows = Sequence[tuple[str, int]]
LOG_FRAMES = text("""
    SELECT week, place, content FROM archive_frames AS f
    WHERE log = 'export_logs' AND week = ANY(CAST(:weeks AS date[]))
      AND EXISTS (SELECT FROM retirements AS r WHERE r.log = f.log AND r.week = f.week)
    ORDER BY week, place
""")
NOTED_PLACES = text("SELECT place FROM archive_frames WHERE log = 'export_rows' AND week = :week ORDER BY place")
NOTED_FRAME = text("SELECT content FROM archive_frames WHERE log = 'export_rows' AND week = :week AND place = :place")
WEEKS = text("SELECT week FROM retirements WHERE log = 'export_logs' ORDER BY week DESC")
LOG_IN_PLACE = (
    text("SELECT * FROM jsonb_populate_recordset(NULL::public.export_logs, CAST(:archived AS jsonb))")
    .columns()
    .cte("export_logs")
)
NOTED_IN_PLACE = (
    text("SELECT * FROM jsonb_populate_recordset(NULL::public.export_rows, CAST(:noted AS jsonb))")
    .columns()
    .cte("export_rows")
)
"""They stand before the tables of these names in a statement that has them."""


async def find(db: Database, wanted: Filter, *, zone: TimeZone | None = None) -> AsyncGenerator[Step[ExportFigures]]:
    """Archived exports that match, week by week, the newest first, and what they add up to as `export_figures` adds up
    those of the log. Raises `TraintuiError` where a frame cannot be read, or the database cannot be reached."""
    selected = of_each(S.exported_at, S.id).where(wanted.where).order_by(S.exported_at.desc(), S.id.desc())
    weeks = await weeks_for(db, "export_logs", wanted)
    for number, week in enumerate(weeks, 1):
        found = await in_week(db, week, selected, wanted)
        keys = Keys(array("q", [micros(row[0]) for row in found]), array("q", [row[1] for row in found]))
        yield Step(keys, added_up([row[2:] for row in found], zone), number / len(weeks))


async def in_week(db: Database, week: date, selected: Select[Any], wanted: Filter) -> Sequence[Any]:
    """What a selection of exports finds among those that began in an archived week."""
    noted: list[dict[str, Any]] = []
    named = {each for word in words(wanted.text) if word.field == "conversation" for each in word.listed}
    if named:
        async for rows in noted_rows(db, week, conversations=named):
            noted += rows
    async with db.read() as connection:
        archived = await log_rows(connection, [week])
        statement = selected.add_cte(LOG_IN_PLACE, NOTED_IN_PLACE) if named else selected.add_cte(LOG_IN_PLACE)
        given = {"archived": archived} | ({"noted": orjson.dumps(noted).decode()} if named else {})
        found: Sequence[Any] = (await connection.execute(statement, given)).all()
    return found


async def rows(db: Database, moments: Mapping[int, datetime]) -> Mapping[int, Export]:
    """Archived exports by the ids of their first rows; `moments` says of each when it began."""
    if not moments:
        return {}
    selected = export_history.exports().where(S.id.in_(list(moments))).add_cte(LOG_IN_PLACE)
    async with db.read() as connection:
        archived = await log_rows(connection, sorted({week_of(at) for at in moments.values()}))
        return {row[0]: Export(*row) for row in await connection.execute(selected, {"archived": archived})}


async def one(db: Database, export_id: str) -> Export | None:
    """The archived export of an id; None where the archive has none."""
    selected = export_history.exports().where(S.export_id == export_id).add_cte(LOG_IN_PLACE)
    async with db.read() as connection:
        for week in (await connection.scalars(WEEKS)).all():
            archived = await log_rows(connection, [week])
            row = (await connection.execute(selected, {"archived": archived})).one_or_none()
            if row is not None:
                return Export(*row)
    return None


async def noted(db: Database, export: Export) -> Noted:
    """What an archived export held, all of it, in the order of the ids."""
    held: list[tuple[str, int]] = []
    async for rows in noted_rows(db, week_of(export.started_at), exports={export.export_id}):
        held += [(row["conversation_id"], row["revision"]) for row in rows]
    return Noted(export.export_id, export.started_at, [name for name, _ in held], [number for _, number in held])


async def held(db: Database, export: Export, *, limit: int, named: Collection[str] = ()) -> Rows:
    """The first conversations of an archived export with their revisions, those that are `named` before the others."""
    first: dict[str, int] = {}
    others: dict[str, int] = {}
    async for rows in noted_rows(db, week_of(export.started_at), exports={export.export_id}):
        for row in rows:
            if row["conversation_id"] in named:
                first[row["conversation_id"]] = row["revision"]
            elif len(others) < limit:
                others[row["conversation_id"]] = row["revision"]
        if len(others) == limit and not named:
            break
    return [*first.items(), *others.items()][: limit + len(first)]


def week_of(began: datetime) -> date:
    """The week, by its Monday, in which an export began that is archived."""
    day = began.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


async def log_rows(connection: AsyncConnection, weeks: Sequence[date]) -> str:
    """The rows of the exports of archived weeks, as JSON that the database reads as such."""
    frames = (await connection.execute(LOG_FRAMES, {"weeks": list(weeks)})).all()
    contents = [(each.week, each.place, bytes(each.content)) for each in frames]
    return await asyncio.to_thread(as_json, "export_logs", contents)


async def noted_rows(
    db: Database, week: date, *, exports: Collection[str] = (), conversations: Collection[str] = ()
) -> AsyncGenerator[list[dict[str, Any]]]:
    """What was noted of the exports of a week, of some exports or some conversations, a frame at a time."""
    async with db.read() as connection:
        places = (await connection.scalars(NOTED_PLACES, {"week": week})).all()
    for place in places:
        async with db.read() as connection:
            content = bytes(await connection.scalar(NOTED_FRAME, {"week": week, "place": place}) or b"")
        yield await asyncio.to_thread(
            lambda *given: list(rows_in(*given)), week, place, content, exports, conversations
        )


def rows_in(
    week: date, place: int, content: bytes, exports: Collection[str], conversations: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Those rows of a frame of noted conversations. Raises `TraintuiError` where it cannot be read."""
    wanted = ({each.encode() for each in exports}, {each.encode() for each in conversations})
    try:
        _, lines = unpack(content)
        for export, conversation, revision in lines:
            if export in wanted[0] or conversation in wanted[1]:
                yield {
                    "export_id": (export or b"").decode(), "conversation_id": (conversation or b"").decode(),
                    "revision": int(revision or 0),
                }  # fmt: skip
    except (DamagedFrame, ValueError) as error:
        raise damaged(week, place, error) from error
