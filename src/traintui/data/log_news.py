"""What came to a log, or changed there, since somebody looked.

Rows come at the end, a little out of order; and a call or an export that was under way ends, where it began: an hour
ago, or a day, as a batch at the provider may take. So a look remembers which rows had not ended, and the next one asks
for these by their ids, however old they are.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.conditions import bool_of
from traintui.data.engine import Database
from traintui.data.fields import EPOCH
from traintui.data.filters import Filter
from traintui.data.listing import NEWEST, Order
from traintui.data.log_fields import Log
from traintui.data.log_listing import NO_KEYS, Keys, LogListing, as_planned, keys_of, packed, unpacked

OVERLAP = timedelta(minutes=10)
"""How far back a look for what came reaches: what is done to many at once is committed after what began later."""
MOST_NEWS = 10_000
"""Keys up to which news are put in front of what is there; where there are more, all is read anew."""


@dataclass(frozen=True, slots=True)
class Look:
    """When a log was looked at, by the clock of the server; which of its rows had not ended, and which of the filter
    had come shortly before."""

    at: datetime
    open: Keys = NO_KEYS
    recent: Keys = NO_KEYS


@dataclass(frozen=True, slots=True)
class News:
    """The listing with what is new, itself where nothing is, None where there is too much of it; `changed` is whether
    what rows add up to may be another; and the look that the next one begins at."""

    listing: LogListing | None
    changed: bool
    look: Look


async def look_at(db: Database, log: Log, wanted: Filter, order: Order = NEWEST) -> Look:
    """A first look, before a listing is read. Only in another order than the newest first it is asked what came
    shortly before."""
    async with db.read() as connection:
        await as_planned(connection)
        now = await server_now(connection)
        still = await open_rows(connection, log)
        return Look(now, still, NO_KEYS if order == NEWEST else await since(connection, log, wanted, now - OVERLAP))


async def server_now(connection: AsyncConnection) -> datetime:
    """What the clock of the server says, by which rows are stamped."""
    now: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    return now


async def news(db: Database, log: Log, wanted: Filter, listing: LogListing, look: Look, order: Order = NEWEST) -> News:
    """What came, and what became of rows that had not ended, since a look. A listing in another order than the newest
    first is read anew where there is anything."""
    reaches = look.at - OVERLAP
    async with db.read() as connection:
        await as_planned(connection)
        now = await server_now(connection)
        still = await open_rows(connection, log)
        ended = look.open.without(still)
        came = await since(connection, log, wanted, reaches)
        if len(came) >= MOST_NEWS or len(ended) >= MOST_NEWS:
            return News(None, True, Look(now, still, came))
        of_ended = await among(connection, log, wanted, ended)
    following = Look(now, still, came)
    if order != NEWEST:
        changed = bool(of_ended) or bool(came.without(look.recent)) or await asyncio.to_thread(has_any, listing, ended)
        return News(None if changed else listing, changed, following)
    if listing.complete or (last := listing.keys.last) is None or EPOCH + timedelta(microseconds=last[0]) <= reaches:
        renewed = listing.renewed(came, reaches).mended(ended, of_ended)
    else:
        renewed = listing  # that far it has not been read yet
    return News(renewed, bool(of_ended) or renewed is not listing, following)


def has_any(listing: LogListing, keys: Keys) -> bool:
    """Whether some rows are in a listing, whatever its order. Blocks: a tenth of a second for two million."""
    return bool(keys) and not set(keys.ids).isdisjoint(listing.keys.ids)


async def open_rows(connection: AsyncConnection, log: Log) -> Keys:
    """Rows that have not ended. By ix_generation_logs_state; exports are few."""
    if log.open is None:
        return NO_KEYS
    return unpacked(await connection.scalar(packed(keys_of(log, log.open))))


async def since(connection: AsyncConnection, log: Log, wanted: Filter, moment: datetime) -> Keys:
    """Rows of a filter from a moment on, as far as they are news."""
    from_then = bool_of(log.at >= literal(moment, TIMESTAMP(timezone=True)))
    return unpacked(await connection.scalar(packed(keys_of(log, wanted.where, from_then).limit(MOST_NEWS))))


async def among(connection: AsyncConnection, log: Log, wanted: Filter, keys: Keys) -> Keys:
    """Which of some rows a filter names. By the key, in their weeks."""
    if not keys:
        return NO_KEYS
    first, last = (
        literal(EPOCH + timedelta(microseconds=end), TIMESTAMP(timezone=True))
        for end in (min(keys.moments), max(keys.moments))
    )
    named = bool_of(log.id == func.any(list(keys.ids)))
    return unpacked(await connection.scalar(packed(keys_of(log, wanted.probe, log.at.between(first, last), named))))
