"""Signatures: which conversation says nearly the same as another, and the queue of what is not signed yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import eq

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.signature_models import SignaturePending

NEAR = text("SELECT conversation_id, signature FROM conversations_near(:signature, :itself)")
NEAR_APPROVED = text("""
    WITH own AS MATERIALIZED (
        SELECT s.conversation_id, s.signature FROM conversation_signatures AS s
        JOIN conversations AS c ON c.id = s.conversation_id AND c.revision = s.revision WHERE c.id = :id
    ), met AS MATERIALIZED (
        SELECT DISTINCT holder.id
        FROM own, signature_bands(own.signature) AS probe, LATERAL (
            SELECT b.conversation_id AS id FROM conversation_bands AS b
            WHERE b.band = probe AND b.conversation_id <> own.conversation_id
            ORDER BY b.conversation_id DESC LIMIT :most) AS holder
    )
    SELECT c.conversation_id, s.signature, own.signature AS own
    FROM own, met JOIN conversations AS c ON c.id = met.id
    JOIN conversation_signatures AS s ON s.conversation_id = met.id AND s.revision = c.revision
    WHERE c.status = 'approved' AND c.deleted_at IS NULL
    ORDER BY c.id
""")
MOST_MET = 100
"""Of those that share a band the newest so many are looked at: where thousands say the same, any of them will do."""
TAKE = text("SELECT conversation_id, revision, contents FROM take_unsigned(:limit)")
KEEP = text("SELECT keep_signature(:conversation_id, :signature, :revision)")
HOLD = text("SELECT hold_bands(CAST(:signatures AS bytea[]))")
MOST_HELD = 50
"""Conversations whose bands one transaction holds: each has up to twenty, and the locks of a server are few."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The conversation that is most alike, and how much: 0 to 1, about the share of phrases that both have."""

    conversation_id: str
    similarity: float


def similarity(one: bytes, other: bytes) -> float:
    """The share of the numbers of two signatures that are the same: 0 to 1, give or take 0.05."""
    numbers = memoryview(one).cast("H")
    return sum(map(bool, map(eq, numbers, memoryview(other).cast("H")))) / len(numbers)


async def nearest(connection: AsyncConnection, signature: bytes, *, itself: str) -> Nearest | None:
    """The conversation nearest to a signature, but for `itself`; None where none shares a band with it.

    Others that are stored with the same bands wait until this transaction ends, so that they see what it stores.
    """
    found = await connection.execute(NEAR, {"signature": signature, "itself": itself})
    near = [Nearest(row.conversation_id, similarity(signature, row.signature)) for row in found]
    return max(near, key=lambda each: each.similarity, default=None)


async def nearest_approved(connection: AsyncConnection, key: int) -> Nearest | None:
    """The approved conversation nearest to one, given by its internal id, as both read now. None where none is near, or
    one of them is not signed yet. Served by `pk_conversation_bands`; it only reads, and nobody waits for it."""
    found = await connection.execute(NEAR_APPROVED, {"id": key, "most": MOST_MET})
    near = [Nearest(row.conversation_id, similarity(row.own, row.signature)) for row in found]
    return max(near, key=lambda each: each.similarity, default=None)


async def hold(connection: AsyncConnection, signatures: Sequence[bytes]) -> None:
    """Holds the bands of up to `MOST_HELD` signatures, so that nothing near them is stored beside this transaction."""
    await connection.execute(HOLD, {"signatures": list(signatures)})


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A conversation that was imported or edited: its text, turn by turn."""

    conversation_id: str
    revision: int
    contents: Sequence[str]


async def take_unsigned(connection: AsyncConnection, limit: int) -> tuple[Unsigned, ...]:
    """Up to `limit` conversations out of the queue; they are in it again if the transaction fails."""
    return tuple(Unsigned(*row) for row in await connection.execute(TAKE, {"limit": limit}))


async def keep(connection: AsyncConnection, unsigned: Unsigned, signature: bytes) -> None:
    """Keeps the signature of a conversation that was taken out of the queue."""
    values = {"conversation_id": unsigned.conversation_id, "revision": unsigned.revision, "signature": signature}
    await connection.execute(KEEP, values)


async def pending(db: Database) -> int:
    """How many entries the queue has."""
    async with db.read() as connection:
        return await connection.scalar(select(func.count()).select_from(SignaturePending)) or 0
