"""The text of a conversation at each of its revisions, which is kept whatever becomes of the conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from traintui.data.engine import Database
from traintui.data.log_models import ConversationRevision as R
from traintui.data.records import Turn

Origin = Literal["generated", "imported", "edited", "regenerated"]
MOST = 200
"""Revisions that are read at once."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What a conversation said at a revision, who brought that about, and how."""

    number: int
    system_prompt: str | None
    turns: tuple[Turn, ...]
    author: str
    origin: Origin
    created_at: datetime


async def of_conversation(db: Database, conversation_id: str) -> tuple[Revision, ...]:
    """The revisions of a conversation, newest first; the oldest of more than `MOST` are left out. Served by the primary
    key. None for a conversation that was never there, or has no text yet."""
    statement = (
        select(R.revision, R.system_prompt, R.turns, R.author, R.origin, R.created_at)
        .where(R.conversation_id == conversation_id)
        .order_by(R.revision.desc())
        .limit(MOST)
    )
    async with db.read() as connection:
        return tuple(
            Revision(number, system_prompt, _turns(turns), author, origin, created_at)
            for number, system_prompt, turns, author, origin, created_at in await connection.execute(statement)
        )


def _turns(kept: list[dict[str, object]]) -> tuple[Turn, ...]:
    return tuple(
        Turn(number, "assistant" if turn["role"] == "assistant" else "user", str(turn["content"]), bool(turn["train"]))
        for number, turn in enumerate(kept, start=1)
    )
