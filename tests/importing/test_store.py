"""Imports: checked whole first, stored all or not at all, and harmless to repeat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from traintui.data import conversations, documents, vocabulary
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.errors import TraintuiError
from traintui.importing.store import import_paths


def jsonl(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def chat(question: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": f"Answer to {question}."}]
    return {"messages": messages, **more}


async def test_conversations_arrive_as_seeds_to_be_reviewed_with_their_score_and_metadata(
    db: Database, tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one", source="web"), chat("two"))
    summary = await import_paths(db, [path])
    assert [(file.imported, file.known, file.format) for file in summary.conversations] == [(2, 0, "openai")]
    page = await conversations.first_rows(db, "is:seed status:generated meta.source:web")
    whole = await conversations.read(db, page.rows[0].conversation_id)
    assert [turn.content for turn in whole.turns] == ["one", "Answer to one."]
    assert whole.row.quality_score is not None and whole.score_parts
    assert [entry.action for entry in whole.history] == ["import"]


async def test_sharegpt_is_recognised(db: Database, tmp_path: Path) -> None:
    record = {
        "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}],
        "system": "Be kind.",
    }
    await import_paths(db, [jsonl(tmp_path / "s.jsonl", record)])
    page = await conversations.first_rows(db)
    assert (await conversations.read(db, page.rows[0].conversation_id)).system_prompt == "Be kind."


async def test_the_same_file_twice_changes_nothing(db: Database, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "chats.jsonl", chat("one"), chat("two"), chat("one"))
    await import_paths(db, [path])
    again = await import_paths(db, [path])
    assert (again.conversations[0].imported, again.conversations[0].known) == (0, 3)
    assert await conversations.count(db) == 2


async def test_one_bad_line_stores_nothing_of_any_file_and_is_named(db: Database, tmp_path: Path) -> None:
    good = tmp_path / "good.md"
    good.write_text("# Good\n\nA paragraph about fees.\n")
    bad = jsonl(tmp_path / "bad.jsonl", chat("one"), {"messages": [{"role": "assistant", "content": "first"}]})
    with pytest.raises(TraintuiError, match="line 2"):
        await import_paths(db, [good, bad])
    assert await conversations.count(db) == 0 and await documents.documents(db) == ()


async def test_keep_going_takes_the_good_lines_and_tells_the_others(db: Database, tmp_path: Path) -> None:
    bad = jsonl(tmp_path / "bad.jsonl", chat("one"), {"messages": []}, chat("three"))
    summary = await import_paths(db, [bad], keep_going=True)
    assert summary.conversations[0].imported == 2
    assert [problem.line for problem in summary.conversations[0].problems] == [2]


async def test_metadata_that_the_database_would_refuse_is_a_problem_of_its_line(db: Database, tmp_path: Path) -> None:
    with pytest.raises(TraintuiError, match=r"line 2.*50 kB"):
        await import_paths(db, [jsonl(tmp_path / "m.jsonl", chat("one"), chat("two", blob="x" * 70_000))])


async def test_a_dry_run_stores_nothing(db: Database, tmp_path: Path) -> None:
    summary = await import_paths(db, [jsonl(tmp_path / "chats.jsonl", chat("one"))], dry_run=True)
    assert summary.dry_run and summary.conversations[0].imported == 1
    assert await conversations.count(db) == 0


async def test_two_documents_of_one_name_are_refused_before_either_is_stored(db: Database, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "fees.md").write_text(f"# Fees {folder}\n\nText.\n")
    with pytest.raises(TraintuiError, match="Rename one"):
        await import_paths(db, [tmp_path / "a" / "fees.md", tmp_path / "b" / "fees.md"])
    assert await documents.documents(db) == ()


async def test_the_first_document_brings_a_starter_vocabulary_and_one_of_ones_own_stays(
    db: Database, tmp_path: Path
) -> None:
    own = tmp_path / "words.toml"
    own.write_text('[[persona]]\nvalue = "teacher"\nlabel = "Teacher"\n')
    document = tmp_path / "fees.md"
    document.write_text("# Fees\n\nA late payment costs $25.\n")
    summary = await import_paths(db, [own, document])
    assert summary.vocabulary == 1 and summary.starter > 10
    values = await vocabulary.values(db)
    assert [value.value for value in values if value.dimension == "persona"] == ["teacher"]
    assert {value.dimension for value in values} == {"persona", "emotion", "topic", "intent", "tone", "tier"}
    assert (await import_paths(db, [document])).starter == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[personna]]\nvalue = 'x'\nlabel = 'X'", "personna"),
        ("[[persona]]\nvalue = 'Not one'\nlabel = 'X'", "number 1, value"),
        ("[[persona]]\nvalue = 'x'", "number 1, label"),
        ("persona = 3", "not a list"),
        ("persona =", "TOML"),
    ],
)
async def test_a_mistake_in_a_vocabulary_is_named_and_nothing_is_stored(
    db: Database, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "words.toml").write_text(text)
    with pytest.raises(TraintuiError, match=said):
        await import_paths(db, [tmp_path / "words.toml"])
    assert {value.dimension for value in await vocabulary.values(db)} == {"tier"}


async def test_a_reviewer_may_not_import(reviewer_db: Database, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No right"):
        await import_paths(reviewer_db, [jsonl(tmp_path / "chats.jsonl", chat("one"))])
