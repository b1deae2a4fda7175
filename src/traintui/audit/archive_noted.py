"""Which conversations, at which revisions, exports held that were moved to the archive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.audit.archive import damaged
from traintui.audit.frames import NOTED, DamagedFrame, unpack

PLACES = text("""
    SELECT f.week, f.place FROM archive_frames AS f
    WHERE f.log = 'export_rows'
      AND EXISTS (SELECT FROM retirements AS r WHERE r.log = 'export_logs' AND r.week = f.week)
    ORDER BY f.week, f.place
""")
CONTENT = text("SELECT content FROM archive_frames WHERE log = 'export_rows' AND week = :week AND place = :place")


@dataclass(frozen=True, slots=True)
class NotedInArchive:
    """Some of what an export held: public ids, and the revision of each."""

    export_id: str
    conversations: Sequence[str]
    revisions: Sequence[int]


async def noted_in_archive(connection: AsyncConnection) -> AsyncIterator[NotedInArchive]:
    """What exports in the archive held, one of them at a time or a part of it, a frame in memory. Raises
    `TraintuiError` where a frame cannot be read."""
    for week, place in (await connection.execute(PLACES)).all():
        content = await connection.scalar(CONTENT, {"week": week, "place": place})
        for noted in await asyncio.to_thread(noted_of, week, place, bytes(content)):
            yield noted


def noted_of(week: date, place: int, content: bytes) -> list[NotedInArchive]:
    """What stands in a frame. Raises `TraintuiError` where it cannot be read."""
    try:
        names, rows = unpack(content)
        at = [names.index(name) for name in NOTED]
        said = [tuple((row[place] or b"").decode() for place in at) for row in rows]
        return [
            NotedInArchive(export_id, [each[1] for each in held], [int(each[2]) for each in held])
            for export_id, held in ((name, list(group)) for name, group in groupby(said, key=lambda each: each[0]))
        ]
    except (DamagedFrame, ValueError) as error:
        raise damaged(week, place, error) from error
