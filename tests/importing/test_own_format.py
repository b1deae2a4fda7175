"""Our own format comes back as what it was: new ones with all that they had, those that are here as new revisions."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from importing.reading import own
from support import add_vocabulary, approved, fetch, imported, said, scalar, seen
from traintui.data import bulk, conversations, imports, reviews
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.importing.loading import StoredConversations
from traintui.importing.store import import_paths
from traintui.quality.signatures import signature
from traintui.quality.signing import sign_imported

DIMENSIONS = {
    "persona": "busy_parent", "emotion": "calm", "topic": "savings", "intent": "understand", "tone": "warm",
    "tier": "scenario",
}  # fmt: skip


def turns(*contents: str) -> list[dict[str, Any]]:
    roles = ("user", "assistant") * len(contents)
    return [
        {"role": role, "content": content, "train": "untrained" not in content}
        for role, content in zip(roles, contents, strict=False)
    ]


def decision(action: str, revision: int, reviewer: str, at: str, **more: Any) -> dict[str, Any]:
    empty = {"turn": None, "reason": None, "notes": None}
    return {"action": action, "revision": revision, **empty, **more, "reviewer": reviewer, "at": at}


def whole(identity: str = "c-abc", **more: Any) -> dict[str, Any]:
    """A conversation as it is written: approved, rejected before, edited in between."""
    decisions = [
        decision("reject", 1, "rita", "2026-03-01T10:00:00+00:00", turn=2, reason="Wrong"),
        decision("edit", 2, "ron", "2026-03-02T10:00:00+00:00", turn=2, notes="mended"),
        decision("approve", 2, "ron", "2026-03-02T10:01:00+00:00"),
    ]
    return {
        "traintui": 1, "conversation_id": identity, "revision": 2, "status": "approved", **DIMENSIONS,
        "system_prompt": "Be kind.\r\n", "turns": turns("How?", "So, untrained."), "metadata": {"k": [1, {"a": None}]},
        "quality_score": 7.25, "document": "Fees", "chunk": "Late fees", "model": "m-1", "is_seed": False,
        "is_rehearsal": True, "decisions": decisions,
        "earlier": [{"revision": 1, "system_prompt": None, "turns": turns("How?", "No.")}], **more,
    }  # fmt: skip


async def brought(db: Database, path: Path, *records: dict[str, Any]) -> StoredConversations:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return (await import_paths(db, [path])).conversations[0]


async def test_a_new_one_has_its_id_revision_status_and_all_that_it_had(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    file = await brought(db, tmp_path / "own.jsonl", whole())
    assert (file.format, file.imported) == ("traintui", 1)
    one = await conversations.read(db, "c-abc")
    assert (one.row.revision, one.row.status, one.system_prompt) == (2, "approved", "Be kind.\r\n")
    assert [(turn.content, turn.train) for turn in one.turns] == [("How?", True), ("So, untrained.", False)]
    kept = "SELECT quality_score::float, model, is_seed, is_rehearsal, metadata, persona, tier FROM conversations"
    assert await fetch(db, kept) == [(7.25, "m-1", False, True, {"k": [1, {"a": None}]}, "busy_parent", "scenario")]
    log = (
        "SELECT action, revision, turn_number, reason, reviewer_notes, reviewer_id, status_before, status_after,"
        " details->'carried'->>'reviewer', details->'carried'->>'at' FROM review_logs ORDER BY id"
    )
    assert await fetch(db, log) == [
        ("import", 2, None, None, None, "ada", None, "generated", None, None),
        ("reject", 1, 2, "Wrong", None, "ada", "generated", "rejected", "rita", "2026-03-01T10:00:00+00:00"),
        ("edit", 2, 2, None, "mended", "ada", "rejected", "generated", "ron", "2026-03-02T10:00:00+00:00"),
        ("approve", 2, None, None, None, "ada", "generated", "approved", "ron", "2026-03-02T10:01:00+00:00"),
    ]
    from_where = "SELECT details->>'document', details->>'chunk' FROM review_logs WHERE action = 'import'"
    assert await fetch(db, from_where) == [("Fees", "Late fees")]
    texts = (
        "SELECT revision, turns->1->>'content', content_sha256 = content_digest(system_prompt, turns)"
        " FROM conversation_revisions ORDER BY 1"
    )
    assert await fetch(db, texts) == [(1, "No.", True), (2, "So, untrained.", True)]
    # A score that came along stands until somebody scores anew.
    await sign_imported(db, signature, 1)
    assert await scalar(db, "SELECT quality_score::float FROM conversations") == 7.25


async def test_a_new_one_keeps_when_it_was_made_and_one_that_is_here_its_own_time(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    dated: dict[str, Any] = {"traintui": 2, "created_at": "2025-02-03T04:05:06.789012Z"}
    naive: dict[str, Any] = {"traintui": 2, "created_at": "2025-02-03T04:05:06"}
    await brought(db, tmp_path / "own.jsonl", whole(**dated), whole("c-naive", turns=turns("A?", "B."), **naive))
    await brought(db, tmp_path / "old.jsonl", whole("c-old", turns=turns("Old?", "Yes.")))
    later = whole(**{**dated, "created_at": "2026-01-01T00:00:00Z"}, turns=turns("How?", "Better."))
    await brought(db, tmp_path / "edited.jsonl", later)
    made = (
        "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') FROM conversations"
        " WHERE conversation_id <> 'c-old' ORDER BY id"
    )
    assert await fetch(db, made) == [("2025-02-03 04:05:06.789012",), ("2025-02-03 04:05:06.000000",)]
    # A file of the first version says nothing of it.
    assert await scalar(db, "SELECT created_at > now() - interval '1 day' FROM conversations WHERE id = 3")


@pytest.mark.parametrize("zone", ["+20:00", "-23:59", "+00:00:30.5"])
async def test_a_time_of_a_zone_that_the_database_does_not_take_is_kept_as_well(
    db: Database, tmp_path: Path, zone: str
) -> None:
    await add_vocabulary(db)
    await brought(db, tmp_path / "own.jsonl", whole(traintui=2, created_at=f"2025-02-03T04:05:06{zone}"))
    (made,) = (await fetch(db, "SELECT created_at FROM conversations"))[0]
    assert made == datetime.fromisoformat(f"2025-02-03T04:05:06{zone}")


@pytest.mark.parametrize("said", ["yesterday", "0001-01-01T00:00:00Z", 7])
async def test_what_is_no_time_is_named_with_its_line(db: Database, tmp_path: Path, said: object) -> None:
    await add_vocabulary(db)
    with pytest.raises(TraintuiError, match="line 1: “created_at” is"):
        await brought(db, tmp_path / "own.jsonl", whole(traintui=2, created_at=said))


async def test_a_version_that_is_not_known_names_those_that_are(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    with pytest.raises(TraintuiError, match="version 3 of our format; 1 and 2 are known"):
        await brought(db, tmp_path / "own.jsonl", whole(traintui=3))


async def test_the_same_file_again_changes_nothing(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    await brought(db, tmp_path / "own.jsonl", whole())
    before = await conversations.read(db, "c-abc")
    again = await brought(db, tmp_path / "again.jsonl", whole())
    assert (again.imported, again.known, again.revised) == (0, 1, 0)
    assert await conversations.read(db, "c-abc") == before


async def test_an_edited_one_is_a_new_revision_that_is_open_again_and_taken_back_with_the_import(
    db: Database, tmp_path: Path
) -> None:
    await add_vocabulary(db)
    await brought(db, tmp_path / "own.jsonl", whole())
    edited = whole(turns=turns("How?", "Better."), metadata={"k": 2}, tone="formal")
    file = await brought(db, tmp_path / "edited.jsonl", edited, whole("c-other", turns=turns("New?", "Yes.")))
    assert (file.imported, file.known, file.revised) == (1, 0, 1)
    one = await conversations.read(db, "c-abc")
    assert (one.row.revision, one.row.status, one.turns[1].content) == (3, "generated", "Better.")
    assert await fetch(db, "SELECT metadata, tone FROM conversations WHERE conversation_id = 'c-abc'") == [
        ({"k": 2}, "formal")
    ]
    origin = "SELECT origin FROM conversation_revisions WHERE conversation_id = 'c-abc' AND revision = 3"
    assert await scalar(db, origin) == "imported"
    assert file.import_id is not None
    result = await bulk.undo(db, file.import_id)
    assert (result.undone, result.kept, result.remaining) == (3, 0, 0)
    one = await conversations.read(db, "c-abc")
    assert (one.row.revision, one.row.status, one.turns[1].content) == (4, "approved", "So, untrained.")
    back = "SELECT metadata, tone, deleted_at IS NULL FROM conversations ORDER BY conversation_id"
    assert await fetch(db, back) == [
        ({"k": [1, {"a": None}]}, "warm", True), ({"k": [1, {"a": None}]}, "warm", False)
    ]  # fmt: skip


async def test_an_old_file_does_not_bring_old_text_back(db: Database, tmp_path: Path) -> None:
    (one,) = await imported(db)
    text = await conversations.read(db, one)
    record = own(one, revision=1, topic=None, status="generated", turns=turns(*(turn.content for turn in text.turns)),
                 metadata={})  # fmt: skip
    await reviews.edit(db, await seen(db, one), system_prompt=None, turns=said("New?", "New."), key=reviews.new_key())
    file = await brought(db, tmp_path / "old.jsonl", record)
    assert (file.known, file.revised) == (1, 0)
    assert (await conversations.read(db, one)).row.revision == 2
    file = await brought(db, tmp_path / "edited.jsonl", record | {"turns": turns("Edited?", "Yes.")})
    assert file.revised == 1 and (await conversations.read(db, one)).row.revision == 3


async def test_one_in_the_trash_comes_out_of_it(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    file = await brought(db, tmp_path / "own.jsonl", whole())
    await bulk.undo(db, file.import_id or "")
    assert await conversations.count(db) == 0
    again = await brought(db, tmp_path / "again.jsonl", whole())
    assert again.revised == 1 and await conversations.count(db, "status:approved") == 1
    await bulk.undo(db, again.import_id or "")
    assert await conversations.count(db) == 0


async def test_a_text_that_is_here_under_another_id_is_known(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    await brought(db, tmp_path / "own.jsonl", whole())
    file = await brought(db, tmp_path / "other.jsonl", whole("c-elsewhere"))
    assert (file.imported, file.known) == (0, 1)


async def test_notes_that_came_along_lose_what_a_note_that_is_written_here_loses(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    told = {"reason": "ann@example.org said so", "notes": "Call 10.1.2.3"}
    record = whole(decisions=[decision("approve", 2, "ron", "2026-03-02T10:01:00+00:00", **told)])
    await brought(db, tmp_path / "own.jsonl", record)
    noted = "SELECT reason, reviewer_notes FROM review_logs WHERE action = 'approve'"
    assert await fetch(db, noted) == [("[e-mail 1] said so", "Call [IP address 1]")]


async def test_a_status_that_no_decision_explains_is_decided_by_who_imports(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    await brought(db, tmp_path / "own.jsonl", whole(decisions=[], earlier=[]))
    decided = "SELECT action, reviewer_id, revision FROM review_logs WHERE action <> 'import'"
    assert await fetch(db, decided) == [("approve", "ada", 2)]
    assert await conversations.count(db, "status:approved") == 1


async def test_decisions_that_came_along_are_no_last_action_of_who_imported_them(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    file = await brought(db, tmp_path / "own.jsonl", whole())
    last = await bulk.last_bulk(db)
    assert last is not None and (last.action, last.rows) == ("import", 1)
    assert await reviews.last_undoable(db) is None
    await bulk.undo(db, file.import_id or "")
    assert await bulk.last_bulk(db) is None


async def test_somebody_elses_decision_on_a_new_one_is_kept(db: Database, tmp_path: Path) -> None:
    await add_vocabulary(db)
    file = await brought(db, tmp_path / "own.jsonl", whole(status="generated", decisions=[], earlier=[]))
    await approved(db, "c-abc")
    assert (await bulk.undo(db, file.import_id or "")).kept == 1
    assert (await imports.read(db, file.import_id or "")).state == "undone"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"decisions": [{"action": "praise", "revision": 1}]}, "approve, reject or edit"),
        ({"decisions": [{"action": [], "revision": 1}]}, "approve, reject or edit"),
        ({"decisions": [{"action": "approve", "revision": 3}]}, "names the revision 3"),
        ({"decisions": [{"action": "approve"}]}, "names no revision"),
        ({"decisions": [{"action": "approve", "revision": 2, "at": "tomorrow"}]}, "no time"),
        ({"decisions": [{"action": "approve", "revision": 2, "notes": "x" * 501}]}, "more than 500"),
        ({"decisions": {}}, "a list"),
        ({"earlier": [{"revision": 2, "turns": turns("a", "b")}]}, "names the revision 2"),
        ({"earlier": [{"revision": 1, "turns": turns("a")}]}, "one turn"),
        ({"earlier": [{"revision": 1, "turns": [{"role": "system", "content": "x"}]}]}, "Turn 1"),
        ({"quality_score": 11}, "from 0 to 10"),
        ({"quality_score": True}, "a number"),
        ({"is_seed": "no"}, "true or false"),
        ({"persona": None}, "has no persona"),
        ({"model": 3}, "text"),
    ],
)
async def test_what_traintui_does_not_write_is_a_bad_record(
    db: Database, tmp_path: Path, more: dict[str, Any], why: str
) -> None:
    await add_vocabulary(db)
    with pytest.raises(TraintuiError, match="line 2") as caught:
        await brought(db, tmp_path / "own.jsonl", whole("c-1"), whole("c-2", **more))
    assert why in caught.value.message
    assert await conversations.count(db) == 0
