from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from support import add_vocabulary
from traintui.data import batches, coverage, documents, metadata_schema
from traintui.data.batch_models import Batch
from traintui.data.engine import Database
from traintui.data.models import Conversation
from traintui.demo.contents import furnish
from traintui.errors import TraintuiError
from traintui.generation.draft import draft
from traintui.generation.plan import Plan, parse_plan
from traintui.generation.start import start_batch
from traintui.generation.strategies import Gaps


@pytest.fixture
async def furnished(db: Database) -> Database:
    await furnish(db)
    return db


def plan(**given: Any) -> Plan:
    return parse_plan({"name": "Trial", "count": 12} | given)


async def sources_of(db: Database, **given: Any) -> set[int]:
    return {item.chunk_id for item in (await draft(db, plan(count=200, **given))).items}


async def test_a_plan_takes_documents_and_chunks_and_nothing_else(furnished: Database) -> None:
    first, *chunks = await documents.chunks(furnished)
    other = next(chunk for chunk in chunks if chunk.document != first.document)
    headed = next(chunk for chunk in chunks if " > " in chunk.heading and chunk.document != first.document)
    top = headed.heading.split(" > ")[0]
    below = {
        chunk.id
        for chunk in chunks
        if chunk.document == headed.document and (chunk.heading == top or chunk.heading.startswith(f"{top} > "))
    }
    assert await sources_of(furnished, chunks=[other.id]) == {other.id}
    assert await sources_of(furnished, chunks=[f"{headed.document} > {top}"]) == below
    whole = {chunk.id for chunk in (first, *chunks) if chunk.document == first.document}
    assert await sources_of(furnished, documents=[first.document], chunks=[other.id]) == whole | {other.id}


async def test_a_source_that_is_not_there_is_named_with_the_nearest(furnished: Database) -> None:
    first, *_ = await documents.chunks(furnished)
    for given, says in (
        ({"documents": [first.document, first.document + "x"]}, f"{first.document + 'x'!r}, did you mean"),
        ({"chunks": [f"{first.document} > Nowhere"]}, f"{first.document!r} has no heading 'Nowhere'"),
        ({"chunks": [987654]}, "there is no chunk 987654"),
    ):
        with pytest.raises(TraintuiError) as caught:
            await draft(furnished, plan(**given))
        assert says in caught.value.message and caught.value.remedy


async def test_a_batch_has_as_many_conversations_as_its_strategy_needs(furnished: Database) -> None:
    wanted = plan(count=None, strategy="pairwise")
    batch_id = await start_batch(furnished, wanted, is_rehearsal=True)
    total = (await batches.progress(furnished, batch_id)).total
    assert total == len((await draft(furnished, wanted)).items)
    stored = parse_plan((await batches.setup(furnished, batch_id)).definition)
    assert stored == wanted.model_copy(update={"count": total})


async def test_a_plan_of_gaps_fills_the_two_dimensions_that_have_targets(furnished: Database) -> None:
    wanted = plan(count=None, strategy="gaps")
    with pytest.raises(TraintuiError, match="no target is set"):
        await draft(furnished, wanted)
    first, other, *_ = [value for dimension, value in (await draft(furnished, plan())).values if dimension == "topic"]
    await coverage.set_target(furnished, "tone", "topic", 2, column=first)
    made = await draft(furnished, wanted)
    assert {item.topic for item in made.items} == {first} and len(made.items) == 2 * len(
        {item.tone for item in made.items}
    )
    assert made.plan.gaps == ("topic", "tone"), "the stored plan says which"
    await coverage.set_target(furnished, "topic", "intent", 1, row=other)
    with pytest.raises(TraintuiError, match="for topic x intent and for topic x tone") as caught:
        await draft(furnished, wanted)
    assert "gaps = ['topic', 'intent']" in caught.value.remedy
    chosen = await draft(furnished, plan(count=None, strategy="gaps", gaps=["intent", "topic"]))
    assert {item.topic for item in chosen.items} == {other}


@pytest.mark.parametrize("given", [["topic"], ["topic", "topic"], ["topic", "tune"], "topic"])
def test_two_different_dimensions_are_named_for_gaps(given: object) -> None:
    with pytest.raises(TraintuiError, match="`gaps`: name two"):
        plan(gaps=given)


async def test_gaps_come_into_a_batch_as_they_were_given(furnished: Database) -> None:
    vocabulary = (await draft(furnished, plan())).values
    persona = next(value for dimension, value in vocabulary if dimension == "persona")
    emotion = next(value for dimension, value in vocabulary if dimension == "emotion")
    gaps = Gaps(("persona", "emotion"), {(persona, emotion): 3})
    await start_batch(furnished, plan(count=None, strategy="gaps"), is_rehearsal=True, gaps=gaps)
    async with furnished.read() as connection:
        rows = (await connection.execute(select(Conversation.persona, Conversation.emotion))).all()
    assert [tuple(row) for row in rows] == [(persona, emotion)] * 3


async def test_a_batch_waits_with_the_priority_of_its_plan(furnished: Database) -> None:
    await start_batch(furnished, plan(priority=7), is_rehearsal=True)
    async with furnished.read() as connection:
        assert await connection.scalar(select(Batch.priority)) == 7


async def test_how_much_of_a_large_plan_is_stored_is_told(furnished: Database) -> None:
    told: list[int] = []
    await start_batch(furnished, plan(count=12_000), is_rehearsal=True, progress=told.append)
    assert told == [5_000, 10_000, 12_000]


async def test_a_workspace_without_text_is_told_so(db: Database) -> None:
    await add_vocabulary(db)
    with pytest.raises(TraintuiError, match="finds no text in any document"):
        await draft(db, plan())


async def test_a_plan_without_what_the_schema_of_metadata_asks_for_is_refused(furnished: Database) -> None:
    await metadata_schema.register(furnished, {"required": ["source"]}, seen=0)
    with pytest.raises(TraintuiError, match=r"meta\.source is missing\. So it is with 11 more of these 12"):
        await start_batch(furnished, plan(), is_rehearsal=True)
    await metadata_schema.register(furnished, {"properties": {"source": {}}}, seen=1)
    await start_batch(furnished, plan(), is_rehearsal=True)
