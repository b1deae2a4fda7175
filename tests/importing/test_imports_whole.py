"""An import is whole: its parts have one id, what is cut off is finished or removed, and one undo takes it back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from support import Conninfo, add_vocabulary, approved, fetch, logged_in, scalar, seen
from traintui.data import bulk, conversations, imports, reviews
from traintui.data.engine import Database
from traintui.data.import_records import Import, ImportedFile
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.importing import loading, unfinished
from traintui.importing.loading import Stopped
from traintui.importing.store import import_paths

SAME = "SELECT bool_and(r.content_sha256 = content_digest(r.system_prompt, r.turns)) FROM conversation_revisions AS r"


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "SIZE", 2)


def jsonl(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def chat(question: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": f"Answer to {question}."}]
    return {"messages": messages, **more}


def chats(path: Path, number: int) -> Path:
    return jsonl(path, *(chat(f"question {each}") for each in range(number)))


async def cut_off(db: Database, path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """An import whose process was lost after its first part: nobody removes it, and its lease is over."""

    async def lost(*_: Any, **__: Any) -> None:
        pass

    stop = asyncio.Event()
    with monkeypatch.context() as patched:
        patched.setattr(imports, "LEASE", 0.0)
        patched.setattr(imports, "remove", lost)
        with pytest.raises(Stopped):
            await import_paths(db, [path], progress=lambda *_: stop.set(), stop=stop)
    (going,) = await imports.unfinished(db)
    return going


async def test_parts_come_under_one_id_that_each_row_of_the_log_names(db: Database, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    summary = await import_paths(
        db, [chats(tmp_path / "chats.jsonl", 5)], progress=lambda stage, done, total: told.append((stage, done, total))
    )
    (file,) = summary.conversations
    assert told == [("storing", 2, 5), ("storing", 4, 5), ("storing", 5, 5)]
    assert file.import_id is not None
    made = await imports.read(db, file.import_id)
    assert (made.state, made.passed, made.imported, made.known, made.is_whole) == ("done", 5, 5, 0, True)
    assert made.file.name == "chats.jsonl" and made.file.path == str(tmp_path / "chats.jsonl")
    rows = await fetch(db, "SELECT action, bulk_id, details->>'line' FROM review_logs ORDER BY id")
    assert rows == [("import", file.import_id, str(line)) for line in range(1, 6)]
    assert await fetch(db, "SELECT FROM import_items") == []


async def test_each_text_has_the_digest_that_any_revision_of_it_would_have(db: Database, tmp_path: Path) -> None:
    odd = ["a\tb\\n\n\r\n", "\\N", "ä\u2028\U0001f600", "%s $$ ';--", "\\.", "{}\\u0041"]
    await import_paths(db, [jsonl(tmp_path / "odd.jsonl", *(chat(text, system=f"{text}!", k=text) for text in odd))])
    assert await scalar(db, SAME) is True
    page = await conversations.first_rows(db)
    whole = [await conversations.read(db, row.conversation_id) for row in page.rows]
    assert sorted(one.turns[0].content for one in whole) == sorted(odd)
    assert all(one.system_prompt == f"{one.turns[0].content}!" for one in whole)
    assert await fetch(db, "SELECT count(*) FROM conversations WHERE metadata->>'k' || '!' = system_prompt") == [(6,)]


async def test_what_was_cut_off_is_finished_from_where_it_was(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = chats(tmp_path / "chats.jsonl", 5)
    going = await cut_off(db, path, monkeypatch)
    assert (going.state, going.passed, going.is_whole) == ("loading", 2, False)
    assert await conversations.count(db) == 2
    file = await unfinished.finish(db, going)
    assert (file.imported, file.import_id) == (5, going.import_id)
    assert await conversations.count(db) == 5 and await imports.unfinished(db) == ()
    assert (await import_paths(db, [path])).conversations[0].known == 5


async def test_what_was_cut_off_is_removed_as_a_whole(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = await cut_off(db, chats(tmp_path / "chats.jsonl", 5), monkeypatch)
    gone = await unfinished.remove(db, going)
    assert (gone.removed, gone.kept) == (2, 0)
    assert (await imports.read(db, going.import_id)).state == "removed"
    assert await conversations.count(db) == 0 and await imports.unfinished(db) == ()
    assert await fetch(db, "SELECT FROM conversation_turns UNION ALL SELECT FROM conversation_revisions") == []
    named = "SELECT DISTINCT details->>'import' FROM review_logs WHERE action = 'purge'"
    assert await fetch(db, named) == [(going.import_id,)]


async def test_what_somebody_decided_meanwhile_outlives_the_removal(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = await cut_off(db, chats(tmp_path / "chats.jsonl", 5), monkeypatch)
    one = (await conversations.first_rows(db)).rows[0].conversation_id
    await approved(db, one)
    gone = await unfinished.remove(db, going)
    assert (gone.removed, gone.kept) == (1, 1)
    assert [row.conversation_id for row in (await conversations.first_rows(db)).rows] == [one]


async def test_an_import_is_finished_with_the_file_that_it_is_of_or_not_at_all(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = chats(tmp_path / "chats.jsonl", 5)
    going = await cut_off(db, path, monkeypatch)
    path.write_text(path.read_text() + json.dumps(chat("one more")) + "\n")
    with pytest.raises(TraintuiError, match="not the file any more"):
        await unfinished.finish(db, going)
    path.unlink()
    with pytest.raises(TraintuiError, match="There is no file"):
        await unfinished.finish(db, going)
    assert await conversations.count(db) == 2


async def test_what_is_stopped_or_cancelled_leaves_nothing(db: Database, tmp_path: Path) -> None:
    path = chats(tmp_path / "chats.jsonl", 7)
    stop = asyncio.Event()
    with pytest.raises(Stopped):
        await import_paths(db, [path], progress=lambda *_: stop.set(), stop=stop)
    assert await conversations.count(db) == 0 and await imports.unfinished(db) == ()
    importing: list[asyncio.Task[Any]] = []
    importing.append(
        asyncio.ensure_future(import_paths(db, [path], progress=lambda stage, *_: _cancel(importing[0], stage)))
    )
    with pytest.raises(asyncio.CancelledError):
        await importing[0]
    assert await conversations.count(db) == 0 and await imports.unfinished(db) == ()


def _cancel(task: asyncio.Task[Any], stage: str) -> None:
    if stage == "storing":
        task.cancel()


async def test_one_undo_takes_an_import_back_and_keeps_what_was_decided_since(db: Database, tmp_path: Path) -> None:
    path = chats(tmp_path / "chats.jsonl", 5)
    file = (await import_paths(db, [path])).conversations[0]
    one = (await conversations.first_rows(db)).rows[0].conversation_id
    await reviews.set_flag(db, one, True, key=reviews.new_key())
    await reviews.undo_last(db, key=reviews.new_key())
    await approved(db, one)
    await add_one_by_another(db)
    file_of = file.import_id or ""
    result = await bulk.undo(db, file_of)
    assert (result.undone, result.kept, result.remaining) == (4, 1, 0)
    assert (await imports.read(db, file_of)).state == "undone"
    assert await conversations.count(db, "is:deleted") == 4
    assert [row.conversation_id for row in (await conversations.first_rows(db, "status:approved")).rows] == [one]
    undos = "SELECT DISTINCT details->>'bulk_id' FROM review_logs WHERE action = 'undo' AND details ? 'bulk_id'"
    assert await fetch(db, undos) == [(file_of,)]
    with pytest.raises(Refused):
        await imports.remove(db, file_of)


async def add_one_by_another(db: Database) -> None:
    """Something else stands beside an import, and has nothing to do with it."""
    await imports.conversations(db, [{"line": 1, **_item("beside")}], source="b.jsonl", format="openai")


def _item(question: str) -> dict[str, Any]:
    return {"turns": chat(question)["messages"]}


async def test_u_finds_the_import_and_a_corrected_file_comes_anew(db: Database, tmp_path: Path) -> None:
    path = chats(tmp_path / "chats.jsonl", 3)
    file = (await import_paths(db, [path])).conversations[0]
    last = await bulk.last_bulk(db)
    assert last is not None and (last.bulk_id, last.action, last.rows) == (file.import_id, "import", 3)
    await bulk.undo(db, last.bulk_id)
    assert await bulk.last_bulk(db) is None
    assert (await import_paths(db, [path])).conversations[0].imported == 3
    assert await conversations.count(db) == 3


async def test_an_import_that_is_under_way_is_neither_taken_back_nor_taken_over(db: Database, tmp_path: Path) -> None:
    going = await imports.begin(db, _file(2))
    with pytest.raises(Refused, match="under way"):
        await bulk.undo(db, going.import_id)
    with pytest.raises(Refused, match="another window"):
        await imports.take(db, going.import_id)
    part = [{"line": line, **_item(f"q {line}")} for line in (1, 2)]
    await imports.load(db, going, part)
    with pytest.raises(Refused, match="another window"):  # who lags behind does not store it a second time
        await imports.load(db, going, part)
    assert await conversations.count(db) == 2


def _file(total: int) -> Any:
    return ImportedFile("a.jsonl", "/a.jsonl", "openai", total)


async def test_an_import_belongs_to_who_began_it(
    db: Database, reviewer_db: Database, conninfo: Conninfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="No right"):
        await imports.begin(reviewer_db, _file(1))
    async with logged_in(conninfo("arthur")) as author:
        going = await cut_off(author, chats(tmp_path / "chats.jsonl", 5), monkeypatch)
    with pytest.raises(Refused, match="by arthur"):
        await imports.take(db, going.import_id)
    assert await imports.unfinished(db) == ()
    with pytest.raises(Refused, match="No right"):
        await imports.remove(reviewer_db, going.import_id)
    assert (await imports.remove(db, going.import_id)).removed == 2  # ada is an administrator


async def test_approve_decides_each_like_any_decision_and_leaves_what_a_bulk_leaves(
    db: Database, tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one"), chat("two"), chat("three", tier="edge_case"))
    file = (await import_paths(db, [path], approve=True)).conversations[0]
    assert (file.approved, file.unapproved) == (2, {"edge case": 1})
    assert await conversations.count(db, "status:approved") == 2
    decided = "SELECT reviewer_id, status_before, status_after, revision FROM review_logs WHERE action = 'approve'"
    assert await fetch(db, decided) == [("ada", "generated", "approved", 1)] * 2
    last = await bulk.last_bulk(db)
    assert last is not None and last.action == "import"
    assert (await bulk.undo(db, last.bulk_id)).undone == 3
    assert await conversations.count(db) == 0 and await bulk.last_bulk(db) is None


async def test_an_approval_that_was_cut_off_is_finished(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: Any, **__: Any) -> None:
        raise ConnectionError

    path = chats(tmp_path / "chats.jsonl", 3)
    with monkeypatch.context() as patched:
        patched.setattr(imports, "approve", lost)
        patched.setattr(imports, "remove", lost)
        patched.setattr(imports, "LEASE", 0.0)
        with pytest.raises(ConnectionError):
            await import_paths(db, [path], approve=True)
    (going,) = await imports.unfinished(db)
    assert going.state == "approving"
    assert (await unfinished.finish(db, going)).approved == 3


async def test_the_same_text_with_other_dimensions_is_another_conversation(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    both = jsonl(tmp_path / "both.jsonl", chat("one", tone="formal"), chat("one", tone="warm"), chat("one"))
    file = (await import_paths(db, [both])).conversations[0]
    assert (file.imported, file.known) == (2, 1)  # one that names none is the one that is here
    again = (await import_paths(db, [both])).conversations[0]
    assert (again.imported, again.known) == (0, 3)
    plain = (await import_paths(db, [jsonl(tmp_path / "plain.jsonl", chat("one"))])).conversations[0]
    assert plain.known == 1
    other = (await import_paths(db, [jsonl(tmp_path / "o.jsonl", chat("one", topic="savings"))])).conversations[0]
    assert other.imported == 1


async def test_what_is_trained_on_makes_no_other_conversation(db: Database, tmp_path: Path) -> None:
    weighed = chat("one")
    weighed["messages"][1]["weight"] = 0
    for name, first, second in (("a", chat("a"), weighed), ("b", weighed, chat("one"))):
        stored = jsonl(tmp_path / f"{name}.jsonl", first)
        await import_paths(db, [stored])
        again = jsonl(tmp_path / f"{name}-2.jsonl", second)
        summary = (await import_paths(db, [again])).conversations[0]
        assert (summary.imported, summary.known) == ((1, 0) if name == "a" else (0, 1))
    assert await scalar(db, "SELECT count(*) FROM conversation_turns WHERE NOT train") == 1


async def test_a_large_file_comes_without_scores_which_follow_when_it_is_signed(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from traintui.quality.signatures import signature
    from traintui.quality.signing import sign_imported

    monkeypatch.setattr(loading, "SCORED_AT_ONCE", 2)
    await import_paths(db, [chats(tmp_path / "chats.jsonl", 3)])
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE quality_score IS NULL") == 3
    await sign_imported(db, signature, 3)
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE quality_score > 0") == 3


async def test_what_comes_in_is_found_at_once_and_told_to_open_tables(db: Database, tmp_path: Path) -> None:
    before = await scalar(db, "SELECT count(*) FROM conversation_changes")
    await import_paths(db, [chats(tmp_path / "chats.jsonl", 3)])
    assert await scalar(db, "SELECT count(*) FROM conversation_changes") - before >= 3
    assert await scalar(db, "SELECT count(DISTINCT conversation_id) FROM search_pending WHERE of_turns") == 3
    assert await conversations.count(db, '"question 2"') == 1


async def test_a_decision_on_an_imported_one_is_seen_like_any(db: Database, tmp_path: Path) -> None:
    await import_paths(db, [chats(tmp_path / "chats.jsonl", 1)])
    one = (await conversations.first_rows(db)).rows[0].conversation_id
    assert (await seen(db, one)).revision == 1
