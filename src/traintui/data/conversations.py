"""Conversations: the first rows of a filter, one whole, and how many there are of each status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Row, Select, and_, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import aliased

from traintui.data import judgements
from traintui.data.conversation_text import failure_of, text_at
from traintui.data.engine import Database
from traintui.data.filters import Condition, Filter, parse
from traintui.data.models import Chunk, ConversationTurn, Document
from traintui.data.models import Conversation as C
from traintui.data.records import Conversation, ConversationRow, ScorePart, Source, Turn
from traintui.data.refusals import Refused
from traintui.data.review_log import entries_of

OPENING_LENGTH = 160
"""Characters of the first turn that a table gets."""


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """The first rows of a filter, and how many match it in all."""

    rows: tuple[ConversationRow, ...]
    total: int
    filter: Filter


OPENING = (
    select(func.left(ConversationTurn.content, OPENING_LENGTH))
    .where(ConversationTurn.conversation_id == C.id, ConversationTurn.turn_number == 1)
    .correlate(C)
    .scalar_subquery()
)
STALE_AT = select(Chunk.retired_at).where(Chunk.id == C.chunk_id).correlate(C).scalar_subquery()
"""When the document lost the chunk that it is about."""
ROW_COLUMNS = (
    C.id, C.conversation_id, C.status, C.quality_score, C.persona, C.emotion, C.topic, C.intent, C.tone, C.tier,
    C.turn_count, C.revision, C.decision_id, C.is_seed, C.is_rehearsal, C.flagged, C.created_at, C.updated_at,
    func.coalesce(OPENING, "").label("opening"), C.model, C.reviewed_at, C.cost_usd, STALE_AT.label("stale_at"),
    C.judge_score,
)  # fmt: skip
ROW_NAMES = tuple(name for name in ConversationRow.__slots__ if name != "metadata")


def row_of(row: Row[*tuple[Any, ...]], metadata: Mapping[str, Any] | None = None) -> ConversationRow:
    """A row of `ROW_COLUMNS` as a record."""
    values = row._mapping
    return ConversationRow(**{name: values[name] for name in ROW_NAMES}, metadata=metadata or {})


async def rows(db: Database, ids: Sequence[int], metadata_keys: Sequence[str] = ()) -> dict[int, ConversationRow]:
    """The rows with these internal ids, those that are gone left out, with their values of some metadata keys.

    Served by the primary key, and for the opening by the unique index of the turns.
    """
    held = [C.metadata_[key].label(f"key_{place}") for place, key in enumerate(metadata_keys)]
    statement = select(*ROW_COLUMNS, *held).where(C.id == func.any(literal(list(ids), ARRAY(BigInteger()))))
    async with db.read() as connection:
        return {
            row.id: row_of(row, {key: row._mapping[f"key_{place}"] for place, key in enumerate(metadata_keys)})
            for row in await connection.execute(statement)
        }


def matching(condition: Condition) -> Select[*tuple[Any, ...]]:
    """The rows of a filter, newest first. Served by the primary key or the index of what the filter names."""
    return select(*ROW_COLUMNS).where(condition).order_by(C.id.desc())


async def first_rows(db: Database, filter_text: str = "", *, limit: int = 300) -> ConversationPage:
    """The newest rows that match: first those with something to read, then those that are only planned.

    Raises `FilterError` when the filter cannot be read.
    """
    wanted = parse(filter_text)
    async with db.read() as connection:
        rows: list[Row[*tuple[Any, ...]]] = []
        for part in (C.status != "planned", C.status == "planned"):
            statement = matching(and_(wanted.where, part)).limit(limit - len(rows))
            rows.extend((await connection.execute(statement)).all() if len(rows) < limit else ())
        total = len(rows)
        if total == limit:
            total = await connection.scalar(select(func.count()).select_from(C).where(wanted.where)) or 0
    return ConversationPage(tuple(row_of(row) for row in rows), total, wanted)


async def count(db: Database, filter_text: str = "") -> int:
    """How many match. Raises `FilterError` when the filter cannot be read."""
    async with db.read() as connection:
        return await connection.scalar(select(func.count()).select_from(C).where(parse(filter_text).where)) or 0


async def status_counts(db: Database) -> dict[str, int]:
    """How many conversations have each status, those in the trash left out."""
    statement = select(C.status, func.count()).where(C.deleted_at.is_(None)).group_by(C.status)
    async with db.read() as connection:
        return {str(status): int(number) for status, number in await connection.execute(statement)}


# A statement that is built once costs a third of one that is built for each call.
_T = ConversationTurn
_TURNS = (
    select(
        func.json_agg(
            aggregate_order_by(func.json_build_array(_T.turn_number, _T.role, _T.content, _T.train), _T.turn_number)
        )
    )
    .where(_T.conversation_id == C.id)
    .correlate(C)
    .scalar_subquery()
)
_OF_SOURCE = aliased(Chunk)
_WHOLE = (
    select(
        *ROW_COLUMNS, C.system_prompt, C.metadata_, C.score_parts, _TURNS.label("turns"), C.chunk_id,
        Document.name, Document.title, _OF_SOURCE.heading, _OF_SOURCE.content,
    )
    .outerjoin(_OF_SOURCE, _OF_SOURCE.id == C.chunk_id)
    .outerjoin(Document, Document.id == _OF_SOURCE.document_id)
    .where(C.conversation_id == bindparam("wanted"))
)  # fmt: skip


async def read(db: Database, conversation_id: str) -> Conversation:
    """A conversation whole. Raises `Refused` (TT002) when there is none."""
    async with db.read() as connection:
        row = (await connection.execute(_WHOLE, {"wanted": conversation_id})).one_or_none()
        if row is None:
            raise Refused(
                "Not found",
                f"There is no conversation {conversation_id}.",
                "It may have been purged. Refresh the table.",
                code="TT002",
            )
        return Conversation(
            row=row_of(row),
            system_prompt=row.system_prompt,
            turns=tuple(Turn(*turn) for turn in row.turns or ()),
            model=row.model,
            metadata=row.metadata,
            score_parts=tuple(ScorePart(**part) for part in row.score_parts),
            source=None if row.chunk_id is None else Source(row.name, row.title, row.heading, row.content),
            history=await entries_of(connection, conversation_id),
            failure=await failure_of(connection, row.id) if row.status == "failed" else None,
            judging=await judgements.of_conversation(
                connection, row.id, conversation_id, row.revision, is_rehearsal=row.is_rehearsal
            ),
        )


async def as_seen_and_now(
    db: Database, conversation_id: str, revision: int
) -> tuple[tuple[str | None, tuple[Turn, ...]] | None, Conversation]:
    """System prompt and turns of a revision that was seen (None where it is not kept), and the conversation as it
    stands. Raises `Refused` (TT002) when there is none."""
    async with db.read() as connection:
        seen = await text_at(connection, conversation_id, revision)
    return seen, await read(db, conversation_id)
