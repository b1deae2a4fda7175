"""The text of a conversation at each of its revisions, which is kept whatever becomes of the conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select, true

from traintui.data.engine import Database
from traintui.data.log_models import ConversationRevision as R
from traintui.data.log_models import ReviewLog as L
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
    undoes: bool = False
    """Whether it took an edit back."""
    note: str | None = None
    """What went with it in the review log."""


async def of_conversation(db: Database, conversation_id: str) -> tuple[Revision, ...]:
    """The revisions of a conversation, newest first; the oldest of more than `MOST` are left out. None for one that was
    never there, or has no text yet. Served by the primary key, and for what the log says of each by
    `ix_review_logs_conversation_id_id`."""
    wrote = (
        select(L.action, L.reviewer_notes)
        .where(
            L.conversation_id == R.conversation_id, L.revision == R.revision, L.action.in_(("edit", "undo"))
        )
        .order_by(L.id)  # the first of them wrote it; an undo of what was decided on it comes after that
        .limit(1)
        .correlate(R)
        .lateral()
    )  # fmt: skip
    statement = (
        select(
            R.revision,
            R.system_prompt,
            R.turns,
            R.author,
            R.origin,
            R.created_at,
            wrote.c.action,
            wrote.c.reviewer_notes,
        )
        .select_from(R)
        .outerjoin(wrote, true())
        .where(R.conversation_id == conversation_id)
        .order_by(R.revision.desc())
        .limit(MOST)
    )
    async with db.read() as connection:
        return tuple(
            Revision(number, prompt, _turns(turns), author, origin, at, origin == "edited" and how == "undo", note)
            for number, prompt, turns, author, origin, at, how, note in await connection.execute(statement)
        )


def _turns(kept: list[dict[str, object]]) -> tuple[Turn, ...]:
    return tuple(
        Turn(number, "assistant" if turn["role"] == "assistant" else "user", str(turn["content"]), bool(turn["train"]))
        for number, turn in enumerate(kept, start=1)
    )
