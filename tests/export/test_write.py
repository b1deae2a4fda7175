"""Exports: what was selected is written, whole or not at all, and on record either way."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from support import add_vocabulary, beside, newest_exports, scalar
from traintui.data import conversations, exports, imports, metadata, reviews, vocabulary
from traintui.data.engine import Database
from traintui.data.filters import FilterError
from traintui.data.refusals import Refused
from traintui.data.reviews import Seen
from traintui.errors import TraintuiError
from traintui.export.forecasting import forecast
from traintui.export.request import ExportRequest
from traintui.export.write import export_conversations


def item(number: int, *, turns: int = 2, **changes: Any) -> dict[str, Any]:
    written = [
        {"role": "user" if place % 2 == 0 else "assistant", "content": f"turn {place} of {number}", "train": True}
        for place in range(turns)
    ]
    return {"line": number, "system_prompt": None, "turns": written, "metadata": {"n": number}, **changes}


async def approved(db: Database, count: int, **changes: Any) -> None:
    """So many imported conversations, all approved."""
    await imports.conversations(db, [item(number, **changes) for number in range(count)], source="t", format="openai")
    for row in (await conversations.first_rows(db, "status:generated", limit=10_000)).rows:
        await reviews.decide(db, Seen.of(row), "approve", key=reviews.new_key())


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_what_was_approved_is_written_in_order_of_the_id_and_the_record_has_its_hash(
    db: Database, tmp_path: Path
) -> None:
    await approved(db, 203)
    done: list[tuple[int, int]] = []
    path = tmp_path / "out.jsonl"
    summary = await export_conversations(db, path=path, on_progress=lambda *step: done.append(step))
    written = lines(path)
    assert summary.count == len(written) == 203
    assert [line["messages"][0]["content"] for line in written] == [f"turn 0 of {n}" for n in range(203)]
    assert done[-1] == (203, 203)
    (ended,) = await newest_exports(db)
    assert (ended.state, ended.conversation_count, ended.user_id) == ("succeeded", 203, "ada")
    assert ended.file_sha256 == summary.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    async with db.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM export_rows")) == 203


async def test_every_character_leaves_as_it_is_stored(db: Database, tmp_path: Path) -> None:
    everything = "".join(map(chr, [*range(1, 0xD800), *range(0xE000, 0x110000, 97)])).replace("\r\n", "\n")
    texts = [everything, 'It ends in ", ', '", "', "\\", "\xa0.", "of\r\nWindows", '["a", "b"]', "%b"]
    turns = [[{"role": "user", "content": said}, {"role": "assistant", "content": "\N{GREEK SMALL LETTER ALPHA}"}]
             for said in texts]  # fmt: skip
    given = [item(0, system_prompt=said) | {"turns": both} for said, both in zip(texts, turns, strict=True)]
    await imports.conversations(db, given, source="t", format="openai")
    path = tmp_path / "out.jsonl"
    await export_conversations(db, filter_text="status:generated", path=path)
    expected = [
        orjson.dumps({"messages": [{"role": "system", "content": said.replace("\r\n", "\n")}, *both]})
        for said, both in zip(texts, turns, strict=True)
    ]
    # Line ends are those of training files.
    assert path.read_bytes().splitlines() == [line.replace(rb"of\r\nWindows", rb"of\nWindows") for line in expected]


async def test_the_filter_decides_and_stands_in_the_record(db: Database, tmp_path: Path) -> None:
    await approved(db, 4)
    summary = await export_conversations(db, filter_text='"turn 0 of 2"', path=tmp_path / "one.jsonl")
    assert summary.count == 1
    assert (await newest_exports(db))[0].filter_text == '"turn 0 of 2"'


async def test_only_approved_ones_leave_unless_the_filter_names_a_status(db: Database, tmp_path: Path) -> None:
    await imports.conversations(db, [item(1), item(2)], source="t", format="openai")
    with pytest.raises(TraintuiError, match="no approved conversation"):
        await export_conversations(db, path=tmp_path / "none.jsonl")
    summary = await export_conversations(db, filter_text="status:generated", path=tmp_path / "g.jsonl")
    assert (summary.count, summary.unapproved) == (2, 2)


async def test_a_conversation_that_cannot_be_trained_on_stops_the_export_by_name(db: Database, tmp_path: Path) -> None:
    await approved(db, 3, turns=3)
    path = tmp_path / "out.jsonl"
    with pytest.raises(TraintuiError, match="ends with the user"):
        await export_conversations(db, path=path)
    assert list(tmp_path.iterdir()) == []
    assert [entry.state for entry in await newest_exports(db)] == ["failed"]


async def test_a_cancelled_export_leaves_nothing_but_its_record(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await approved(db, 3)
    reached = asyncio.Event()

    async def hang(*_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(exports, "record_rows", hang)
    export = asyncio.create_task(export_conversations(db, path=tmp_path / "out.jsonl"))
    await beside(export, reached.wait())
    export.cancel()
    with pytest.raises(asyncio.CancelledError):
        await export
    assert list(tmp_path.iterdir()) == []
    assert [entry.state for entry in await newest_exports(db)] == ["cancelled"]


async def test_cancelling_an_export_whose_file_is_in_its_place_comes_too_late_and_it_is_on_record_as_written(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await approved(db, 3)
    there, go_on = asyncio.Event(), asyncio.Event()
    real = exports.record

    async def slowly(database: Database, export_id: str, state: exports.LoggedState, **rest: Any) -> None:
        if state == "succeeded":
            there.set()
            await go_on.wait()
        await real(database, export_id, state, **rest)

    monkeypatch.setattr(exports, "record", slowly)
    export = asyncio.create_task(export_conversations(db, path=tmp_path / "out.jsonl"))
    await beside(export, there.wait())
    for _ in range(2):
        export.cancel()
        await asyncio.sleep(0)
    go_on.set()
    assert (await export).count == len(lines(tmp_path / "out.jsonl")) == 3
    assert [entry.state for entry in await newest_exports(db)] == ["succeeded"]


async def test_what_is_decided_while_an_export_runs_does_not_change_it(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await approved(db, 3)
    real = exports.record_rows

    async def meanwhile(database: Database, *rest: Any) -> None:
        for row in (await conversations.first_rows(db, "status:approved")).rows:
            await reviews.decide(db, Seen.of(row), "reject", key=reviews.new_key())
        await real(database, *rest)

    monkeypatch.setattr(exports, "record_rows", meanwhile)
    assert (await export_conversations(db, path=tmp_path / "out.jsonl")).count == 3


async def test_a_file_that_is_there_stays_unless_it_may_be_replaced(db: Database, tmp_path: Path) -> None:
    await approved(db, 1)
    path = tmp_path / "out.jsonl"
    path.write_text("mine")
    with pytest.raises(TraintuiError, match="there already"):
        await export_conversations(db, path=path)
    assert path.read_text() == "mine"
    await export_conversations(db, path=path, overwrite=True)
    assert len(lines(path)) == 1


async def test_a_directory_is_no_place_for_a_file_which_is_said_before_anything_is_recorded(
    db: Database, tmp_path: Path
) -> None:
    await approved(db, 1)
    with pytest.raises(TraintuiError, match="is a directory"):
        await export_conversations(db, path=tmp_path)
    assert await newest_exports(db) == ()


async def test_a_filter_with_a_mistake_exports_nothing(db: Database, tmp_path: Path) -> None:
    with pytest.raises(FilterError, match="personna"):
        await export_conversations(db, filter_text="personna:x", path=tmp_path / "out.jsonl")


async def test_a_value_that_is_not_in_the_vocabulary_is_a_mistake_as_in_the_table(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    await approved(db, 1, persona="busy_parent")
    told = 'persona has no value "busy_parnt".*Did you mean busy_parent'
    with pytest.raises(FilterError, match=told):
        await export_conversations(db, filter_text="persona:busy_parnt", path=tmp_path / "out.jsonl")
    with pytest.raises(FilterError, match=told):
        await forecast(db, ExportRequest(tmp_path / "out.jsonl", filter_text="-persona:busy_parnt"))
    assert list(tmp_path.iterdir()) == [] and await newest_exports(db) == ()


@pytest.mark.parametrize("value", ["formal", "none"])
async def test_a_filter_may_name_a_value_that_nothing_new_gets(db: Database, tmp_path: Path, value: str) -> None:
    await add_vocabulary(db)
    await approved(db, 1, tone="warm")
    await vocabulary.merge(db, "tone", "formal", "warm")
    with pytest.raises(TraintuiError, match="no approved conversation"):
        await export_conversations(db, filter_text=f"tone:{value}", path=tmp_path / "out.jsonl")


async def test_a_registered_key_is_asked_for_as_in_the_table(db: Database, tmp_path: Path) -> None:
    await metadata.register(db, "due", "date")
    await imports.conversations(
        db, [item(1, metadata={"due": "2999-01-01"}), item(2, metadata={"due": "1999-01-01"})], source="t", format="t"
    )
    summary = await export_conversations(db, filter_text="status:generated meta.due>-7d", path=tmp_path / "due.jsonl")
    assert summary.count == 1
    with pytest.raises(FilterError, match="is not a date"):
        await export_conversations(db, filter_text="meta.due>soon", path=tmp_path / "soon.jsonl")


async def test_a_reviewer_may_not_export(db: Database, reviewer_db: Database, tmp_path: Path) -> None:
    await approved(db, 1)
    with pytest.raises(Refused, match="role"):
        await export_conversations(reviewer_db, path=tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []


async def test_the_same_export_twice_gives_the_same_bytes(db: Database, tmp_path: Path) -> None:
    await approved(db, 20)
    first = await export_conversations(db, path=tmp_path / "a.jsonl")
    second = await export_conversations(db, path=tmp_path / "b.jsonl")
    assert first.sha256 == second.sha256


async def test_what_the_record_says_of_a_failure_is_redacted(db: Database, tmp_path: Path) -> None:
    await approved(db, 1, turns=3, conversation_id="ann@example.org")
    with pytest.raises(TraintuiError, match=r"ann@example\.org"):
        await export_conversations(db, path=tmp_path / "out.jsonl")
    told = await scalar(db, "SELECT error_message FROM export_logs WHERE state = 'failed'")
    assert "[e-mail 1]: It ends" in told and "example" not in told
    assert await scalar(db, "SELECT metadata->'redactions' FROM export_logs WHERE state = 'failed'") == {"email": 1}
