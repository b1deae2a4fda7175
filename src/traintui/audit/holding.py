"""Calls that hold a text, in the log and in the archive: where a person stands who asks for their data to be erased.

One pattern is read by the server and here alike. It takes letters in both cases, blanks for any run of blanks and line
ends, and what JSON escapes, in JSON inside of JSON too.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import text

from traintui.audit.archive import damaged
from traintui.audit.archive_erasing import COLUMN_OF
from traintui.audit.archiving import moment
from traintui.audit.frames import DamagedFrame, unpack
from traintui.audit.row_hashes import framed
from traintui.clock import ticks
from traintui.data import aside_erasures
from traintui.data.aside_erasures import Aside
from traintui.data.engine import Database
from traintui.data.erasures import PARTS, Part
from traintui.data.query_labels import UNLOGGED
from traintui.data.refusals import Refused
from traintui.data.storable import storable
from traintui.errors import TraintuiError

SHORTEST = 4
"""Characters below which a text stands nearly everywhere."""
FIRST_STEP, MOST_STEP = 500, 20_000
STEP_SECONDS = 0.3
"""Seconds that one question may take: in between it can be stopped."""
Progress = Callable[[int, int], None]
"""How many calls were looked at, of about how many."""

BLANKS = "(?:[ \t\r\n\xa0]|\\\\+[nrt])+"
ESCAPED = {'"': '\\\\*"', "/": "\\\\*/", "\\": "\\\\+"}
"""What JSON writes with a backslash before it, or may."""
SPECIAL = frozenset(".^$*+?()[]{}|-")

TOTALS = text("""
    SELECT (SELECT count(*) FROM generation_logs) AS live,
           (SELECT coalesce(sum(f.row_count), 0)::bigint
            FROM archive_frames AS f JOIN retirements AS r USING (log, week)
            WHERE f.log = 'generation_logs') AS archived
""")
LAST = text("""
    SELECT max(id) AS until, count(*) AS number
    FROM (SELECT id FROM generation_logs WHERE id > :after ORDER BY id LIMIT :step) AS stretch
""")
"""Served by the keys of the weeks."""
MATCHING = text("""
    SELECT id, created_at, conversation_id, request_payload IS NOT NULL AS request,
           response_payload IS NOT NULL AS response, error_message IS NOT NULL AS error,
           request_payload::text ~ :pattern AS in_request, response_payload::text ~ :pattern AS in_response,
           error_message ~ :pattern AS in_error
    FROM generation_logs
    WHERE id > :after AND id <= :until AND state <> 'sending'
      AND (request_payload::text ~ :pattern OR response_payload::text ~ :pattern OR error_message ~ :pattern)
    ORDER BY id
""")
ONE = text("""
    SELECT id, created_at, conversation_id, state, request_payload IS NOT NULL AS request,
           response_payload IS NOT NULL AS response, error_message IS NOT NULL AS error
    FROM generation_logs WHERE id = :id
""")
FRAMES = text("""
    SELECT f.week, f.place, f.row_count FROM archive_frames AS f JOIN retirements AS r USING (log, week)
    WHERE f.log = 'generation_logs'
    ORDER BY CAST(:likely AS bigint) NOT BETWEEN f.first_id AND f.last_id, f.week, f.place
""")
"""Frames of weeks that were removed, those first whose ids lead to believe that they have a call."""
CONTENT = text("SELECT content FROM archive_frames WHERE log = 'generation_logs' AND week = :week AND place = :place")


@dataclass(frozen=True, slots=True)
class Target:
    """A call from which something may be erased: the parts that are `there`, and those that hold what was looked for.
    Of one in the archive its `week`, and the digests of its parts."""

    id: int
    created_at: datetime
    conversation_id: str | None
    there: tuple[Part, ...]
    holding: tuple[Part, ...] = ()
    week: date | None = None
    digests: Mapping[Part, bytes] = field(default_factory=dict)


def pattern_of(said: str) -> str:
    """The pattern for a text, as the server and `re` read it. Raises `TraintuiError` where it is too short."""
    wanted = " ".join((storable(said) or "").split())
    if len(wanted) < SHORTEST:
        raise TraintuiError(
            "Too short", f"a text of fewer than {SHORTEST} characters stands nearly everywhere.",
            "Give the whole e-mail address, or first and last name.",
        )  # fmt: skip
    # As it was given too: some signs are others once they are composed.
    forms = dict.fromkeys((wanted, *(unicodedata.normalize(form, wanted) for form in ("NFC", "NFD"))))
    return f"(?:{'|'.join(''.join(map(sign_of, form)) for form in forms)})"


def sign_of(sign: str) -> str:
    """The pattern for one character."""
    if sign == " ":
        return BLANKS
    if sign in ESCAPED:
        return ESCAPED[sign]
    if sign in SPECIAL:
        return f"\\{sign}"
    cases = list(dict.fromkeys(each for each in (sign, sign.lower(), sign.upper()) if len(each) == 1))
    either = cases[0] if len(cases) == 1 else f"[{''.join(cases)}]"
    if sign.isascii():
        return either
    return f"(?:{'|'.join((either, *map(escape_of, cases)))})"


def escape_of(sign: str) -> str:
    """The pattern for a character as JSON escapes it, whatever the case of its digits."""
    units = sign.encode("utf-16-be")
    hexes = (units[place : place + 2].hex() for place in range(0, len(units), 2))
    either = ("".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in each) for each in hexes)
    return "".join(f"\\\\+u{each}" for each in either)


async def calls_holding(
    db: Database, said: str, *, progress: Progress = lambda _done, _total: None, stop: asyncio.Event | None = None
) -> list[Target] | None:
    """The calls that hold a text, those of the log first, each by id; None once `stop` is set. Every payload is read, a
    million in some minutes. Raises `TraintuiError` where the text is too short or a frame cannot be read."""
    pattern = pattern_of(said)
    async with db.read() as connection:
        total = (await connection.execute(TOTALS)).one()
    every, done = total.live + total.archived, 0
    found: list[Target] = []
    after, step = 0, FIRST_STEP
    while True:
        if stop is not None and stop.is_set():
            return None
        began = ticks()
        async with db.read(UNLOGGED) as connection:  # what is looked for is not to be kept
            until, number = (await connection.execute(LAST, {"after": after, "step": step})).one()
            if until is None:
                break
            rows = await connection.execute(MATCHING, {"after": after, "until": until, "pattern": pattern})
            found += [live(row, tuple(part for part in PARTS if getattr(row, f"in_{part}"))) for row in rows]
        after, done = until, done + number
        step = max(FIRST_STEP, min(MOST_STEP, int(step * STEP_SECONDS / max(0.01, ticks() - began))))
        progress(done, max(done, every))
    compiled = re.compile(pattern)
    # Asked for last: what left the log meanwhile is there by now.
    async with db.read() as connection:
        frames = (await connection.execute(FRAMES, {"likely": 0})).all()
    for frame in frames:
        if stop is not None and stop.is_set():
            return None
        found += [each for each in await _of_frame(db, frame.week, frame.place, compiled) if each.holding]
        done += frame.row_count
        progress(done, max(done, every))
    return list({each.id: each for each in found}.values())


async def rows_aside_holding(db: Database, said: str) -> tuple[Aside, ...]:
    """Where rows that a downgrade put aside, and an upgrade could not put back, hold a text, and how many. Raises
    `TraintuiError` where it is too short, and `Refused` for who is no administrator."""
    return await aside_erasures.holding(db, pattern_of(said))


async def call(db: Database, id: int) -> Target:
    """One call, in the log or in the archive. Raises `Refused` where there is none (TT002) or it has not ended
    (TT003)."""
    async with db.read() as connection:
        row = (await connection.execute(ONE, {"id": id})).one_or_none()
        frames = () if row is not None else (await connection.execute(FRAMES, {"likely": id})).all()
    if row is not None:
        if row.state == "sending":
            raise Refused("Not possible now", f"Call {id} has not ended.", "Try it again once it has.", code="TT003")
        return live(row, ())
    for frame in frames:
        for each in await _of_frame(db, frame.week, frame.place, None):
            if each.id == id:
                return each
    raise Refused(
        "Not found", f"There is no call {id}, neither in the log nor in the archive.",
        "Look for it: traintui audit generations --archive.", code="TT002",
    )  # fmt: skip


def live(row: object, holding: tuple[Part, ...]) -> Target:
    """A call of the log."""
    there = tuple(part for part in PARTS if getattr(row, part))
    return Target(row.id, row.created_at, row.conversation_id, there, holding)  # type: ignore[attr-defined]


async def _of_frame(db: Database, week: date, place: int, pattern: re.Pattern[str] | None) -> list[Target]:
    async with db.read() as connection:
        content = await connection.scalar(CONTENT, {"week": week, "place": place})
    try:
        return await asyncio.to_thread(targets_of, bytes(content), week, pattern)
    except (DamagedFrame, ValueError) as error:
        raise damaged(week, place, error) from error


def targets_of(content: bytes, week: date, pattern: re.Pattern[str] | None) -> list[Target]:
    """The calls of a frame, and which of their parts hold a pattern. Raises `DamagedFrame` and `ValueError`."""
    names, rows = unpack(content)
    at = {name: place for place, name in enumerate(names)}
    found = []
    for row in rows:
        parts = {part: said for part in PARTS if (said := row[at[COLUMN_OF[part]]]) is not None}
        holding = () if pattern is None else tuple(part for part in parts if pattern.search(parts[part].decode()))
        conversation = row[at["conversation_id"]]
        found.append(
            Target(
                int(row[at["id"]] or 0), moment(int(row[at["created_at"]] or 0)),
                None if conversation is None else conversation.decode(), tuple(parts), holding, week,
                {part: sha256(framed(said) if part == "error" else said).digest() for part, said in parts.items()},
            )
        )  # fmt: skip
    return found
