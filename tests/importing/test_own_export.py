"""What Traintui wrote itself it knows again."""

from __future__ import annotations

import json
from pathlib import Path

from support import approved, imported, said, seen
from traintui.data import conversations, reviews
from traintui.data.engine import Database
from traintui.export.write import export_conversations
from traintui.importing.store import import_paths


async def test_an_export_that_is_imported_again_changes_nothing(db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 3)
    # One is not as it came: what leaves the house is its newest revision.
    edited = said("Another question?", "Another answer.")
    await reviews.edit(db, await seen(db, ids[1]), system_prompt="Be kind.", turns=edited, key=reviews.new_key())
    for one in ids:
        await approved(db, one)
    before = [await conversations.read(db, one) for one in ids]
    path = tmp_path / "out.jsonl"
    await export_conversations(db, path=path)
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 3
    again = await import_paths(db, [path])
    assert (again.conversations[0].imported, again.conversations[0].known) == (0, 3)
    assert [await conversations.read(db, one) for one in ids] == before
    assert await conversations.count(db) == 3
