"""Taking what was erased out of the archive: a frame is written anew without it, and its digests stay, as in the log.

What is to be done stands in the database, written with the purge or the erasure. It is done at once, and whatever ends
that in between, at an administrator's next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import date

from sqlalchemy import text

from traintui.audit.frames import DamagedFrame, pack, unpack
from traintui.data import erasures
from traintui.data.engine import Database
from traintui.data.erasures import PARTS, Part
from traintui.data.refusals import Refused
from traintui.data.sealed_columns import PAYLOADS
from traintui.errors import TraintuiError

AT_ONCE = 1_000
"""Erasures and purged conversations that are dealt with together: a frame with several of them is written once."""
TRIES = 3
CONTENT = text("""
    SELECT content, coalesce(erased_sha256, sha256) AS sha256 FROM archive_frames
    WHERE log = 'generation_logs' AND week = :week AND place = :place
""")
ERASE = "SELECT erase_from_archive('generation_logs', :week, :place, :sha256, :payloads, :raw_bytes, :content)"
COLUMN_OF: Mapping[Part, str] = {
    "request": "request_payload", "response": "response_payload", "error": "error_message",
}  # fmt: skip
_COUNTED = tuple(name for name, _ in PAYLOADS["generation_logs"])
Progress = Callable[[int, int], None]
"""How many frames were looked at, of how many that may hold something."""


async def finish_erasing(
    db: Database, *, progress: Progress = lambda _done, _total: None, stop: asyncio.Event | None = None
) -> int:
    """Takes out of the archive what is still to be; in how many frames there was some. An administrator may, at any
    time and again; once `stop` is set it ends, and the next call goes on. Raises `Refused` when one may not, and
    `TraintuiError` where a frame cannot be read."""
    number = done = 0
    while (some := await erasures.pending(db, AT_ONCE)) is not None:
        for week, place in some.frames:
            if stop is not None and stop.is_set():
                return number
            number += await _erase(db, week, place, some)
            done += 1
            progress(done, max(done, len(some.frames)))
        await erasures.archive_is_erased(db, some.ids)
    return number


async def _erase(db: Database, week: date, place: int, some: erasures.Pending) -> bool:
    """Takes it out of a frame; whether something was there."""
    for left in reversed(range(TRIES)):
        async with db.read() as connection:
            found = (await connection.execute(CONTENT, {"week": week, "place": place})).one_or_none()
        if found is None:  # a copy that was begun anew, from rows that have it no more
            return False
        try:
            erased = await asyncio.to_thread(without, bytes(found.content), some.conversations, some.calls)
        except DamagedFrame as error:
            raise TraintuiError(
                "Archive damaged", f"frame {place} of the week of {week} cannot be read: {error}.",
                "What is to be erased from it stands there until a backup brings the frame: traintui audit verify.",
            ) from error  # fmt: skip
        if erased is None:
            return False
        content, raw_bytes, payloads = erased
        values = {"week": week, "place": place, "sha256": found.sha256, "payloads": payloads, "raw_bytes": raw_bytes,
                  "content": content}  # fmt: skip
        try:
            await db.call(ERASE, values)
            return True
        except Refused as refused:
            if refused.code != "TT003" or not left:  # somebody else erases from it too
                raise
    return False


def without(
    content: bytes, conversations: Collection[str], calls: Mapping[int, Collection[Part]]
) -> tuple[bytes, int, int] | None:
    """A frame without the payloads of some conversations and without parts of some calls, its bytes before they are
    compressed, and the payloads that are left; None where nothing of that was there. Raises `DamagedFrame`."""
    names, rows = unpack(content)
    at = {name: place for place, name in enumerate(names)}
    erased = False
    for row in rows:
        conversation = row[at["conversation_id"]]
        parts = set(calls.get(int(row[at["id"]] or 0), ()))
        if conversation is not None and conversation.decode() in conversations:
            parts |= {"request", "response"}
        for part in PARTS:
            place = at[COLUMN_OF[part]]
            if part in parts and row[place] is not None:
                row[place], erased = None, True
    if not erased:
        return None
    return *pack(names, rows), sum(row[at[name]] is not None for row in rows for name in _COUNTED)
