"""Signatures: which conversation says nearly the same as another, and the signing of what was imported or edited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from operator import eq

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.keeping_up import keeping_up

NEAR = text("SELECT conversation_id, signature FROM conversations_near(:signature, :itself)")
TAKE = text("SELECT conversation_id, revision, contents FROM take_unsigned(:limit)")
KEEP = text("SELECT keep_signature(:conversation_id, :signature, :revision)")

Sign = Callable[[Sequence[str]], bytes]
"""Makes the signature of what a conversation says, turn by turn."""


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


async def sign_some(db: Database, sign: Sign, limit: int = 200) -> int:
    """Signs up to `limit` queued conversations; how many were done. Raises `TraintuiError` as every writing does."""
    async with db.write() as connection:
        rows = (await connection.execute(TAKE, {"limit": limit})).all()
        if rows:
            await connection.execute(
                KEEP,
                [
                    {"conversation_id": public, "revision": revision, "signature": sign(contents)}
                    for public, revision, contents in rows
                ],
            )
    return len(rows)


def signing(db: Database, sign: Sign) -> AbstractAsyncContextManager[None]:
    """Signs what is queued beside the block."""
    return keeping_up(partial(sign_some, db, sign))
