"""An export as of a moment holds what was approved then, as it read then."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from support import approved, fetch, imported, scalar, seen
from traintui.data import bulk, conversations, reviews
from traintui.data.engine import Database
from traintui.data.export_reading import ids_of, since
from traintui.data.exports import manifest_name
from traintui.data.filters import parse
from traintui.errors import TraintuiError
from traintui.export import again
from traintui.export.forecasting import check, forecast
from traintui.export.formats import format_of
from traintui.export.request import ExportRequest, as_of, moment_in, statuses_of, suggested_name
from traintui.export.scope_words import scope_in_words
from traintui.export.write import ExportSummary, run_export


async def now(db: Database) -> datetime:
    moment: datetime = await scalar(db, "SELECT clock_timestamp()")
    return moment


async def edited(db: Database, public: str, answer: str, *, prompt: str | None = None) -> None:
    """Its first answer says something else."""
    question, old, *rest = (await conversations.read(db, public)).turns
    turns = [question, replace(old, content=answer), *rest]
    await reviews.edit(db, await seen(db, public), system_prompt=prompt, turns=turns, key=reviews.new_key())


async def rejected(db: Database, public: str) -> None:
    await reviews.decide(db, await seen(db, public), "reject", key=reviews.new_key(), turn_number=2)


async def decided(db: Database) -> tuple[list[str], datetime]:
    """Three approved ones, the first edited before and the second after the moment that is returned; one rejected."""
    ids = await imported(db, 5)
    await edited(db, ids[0], "Better.", prompt="Be kind.")
    await approved(db, *ids[:3])
    await rejected(db, ids[3])
    then = await now(db)
    await edited(db, ids[1], "Another answer.", prompt="Be brief.")
    await approved(db, ids[1])
    await rejected(db, ids[2])
    await approved(db, ids[3], ids[4], *await imported(db, 1))
    return ids, then


async def written(db: Database, path: Path, words: str, **options: Any) -> ExportSummary:
    return await run_export(db, ExportRequest(path, filter_text=words, **options))


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def manifest_of(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads((path.parent / manifest_name(path.name)).read_bytes())
    return content


async def test_it_holds_what_was_approved_then_at_the_revision_of_then(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "before.jsonl"
    ids = await imported(db, 1)
    await approved(db, *ids)
    await written(db, path, "")
    before = path.read_bytes()
    ids, then = await decided(db)
    summary = await written(db, tmp_path / "then.jsonl", f"is:approved@{then.isoformat()}")
    manifest = manifest_of(tmp_path / "then.jsonl")
    assert [name for name, _ in manifest["conversations"]][1:] == ids[:3]
    assert [revision for _, revision in manifest["conversations"]] == [1, 2, 1, 1]
    rows = rows_of(tmp_path / "then.jsonl")
    assert orjson.loads(before.splitlines()[0]) == rows[0]
    assert rows[1]["messages"][0] == {"role": "system", "content": "Be kind."}
    assert all("Another answer." not in json.dumps(row) for row in rows)
    assert summary.statuses == {"approved": 4}
    assert summary.unapproved == 0
    assert manifest["filter"]["data"]["as_of"] == then.isoformat()
    assert any("as of" in remark for remark in manifest["remarks"])
    assert any("as of" in remark for remark in summary.remarks)
    held = await fetch(
        db, "SELECT revision FROM export_rows WHERE export_id = :id ORDER BY revision", id=summary.export_id
    )
    assert [row.revision for row in held] == [1, 1, 1, 2]


async def test_it_is_the_file_that_an_export_at_that_moment_wrote(db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 3)
    await edited(db, ids[0], "Better.")
    await approved(db, *ids[:2])
    for name in ("openai", "trl-dpo", "trl-kto", "traintui"):
        await written(db, tmp_path / f"{name}.jsonl", "status:approved,generated", format=name)
    then = await now(db)
    await edited(db, ids[0], "Another answer.")
    await rejected(db, ids[1])
    await approved(db, ids[2])
    words = f"is:approved@{then.isoformat()},generated@{then.isoformat()}"
    for name in ("openai", "trl-dpo", "trl-kto", "traintui"):
        await written(db, tmp_path / f"{name}-then.jsonl", words, format=name)
        assert (tmp_path / f"{name}-then.jsonl").read_bytes() == (tmp_path / f"{name}.jsonl").read_bytes(), name


async def test_it_is_made_again_byte_for_byte(db: Database, tmp_path: Path) -> None:
    ids, then = await decided(db)
    words = f"is:approved@{then.isoformat()},rejected@{then.isoformat()}"
    summary = await written(db, tmp_path / "one.jsonl", words, format="traintui")
    await edited(db, ids[2], "Yet another.")
    await approved(db, ids[2])
    export, earlier = await again.found(db, summary.export_id, "then")
    request = ExportRequest(tmp_path / "two.jsonl", export.format, again=earlier, **again.options_of(export, "then"))
    twice = await run_export(db, request)
    assert twice.sha256 == summary.sha256
    scope = await ExportRequest(tmp_path / "x.jsonl", filter_text=words).scope(db)
    assert (await since(db, earlier.noted, scope)).is_nothing
    assert scope_in_words(export.filter_state) == words


async def test_what_is_said_before_is_what_is_written(db: Database, tmp_path: Path) -> None:
    _, then = await decided(db)
    request = ExportRequest(tmp_path / "then.jsonl", filter_text=f"is:rejected@{then.isoformat()}")
    told, looked = await forecast(db, request), await check(db, request)
    assert (told.counts.total, told.counts.unapproved) == (1, 1)
    assert any("as of" in remark.says for remark in looked.remarks)
    summary = await run_export(db, request)
    assert rows_of(request.path) == [json.loads(row) for row in told.first]
    assert summary.statuses == {"rejected": 1}
    assert statuses_of(parse(request.filter_text)) == ("rejected",)


async def test_of_a_selection_it_takes_what_was_approved_then(db: Database, tmp_path: Path) -> None:
    ids, then = await decided(db)
    keys = sorted((await ids_of(db, ids)).values())
    summary = await written(db, tmp_path / "some.jsonl", f"is:approved@{then.isoformat()}", ids=keys[1:])
    assert [name for name, _ in manifest_of(tmp_path / "some.jsonl")["conversations"]] == ids[1:3]
    assert summary.count == 2


async def test_what_is_in_the_trash_stays_out(db: Database, tmp_path: Path) -> None:
    ids, then = await decided(db)
    await bulk.trash(db, list((await ids_of(db, ids[:1])).values()), True)
    summary = await written(db, tmp_path / "then.jsonl", f"is:approved@{then.isoformat()}")
    assert summary.count == 2


async def test_an_undone_decision_and_one_edited_back_stand_as_they_did(db: Database, tmp_path: Path) -> None:
    (one,) = await imported(db)
    await approved(db, one)
    await edited(db, one, "Another answer.")
    await reviews.undo_last(db, key=reviews.new_key())
    then = await now(db)
    await rejected(db, one)
    await written(db, tmp_path / "then.jsonl", f"is:approved@{then.isoformat()}")
    assert manifest_of(tmp_path / "then.jsonl")["conversations"] == [[one, 3]]


async def test_an_export_is_of_one_moment(db: Database, tmp_path: Path) -> None:
    words = "is:approved@2026-11-01 is:approved@2026-11-02"
    with pytest.raises(TraintuiError, match="several moments"):
        await written(db, tmp_path / "two.jsonl", words)
    assert moment_in(parse("is:approved@2026-11-02 -is:approved@2026-11-01")) is not None


def test_a_file_of_then_says_so_in_its_name() -> None:
    def name(words: str) -> str:
        wanted = parse(words)
        statuses = statuses_of(wanted) or ()
        return suggested_name(format_of("openai"), statuses, "2026-11-29", moment=moment_in(wanted))

    assert name("is:approved@2026-11-01") == "traintui-export-openai-as-of-2026-11-01-2026-11-29.jsonl"
    assert name("is:rejected@2026-11-01T14:00") == "traintui-export-openai-rejected-as-of-2026-11-01-2026-11-29.jsonl"
    assert name("persona:x") == "traintui-export-openai-2026-11-29.jsonl"


def test_a_date_beside_a_filter_asks_for_what_was_approved_then() -> None:
    assert as_of(parse("persona:x"), "2026-11-01 14:00") == "persona:x is:approved@2026-11-01T14:00"
    assert as_of(parse("is:rejected@2026-11-01"), "2026-11-01") == "is:rejected@2026-11-01"
    for words in ("status:generated", "is:rejected@2026-11-02"):
        with pytest.raises(TraintuiError):
            as_of(parse(words), "2026-11-01")
