"""What the record is made of, as it is verified: seals and their parts, and what stands beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from traintui.data.sealed_columns import Log

Key = tuple[int, int]
"""Where a row stands in its log: transaction, then id."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the database says of the order of its logs. Rows from `begins_at` on were written by this server, in its
    transaction xid8 - `offset`; where it was copied and nobody wrote since that is not known, and `is_copied`. None can
    have reached `next` yet."""

    workspace: str
    offset: int
    begins_at: int
    next: int
    is_copied: bool


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one log in a seal, of one week where it is the generation log. `keys` and `row_hashes` are what its
    root was made of, None where they are gone."""

    number: int
    place: int
    log: Log
    week: date | None
    first: Key
    last: Key
    row_count: int
    root: bytes
    keys_sha256: bytes
    keys: bytes | None = None
    row_hashes: bytes | None = None


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal: all rows below `horizon` that none before it has."""

    number: int
    horizon: int
    made_at: datetime
    made_at_micros: int
    row_count: int
    previous_hash: bytes
    hash: bytes
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class EndedExport:
    """The row of the log that says how an export ended, and the digest that it has of what was noted of it; both None
    where there is none."""

    export_id: str
    id: int | None
    xid8: int | None
    rows_sha256: str | None


@dataclass(frozen=True, slots=True)
class HiddenDecision:
    """A row of the review log that a login may not read: where it stands, and its stored hash. `is_asked` says whether
    a second review that is open may have it."""

    key: Key
    row_hash: bytes
    is_asked: bool


WEEK = re.compile(r"FOR VALUES FROM \('(\d{4}-\d\d-\d\d) 00:00:00\+00'\) TO \('(\d{4}-\d\d-\d\d) 00:00:00\+00'\)")


def week_of(bounds: str) -> date | None:
    """The Monday of the week that a table is for, by its bounds in UTC; None where they are not those of a week."""
    found = WEEK.fullmatch(bounds)
    if found is None:
        return None
    first, after = map(date.fromisoformat, found.groups())
    return first if first.weekday() == 0 and (after - first).days == 7 else None


def seal_of(head: tuple[Any, ...], parts: list[Part]) -> Seal:
    number, horizon, made_at, micros, row_count, previous_hash, hash = head
    return Seal(number, horizon, made_at, micros, row_count, previous_hash, hash, tuple(parts))


def part_of(number: int, found: tuple[Any, ...]) -> Part:
    place, log, week, first_xid8, first_id, last_xid8, last_id, row_count, root, keys_sha256, *leaves = found
    keys, hashes = leaves or (None, None)
    return Part(
        number,
        place,
        log,
        week,
        (first_xid8, first_id),
        (last_xid8, last_id),
        row_count,
        root,
        keys_sha256,
        keys,
        hashes,
    )
