"""Erasing what was said from the archive: what was purged leaves its digests there, as in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from sqlalchemy import text

from traintui.audit.frames import pack, unpack
from traintui.data.engine import Database
from traintui.data.sealed_columns import PAYLOADS

PURGED = text("""
    SELECT f.week, f.place, array_agg(DISTINCT log.conversation_id) AS purged
    FROM review_logs AS log JOIN archive_frames AS f ON f.conversation_ids && ARRAY[log.conversation_id]
    WHERE log.action = 'purge' AND f.log = 'generation_logs' AND f.payload_count > 0
    GROUP BY f.week, f.place ORDER BY f.week, f.place
""")
"""Frames with calls for what was purged, of weeks that are still being archived too. Served by
`ix_archive_frames_conversation_ids`."""
CONTENT = text("""
    SELECT content, coalesce(erased_sha256, sha256) AS sha256 FROM archive_frames
    WHERE log = 'generation_logs' AND week = :week AND place = :place
""")
ERASE = "SELECT erase_from_archive('generation_logs', :week, :place, :sha256, :payloads, :raw_bytes, :content)"


async def erase_purged(db: Database) -> int:
    """Takes the payloads of purged conversations out of the archive; in how many frames there were some. An
    administrator may, at any time and again. Raises `Refused` when one may not."""
    async with db.read() as connection:
        frames = (await connection.execute(PURGED)).all()
    number = 0
    for week, place, purged in frames:
        async with db.read() as connection:
            found = (await connection.execute(CONTENT, {"week": week, "place": place})).one()
        erased = await asyncio.to_thread(without_payloads, bytes(found.content), {name.encode() for name in purged})
        if erased is not None:
            content, raw_bytes, payloads = erased
            values = {"week": week, "place": place, "sha256": found.sha256, "payloads": payloads,
                      "raw_bytes": raw_bytes, "content": content}  # fmt: skip
            await db.call(ERASE, values)
            number += 1
    return number


def without_payloads(content: bytes, conversations: Collection[bytes]) -> tuple[bytes, int, int] | None:
    """A frame without what was said in some conversations, its bytes before they are compressed, and the payloads that
    are left; None where none was there. Raises `DamagedFrame`."""
    names, rows = unpack(content)
    whose, places = names.index("conversation_id"), [names.index(name) for name, _ in PAYLOADS["generation_logs"]]
    erased = False
    for row in rows:
        if row[whose] in conversations:
            for place in places:
                erased = erased or row[place] is not None
                row[place] = None
    if not erased:
        return None
    return *pack(names, rows), sum(row[place] is not None for row in rows for place in places)
