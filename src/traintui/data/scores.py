"""Scores of conversations that have text: what they are made from, and putting others in their place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from traintui.data.engine import Database
from traintui.data.models import Conversation as C
from traintui.data.storable import as_json

SCORED = """
    SELECT c.id, c.conversation_id, c.revision, c.score_parts, chunk.content, plan.definition->'exchanges',
           ARRAY(SELECT turn.content FROM conversation_turns AS turn WHERE turn.conversation_id = c.id
                 ORDER BY turn.turn_number),
           r.origin, CASE WHEN s.revision = c.revision THEN s.signature END,
           c.score_parts = '[]' AND c.quality_score IS NOT NULL, c.deleted_at IS NOT NULL
    FROM conversations AS c
    LEFT JOIN chunks AS chunk ON chunk.id = c.chunk_id
    LEFT JOIN generation_items AS item ON item.conversation_id = c.id AND item.kind = 'generate'
    LEFT JOIN batches AS batch ON batch.id = item.batch_id
    LEFT JOIN plans AS plan ON plan.id = batch.plan_id
    LEFT JOIN conversation_revisions AS r ON r.conversation_id = c.conversation_id AND r.revision = c.revision
    LEFT JOIN conversation_signatures AS s ON s.conversation_id = c.id
"""
"""Served by primary keys and by `uq_generation_items_generated_once`."""
AFTER = text(f"{SCORED} WHERE c.id > :after AND c.id <= :up_to AND c.turn_count > 0 ORDER BY c.id LIMIT :limit")
NAMED = text(f"{SCORED} WHERE c.conversation_id = ANY(:ids) AND c.turn_count > 0 ORDER BY c.id")


@dataclass(frozen=True, slots=True)
class ScoredTurn:
    """What a score reads of a turn."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Scorable:
    """What the score of a conversation is made from. `exchanges` are the least and the most that its plan asks for,
    `parts` what is stored of its score, `signature` that of its present text; None where there is none.
    `is_given` says that its score came with it, from another workspace, `is_deleted` that it is in the trash."""

    id: int
    conversation_id: str
    revision: int
    parts: Sequence[Mapping[str, Any]]
    source: str | None
    exchanges: Sequence[int] | None
    contents: Sequence[str]
    origin: str | None
    signature: bytes | None
    is_given: bool = False
    is_deleted: bool = False

    @property
    def turns(self) -> list[ScoredTurn]:
        """Its turns, user first."""
        return [ScoredTurn("assistant" if place % 2 else "user", said) for place, said in enumerate(self.contents)]

    @property
    def expected_turns(self) -> range | None:
        """The turns that its plan asks for."""
        if self.exchanges is None:
            return None
        least, most = self.exchanges
        return range(2 * least, 2 * most + 1)


@dataclass(frozen=True, slots=True)
class NewScore:
    """A score for a revision."""

    conversation_id: str
    revision: int
    total: Decimal
    parts: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Extent:
    """How many conversations have text, those in the trash too, and the highest of their internal ids."""

    number: int
    up_to: int


async def extent(db: Database, *, after: int = 0) -> Extent:
    """The conversations with text whose internal id is above `after`."""
    statement = select(func.count(), func.coalesce(func.max(C.id), 0)).where(C.turn_count > 0, C.id > after)
    async with db.read() as connection:
        return Extent(*(await connection.execute(statement)).one())


async def next_ones(db: Database, *, after: int, up_to: int, limit: int) -> tuple[Scorable, ...]:
    """The next conversations with text, by their internal ids."""
    async with db.read() as connection:
        rows = await connection.execute(AFTER, {"after": after, "up_to": up_to, "limit": limit})
        return tuple(Scorable(*row) for row in rows)


async def of(connection: AsyncConnection, conversation_ids: Collection[str]) -> tuple[Scorable, ...]:
    """Those of these conversations that have text, as a transaction sees them."""
    return tuple(Scorable(*row) for row in await connection.execute(NAMED, {"ids": list(conversation_ids)}))


async def keep(connection: AsyncConnection, scores: Sequence[NewScore]) -> int:
    """Puts scores in the place of others, where the revision still is the present one; how many are others now. Nothing
    else of a conversation changes. Raises `Refused` for who is no author."""
    listed = [
        {
            "conversation_id": each.conversation_id, "revision": each.revision, "score": str(each.total),
            "parts": list(each.parts),
        }
        for each in scores
    ]  # fmt: skip
    changed = await connection.scalar(text("SELECT keep_scores(CAST(:scores AS jsonb))"), {"scores": as_json(listed)})
    return int(changed or 0)
