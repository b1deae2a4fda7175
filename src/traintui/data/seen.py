"""What need not be read: what a person has looked at before, and what an approved conversation says already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import exists, literal, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data import signatures
from traintui.data.conversation_text import text_at, turns_of
from traintui.data.engine import Database
from traintui.data.log_models import ConversationRevision as R
from traintui.data.look_models import ConversationLook as Look
from traintui.data.models import Conversation as C
from traintui.data.records import ConversationRow, Turn

NEAR = 0.7
"""Similarity from which two conversations are near-duplicates: of those, the bands find 92 in 100."""


Changed = Literal["by nobody", "by oneself", "by others"]


@dataclass(frozen=True, slots=True)
class Before:
    """What a person looked at: which revision, when, and what it said; no turns where that is what stands there now,
    what they wrote themselves left aside, or where nobody keeps it. `changed` is by whom it was since."""

    revision: int
    looked_at: datetime
    turns: tuple[Turn, ...]
    changed: Changed


@dataclass(frozen=True, slots=True)
class Approved:
    """An approved conversation that says nearly the same: how much of it, 0 to 1, what it says, and since when."""

    conversation_id: str
    similarity: float
    reviewed_at: datetime | None
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a conversation before it is read; None for what is not."""

    before: Before | None = None
    approved: Approved | None = None


async def note(db: Database, looks: Mapping[str, int]) -> None:
    """Notes which revisions the person logged in has looked at, by public id.

    Raises `Refused` for who may not review.
    """
    async with db.write() as connection:
        await connection.execute(
            text("SELECT note_looks(CAST(:ids AS text[]), CAST(:revisions AS integer[]))"),
            {"ids": list(looks), "revisions": list(looks.values())},
        )


async def known(db: Database, row: ConversationRow) -> Known:
    """What need not be read of a conversation. Served by primary keys and, for what is alike, by the bands."""
    async with db.read() as connection:
        return Known(await _before(connection, db.login, row), await _approved(connection, row))


async def _before(connection: AsyncConnection, login: str, row: ConversationRow) -> Before | None:
    statement = select(Look.revision, Look.looked_at).where(Look.conversation_id == row.id, Look.login == login)
    found = (await connection.execute(statement)).one_or_none()
    if found is None or found.revision > row.revision:
        return None
    others = exists(
        select(literal(1)).where(
            R.conversation_id == row.conversation_id, R.revision > found.revision, R.revision <= row.revision,
            or_(R.author != login, R.origin != "edited"),
        )
    )  # fmt: skip
    # What one wrote oneself one knows.
    changed: Changed = "by nobody"
    if found.revision < row.revision:
        changed = "by others" if await connection.scalar(select(others)) else "by oneself"
    then = await text_at(connection, row.conversation_id, found.revision) if changed == "by others" else None
    return Before(found.revision, found.looked_at, then[1] if then is not None else (), changed)


async def _approved(connection: AsyncConnection, row: ConversationRow) -> Approved | None:
    near = await signatures.nearest_approved(connection, row.id)
    if near is None or near.similarity < NEAR:
        return None
    statement = select(C.id, C.reviewed_at).where(C.conversation_id == near.conversation_id)
    found = (await connection.execute(statement)).one()
    return Approved(near.conversation_id, near.similarity, found.reviewed_at, await turns_of(connection, found.id))
