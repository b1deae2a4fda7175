"""The queue of a reviewer: what waits for a decision and matches a filter, in an order, a window of it at a time.

The copy in memory answers: the exact number, who is where, and who comes next, of a million that wait as of ten. The
server is asked for the public ids of one window. Until the copy is there the queue has the lowest scores, by an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, and_, exists, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from traintui.data import reviews, second_review
from traintui.data.assignment_models import AssignmentRow as A
from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.finding import find
from traintui.data.listing import NEWEST
from traintui.data.live import Live
from traintui.data.models import Conversation as C
from traintui.data.queue_orders import LOWEST, QueueOrders

SIZE = 400
"""Ids of a window."""
BEHIND = 80
"""How many of them come before the one that is on the screen."""


def waiting(filter_text: str) -> str:
    """The filter of those that wait and match another one."""
    return f"status:generated {filter_text}".strip()


@dataclass(frozen=True, slots=True)
class QueueWindow:
    """Public ids that stand beside each other in a queue, the first of them at rank `start` from 0; `total` is how many
    wait in all. `ordered` says whether that is the order that was asked for."""

    ids: Sequence[str]
    start: int
    total: int
    ordered: bool = True


async def prepare(db: Database, live: Live | None, wanted: Filter, order: str, orders: QueueOrders) -> None:
    """Asks for all that a window needs beside the copy, which may take as long as a search does."""
    if live is not None and live.mirror is not None:
        await orders.prepare(db, live, order, disputes=wanted.asks_for_disputes)
        await answer(live, wanted)


async def answer(live: Live, wanted: Filter) -> None:
    """Asks the server what of a filter the copy cannot say by itself."""
    if live.missing(wanted):
        async for _ in find(live, wanted, NEWEST):
            pass


async def window(
    db: Database, live: Live | None, wanted: Filter, order: str, orders: QueueOrders, *, near: int | None, rank: int
) -> QueueWindow:
    """The part of a queue around a conversation by its internal id, or where that is not in it, around a rank.

    `wanted` is a filter of `waiting`; what is not prepared for it is answered by SQL. Raises `TraintuiError` when the
    database is not reached.
    """
    listing = None if live is None else orders.listing(live, wanted, order)
    if listing is None:
        return QueueWindow(
            await reviews.queue(db, wanted, limit=SIZE), 0, await count(db, None, wanted, orders), order == LOWEST
        )
    place = listing.rank(near) if near is not None else None
    start = max(0, min(rank if place is None else place, listing.total) - BEHIND)
    here = listing.ids(start, SIZE)
    ids = await still_waiting(db, here, disputes=wanted.asks_for_disputes)
    return QueueWindow(ids, start, listing.total - (len(here) - len(ids)))


async def count(db: Database, live: Live | None, wanted: Filter, orders: QueueOrders) -> int:
    """How many wait, exactly. Raises `TraintuiError` when the database is not reached."""
    if live is not None and live.mirror is not None:
        await answer(live, wanted)
    known = total(live, wanted, orders)
    if known is not None:
        return known
    mine = (
        select(func.count())
        .select_from(C)
        .where(wanted.where, second_review.waits_for_me(disputes=wanted.asks_for_disputes))
    )
    async with db.read() as connection:
        return await connection.scalar(mine) or 0


def total(live: Live | None, wanted: Filter, orders: QueueOrders) -> int | None:
    """How many wait, by the copy in memory; None where it cannot say at once."""
    matches = None if live is None else orders.matches(live, wanted)
    return None if matches is None else len(matches)


async def still_waiting(db: Database, ids: Sequence[int], *, disputes: bool = False) -> tuple[str, ...]:
    """The public ids of internal ones, in their order, those left out that were decided since the copy looked; what
    others disagree on stays with `disputes`. Served by the primary key."""
    named_by_id = C.id == func.any(literal(list(ids), ARRAY(BigInteger())))
    statement = select(C.id, C.conversation_id).where(
        named_by_id, C.status == "generated", second_review.waits_for_me(disputes=disputes)
    )
    async with db.read() as connection:
        named = {row.id: row.conversation_id for row in await connection.execute(statement)}
    return tuple(named[one] for one in ids if one in named)


async def has_share(db: Database) -> bool:
    """Whether something that is assigned to who asks waits. Served by `ix_assignments_reviewer_id_conversation_id`."""
    waits = exists(
        select(literal(1)).where(C.id == A.conversation_id, and_(C.status == "generated", C.deleted_at.is_(None)))
    )
    async with db.read() as connection:
        return bool(await connection.scalar(select(exists(select(literal(1)).where(A.reviewer_id == db.login, waits)))))
