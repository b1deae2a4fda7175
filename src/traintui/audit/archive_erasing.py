"""Taking what was erased out of the archive: a frame is written anew without it, and its digests stay, as in the log.

What is to be done stands in the database, written with the purge or the erasure. It is done at once, and whatever ends
that in between, at an administrator's next start. Nothing is taken out that is not what the record says of it: that
would hide who changed it. What cannot be taken out stays to be done, with why, and keeps nothing else from it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from sqlalchemy import text

from traintui.audit.archiving import moment
from traintui.audit.frames import DamagedFrame, Fields, pack, recorded, unpack
from traintui.audit.row_hashes import VERSIONS, Digest, framed, row_hash
from traintui.audit.walking import PLACES, WIDTH
from traintui.data import erasures
from traintui.data.copied_rows import Row
from traintui.data.engine import Database
from traintui.data.erasures import PARTS, FrameOf, Part, Pending
from traintui.data.refusals import Refused
from traintui.data.sealed_columns import PAYLOADS, Log

AT_ONCE = 1_000
"""Erasures and purged conversations that are dealt with together: a frame with several of them is written once."""
TRIES = 3
WITH_CONVERSATION = "Its conversation was purged."
"""The reason of an erasure that a purge left to be written, as `erase_calls_of` says it of calls in the log."""
CONTENT = text("""
    SELECT content, coalesce(erased_sha256, sha256) AS sha256 FROM archive_frames
    WHERE log = 'generation_logs' AND week = :week AND place = :place
""")
ERASE = "SELECT erase_from_archive('generation_logs', :week, :place, :sha256, :payloads, :raw_bytes, :content)"
COLUMN_OF: Mapping[Part, str] = {
    "request": "request_payload", "response": "response_payload", "error": "error_message",
}  # fmt: skip
DIGEST_OF: Mapping[Part, str] = {"request": "request_sha256", "response": "response_sha256"}
_LOG: Log = "generation_logs"
_ERROR = PLACES[_LOG]["error_message"]
_COUNTED = tuple(name for name, _ in PAYLOADS[_LOG])
Progress = Callable[[int, int], None]
"""How many frames were looked at, of how many that may hold something."""


@dataclass(slots=True)
class Without:
    """A frame without what is to be taken out: `content`, its bytes before they are compressed and the payloads that
    are left, where something was there. `errors` are texts of errors that go with their conversations, by call and
    moment, with their digests; `unlike` says why what some ids stand for stays."""

    content: bytes | None = None
    raw_bytes: int = 0
    payloads: int = 0
    errors: list[tuple[int, datetime, bytes]] = field(default_factory=list)
    unlike: dict[int, str] = field(default_factory=dict)


async def finish_erasing(
    db: Database, *, progress: Progress = lambda _done, _total: None, stop: asyncio.Event | None = None
) -> int:
    """Takes out of the archive what is still to be; in how many frames there was some. An administrator may, at any
    time and again; once `stop` is set it ends, and the next call goes on. What cannot be taken out stays to be done,
    and `erasures.failures` says why. Raises `Refused` when one may not."""
    number = done = after = 0
    while (some := await erasures.pending(db, AT_ONCE, after=after)) is not None:
        after, failed = some.last, dict[int, str]()
        for frame in some.frames:
            if stop is not None and stop.is_set():
                return number
            erased, unlike = await _erase(db, frame, some)
            failed |= unlike
            number += erased
            done += 1
            progress(done, max(done, len(some.frames)))
        await erasures.archive_is_erased(db, [each.id for each in some.wanted if each.id not in failed])
        by_reason: dict[str, list[int]] = defaultdict(list)
        for id, why in failed.items():
            by_reason[why].append(id)
        for why, ids in by_reason.items():
            await erasures.archive_erasing_failed(db, ids, why)
    return number


async def _erase(db: Database, frame: FrameOf, some: Pending) -> tuple[bool, Mapping[int, str]]:
    """Takes it out of a frame; whether something was there, and why what stays there does, by the ids."""
    for left in reversed(range(TRIES)):
        async with db.read() as connection:
            found = (await connection.execute(CONTENT, {"week": frame.week, "place": frame.place})).one_or_none()
        if found is None:  # a copy that was begun anew, from rows that have it no more
            return False, {}
        where = f"frame {frame.place} of the week of {frame.week}"
        try:
            content = bytes(found.content)
            calls = await asyncio.to_thread(calls_in, content)
            errors = await erasures.erased_errors(db, calls)
            became = await asyncio.to_thread(without, content, some, frame.ids, errors, where)
        except (DamagedFrame, ValueError) as error:
            why = f"{where} cannot be read ({error}): traintui audit verify, and take the frame from a backup."
            return False, dict.fromkeys(frame.ids, why)
        if became.content is None:
            return False, became.unlike
        values = {"week": frame.week, "place": frame.place, "sha256": found.sha256, "payloads": became.payloads,
                  "raw_bytes": became.raw_bytes, "content": became.content}  # fmt: skip
        try:
            for call, at, digest in became.errors:  # the hash of the row covers the text by it
                await erasures.erase(db, call, at, ("error",), WITH_CONVERSATION, archived={"error": digest})
            await db.call(ERASE, values)
            return True, became.unlike
        except Refused as refused:
            if refused.code != "TT003" or not left:  # somebody else erases from it too
                raise
    return False, {}


def calls_in(content: bytes) -> list[int]:
    """The ids of the calls of a frame. Raises `DamagedFrame` and `ValueError`."""
    names, rows = unpack(content)
    at = names.index("id")
    return [int(row[at] or 0) for row in rows]


def without(
    content: bytes, some: Pending, ids: frozenset[int], errors: Mapping[int, Sequence[bytes]], where: str
) -> Without:
    """A frame without what some of all that is pending stands for; `errors` are the digests of texts that are gone from
    its calls. What is not as the record says it stays. Raises `DamagedFrame` and `ValueError`."""
    names, rows = unpack(content)
    at = {name: place for place, name in enumerate(names)}
    conversations = {each.conversation_id: each for each in some.wanted if each.id in ids and each.conversation_id}
    calls: dict[int, list[erasures.ToErase]] = defaultdict(list)
    for each in some.wanted:
        if each.id in ids and each.call is not None:
            calls[each.call].append(each)
    became, erased = Without(), False
    for row in rows:
        id, conversation = int(row[at["id"]] or 0), row[at["conversation_id"]]
        purged = conversations.get(conversation.decode()) if conversation is not None else None
        if id not in calls and purged is None:
            continue
        there = {part: digest_of(part, said) for part in PARTS if (said := row[at[COLUMN_OF[part]]]) is not None}
        wanted: set[Part] = set()
        for each in calls.get(id, ()):
            for part, digest in each.parts.items():
                said = there.get(part)
                if said is not None and said != digest:
                    became.unlike[each.id] = f"{where}: the {part} of call {id:,} is not what its erasure names."
                elif said is not None:
                    wanted.add(part)
        if purged is not None:
            wanted |= there.keys()
        if not wanted:
            continue
        if not is_as_recorded(recorded(_LOG, names, row), there, errors.get(id, ())):
            why = f"{where}: call {id:,} is not what its hash says, so what is to be erased from it stays as evidence."
            became.unlike |= {each.id: f"{why} traintui audit verify." for each in calls.get(id, ())}
            if purged is not None:
                became.unlike[purged.id] = f"{why} traintui audit verify."
            continue
        if purged is not None and "error" in there:
            became.errors.append((id, moment(int(row[at["created_at"]] or 0)), there["error"]))
        for part in wanted:
            row[at[COLUMN_OF[part]]], erased = None, True
    if erased:
        became.content, became.raw_bytes = pack(names, rows)
        became.payloads = sum(row[at[name]] is not None for row in rows for name in _COUNTED)
    return became


def digest_of(part: Part, said: bytes) -> bytes:
    """The digest of a part of a call as an erasure has it."""
    return sha256(framed(said) if part == "error" else said).digest()


def is_as_recorded(row: Row, there: Mapping[Part, bytes], errors: Sequence[bytes]) -> bool:
    """Whether what stands of a call is what its row says, and the row what its hash says; one of `errors` is the digest
    of a text that was erased before."""
    places, width = PLACES[_LOG], WIDTH[_LOG]
    if any(digest.hex().encode() != row[places[DIGEST_OF[part]]] for part, digest in there.items() if part != "error"):
        return False
    if row[0] not in VERSIONS[_LOG]:
        return False
    rows: list[Fields] = [row[:width]]
    if "error" not in there:
        rows += [[*row[:_ERROR], Digest(each), *row[_ERROR + 1 : width]] for each in errors]
    return any(row_hash(_LOG, each).hex().encode() == row[width] for each in rows)
