"""The text of a conversation, and of the chunk that it is about, within a transaction."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.batch_models import GenerationItem
from traintui.data.log_models import ConversationRevision
from traintui.data.models import Chunk, ConversationTurn, Document
from traintui.data.records import Source, Turn


async def turns_of(connection: AsyncConnection, key: int) -> tuple[Turn, ...]:
    """The turns of a conversation by its internal id, in order."""
    T = ConversationTurn
    statement = (
        select(T.turn_number, T.role, T.content, T.train).where(T.conversation_id == key).order_by(T.turn_number)
    )
    return tuple(Turn(*row) for row in await connection.execute(statement))


async def text_at(
    connection: AsyncConnection, conversation_id: str, revision: int
) -> tuple[str | None, tuple[Turn, ...]] | None:
    """System prompt and turns as a revision has them; None where there is none. Served by the primary key."""
    R = ConversationRevision
    statement = select(R.system_prompt, R.turns).where(R.conversation_id == conversation_id, R.revision == revision)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    turns = (Turn(place, turn["role"], turn["content"], turn["train"]) for place, turn in enumerate(row.turns, 1))
    return row.system_prompt, tuple(turns)


async def source_of(connection: AsyncConnection, chunk_id: int | None) -> Source | None:
    """The chunk that a conversation is about, if it is about one."""
    if chunk_id is None:
        return None
    statement = (
        select(Document.name, Document.title, Chunk.heading, Chunk.content)
        .join(Document, Document.id == Chunk.document_id)
        .where(Chunk.id == chunk_id)
    )
    return Source(*(await connection.execute(statement)).one())


async def failure_of(connection: AsyncConnection, key: int) -> str | None:
    """Why a conversation could not be written, by its internal id; None where no reason was recorded."""
    I = GenerationItem  # noqa: E741 - a table's alias
    return await connection.scalar(
        select(I.last_error).where(I.conversation_id == key, I.kind == "generate", I.state == "failed")
    )
