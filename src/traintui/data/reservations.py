"""Who has which conversation open: reserved for them until a lease ends that they renew while they work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from traintui.data.engine import Database
from traintui.data.models import Conversation as C
from traintui.data.records import ReviewEntry
from traintui.data.reservation_models import ReservationRow as R
from traintui.data.review_log import entry_of

LEASE = 60.0
"""Seconds for which a conversation stays reserved after its lease was renewed last."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Who has a conversation, and for how many seconds at least. `is_mine` says that the window that asked has it."""

    conversation_id: str
    reviewer_id: str
    seconds_left: float
    is_mine: bool = False


async def reserve(
    db: Database,
    window_id: UUID,
    wanted: Sequence[str],
    number: int,
    *,
    shown: str | None = None,
    leave: Collection[str] = (),
    seconds: float = LEASE,
) -> dict[str, Reservation]:
    """Reserves the first `number` of the wanted ones that wait and that nobody else has, and lets go of `leave`.

    `shown` is the one that is open: it is reserved whatever its status is. Nobody waits for anybody here: what is being
    worked on at this moment is passed by. Returns who has which of the wanted ones, by their public ids. Raises
    `Refused` where one may not review. Served by `uq_conversations_conversation_id` and `pk_reservations`.
    """
    statement = "SELECT * FROM reserve(:window_id, :wanted, :number, :shown, :leave, :seconds)"
    values = {
        "window_id": window_id, "wanted": list(wanted), "number": number, "shown": shown, "leave": list(leave),
        "seconds": seconds,
    }  # fmt: skip
    return {
        row.conversation_id: Reservation(row.conversation_id, row.reviewer_id, row.seconds_left, row.is_mine)
        for row in await db.call(statement, values)
    }


async def release(db: Database, window_id: UUID) -> None:
    """Lets go of all that a window has."""
    await db.call("SELECT release_reservations(:window_id)", {"window_id": window_id})


async def take_over(
    db: Database, window_id: UUID, conversation_id: str, *, key: str, seconds: float = LEASE
) -> ReviewEntry | None:
    """Reserves one, whoever has it. Returns its row of the log, the same one for the same key; None where nobody else
    had it. Raises `Refused` where it is gone (TT002) or in the trash (TT003)."""
    statement = "SELECT * FROM take_over(:window_id, :conversation_id, :key, :seconds)"
    values = {"window_id": window_id, "conversation_id": conversation_id, "key": key, "seconds": seconds}
    row = (await db.call(statement, values)).one()
    return None if row.id is None else entry_of(row._mapping)


async def current(db: Database) -> dict[int, Reservation]:
    """All that is reserved at this moment, by internal id: a few for each person who reviews."""
    now = func.clock_timestamp()
    statement = (
        select(C.id, C.conversation_id, R.reviewer_id, func.extract("epoch", R.lease_until - now).label("seconds_left"))
        .join(C, C.id == R.conversation_id)
        .where(R.lease_until > now)
    )
    async with db.read() as connection:
        return {
            row.id: Reservation(row.conversation_id, row.reviewer_id, float(row.seconds_left))
            for row in await connection.execute(statement)
        }
