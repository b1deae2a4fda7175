"""An export that the archive has is listed, found by what it holds, and written again like any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from aging import aged_exports
from support import Conninfo, approved, imported, scalar
from traintui.audit import archiving, export_archive
from traintui.audit.archive_listing import records
from traintui.audit.retiring import retire_due
from traintui.data import export_history, export_reading, purging, retention
from traintui.data.bulk import trash
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.export_reading import ids_of
from traintui.data.log_fields import EXPORTS
from traintui.data.workspace_filters import read_filter
from traintui.errors import TraintuiError
from traintui.export import again
from traintui.export.request import ExportRequest
from traintui.export.write import ExportSummary, run_export

REVIEWED_THEN = "UPDATE review_logs SET timestamp = '2024-01-08 09:00+00'"


async def archived(db: Database, conninfo: Conninfo) -> None:
    """Moves the exports that there are to the archive, as if they were of long ago."""
    aged_exports(conninfo)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(REVIEWED_THEN)
    outcome = await retire_due(db, await retention.due(db))
    assert [each.log for each in outcome.retired] == ["export_logs"]
    assert await scalar(db, "SELECT count(*) FROM export_rows") == 0


@pytest.fixture
async def conversations(db: Database, monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    monkeypatch.setattr(archiving, "ROWS", 3)
    monkeypatch.setattr(archiving, "NOTED_ROWS", 4)
    ids = await imported(db, 6)
    await approved(db, *ids)
    return ids


async def written(db: Database, path: Path, filter_text: str = "") -> ExportSummary:
    return await run_export(db, ExportRequest(path, "openai", filter_text))


async def test_as_it_was_it_has_the_same_bytes(
    db: Database, conninfo: Conninfo, conversations: Sequence[str], tmp_path: Path
) -> None:
    first = await written(db, tmp_path / "first.jsonl")
    before = await export_history.one(db, first.export_id)
    await archived(db, conninfo)
    export, earlier = await again.found(db, first.export_id, "then")
    assert (export.export_id, export.user_id, export.metadata) == (before.export_id, before.user_id, before.metadata)
    assert list(earlier.noted.conversations or ()) == sorted(conversations)
    second = await run_export(db, ExportRequest(tmp_path / "second.jsonl", export.format, again=earlier))
    assert second.again is not None and second.again.says == f"The same bytes as {first.export_id}."
    assert (second.count, second.unapproved) == (6, 0)
    assert (tmp_path / "second.jsonl").read_bytes() == (tmp_path / "first.jsonl").read_bytes()


async def test_as_of_now_says_what_differs_and_what_is_still_here(
    db: Database, conninfo: Conninfo, conversations: Sequence[str], tmp_path: Path
) -> None:
    first = await written(db, tmp_path / "first.jsonl", f"id:{','.join(conversations[:4])}")
    await archived(db, conninfo)
    _, earlier = await again.found(db, first.export_id, "now")
    scope = export_reading.Scope(await read_filter(db, f"-id:{conversations[0]}"))
    since = await export_reading.since(db, earlier.noted, scope)
    assert (since.more, since.gone, since.edited) == (2, 1, 0)
    keys = await ids_of(db, list(conversations[:4]))
    assert list(await export_reading.still_here(db, earlier.noted)) == sorted(keys.values())


async def test_what_was_purged_since_is_said_in_words(
    db: Database, conninfo: Conninfo, conversations: Sequence[str], tmp_path: Path
) -> None:
    first = await written(db, tmp_path / "first.jsonl")
    await archived(db, conninfo)
    keys = list((await ids_of(db, [conversations[2]])).values())
    await trash(db, keys, True)
    await purging.purge(db, keys)
    export, earlier = await again.found(db, first.export_id, "then")
    with pytest.raises(TraintuiError, match=f"were purged since|was purged since: {conversations[2]}"):
        await run_export(db, ExportRequest(tmp_path / "second.jsonl", export.format, again=earlier))


async def test_words_of_the_filter_find_archived_exports(
    db: Database, conninfo: Conninfo, conversations: Sequence[str], tmp_path: Path
) -> None:
    first = await written(db, tmp_path / "first.jsonl", f"id:{','.join(conversations[:3])}")
    second = await written(db, tmp_path / "second.jsonl", f"id:{conversations[4]}")
    await archived(db, conninfo)
    third = await written(db, tmp_path / "third.jsonl", f"id:{conversations[4]}")
    for wanted, found in (
        ("", [third, second, first]), (f"conversation:{conversations[1]}", [first]),
        (f"conversation:{conversations[4]}", [third, second]), (f"-conversation:{conversations[4]}", [first]),
        (f"hash:{first.sha256}", [first]), (f"hash:{second.sha256[:10]}", [third, second]), ("count>=3", [first]),
        ("user:nobody", []), ("created<2024-02-01", [second, first]), ("created>=-1d", [third]),
    ):  # fmt: skip
        listed = await records(db, EXPORTS.read(wanted), 10, EXPORTS)
        assert [row["export_id"] for row in listed] == [each.export_id for each in found], wanted


async def test_which_revision_an_export_held_is_known_beyond_the_first_conversations(
    db: Database, conninfo: Conninfo, conversations: Sequence[str], tmp_path: Path
) -> None:
    first = await written(db, tmp_path / "first.jsonl")
    export = await export_history.one(db, first.export_id)
    last, *others = sorted(conversations, reverse=True)
    expected = [(last, 1), *((each, 1) for each in sorted(others)[:2])]
    assert await export_history.held(db, first.export_id, limit=2, named=[last]) == expected
    await archived(db, conninfo)
    export, _ = await again.found(db, first.export_id, "then")
    assert await export_archive.held(db, export, limit=2, named=[last]) == expected


async def test_an_export_that_is_nowhere_is_not_found(
    db: Database, conninfo: Conninfo, conversations: Sequence[str], tmp_path: Path
) -> None:
    await written(db, tmp_path / "first.jsonl")
    await archived(db, conninfo)
    with pytest.raises(TraintuiError, match='no export "e-none"'):
        await again.found(db, "e-none", "then")
