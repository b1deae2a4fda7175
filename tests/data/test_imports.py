"""Imports that bring values of dimensions: known ones are kept, unknown ones are answered by line."""

from __future__ import annotations

from typing import Any

import pytest

from support import add_vocabulary, fetch, import_items, turns_of
from traintui.data import conversations, imports, vocabulary
from traintui.data.engine import Database
from traintui.data.refusals import Refused


def item(line: int | None, *, record_id: str | int | None = None, **values: Any) -> dict[str, Any]:
    """An item of a file, with a text of its own."""
    metadata = {} if record_id is None else {"id": record_id}
    place = {} if line is None else {"line": line}
    return {"turns": turns_of(f"Question {line} {values}?", "An answer."), "metadata": metadata, **place, **values}


async def refusal_of(db: Database, *items: dict[str, Any]) -> Refused:
    """The answer to an import that is refused and leaves nothing behind."""
    with pytest.raises(Refused) as refused:
        await imports.conversations(db, items, source="seeds.jsonl", format="openai")
    assert await conversations.count(db) == 0
    assert await fetch(db, "SELECT FROM conversation_revisions") == []
    # What was stored before the mistake was met is on record as removed.
    removed = "SELECT conversation_id FROM review_logs WHERE action = 'purge'"
    assert await fetch(db, f"SELECT conversation_id FROM review_logs WHERE action = 'import' EXCEPT {removed}") == []
    assert refused.value.code == "TT009" and "Nothing was stored" in refused.value.remedy
    return refused.value


async def test_an_unknown_value_is_answered_with_its_line_its_record_and_the_nearest_value(db: Database) -> None:
    await add_vocabulary(db)
    refused = await refusal_of(db, item(3, tone="warm"), item(7, record_id="chat-12", persona="busy_parnet"))
    assert refused.message == (
        "seeds.jsonl has 1 value that is not in the vocabulary. "
        'line 7 (id chat-12): persona "busy_parnet" does not exist, the nearest is "busy_parent".'
    )
    assert "add the values to the vocabulary" in refused.remedy
    assert refused.detail == {"dimension": "persona", "value": "busy_parnet"}


async def test_a_value_that_is_like_none_names_none(db: Database) -> None:
    await add_vocabulary(db)
    message = (await refusal_of(db, item(1, record_id=44, tone="zzz"))).message
    assert 'line 1 (id 44): tone "zzz" does not exist.' in message and "nearest" not in message


async def test_the_nearest_value_is_one_of_the_same_dimension(db: Database) -> None:
    await add_vocabulary(db)
    message = (await refusal_of(db, item(1, emotion="formal"))).message
    assert 'emotion "formal" does not exist' in message and '"formal"' not in message.partition("exist")[2]


async def test_a_tier_that_there_is_not_is_answered_like_any_other_value(db: Database) -> None:
    assert (
        'tier "scenarios" does not exist, the nearest is "scenario"'
        in (await refusal_of(db, item(2, tier="scenarios"))).message
    )


async def test_every_unknown_value_is_counted_and_the_first_ones_are_named(db: Database) -> None:
    await add_vocabulary(db)
    items = [item(line, tone="formall", topic="saving") for line in range(1, 5)]
    message = (await refusal_of(db, item(90, tone="warm"), *items)).message
    assert "has 8 values that are not in the vocabulary" in message and message.endswith("; and 3 more.")
    assert 'line 1: topic "saving" does not exist, the nearest is "savings"' in message and "line 3" in message
    assert "line 4" not in message and "line 90" not in message


async def test_a_mistake_far_down_in_a_file_leaves_none_of_the_conversations_before_it(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "SIZE", 2)
    await add_vocabulary(db)
    items = [item(line, tone="warm") for line in range(1, 6)]
    assert "line 6" in (await refusal_of(db, *items, item(6, tone="warn"))).message


async def test_a_value_that_was_merged_names_what_it_became_and_is_never_the_nearest(db: Database) -> None:
    await add_vocabulary(db)
    await vocabulary.merge(db, "tone", "formal", "warm")
    message = (await refusal_of(db, item(1, tone="formal"), item(2, tone="formall"))).message
    assert 'line 1: tone "formal" was merged into "warm"' in message
    assert 'line 2: tone "formall" does not exist.' in message


async def test_an_inactive_value_may_still_come(db: Database) -> None:
    await add_vocabulary(db)
    await vocabulary.change(db, "tone", "formal", active=False)
    assert len(await import_items(db, [item(1, tone="formal")])) == 1


async def test_what_is_odd_in_a_value_is_shown_in_one_short_line(db: Database) -> None:
    await add_vocabulary(db)
    message = (await refusal_of(db, item(None, tone="a\nb" + "x" * 100_000))).message
    assert 'record 1: tone "a b' in message and "\n" not in message and len(message) < 300
