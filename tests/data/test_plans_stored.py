from __future__ import annotations

import pytest
from sqlalchemy import func, select

from support import VALUES, Wanted, add_document, add_vocabulary, planned
from traintui.data import batches, documents
from traintui.data.batch_models import Batch, GenerationItem, Plan
from traintui.data.engine import Database
from traintui.data.models import Conversation
from traintui.data.refusals import Refused


@pytest.fixture
async def furnished(db: Database) -> Database:
    await add_vocabulary(db)
    await add_document(db)
    return db


async def test_each_planned_conversation_has_its_own_place_in_the_queue(furnished: Database) -> None:
    chunk, *_ = await documents.chunks(furnished)
    topics = VALUES["topic"]
    wanted = [
        Wanted(
            topic=topics[number % 2],
            chunk_id=chunk.id if number % 3 else None,
            exchanges=number % 5 + 1,
            variation=number,
            metadata={"row": number},
        )
        for number in range(batches.ROWS_PER_STATEMENT + 50)
    ]
    batch_id = await planned(furnished, wanted=wanted)
    C, I = Conversation, GenerationItem  # noqa: E741 - aliases of tables
    statement = (
        select(I.variation, I.exchanges, C.topic, C.metadata_, C.chunk_id, C.document_id)
        .join(C, C.id == I.conversation_id)
        .where(I.batch_id == batch_id)
        .order_by(I.id)
    )
    async with furnished.read() as connection:
        rows = (await connection.execute(statement)).all()
    assert [tuple(row) for row in rows] == [
        (
            item.variation, item.exchanges, item.topic, item.metadata, item.chunk_id,
            chunk.document_id if item.chunk_id else None,
        )
        for item in wanted
    ]  # fmt: skip


async def test_a_value_outside_the_vocabulary_stores_nothing_of_the_plan(furnished: Database) -> None:
    many = [Wanted() for _ in range(batches.ROWS_PER_STATEMENT)]
    with pytest.raises(Refused, match="loud"):
        await planned(furnished, wanted=[*many, Wanted(tone="loud")])
    async with furnished.read() as connection:
        for table in (Plan, Batch, Conversation, GenerationItem):
            assert await connection.scalar(select(func.count()).select_from(table)) == 0
