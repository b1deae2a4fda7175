"""What Traintui wrote itself it knows again."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from support import (
    Conninfo,
    Wanted,
    add_document,
    add_vocabulary,
    approved,
    fetch,
    fresh_database,
    generated,
    imported,
    logged_in,
    said,
    seen,
)  # fmt: skip
from traintui.data import conversations, reviews
from traintui.data.embedded import EmbeddedServer
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


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


EVERY_STATUS = "status:generated,approved,rejected"


async def test_our_own_format_comes_back_byte_for_byte_from_a_workspace_that_was_empty(
    db: Database, server: EmbeddedServer, conninfo: Conninfo, tmp_path: Path
) -> None:
    await add_vocabulary(db)
    await add_document(db)
    (chunk,) = await fetch(db, "SELECT min(id) FROM chunks")
    written = await generated(
        db, 3, wanted=[Wanted(chunk_id=chunk[0], metadata={"b": 1, "a": [None, 2.5]}) for _ in range(3)]
    )
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text("".join(
        json.dumps({"messages": [{"role": "system", "content": "Be kind.\r\n"}, {"role": "user", "content": f"{each}?"},
                                 {"role": "assistant", "content": "Yes."}]}) + "\n" for each in range(3)
    ))  # fmt: skip
    await import_paths(db, [seeds])
    from_file = [
        row[0] for row in await fetch(db, "SELECT conversation_id FROM conversations ORDER BY id DESC LIMIT 3")
    ]
    async with logged_in(conninfo("rita")) as rita:
        await approved(rita, *written[:2])
        rejecting = await seen(rita, from_file[0])
        await reviews.decide(
            rita, rejecting, "reject", key=reviews.new_key(), reason="Wrong tone", notes="Cold.\nVery.", turn_number=2
        )
        edited = said("A question?", "A better answer.")
        await reviews.edit(rita, await seen(rita, written[1]), system_prompt=None, turns=edited, key=reviews.new_key())
        await approved(rita, written[1], from_file[1])
        await reviews.undo_last(rita, key=reviews.new_key())
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    await export_conversations(db, path=first, filter_text=EVERY_STATUS, format="traintui")
    with fresh_database(server) as empty:
        async with logged_in(server.conninfo("ada", empty)) as other:
            summary = await import_paths(other, [first], unknown="add")
            assert summary.conversations[0].imported == 6
            await export_conversations(other, path=second, filter_text=EVERY_STATUS, format="traintui")
    assert second.read_bytes() == first.read_bytes()
    made = await fetch(db, "SELECT conversation_id, created_at FROM conversations ORDER BY conversation_id")
    told = sorted((row["conversation_id"], datetime.fromisoformat(row["created_at"])) for row in records(second))
    assert told == [tuple(row) for row in made]
    assert b"rita" in first.read_bytes() and b"Fees" in first.read_bytes()
