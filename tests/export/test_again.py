"""An export of the log is written again at the revisions of then, byte for byte, whatever became of it since."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support import Conninfo, approved, fetch, import_items, imported, logged_in, newest_exports, said, seen, turns_of
from traintui.data import bulk, conversations, export_history, export_reading, metadata, purging, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.export_reading import ids_of
from traintui.data.exports import manifest_name
from traintui.errors import TraintuiError
from traintui.export import again, recording
from traintui.export.assembly import Assembly
from traintui.export.forecasting import check, forecast
from traintui.export.formats import FORMATS
from traintui.export.request import ExportRequest
from traintui.export.write import ExportSummary, run_export
from traintui.quality.signatures import signature
from traintui.quality.signing import sign_imported

EVERY_STATUS = "status:generated,approved,rejected"


async def edited(db: Database, public: str, answer: str, *, prompt: str | None = None) -> None:
    """Its first answer says something else."""
    question, old, *rest = (await conversations.read(db, public)).turns
    turns = [question, replace(old, content=answer), *rest]
    await reviews.edit(db, await seen(db, public), system_prompt=prompt, turns=turns, key=reviews.new_key())


async def partly_trained(db: Database, public: str) -> None:
    """It has two answers, and the first is not trained on."""
    question, answer, *rest = said("A question?", "Not learned from.", "And?", "That is all.")
    turns = [question, replace(answer, train=False), *rest]
    await reviews.edit(db, await seen(db, public), system_prompt=None, turns=turns, key=reviews.new_key())


async def rejected(db: Database, public: str) -> None:
    await reviews.decide(db, await seen(db, public), "reject", key=reviews.new_key(), turn_number=2)


async def reviewed(db: Database) -> list[str]:
    """Approved, rejected, edited and undecided ones, one with a turn that is not trained on."""
    ids = await imported(db, 6)
    await edited(db, ids[0], "Better.", prompt="Be kind.")
    await edited(db, ids[3], "Better still.")
    await partly_trained(db, ids[1])
    await rejected(db, ids[2])
    await approved(db, ids[0], ids[1], ids[3])
    return ids


async def changed(db: Database, ids: list[str]) -> None:
    """What may become of them: other texts, decisions, undone ones, another system prompt, the trash; and new ones."""
    await edited(db, ids[0], "Another answer altogether.", prompt="Be brief.")
    await edited(db, ids[3], "Another answer altogether.")
    await rejected(db, ids[0])
    await rejected(db, ids[1])
    await approved(db, ids[2], ids[4])
    await reviews.undo_last(db, key=reviews.new_key())
    key = await ids_of(db, [ids[5]])
    await bulk.trash(db, list(key.values()), True)
    await approved(db, *await imported(db, 2))


def manifest_of(path: Path) -> Any:
    return json.loads((path.parent / manifest_name(path.name)).read_text())


async def once_more(db: Database, summary: ExportSummary, path: Path) -> ExportSummary:
    export, earlier = await again.found(db, summary.export_id, "then")
    options = again.options_of(export, "then")
    return await run_export(db, ExportRequest(path, export.format, again=earlier, **options))


@pytest.mark.parametrize("name", sorted(FORMATS))
async def test_the_same_revisions_give_the_same_bytes_in_every_format(db: Database, tmp_path: Path, name: str) -> None:
    ids = await reviewed(db)
    filter_text = EVERY_STATUS if FORMATS[name].kind != "supervised" else ""
    asked = ExportRequest(tmp_path / "first.jsonl", name, filter_text, if_refused="leave-out")
    first = await run_export(db, asked)
    await changed(db, ids)
    second = await once_more(db, first, tmp_path / "second.jsonl")
    assert (tmp_path / "second.jsonl").read_bytes() == (tmp_path / "first.jsonl").read_bytes()
    assert second.again is not None and second.again.says == f"The same bytes as {first.export_id}."
    assert (second.count, second.unapproved, second.statuses) == (first.count, first.unapproved, first.statuses)
    now = await run_export(db, replace(asked, path=tmp_path / "now.jsonl"))
    assert now.sha256 != first.sha256
    told = await export_history.one(db, second.export_id)
    assert told.filter_state["again"] == {"export": first.export_id, "as_of": "then"}
    assert f'"export": "{first.export_id}"' in (tmp_path / manifest_name("second.jsonl")).read_text()


async def test_what_is_said_before_is_what_is_written(db: Database, tmp_path: Path) -> None:
    ids = await reviewed(db)
    first = await run_export(db, ExportRequest(tmp_path / "first.jsonl"))
    await changed(db, ids)
    _, earlier = await again.found(db, first.export_id, "then")
    request = ExportRequest(tmp_path / "second.jsonl", again=earlier)
    told = await forecast(db, request)
    assert list(told.first) == (tmp_path / "first.jsonl").read_text().splitlines()
    assert told.counts.total == 3 and (await check(db, request)).totals.words() == first.words


async def test_our_own_format_says_that_metadata_is_that_of_now(db: Database, tmp_path: Path) -> None:
    ids = await reviewed(db)
    first = await run_export(db, ExportRequest(tmp_path / "first.jsonl", "traintui"))
    await metadata.set_(db, ids[0], {"source": "web"})
    second = await once_more(db, first, tmp_path / "second.jsonl")
    assert second.again is not None and not second.again.same
    assert "metadata, dimensions, scores and the names of documents are those of now" in second.again.says


async def test_a_split_is_as_it_was(db: Database, tmp_path: Path) -> None:
    ids = await imported(db, 40)
    await approved(db, *ids)
    first = await run_export(db, ExportRequest(tmp_path / "first.jsonl", eval_share=0.3, strata=("tier",)))
    await edited(db, ids[7], "Another answer.")
    second = await once_more(db, first, tmp_path / "second.jsonl")
    assert second.again is not None and second.again.same
    assert (tmp_path / "second.eval.jsonl").read_bytes() == (tmp_path / "first.eval.jsonl").read_bytes()


async def test_sides_that_an_export_kept_are_kept_again_and_where_they_are_not_here_it_says_so(
    db: Database, tmp_path: Path
) -> None:
    ids = await imported(db, 40)
    await approved(db, *ids)
    await run_export(db, ExportRequest(tmp_path / "old.jsonl", eval_share=0.3))
    old = tmp_path / manifest_name("old.jsonl")
    old.write_text(
        old.read_text().replace('"train"]', '"other"]').replace('"eval"]', '"train"]').replace('"other"]', '"eval"]')
    )
    first = await run_export(db, ExportRequest(tmp_path / "first.jsonl", eval_share=0.3, sides=old))
    second = await once_more(db, first, tmp_path / "second.jsonl")
    assert second.again is not None and second.again.same
    told = await export_history.one(db, first.export_id)
    assert again.options_of(told, "now")["sides"] == old
    # A manifest that somebody wrote in is not what the sides were; that of the sides that were asked for is next.
    with (tmp_path / manifest_name("first.jsonl")).open("a") as beside:
        beside.write("\n")
    assert again.options_of(told, "then")["sides"] == old
    old.unlink()
    assert again.options_of(told, "then")["sides"] is None
    third = await once_more(db, first, tmp_path / "third.jsonl")
    assert third.again is not None and not third.again.same
    assert "it kept the sides that old.manifest.json has, which is not here" in third.again.says


async def test_what_is_new_since_moves_nothing_in_an_export_that_is_made_again(db: Database, tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(200))
    items = [
        {"line": line, "system_prompt": None, "turns": turns_of(f"{line}?", f"{words} {line}")} for line in range(40)
    ]
    alike = await import_items(db, items)
    await approved(db, *alike, *await imported(db, 20))
    first = await run_export(db, ExportRequest(tmp_path / "first.jsonl", eval_share=0.5))
    sides = {entry[0]: entry[2] for entry in manifest_of(tmp_path / "first.jsonl")["conversations"]}
    assert {sides[name] for name in alike} == {"train", "eval"}  # by their hashes: they are not compared yet
    await sign_imported(db, signature, 100)
    second = await once_more(db, first, tmp_path / "second.jsonl")
    assert second.again is not None and second.again.same


async def test_what_was_purged_stops_it_by_name_and_leaves_nothing(db: Database, tmp_path: Path) -> None:
    ids = await reviewed(db)
    first = await run_export(db, ExportRequest(tmp_path / "first.jsonl"))
    keys = list((await ids_of(db, [ids[3]])).values())
    await bulk.trash(db, keys, True)
    await purging.purge(db, keys)
    with pytest.raises(TraintuiError, match=f"1 of what {first.export_id} held was purged since: {ids[3]}"):
        await once_more(db, first, tmp_path / "second.jsonl")
    assert not (tmp_path / "second.jsonl").exists()
    assert [each.export_id for each in await newest_exports(db)] == [first.export_id]


async def test_another_version_of_the_format_is_told_where_bytes_differ(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await reviewed(db)
    first = await run_export(db, ExportRequest(tmp_path / "first.jsonl", "trl"))
    monkeypatch.setitem(FORMATS, "trl", replace(FORMATS["trl"], version=2, write=FORMATS["sharegpt"].write))
    second = await once_more(db, first, tmp_path / "second.jsonl")
    assert second.again is not None
    assert second.again.says.endswith("the format is of version 2 now, and was of 1.")


async def test_an_export_of_an_older_traintui_is_written_again_by_what_its_log_has(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    ids = await reviewed(db)
    first = await run_export(db, ExportRequest(tmp_path / "first.jsonl", "trl-kto", EVERY_STATUS))
    async with logged_in(conninfo(SUPERUSER)) as owner, owner.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE export_logs DISABLE TRIGGER USER")
        await connection.exec_driver_sql(
            "UPDATE export_logs SET metadata = metadata - '{snapshot,shape,container,format_version}'::text[]"
        )
        await connection.exec_driver_sql("ALTER TABLE export_logs ENABLE TRIGGER USER")
    await changed(db, ids)
    second = await once_more(db, first, tmp_path / "second.jsonl")
    assert second.again is not None and second.again.same


async def test_what_was_decided_where_transactions_are_counted_anew_came_later_all_the_same(
    db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    ids = await reviewed(db)
    first = await run_export(db, ExportRequest(tmp_path / "first.jsonl", "trl-kto", EVERY_STATUS))
    then = await fetch(db, "SELECT max(id) FROM review_logs")
    await changed(db, ids)
    async with logged_in(conninfo(SUPERUSER)) as owner, owner.write() as connection:
        await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        # As after a backup of a server with many more transactions was restored on this one, a day ago.
        await connection.exec_driver_sql(
            "UPDATE export_logs SET metadata = jsonb_set(metadata, '{snapshot}', '\"4000000000:4000000000:\"')"
            " WHERE state = 'started'"
        )
        later = "UPDATE review_logs SET timestamp = timestamp + interval '1 day' WHERE id > %s"
        await connection.exec_driver_sql(later, tuple(then[0]))
    second = await once_more(db, first, tmp_path / "second.jsonl")
    assert second.again is not None and second.again.same and second.statuses == first.statuses


async def test_only_what_succeeded_is_made_again(db: Database, tmp_path: Path) -> None:
    await imported(db, 1)
    with pytest.raises(TraintuiError, match="no export"):
        await again.found(db, "e-none", "then")
    with pytest.raises(TraintuiError):
        await run_export(db, ExportRequest(tmp_path / "first.jsonl", "trl", "status:generated", limit=1, if_cut="stop"))
    (failed,) = await newest_exports(db)
    with pytest.raises(TraintuiError, match="wrote nothing: it is failed"):
        await again.found(db, failed.export_id, "now")


async def test_a_long_export_says_how_far_it_is_until_it_ends(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "RENEWED", 0.01)
    monkeypatch.setattr(export_reading, "PAGE", 1)
    await approved(db, *await imported(db, 3))
    seen_of_it: list[tuple[str, int]] = []
    goes_on = threading.Event()
    take = Assembly.take

    def slowly(self: Assembly, page: Any) -> None:
        if self.tally.conversations == 2:
            goes_on.wait(180)
        take(self, page)

    monkeypatch.setattr(Assembly, "take", slowly)
    monkeypatch.setattr(Assembly, "is_slow", True)
    export = asyncio.create_task(run_export(db, ExportRequest(tmp_path / "out.jsonl")))
    while not seen_of_it and not export.done():
        await asyncio.sleep(0.01)
        seen_of_it = [(each.state, each.done) for each in await newest_exports(db) if each.done == 2]
    goes_on.set()
    assert seen_of_it == [("under way", 2)]
    await export
    assert await fetch(db, "SELECT FROM exports_under_way") == []
    (ended,) = await newest_exports(db)
    assert (ended.state, ended.conversation_count) == ("succeeded", 3)
